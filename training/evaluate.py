"""Scores models on the development sets, through the server's own pipeline and engine.

    python training/evaluate.py --corpora ../shared/corpora --model starter --beside ../shared/models/starter-bootstrap

Prints BLEU and chrF of sacrebleu for each direction: with the tokenizer `13a`, for Chinese `zh`, for Japanese and Thai
`char` (whatever sacrebleu needs no download for), so BLEU of those two cannot be compared with that of `BASELINES.tsv`.
A direction passes where its chrF on Tatoeba is high enough to be served. Exits 1 when the card serves one that is not.
"""

import asyncio
import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from dragoman.app import create_service
from dragoman.core.answer import Piece
from dragoman.core.types import Decoding, Pair, TranslationRequest
from dragoman.ops.metrics import Metrics
from dragoman.ops.settings import EngineSettings, Settings
from dragoman.service import TranslationService

TESTS = ("tatoeba", "flores")
BASELINES = ("argos", "opusmt", "bergamot-tiny", "bergamot-base-memory")
LEAST_CHRF, LEAST_CHRF_UNSPACED = 40, 15
UNSPACED = {"zh", "zh_tw", "ja", "ko", "th"}
_TOKENIZERS = {"zh": "zh", "zh_tw": "zh", "ja": "char", "th": "char"}


@dataclass(frozen=True, slots=True)
class Score:
    """How close translations are to their references, 0 to 100 each."""

    bleu: float
    chrf: float


def main(
    corpora: Annotated[Path, typer.Option(help="A folder with dev/.")],
    model: Annotated[str, typer.Option(help="A model directory, or the name of one in the package.")] = "starter",
    beside: Annotated[list[str] | None, typer.Option(help="Another model to compare; may be given again.")] = None,
    lines: Annotated[int, typer.Option(help="Sentences of each set; 0: all.")] = 0,
    directions: Annotated[str, typer.Option(help="Such as zh-en,en-zh; all that the model has, if empty.")] = "",
    gate: Annotated[bool, typer.Option(help="Exit 1 where a direction is too weak.")] = True,
) -> None:
    """Print a table for each model, and say whether every direction that the first serves earns it."""
    chosen = {Pair(*each.split("-")) for each in directions.split(",") if each}
    published = baselines(corpora / "dev" / "BASELINES.tsv")
    passed = [asyncio.run(judge(name, corpora, published, chosen, lines)) for name in [model, *(beside or [])]]
    raise typer.Exit(0 if passed[0] or not gate else 1)


async def judge(
    model: str, corpora: Path, published: dict[tuple[Pair, str], str], chosen: set[Pair], lines: int
) -> bool:
    """Print the table of a model; whether each of its directions earns to be served."""
    service = create_service(settings(model), Metrics())
    served = next(iter(service.engines.values())).info.pairs
    pairs = {pair for pair in served if {pair.source, pair.target} != {"zh", "zh_tw"}}  # that is a table's work
    print(f"\n{model}\n\n| direction | Tatoeba BLEU | chrF | FLORES BLEU | chrF | {' | '.join(BASELINES)} | earns it |")
    print("|---|---|---|---|---|" + "---|" * (len(BASELINES) + 1), flush=True)
    passed = True
    try:
        for pair in sorted(pairs & chosen if chosen else pairs, key=str):
            tatoeba, flores = [await score(service, corpora, test, pair, lines) for test in TESTS]
            least = LEAST_CHRF_UNSPACED if pair.target in UNSPACED else LEAST_CHRF
            earned = tatoeba is None or tatoeba.chrf >= least
            cells = [f"{each.bleu:.1f} | {each.chrf:.1f}" if each else "– | –" for each in (tatoeba, flores)]
            known = [published.get((pair, system), "–") for system in BASELINES]
            print(f"| {pair} | {' | '.join([*cells, *known])} | {'yes' if earned else 'NO'} |", flush=True)
            passed = passed and earned
    finally:
        await service.aclose()
    return passed


def settings(model: str) -> Settings:
    """The server's settings with this model as its engine."""
    return Settings(engines={"starter": EngineSettings.model_validate({"kind": "ctranslate2", "model": model})})


async def score(service: TranslationService, corpora: Path, test: str, pair: Pair, lines: int) -> Score | None:
    """BLEU and chrF on a development set; None where there is none for the pair."""
    rows = sentences(corpora, test, pair, lines)
    if not rows:
        return None
    sources, references = zip(*rows, strict=True)
    found = await translate(service, list(sources), pair)
    tokenizer = _TOKENIZERS.get(pair.target, "13a")
    return Score(
        BLEU(tokenize=tokenizer).corpus_score(found, [references]).score,
        CHRF().corpus_score(found, [references]).score,
    )


def sentences(corpora: Path, test: str, pair: Pair, lines: int) -> list[tuple[str, str]]:
    """Sources and references of a development set; none, where there is none for the pair."""
    path = corpora / "dev" / f"{test}.{pair.target if pair.source == 'en' else pair.source}-en.tsv"
    if not path.is_file():
        return []
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()][: lines or None]
    return [(row[0], row[1]) if pair.target == "en" else (row[1], row[0]) for row in rows]


async def translate(service: TranslationService, sources: list[str], pair: Pair) -> list[str]:
    """One document with a sentence a line, which the server translates line by line."""
    request = TranslationRequest(
        model="qwen-mt-turbo",
        text="\n".join(sources),
        source=pair.source,
        target=pair.target,
        decoding=Decoding(),
        format="text",
    )
    async with service.open(request) as translation:
        parts = [event.text async for event in translation.events if isinstance(event, Piece)]
    translated = "".join(parts).split("\n")
    if len(translated) != len(sources):
        raise RuntimeError(f"{len(sources)} lines became {len(translated)}")
    return translated


def baselines(path: Path) -> dict[tuple[Pair, str], str]:
    """The BLEU that others published, by pair and system."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {(Pair(*row["pair"].split("-")), row["system"]): row["BLEU"] for row in rows}


if __name__ == "__main__":
    typer.run(main)
