"""Counts how many words of the phrasebook come out of a model as they stand there: what people try first.

    python training/words.py --model src/dragoman/models/starter

They were trained on, so this shows what the model remembers. Of several translations in the phrasebook each will do,
in small letters or capitals.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Annotated

import typer

from dragoman.app import create_service
from dragoman.core.types import Pair
from dragoman.ops.metrics import Metrics
from dragoman.service import TranslationService
from evaluate import settings, translate
from phrases import PHRASES, WORDS, capital, table


def main(
    model: Annotated[str, typer.Option(help="A model directory, or the name of one in the package.")] = "starter",
    directions: Annotated[str, typer.Option(help="Such as nl-en,en-nl; all that the model has, if empty.")] = "",
) -> None:
    """Print a table of all directions."""
    asyncio.run(count(model, {Pair(*each.split("-")) for each in directions.split(",") if each}))


async def count(model: str, chosen: set[Pair]) -> None:
    """Print how many of the words are right, as they are and with a capital."""
    service = create_service(settings(model), Metrics())
    served = next(iter(service.engines.values())).info.pairs
    print("| direction | words | right | with a capital |\n|---|---|---|---|", flush=True)
    try:
        for pair in sorted(served & chosen if chosen else served, key=str):
            known = translations(pair)
            if known:
                plain, large = [await right(service, known, pair, form) for form in (str, capital)]
                print(f"| {pair} | {len(known)} | {plain:.0%} | {large:.0%} |", flush=True)
    finally:
        await service.aclose()


async def right(
    service: TranslationService, known: dict[str, set[str]], pair: Pair, form: Callable[[str], str]
) -> float:
    """The share of words, each in this form, whose translation is one that is known."""
    found = await translate(service, [form(word) for word in known], pair)
    return sum(each.casefold() in wanted for each, wanted in zip(found, known.values(), strict=True)) / len(known)


def translations(pair: Pair) -> dict[str, set[str]]:
    """What the phrasebook has for each word, in small letters; nothing if it lacks one of the languages."""
    found: dict[str, set[str]] = defaultdict(set)
    for topic in sorted(WORDS):
        for row in table(PHRASES / f"{topic}.tsv"):
            if pair.source in row and pair.target in row:
                found[row[pair.source]].add(row[pair.target].casefold())
    return found


if __name__ == "__main__":
    typer.run(main)
