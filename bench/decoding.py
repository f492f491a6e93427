"""What log-probabilities, penalties, biases and seeds cost, over the same batches without them.

    python bench/decoding.py --corpora ../shared/corpora

Calls the engine of the model in the box with batches of 16 sentences, all kinds in turns, and prints the median of the
ratios in each batch. Exits 1 when a target is missed. The floor of log-probabilities with a beam is a second decoding
of the path, since CTranslate2 shows logits with beam 1 only.
"""

import argparse
import asyncio
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

from machine import read_sentences

from dragoman.core.engine import Batch, Engine
from dragoman.core.types import Decoding, Pair, Segment
from dragoman.engines.registry import create_engine

PAIR = Pair("zh", "en")
BATCH, BATCHES = 16, 30
BEAM, GREEDY = Decoding(), Decoding(beam_size=1)
SAMPLING = Decoding(top_k=0, top_p=0.8, temperature=0.65)
COMMON_TOKEN = 306
# What is measured, over what, and how many times that it may take.
KINDS: dict[str, tuple[Decoding, Decoding, float | None]] = {
    "beam 1, over beam 4": (GREEDY, BEAM, None),
    "log-probabilities, beam 1": (replace(GREEDY, top_logprobs=0), GREEDY, 1.3),
    "log-probabilities and 5 alternatives, beam 1": (replace(GREEDY, top_logprobs=5), GREEDY, 1.3),
    "log-probabilities, beam 4": (replace(BEAM, top_logprobs=0), BEAM, 1.3),
    "log-probabilities and 5 alternatives, beam 4": (replace(BEAM, top_logprobs=5), BEAM, 1.3),
    "presence and frequency penalty": (replace(BEAM, presence_penalty=0.5, frequency_penalty=0.5), BEAM, 8),
    "a bias": (replace(BEAM, logit_bias=((COMMON_TOKEN, -100.0),)), BEAM, 8),
    "seeded sampling, over sampling": (replace(SAMPLING, seed=1), SAMPLING, 8),
    "seeded sampling, over beam 4": (replace(SAMPLING, seed=1), BEAM, 8),
}


async def seconds(engine: Engine, batch: Batch) -> float:
    """How long a batch takes."""
    started = time.perf_counter()
    await engine.translate(batch)
    return time.perf_counter() - started


async def measure(engine: Engine, sentences: list[str]) -> bool:
    """Print the table; whether all targets are met."""
    ratios: dict[str, list[float]] = {name: [] for name in KINDS}
    for start in range(0, BATCH * (BATCHES + 1), BATCH):
        segments = tuple(Segment(text, tokens=engine.tokenize(text)) for text in sentences[start : start + BATCH])
        taken: dict[Decoding, float] = {}
        for name, (decoding, base, _) in KINDS.items():
            for each in (base, decoding):
                if each not in taken:
                    taken[each] = await seconds(engine, Batch(segments, PAIR, each))
            if start:  # the first batch warms up
                ratios[name].append(taken[decoding] / taken[base])
    print(f"{BATCHES} batches of {BATCH} Chinese sentences into English\n\n| with | times as long | target |")
    print("|---|---|---|")
    are_met = True
    for name, (_, _, target) in KINDS.items():
        ratio = statistics.median(ratios[name])
        is_met = target is None or ratio <= target
        verdict = "" if target is None else f"≤ {target:g} {'met' if is_met else '**missed**'}"
        print(f"| {name} | {ratio:.2f} | {verdict} |")
        are_met = are_met and is_met
    return are_met


def main() -> None:
    """Measure."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--corpora", type=Path, required=True, help="folder with train/anki-tatoeba/zh-en.tsv.gz")
    sentences = read_sentences(arguments.parse_args().corpora, BATCH * (BATCHES + 1))
    sys.exit(0 if asyncio.run(measure(create_engine("ctranslate2", {"model": "starter"}), sentences)) else 1)


if __name__ == "__main__":
    main()
