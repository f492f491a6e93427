"""What the server makes of its engine: throughput, latency, fairness, overload and memory, in one run.

    python bench/serving.py --corpora ../shared/corpora
    python bench/serving.py --corpora ../shared/corpora --only throughput,latency

The raw side of every ratio is SentencePiece and one `translate_batch` call with the model's own beam, on as many
threads, measured just before and after. Prints a table, and exits 1 when a target is missed. The server's cache is off,
but where memory is measured. All runs on loopback and one machine, so that load generator and server share its cores.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from machine import Client, Raw, RunningLoad, body, load, read_sentences, server
from random_model import build_random_model
from vanishing import steps_and_segments_after_leaving

from dragoman.engines.model_card import find_model
from dragoman.engines.registry import create_engine
from dragoman.ops.processors import usable_processors

CLIENTS = 64
SENTENCES, DOCUMENT_SENTENCES, BULK_SENTENCES = 3000, 500, 2000
WARM_UP = 200
PAIRS, FIRST_PAIRS = 400, 20
OVERLOAD_FACTOR, OVERLOAD_SECONDS = 3.0, 60.0
MEMORY_WARM_UP, MEMORY_REQUESTS, MEMORY_CLIENTS = 2000, 200_000, 16
MEMORY_SENTENCES = 500
THREADS = usable_processors()


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `is_met` None: there is no target."""

    name: str
    measured: str
    target: str = ""
    is_met: bool | None = None

    def __str__(self) -> str:
        verdict = "" if self.is_met is None else " met" if self.is_met else " **missed**"
        return f"| {self.name} | {self.measured} | {self.target}{verdict} |"


Figures = Iterator[Figure]


def at_least(name: str, value: float, target: float, note: str = "") -> Figure:
    """A figure that should be large."""
    return Figure(name, f"{value:.2f}{note}", f"≥ {target:g}", value >= target)


def at_most(name: str, value: float, target: float, unit: str = "", note: str = "") -> Figure:
    """A figure that should be small."""
    return Figure(name, f"{value:.2f}{unit}{note}", f"≤ {target:g}{unit}", value <= target)


def percentile(values: list[float], percent: int) -> float:
    """That of the values."""
    return statistics.quantiles(values, n=100)[percent - 1]


def throughput(model: Path, sentences: list[str], **settings: object) -> Figures:
    """Many clients with one sentence each, and a few with documents, over the raw call."""
    raw = Raw(model, THREADS)
    documents = ["\n".join(sentences[i : i + DOCUMENT_SENTENCES]) for i in range(0, len(sentences), DOCUMENT_SENTENCES)]
    with server(cache=False, **settings) as running:
        load(running.port, [body(text) for text in sentences[:WARM_UP]], clients=CLIENTS)
        before = raw.rate(sentences)
        single = load(running.port, [body(text) for text in sentences], clients=CLIENTS)
        between = raw.rate(sentences)
        whole = load(running.port, [body(text) for text in documents], clients=4)
        after = raw.rate(sentences)
    name = model.name
    yield Figure(f"{name}: raw, one call", f"{before:.0f}, {between:.0f}, {after:.0f} sentences/s")
    rate = single.rate
    note = f" ({rate:.0f} sentences/s, p50 {statistics.median(single.good):.0f} ms)"
    yield at_least(f"{name}: {CLIENTS} clients with a sentence each, over raw", rate / max(before, between), 0.85, note)
    rate = len(sentences) / whole.seconds
    note = f" ({rate:.0f} sentences/s)"
    yield at_least(f"{name}: 4 clients with 500 sentences each, over raw", rate / max(between, after), 0.95, note)


def latency(model: Path, sentences: list[str]) -> Figures:
    """What an idle server adds to the raw call, sentence by sentence."""
    raw = Raw(model, THREADS)
    added = []
    differing = 0
    with server(cache=False) as running:
        client = Client(running.port)
        for index, sentence in enumerate(sentences[: PAIRS + FIRST_PAIRS]):
            started = time.perf_counter()
            [expected] = raw.translate([sentence])
            between = time.perf_counter()
            answer = client.post(sentence)
            if index >= FIRST_PAIRS:
                added.append((time.perf_counter() - between - (between - started)) * 1000)
            content = json.loads(answer)["choices"][0]["message"]["content"]
            differing += " ".join(content.split()) != " ".join(expected.split())
    yield Figure(
        "answers that differ from raw, which does not cut texts into sentences", f"{differing} of {PAIRS + FIRST_PAIRS}"
    )
    yield at_most("added to an idle raw call, p50", statistics.median(added), 1.0, " ms")
    yield at_most("the same, p99", percentile(added, 99), 3.0, " ms")


def fairness(_: Path, sentences: list[str]) -> Figures:
    """A sentence now and then while documents are translated; and how soon a document begins to stream."""
    with server(cache=False) as running:
        client = Client(running.port)
        idle = [timed(lambda text=text: client.post(text)) for text in sentences[:300]]  # type: ignore[misc]
        bulk = ["\n".join(sentences[start : start + BULK_SENTENCES]) for start in (0, len(sentences) - BULK_SENTENCES)]
        documents = RunningLoad(running.port, [body(text) for text in bulk], clients=2)
        time.sleep(1)
        busy: list[float] = []
        while documents.is_running:
            busy.append(timed(lambda: client.post(sentences[300 + len(busy) % 500])))
        documents.result()
        yield Figure("a sentence alone, p50 and p99", f"{statistics.median(idle):.1f}, {percentile(idle, 99):.1f} ms")
        note = f" ({percentile(busy, 99):.1f} ms over {len(busy)} sentences)"
        ratio = percentile(busy, 99) / percentile(idle, 99)
        yield at_most("p99 of a sentence beside two documents of 2,000, over that", ratio, 3, note=note)
        ratios = []
        for start in range(0, len(sentences) - DOCUMENT_SENTENCES, DOCUMENT_SENTENCES):
            document = sentences[start : start + DOCUMENT_SENTENCES]
            alone = client.seconds_to_first_piece(document[0])
            ratios.append(client.seconds_to_first_piece("\n".join(document)) / alone)
        yield at_most("first piece of a streamed document, over its first sentence alone", statistics.median(ratios), 2)


def overload(_: Path, sentences: list[str]) -> Figures:
    """Three times more than the server can do, from clients that do not wait."""
    bodies = [body(text) for text in sentences]
    with server(cache=False) as running:
        best = load(running.port, bodies, clients=CLIENTS).rate
        result = RunningLoad(running.port, bodies, rate=OVERLOAD_FACTOR * best, seconds=OVERLOAD_SECONDS).result()
    refused = result.milliseconds.get(429, [])
    others = {key: len(each) for key, each in result.milliseconds.items() if key not in (200, 429)}
    yield Figure("overload: answered, refused, else", f"{len(result.good)}, {len(refused)}, {others or 'none'}")
    yield at_least("goodput at three times the capacity, over the best closed loop", result.rate / best, 0.9)
    yield at_most("a refusal, p99", percentile(refused, 99), 50, " ms")


def vanishing(_: Path, sentences: list[str]) -> Figures:
    """Half of the clients leave when decoding has begun."""
    engine = create_engine("ctranslate2", {"model": "starter"})
    longest = sorted(sentences, key=len)[-CLIENTS:]
    for beam_size in (1, 4):
        steps, begun = asyncio.run(steps_and_segments_after_leaving(engine, longest, beam_size))
        if beam_size == 1:
            yield at_most("decoding steps for a client who has gone, beam 1", steps, 1)
        yield at_most(f"segments begun for clients who have gone, beam {beam_size}", begun, 0)


def memory(_: Path, sentences: list[str]) -> Figures:
    """Resident memory of the server, idle and after many requests, with the cache on."""
    bodies = [body(text) for text in sentences[:MEMORY_SENTENCES]]
    with server() as running:
        idle = running.resident_bytes()
        load(running.port, bodies * (MEMORY_WARM_UP // len(bodies)), clients=MEMORY_CLIENTS)
        before = running.resident_bytes()
        load(running.port, bodies * (MEMORY_REQUESTS // len(bodies)), clients=MEMORY_CLIENTS)
        after = running.resident_bytes()
    note = f" ({before / 1e6:.0f} → {after / 1e6:.0f} MB)"
    yield at_most("resident after 200,000 requests, over after 2,000", after / before, 1.05, note=note)
    interpreter = resident_of_interpreter()
    model = (find_model("starter") / "model.bin").stat().st_size
    yield at_most("idle, above interpreter and model", (idle - interpreter - model) / 1e6, 220, " MB")


def resident_of_interpreter() -> int:
    """Of a Python that has imported nothing."""
    script = "print(open('/proc/self/statm').read().split()[1])"
    pages = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def large_model(_: Path, sentences: list[str]) -> Figures:
    """The same throughput with a model of the size of OPUS-MT's."""
    with tempfile.TemporaryDirectory() as folder:
        directory = build_random_model(Path(folder) / "base", find_model("starter"))
        engines = json.dumps({"base": {"kind": "ctranslate2", "model": str(directory)}})
        yield from throughput(directory, sentences[:1000], engines=engines, default_engine=["base"])


def timed(work: Callable[[], object]) -> float:
    """How many milliseconds it takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


PARTS: dict[str, Callable[[Path, list[str]], Figures]] = {
    "throughput": throughput,
    "large-model": large_model,
    "latency": latency,
    "fairness": fairness,
    "overload": overload,
    "vanishing": vanishing,
    "memory": memory,
}


def main() -> int:
    """Run the parts and say whether all targets were met."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--corpora", type=Path, required=True, help="folder with train/anki-tatoeba/zh-en.tsv.gz")
    arguments.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    options = arguments.parse_args()
    sentences = read_sentences(options.corpora, SENTENCES)
    print(
        f"{len(sentences)} Chinese sentences into English, {THREADS} threads\n\n"
        "| figure | measured | target |\n|---|---|---|"
    )
    missed = False
    for name in options.only.split(","):
        for figure in PARTS[name](find_model("starter"), sentences):
            print(figure, flush=True)
            missed |= figure.is_met is False
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
