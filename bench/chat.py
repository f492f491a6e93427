"""What the server adds to the engine: raw CTranslate2 and the HTTP API on the same sentences, in one run.

    python bench/chat.py --corpora ../shared/corpora

Prints throughput ratios and the added latency of one client, and exits 1 when a target is missed. The raw side is
SentencePiece and `translate_batch` with the model's own beam, on the same number of threads as the server. Latency is
measured in pairs: each sentence raw, then through the server, so that a noisy machine disturbs both alike.
"""

import argparse
import gzip
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import ctranslate2
import sentencepiece

from dragoman.engines.model_card import find_model, load_card

SENTENCES = 2000
PAIRED_SENTENCES = 400
WARM_UP_SENTENCES = 20
CLIENTS = (1, 32)
RAW_BATCH = 32
TARGET_ADDED_P50_MILLISECONDS = 3.0
MOST_DIFFERING = 0.05
STARTER = find_model("starter")


def main() -> int:
    """Run everything and say whether the target was met."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--corpora", type=Path, required=True, help="folder with train/tatoeba/zh-en.tsv.gz")
    sentences = read_sentences(arguments.parse_args().corpora)
    threads = len(os.sched_getaffinity(0))
    raw = Raw(threads)
    print(f"{len(sentences)} Chinese sentences into English, {threads} threads")

    raw_rate = rate(len(sentences), lambda: raw.translate(sentences))
    print(f"raw, one call sorted into batches of {RAW_BATCH}: {raw_rate:.1f} sentences/s")
    with server() as port:
        added = added_milliseconds(raw, port, sentences[:PAIRED_SENTENCES])
        for clients in CLIENTS:
            served_rate = rate(len(sentences), lambda clients=clients: serve_all(port, sentences, clients))  # type: ignore[misc]
            print(
                f"server, {clients} client(s) with one sentence each: {served_rate:.1f} sentences/s, "
                f"{served_rate / raw_rate:.2f} of raw"
            )
    return judge(added)


def judge(added: list[float]) -> int:
    """Print the added latency against its target."""
    median = statistics.median(added)
    tail = statistics.quantiles(added, n=100)[98]
    met = median <= TARGET_ADDED_P50_MILLISECONDS
    print(
        f"added latency at one client, over raw, {len(added)} pairs: p50 {median:.2f} ms, p99 {tail:.2f} ms "
        f"(target p50 ≤ {TARGET_ADDED_P50_MILLISECONDS:.0f} ms: {'met' if met else 'MISSED'})"
    )
    return 0 if met else 1


def read_sentences(corpora: Path) -> list[str]:
    """Every second sentence of a corpus of everyday Chinese."""
    path = corpora / "train" / "tatoeba" / "zh-en.tsv.gz"
    if not path.is_file():
        raise SystemExit(f"{path} is missing; name a folder of corpora with --corpora (make bench CORPORA=…)")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        sentences = [line.split("\t")[0] for line in lines][::2]
    return sentences[:SENTENCES]


class Raw:
    """SentencePiece and CTranslate2 without a server."""

    def __init__(self, threads: int) -> None:
        card = load_card(STARTER)
        self._tag = card.languages["en"]
        self._beam_size = card.beam_size
        self._processor = sentencepiece.SentencePieceProcessor(model_file=str(STARTER / str(card.tokenizer.source)))
        self._translator = ctranslate2.Translator(
            str(STARTER), compute_type="int8", inter_threads=threads, intra_threads=1
        )

    def translate(self, sentences: list[str]) -> list[str]:
        """Translate in one call."""
        results = self._translator.translate_batch(
            [[self._tag, *self._processor.encode(sentence, out_type=str)] for sentence in sentences],
            beam_size=self._beam_size,
            max_batch_size=RAW_BATCH,
            max_input_length=0,
        )
        return [self._processor.decode(result.hypotheses[0]) for result in results]


@contextmanager
def server() -> Iterator[int]:
    """The server as a user starts it, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "dragoman", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=os.environ | {"DRAGOMAN_LOG_LEVEL": "warning"}) as process:
        try:
            for _ in range(300):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.1)
            yield port
        finally:
            process.terminate()


class Client:
    """One connection that does as little as a client can, so that what is measured is the server."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def post(self, request: bytes) -> bytes:
        """Send a request and give the body of its answer."""
        self._socket.sendall(request)
        status = self._answers.readline()
        if b" 200 " not in status:
            raise SystemExit(f"the server answered {status!r}")
        length = 0
        while (line := self._answers.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name == b"content-length":
                length = int(value)
        return self._answers.read(length)


def request_for(sentence: str) -> bytes:
    """The bytes of a request that translates one sentence."""
    options = {"source_lang": "auto", "target_lang": "English"}
    messages = [{"role": "user", "content": sentence}]
    body = json.dumps({"model": "qwen-mt-turbo", "messages": messages, "translation_options": options}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def serve_all(port: int, sentences: list[str], clients: int) -> None:
    """Translate all sentences, each client one after the other on a connection of its own."""

    def work(client: int) -> None:
        connection = Client(port)
        for sentence in sentences[client::clients]:
            connection.post(request_for(sentence))

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(work, range(clients)))


def added_milliseconds(raw: Raw, port: int, sentences: list[str]) -> list[float]:
    """For each sentence, what the server takes over what the engine takes. Both must do the same work."""
    client = Client(port)
    added = []
    differing = 0
    for index, sentence in enumerate(sentences):
        request = request_for(sentence)
        started = time.perf_counter()
        [expected] = raw.translate([sentence])
        between = time.perf_counter()
        answer = client.post(request)
        ended = time.perf_counter()
        if index >= WARM_UP_SENTENCES:
            added.append(((ended - between) - (between - started)) * 1000)
        content = json.loads(answer)["choices"][0]["message"]["content"]
        differing += " ".join(content.split()) != " ".join(expected.split())
    print(f"{differing} of {len(sentences)} answers differ from raw, which does not cut texts into sentences")
    if differing > len(sentences) * MOST_DIFFERING:
        raise SystemExit("too many: the two sides did not do the same work")
    return added


def rate(count: int, work: Callable[[], object]) -> float:
    """Items per second."""
    return count / seconds(work)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
