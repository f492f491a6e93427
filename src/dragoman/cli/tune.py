"""`dragoman tune`: which threads, batches and beam are fastest for a model on this machine."""

import asyncio
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import tomlkit
import typer
from rich.console import Console
from rich.table import Table

from dragoman.cli.serve import ConfigOption
from dragoman.core.engine import Engine
from dragoman.core.errors import ConfigurationError, InvalidRequest
from dragoman.core.languages import resolve
from dragoman.core.types import Decoding, Pair, Segment, Token
from dragoman.engines.registry import create_engine
from dragoman.ops.processors import usable_processors
from dragoman.ops.settings import DEFAULT_CONFIG, load_settings
from dragoman.scheduling.batcher import Batcher, Claim

SAMPLE = Path(__file__).parent / "tune_sample.txt"
_BATCHES = ((32, 2048), (8, 512), (16, 1024), (64, 4096))  # the first is the default
_BEAMS = (1, 2, 4)
_FEWEST_SEGMENTS = 500
# Of the best beam's mean log-probability, what a narrower one may lose.
_SCORE_TO_LOSE = 0.01
# Faster by less than this is noise, and the simpler choice stays.
_WORTH_IT = 1.03


def tune(
    engine: Annotated[
        str | None, typer.Argument(help="An engine by its name; the default one where none is named.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="Target language; the first that the model has.")] = None,
    source: Annotated[str, typer.Option("--from", help="Language of the sample.")] = "en",
    file: Annotated[Path, typer.Option("--file", "-f", help="Your own sentences, one a line.")] = SAMPLE,
    seconds: Annotated[float, typer.Option(help="How long each of about ten candidates is measured.", min=0.0)] = 5.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is best.")] = False,
    config: ConfigOption = None,
) -> None:
    """Measure threads, batch sizes and beams, and write the best to the configuration."""
    settings = load_settings(config)
    name = engine or settings.default_engine[0]
    if name not in settings.engines:
        raise ConfigurationError(f"there is no engine {name!r}, only: {', '.join(sorted(settings.engines))}.")
    chosen = settings.engines[name]
    sentences = [line for line in file.read_text("utf-8").splitlines() if line.strip()]
    trial = Trial(chosen.kind, chosen.options, sentences, resolve(source).code, to and resolve(to).code, seconds)
    best = trial.best_options()
    Console().print(trial.table)
    typer.echo("best: " + ", ".join(f"{key} = {value}" for key, value in best.items()))
    typer.echo(f"(the narrowest beam whose mean log-probability is within {_SCORE_TO_LOSE:.0%} of the best one's)")
    if not dry_run:
        path = config or DEFAULT_CONFIG
        write(path, name, chosen.kind, chosen.options | best)
        typer.echo(f"written to [engines.{name}] of {path}")


class Trial:
    """Measures candidates one after the other, each change beside the best so far."""

    def __init__(
        self,
        kind: str,
        options: Mapping[str, object],
        sentences: list[str],
        source: str,
        target: str | None,
        seconds: float,
    ) -> None:
        self._kind = kind
        self._options: dict[str, object] = dict(options)
        self._sentences = sentences
        self._source, self._target = source, target
        self._seconds = seconds
        self.table = Table("Threads", "Batch", "Beam", "Sentences/s", "Mean log-probability")

    def best_options(self) -> dict[str, int]:
        """The options to write. Raises `ConfigurationError`, `InvalidRequest`."""
        best: dict[str, int] = {}
        for candidates in (_threads(), _batches()):
            rates = [(self._measure(best | each)[0], each) for each in candidates]
            rate, first = rates[0]
            fastest_rate, fastest = max(rates, key=lambda found: found[0])
            best |= fastest if fastest_rate > rate * _WORTH_IT else first
        scores = [(self._measure(best | {"beam_size": beam})[1], beam) for beam in _BEAMS]
        highest = max(score for score, _ in scores)
        return best | {"beam_size": next(beam for score, beam in scores if score >= highest * (1 + _SCORE_TO_LOSE))}

    def _measure(self, options: Mapping[str, int]) -> tuple[float, float]:
        """Sentences a second, and what the model thinks of its translations."""
        rate, score = asyncio.run(self._run(create_engine(self._kind, {**self._options, **options})))
        threads = f"{options.get('inter_threads', '')} × {options.get('intra_threads', '')}"
        batch = f"{options.get('max_batch_segments', '')}"
        self.table.add_row(threads, batch, str(options.get("beam_size", "")), f"{rate:.0f}", f"{score:.3f}")
        return rate, score

    async def _run(self, engine: Engine) -> tuple[float, float]:
        batcher = Batcher(engine)
        pair = self._pair(engine)
        segments = [Segment(text, tokens=engine.tokenize(text)) for text in self._sentences]
        longest = engine.info.max_source_tokens
        segments = [segment for segment in segments if 0 < len(segment.tokens) <= longest]
        if not segments:
            raise InvalidRequest("the sample has no sentence that the model can read; name another with --file.")
        # Numbered where the engine does not look, so that none is translated for another.
        numbers = range(_FEWEST_SEGMENTS // len(segments) + 1)
        segments = [replace(segment, domains=str(number)) for number in numbers for segment in segments]
        scores: list[float] = []
        started = time.perf_counter()
        try:
            while not scores or time.perf_counter() - started < self._seconds:
                events = batcher.translate(segments, pair, Decoding(), Claim(is_bulk=True))
                async with aclosing(events):
                    scores += [event[0].score async for event in events if not isinstance(event, Token)]
            return len(scores) / (time.perf_counter() - started), statistics.mean(scores)
        finally:
            await batcher.aclose()
            await engine.aclose()

    def _pair(self, engine: Engine) -> Pair:
        targets = sorted(pair.target for pair in engine.info.pairs if pair.source == self._source)
        if not targets or (self._target and self._target not in targets):
            known = ", ".join(sorted(map(str, engine.info.pairs))[:20])
            raise InvalidRequest(f"the model cannot translate so; choose --from and --to of: {known}.")
        return Pair(self._source, self._target or targets[0])


def _threads() -> Iterator[dict[str, int]]:
    """All ways to share the processors among translators, with one thread in each first."""
    cpus = usable_processors()
    for intra in (1 << power for power in range(cpus.bit_length())):
        if intra <= cpus:
            yield {"inter_threads": max(1, cpus // intra), "intra_threads": intra}


def _batches() -> Iterator[dict[str, int]]:
    for segments, tokens in _BATCHES:
        yield {"max_batch_segments": segments, "max_batch_tokens": tokens}


def write(path: Path, name: str, kind: str, options: Mapping[str, object]) -> None:
    """Put an engine's options into a configuration file, and leave all else in it as it is."""
    document = tomlkit.parse(path.read_text("utf-8")) if path.is_file() else tomlkit.document()
    engines = document.setdefault("engines", tomlkit.table(is_super_table=True))
    table = engines.setdefault(name, tomlkit.table())
    for key, value in {"kind": kind, **options}.items():
        table[key] = value
    path.write_text(tomlkit.dumps(document), "utf-8")
