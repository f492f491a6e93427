"""Measures how good translations are that a model finds so probable, for the `confidence` of its answers.

    python training/calibrate.py --corpora ../shared/corpora --model src/dragoman/models/starter

Quality is the chrF of one sentence over 100, with pairs of characters for Chinese, Japanese and Korean, where a
character is nearly a word, and six characters elsewhere. For each target language a logistic curve of the mean
log-probability is fitted to every other sentence of the development sets, and checked on those between. Prints the
check, and the table `[confidence]` for `model.toml`; with `--write`, puts it there.
"""

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import numpy as np
import tomlkit
import typer
from numpy.typing import NDArray
from sacrebleu.metrics.chrf import CHRF

from dragoman.core.engine import Batch, Engine
from dragoman.core.types import Decoding, Pair, Segment
from dragoman.engines.model_card import CARD
from dragoman.engines.registry import create_engine
from evaluate import TESTS, UNSPACED, sentences

BATCH = 32
BINS = 5
STEPS = 100

Numbers = NDArray[np.float64]


def main(
    corpora: Annotated[Path, typer.Option(help="A folder with dev/.")],
    model: Annotated[Path, typer.Option(help="A model directory.")],
    lines: Annotated[int, typer.Option(help="Sentences of each set; 0: all.")] = 400,
    write: Annotated[bool, typer.Option(help="Put the result into the model's card.")] = False,
) -> None:
    """Print the curve of each target language."""
    measured = asyncio.run(measure(create_engine("ctranslate2", {"model": str(model)}), corpora, lines))
    table = tomlkit.table()
    print("| target | sentences | " + " | ".join(f"fifth {index + 1}" for index in range(BINS)) + " |")
    print("|---|---|" + "---|" * BINS)
    for target, rows in sorted(measured.items()):
        scores, qualities = np.array(rows).T
        intercept, slope = fitted(scores[::2], qualities[::2])
        table[target] = tomlkit.inline_table()
        table[target].update({"intercept": round(intercept, 3), "slope": round(slope, 3)})
        checked = curve(1 / (1 + np.exp(-intercept - slope * scores[1::2])), qualities[1::2])
        print(f"| {target} | {len(rows)} | " + " | ".join(f"{a:.2f} → {b:.2f}" for a, b in checked) + " |")
    document = tomlkit.parse((model / CARD).read_text("utf-8")) if write else tomlkit.document()
    document["confidence"] = table
    if write:
        (model / CARD).write_text(tomlkit.dumps(document), "utf-8")
    else:
        print(tomlkit.dumps(document))


async def measure(engine: Engine, corpora: Path, lines: int) -> dict[str, list[tuple[float, float]]]:
    """For each target language, the score and the quality of each sentence."""
    measured: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for pair in sorted(engine.info.pairs, key=str):
        found = [each for test in TESTS for each in sentences(corpora, test, pair, lines)]
        for start in range(0, len(found), BATCH):
            part = [(engine.tokenize(source)[: engine.info.max_source_tokens], target) for source, target in found]
            part = part[start : start + BATCH]
            segments = tuple(Segment("".join(token.text for token in tokens), tokens=tokens) for tokens, _ in part)
            results = await engine.translate(Batch(segments, pair, Decoding()))
            for (best, *_), (_, reference) in zip(results, part, strict=True):
                measured[pair.target].append((best.score, quality(best.text, reference, pair)))
    return measured


def quality(translation: str, reference: str, pair: Pair) -> float:
    """How much of its reference a translation has, 0 to 1."""
    metric = CHRF(char_order=2 if pair.target in UNSPACED else 6)
    return float(metric.sentence_score(translation, [reference]).score) / 100


def fitted(scores: Numbers, qualities: Numbers) -> tuple[float, float]:
    """Intercept and slope of the logistic curve with the least squared error, by Gauss–Newton."""
    parameters = np.zeros(2)
    design = np.stack([np.ones_like(scores), scores], axis=1)
    for _ in range(STEPS):
        expected = 1 / (1 + np.exp(-design @ parameters))
        jacobian = design * (expected * (1 - expected))[:, None]
        parameters += 0.5 * np.linalg.lstsq(jacobian, qualities - expected, rcond=None)[0]
    return float(parameters[0]), float(parameters[1])


def curve(expected: Numbers, qualities: Numbers) -> list[tuple[float, float]]:
    """Mean confidence and mean quality of the sentences in fifths, from the least sure to the surest."""
    order = np.argsort(expected)
    return [(float(expected[part].mean()), float(qualities[part].mean())) for part in np.array_split(order, BINS)]


if __name__ == "__main__":
    typer.run(main)
