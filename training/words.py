"""Counts how many words of the phrasebook come out of a model as they stand there: what people try first.

    python training/words.py --model src/dragoman/models/starter

They were trained on, so this shows what the model remembers. Of several translations in the phrasebook each will do,
in small letters or capitals.
"""

import asyncio
from collections import defaultdict
from typing import Annotated

import typer

from dragoman.app import create_service
from dragoman.core.types import Pair
from dragoman.ops.metrics import Metrics
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
                plain, large = [
                    sum(
                        found.casefold() in known[word]
                        for word, found in zip(
                            known, await translate(service, list(map(form, known)), pair), strict=True
                        )
                    )
                    for form in (str, capital)
                ]
                print(f"| {pair} | {len(known)} | {plain / len(known):.0%} | {large / len(known):.0%} |", flush=True)
    finally:
        await service.aclose()


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
