"""What it costs to have a language model behind this server: beside a bare relay, and beside the LiteLLM proxy.

    make bench-relay

One core for the relay, the other for the model's server, which answers at once, and for the load. All in one run, over
the same loopback. The bare relay parses and forwards; ours detects, cuts, prompts, checks and restores besides.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from machine import HERE, body, load, read_sentences, server
from relay_upstream import WORDS

from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Token
from dragoman.pipeline.document import Passage
from dragoman.pipeline.finish import Finisher

CLIENTS, REQUESTS, SINGLE = 32, 4000, 400
STREAMS, FIRST_STREAMS = 10_000, 2000
CORE_OF_RELAY, CORE_OF_OTHERS = 0, 1
MOST_GROWTH_MEGABYTES = 8
LENGTHS = range(6, 15)


def main() -> int:
    """Print rates, latencies and memory; 1 if a target is missed."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--corpora", type=Path, required=True)
    arguments.add_argument("--litellm", type=Path, help="an environment in which litellm[proxy] is installed")
    options = arguments.parse_args()
    os.sched_setaffinity(0, {CORE_OF_OTHERS})
    sentences = [text for text in read_sentences(options.corpora, 12 * REQUESTS) if is_plain(text)]
    bodies = [body(text) for text in sentences[:REQUESTS]]
    rates: dict[str, float] = {}
    latencies: dict[str, float] = {}
    with program([sys.executable, str(HERE / "relay_upstream.py")], CORE_OF_OTHERS) as upstream:

        def measure(name: str, port: int, count: int = REQUESTS) -> None:
            load(port, bodies[: count // 4], clients=CLIENTS)
            rates[name] = load(port, bodies[:count], clients=CLIENTS).rate
            latencies[name] = statistics.median(load(port, bodies[: min(count, SINGLE)], clients=1).good)
            print(f"{name}: {rates[name]:.0f} requests/s with {CLIENTS} clients, {latencies[name]:.2f} ms with one")

        measure("no relay", upstream)
        with program([sys.executable, str(HERE / "bare_relay.py")], CORE_OF_RELAY, str(upstream)) as bare:
            measure("bare relay", bare)
        engine = {"kind": "openai_chat", "base_url": f"http://127.0.0.1:{upstream}/v1", "model": "m"}
        engines = json.dumps({"llm": engine | {"max_concurrent_requests": 64}})
        with server(engines=engines, default_engine="llm", cache=False) as running:
            pin(running.process.pid, CORE_OF_RELAY)
            measure("ours", running.port)
            growth = growth_megabytes(running.port, running.resident_bytes, bodies)
        if options.litellm:
            with litellm(options.litellm, upstream) as port:
                measure("LiteLLM", port, REQUESTS // 10)
    print(f"checks: {checking_microseconds():.0f} µs a request")
    return report(rates, latencies, growth)


def report(rates: dict[str, float], latencies: dict[str, float], growth: float) -> int:
    """Print the ratios beside their targets; 1 if one is missed."""
    added = {name: each - latencies["no relay"] for name, each in latencies.items()}
    lines = [
        ("requests/s of the bare relay's", rates["ours"] / rates["bare relay"], ">=", 0.5),
        ("added latency of the bare relay's", added["ours"] / added["bare relay"], "<=", 2.0),
        ("MB more after 10,000 streams", growth, "<=", MOST_GROWTH_MEGABYTES),
    ]
    if "LiteLLM" in rates:
        lines.append(("requests/s of LiteLLM's", rates["ours"] / rates["LiteLLM"], ">=", 20.0))
    missed = 0
    for name, value, relation, target in lines:
        is_met = value >= target if relation == ">=" else value <= target
        missed += not is_met
        print(f"{name}: {value:.2f} (target {relation} {target:g}: {'met' if is_met else 'MISSED'})")
    return int(missed > 0)


def is_plain(text: str) -> bool:
    """Whether nothing in a sentence asks for a repair of the one answer: neither its length nor numbers."""
    return len(text) in LENGTHS and not any(char.isascii() for char in text)


def growth_megabytes(port: int, resident_bytes: Callable[[], int], bodies: Sequence[dict[str, object]]) -> float:
    """How much memory the later streams keep."""
    streams = [each | {"stream": True} for each in bodies]
    streams = (streams * (STREAMS // len(streams) + 1))[:STREAMS]
    load(port, streams[:FIRST_STREAMS], clients=CLIENTS)
    before = resident_bytes()
    load(port, streams[FIRST_STREAMS:], clients=CLIENTS)
    return (resident_bytes() - before) / (1 << 20)


def checking_microseconds() -> float:
    """What checking and restoring one answer takes, which no relay does."""
    tokens = tuple(Token(word, word) for word in WORDS)
    segment = Segment("火车站在那棵大树后面。", tokens=tuple(Token(char, char) for char in "火车站在那棵大树后面。"))
    passage = Passage(segment, segment.text)
    hypothesis = Hypothesis(tokens, 0.0, ended=True)

    async def check(times: int) -> float:
        async def never(*_: object) -> None: ...

        finisher = Finisher(never, Pair("zh", "en"), Decoding(), (), size=1)  # type: ignore[arg-type]
        started = time.perf_counter()
        for _ in range(times):
            await finisher.finish((hypothesis,), passage)
        return (time.perf_counter() - started) / times * 1e6

    return asyncio.run(check(2000))


@contextmanager
def program(command: list[str], core: int, *arguments: str) -> Iterator[int]:
    """A program that serves on the port that is its first argument, on one core."""
    port = free_port()
    with subprocess.Popen([*command, str(port), *arguments]) as process:
        pin(process.pid, core)
        try:
            wait_for(port)
            yield port
        finally:
            process.kill()


@contextmanager
def litellm(environment: Path, upstream: int) -> Iterator[int]:
    """The LiteLLM proxy with one worker on the relay's core."""
    port = free_port()
    with TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(
            "model_list:\n- model_name: qwen-mt-turbo\n  litellm_params:\n    model: openai/m\n"
            f"    api_base: http://127.0.0.1:{upstream}/v1\n    api_key: none\n"
            "general_settings: {}\nlitellm_settings: {telemetry: false}\n"
        )
        command = [str(environment / "bin" / "litellm"), "--config", str(config), "--port", str(port)]
        environ = os.environ | {"HOME": folder, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
        environ["LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"] = "true"  # loopback, for a minute
        quiet = subprocess.DEVNULL
        with subprocess.Popen([*command, "--host", "127.0.0.1"], env=environ, stdout=quiet, stderr=quiet) as process:
            pin(process.pid, CORE_OF_RELAY)
            try:
                wait_for(port, seconds=120)
                yield port
            finally:
                process.kill()


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(port: int, seconds: float = 20) -> None:
    """Until somebody listens. Raises `SystemExit`."""
    for _ in range(int(seconds * 10)):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("a program did not begin to listen")


def pin(process_id: int, core: int) -> None:
    """Keep all threads of a process on one core."""
    for thread in Path(f"/proc/{process_id}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


if __name__ == "__main__":
    raise SystemExit(main())
