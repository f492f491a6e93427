"""The phrasebook in `phrases/`: what people say every day and corpora hardly hold, from greetings to menus.

Each topic is a TSV file with a column for each language. A phrase may have slots in curly braces; `slots.tsv` says what
may stand there, with a column for each form where a language has several: German `{place.dat}` is filled from `de.dat`.
Korean has a noun with its particle, whose sound follows the noun's; Russian the ending that a verb takes after a name.
Written for this project, CC0; the English of `korean.tsv`, which only Korean has, is Tatoeba's (CC-BY-2.0-FR).
"""

import csv
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from parallel_text import SentencePair, key

PHRASES = Path(__file__).parent / "phrases"
WORDS_DOMAIN = "words"
WORDS = frozenset({"labels", "nouns", "noun_phrases", "words"})  # the topics that are no sentences
DOMAINS = {"korean": "everyday"} | dict.fromkeys(WORDS, WORDS_DOMAIN)  # "phrases" where nothing is said
# How often a line of a topic stands for itself: those are most that people type first and no rule explains.
TIMES = {
    "set_phrases": 12,
    "labels": 4,
    "greetings": 3,
    "constructions": 2,
    "documentation": 2,
    "readme": 2,
    "articles": 2,
}
FILLINGS = 6
_SLOT = re.compile(r"\{(\w+)(\.\w+)?\}")  # its name, and in which form

Fillings = dict[str, list[dict[str, str]]]


def phrases(
    language: str, forbidden: frozenset[str], chooser: random.Random, folder: Path = PHRASES
) -> Iterator[SentencePair]:
    """The pairs of a language, none with a side in `forbidden`; a phrase with slots comes with several fillings.

    Raises `ValueError` for a slot that `slots.tsv` lacks.
    """
    fillings: Fillings = defaultdict(list)
    for filling in table(folder / "slots.tsv"):
        fillings[filling.pop("slot")].append(filling)
    for path in sorted(folder.glob("*.tsv")):
        lines = [line for line in table(path) if language in line] if path.stem != "slots" else []
        for line in lines * TIMES.get(path.stem, 1):
            for text, english in filled(line[language], line["en"], language, fillings, chooser):
                if forbidden.isdisjoint((key(text), key(english))):
                    yield SentencePair(language, text, english, DOMAINS.get(path.stem, "phrases"))


def filled(text: str, english: str, language: str, fillings: Fillings, chooser: random.Random) -> list[tuple[str, str]]:
    """The pairs that a phrase and its English make: itself, or some that differ in what stands in its slots."""
    slots = [name for name, _ in _SLOT.findall(english)]
    if unknown := set(slots) - set(fillings):
        raise ValueError(f"No filling for {unknown} in {english!r}")
    pairs = set()
    for _ in range(FILLINGS if slots else 1):
        chosen = {slot: chooser.choice(fillings[slot]) for slot in slots}
        pairs.add((_filled(text, language, chosen), _filled(english, "en", chosen)))
    return sorted(pairs)


def _filled(phrase: str, language: str, chosen: dict[str, dict[str, str]]) -> str:
    """A phrase with its slots filled; a sentence that begins with one begins with a capital."""
    text = _SLOT.sub(lambda match: chosen[match[1]][language + (match[2] or "")], phrase)
    return capital(text) if phrase.startswith("{") and phrase[-1] in ".!?" else text


def capital(text: str) -> str:
    """A text with a capital at its beginning."""
    return text[0].upper() + text[1:]


def table(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a topic, by the codes of the languages."""
    with path.open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
