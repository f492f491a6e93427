"""What is measured: the raw engine in this process, the server and the load generator in processes of their own."""

import gzip
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import sentencepiece

from dragoman.engines.model_card import load_card

RAW_BATCH = 32
HERE = Path(__file__).parent


def read_sentences(corpora: Path, count: int) -> list[str]:
    """Distinct sentences of everyday Chinese, as they come."""
    path = corpora / "train" / "anki-tatoeba" / "zh-en.tsv.gz"
    if not path.is_file():
        raise SystemExit(f"{path} is missing; name a folder of corpora with --corpora (make bench CORPORA=…)")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        sentences = dict.fromkeys(line.split("\t")[0] for line in lines)
    return list(sentences)[-count:]


class Raw:
    """SentencePiece and CTranslate2 without a server."""

    def __init__(self, model: Path, threads: int) -> None:
        card = load_card(model)
        self._tag = card.languages["en"]
        self._options = {
            "beam_size": card.beam_size,
            "max_batch_size": RAW_BATCH,
            "max_input_length": 0,
            "max_decoding_length": card.max_target_tokens,
        }
        self._processor = sentencepiece.SentencePieceProcessor(model_file=str(model / str(card.tokenizer.source)))
        self._translator = ctranslate2.Translator(
            str(model), compute_type="int8", inter_threads=threads, intra_threads=1
        )

    def translate(self, sentences: Sequence[str]) -> list[str]:
        """Translate in one call, which CTranslate2 sorts by length."""
        results = self._translator.translate_batch(
            [[self._tag, *self._processor.encode(sentence, out_type=str)] for sentence in sentences], **self._options
        )
        return [self._processor.decode(result.hypotheses[0]) for result in results]

    def rate(self, sentences: Sequence[str]) -> float:
        """Sentences a second."""
        started = time.perf_counter()
        self.translate(sentences)
        return len(sentences) / (time.perf_counter() - started)


@dataclass(frozen=True, slots=True)
class Server:
    """The server as a user starts it."""

    port: int
    process: subprocess.Popen[bytes]

    def resident_bytes(self) -> int:
        """Of the process, as the operating system counts."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def server(**settings: object) -> Iterator[Server]:
    """A server with these settings, ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = {f"DRAGOMAN_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "dragoman", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=os.environ | {"DRAGOMAN_LOG_LEVEL": "warning"} | environment) as process:
        try:
            wait_until_ready(port)
            yield Server(port, process)
        finally:
            process.kill()


def wait_until_ready(port: int) -> None:
    """Until the server answers; it listens only when its models are loaded."""
    for _ in range(600):
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"GET /health/ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                if b" 200 " in connection.makefile("rb").readline():
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("the server did not become ready")


def body(text: str, **fields: object) -> dict[str, object]:
    """A request that translates Chinese into English."""
    options = {"source_lang": "zh", "target_lang": "English"}
    messages = [{"role": "user", "content": text}]
    return {"model": "qwen-mt-turbo", "messages": messages, "translation_options": options} | fields


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load: how long it took, and the latencies by status."""

    seconds: float
    milliseconds: dict[int, list[float]]

    @property
    def good(self) -> list[float]:
        """Latencies of the answers with status 200. Raises `SystemExit` if there are none."""
        found = self.milliseconds.get(200, [])
        if not found:
            raise SystemExit(
                f"no request was answered: { ({key: len(each) for key, each in self.milliseconds.items()}) }"
            )
        return found

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.good) / self.seconds


class RunningLoad:
    """A load generator at work."""

    def __init__(self, port: int, bodies: Sequence[dict[str, object]], **options: float | str) -> None:
        command = [sys.executable, str(HERE / "load.py"), "--port", str(port)]
        command += [f"--{name}={value}" for name, value in options.items()]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin
        self._process.stdin.write("\n".join(json.dumps(each) for each in bodies).encode())
        self._process.stdin.close()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def result(self) -> Load:
        """Wait for its end. Raises `SystemExit` if it failed."""
        assert self._process.stdout
        output = self._process.stdout.read()
        if self._process.wait():
            raise SystemExit(f"the load generator failed: {output[-200:]!r}")
        found = json.loads(output)
        return Load(found["seconds"], {int(key): each for key, each in found["milliseconds"].items()})


def load(port: int, bodies: Sequence[dict[str, object]], **options: float | str) -> Load:
    """Run a load to its end. All answers must be good."""
    result = RunningLoad(port, bodies, **options).result()
    if set(result.milliseconds) != {200}:
        raise SystemExit(f"unexpected answers: { {key: len(each) for key, each in result.milliseconds.items()} }")
    return result


class Client:
    """One connection that does as little as a client can, so that what is measured is the server."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def post(self, text: str) -> bytes:
        """Have a text translated and give the body of the answer."""
        self._send(body(text))
        length = 0
        while (line := self._answers.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name == b"content-length":
                length = int(value)
        return self._answers.read(length)

    def seconds_to_first_piece(self, text: str) -> float:
        """How long a stream takes to its first text; reads it to its end."""
        started = time.perf_counter()
        self._send(body(text, stream=True))
        first = 0.0
        for line in self._answers:
            if line.startswith(b"data: [DONE]"):
                break
            if not first and b'"content":"' in line and b'"content":""' not in line:
                first = time.perf_counter() - started
        while self._answers.readline() != b"0\r\n":
            pass
        self._answers.readline()
        return first

    def _send(self, content: dict[str, object]) -> None:
        encoded = json.dumps(content).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(encoded)}\r\n\r\n"
        self._socket.sendall(head.encode() + encoded)
        status = b""
        if not content.get("stream"):
            status = self._answers.readline()
            if b" 200 " not in status:
                raise SystemExit(f"the server answered {status!r}")
