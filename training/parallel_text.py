"""Reads parallel text: which corpora may be read, what is thrown away, and what must never be trained on."""

import gzip
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

SOURCES = Path(__file__).parent / "sources.toml"
LONGEST_CHARACTERS = 600
# How many characters of English one of the language stands for; a pair far from it is no translation.
_ENGLISH_PER_CHARACTER = {"zh": 3.0, "ja": 2.2, "ko": 1.9}
_WORST_RATIO = 3.0
_SCRIPTS = {
    "zh": r"[\u4e00-\u9fff]", "ja": r"[\u3040-\u30ff\u4e00-\u9fff]", "ko": r"[\uac00-\ud7af]", "th": r"[\u0e00-\u0e7f]",
    "ru": r"[\u0400-\u04ff]", "uk": r"[\u0400-\u04ff]", "ar": r"[\u0600-\u06ff]", "hi": r"[\u0900-\u097f]",
}  # fmt: skip
_SPACE = re.compile(r"\s+")
_LOOSE_MARK = re.compile(r" (?='(?:s|re|ve|ll|m|d|t)\b|n't\b|[,.;:!?%)])|(?<=\() | (?=-\s\w)|(?<=\w -) ")


@dataclass(frozen=True, slots=True)
class SentencePair:
    """A text in `language`, its English, and what kind of text it is."""

    language: str
    text: str
    english: str
    domain: str


@dataclass(frozen=True, slots=True)
class Sources:
    """`domains`: of each corpus that may be used. `shares`: how often text of a domain is drawn."""

    domains: dict[str, str]
    shares: dict[str, float]
    temperature: float

    @staticmethod
    def load(path: Path = SOURCES) -> "Sources":
        parsed = tomllib.loads(path.read_text("utf-8"))
        shares = dict(parsed["shares"])
        temperature = shares.pop("temperature")
        return Sources({name: each["domain"] for name, each in parsed["corpora"].items()}, shares, temperature)


def key(text: str) -> str:
    """What two texts share that differ in case, white space and marks alone."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum())


def development_keys(corpora: Path) -> frozenset[str]:
    """The keys of every sentence of the development sets, on both sides and in all languages."""
    keys: set[str] = set()
    for path in sorted((corpora / "dev").glob("*-en.tsv")):
        for line in path.read_text("utf-8").splitlines():
            keys.update(key(field) for field in line.split("\t"))
    return frozenset(keys - {""})


def read(
    corpora: Path, language: str, sources: Sources, forbidden: frozenset[str], limit: int | None = None
) -> Iterator[SentencePair]:
    """The clean pairs of a language, each once, from at most `limit` lines of each corpus.

    A pair with a side in `forbidden` is never among them.
    """
    seen: set[tuple[str, str]] = set()
    for name, domain in sources.domains.items():
        path = corpora / "train" / name / f"{language}-en.tsv.gz"
        if not path.is_file():
            continue
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in islice(lines, limit):
                text, _, english = (clean(field) for field in line.rstrip("\n").partition("\t"))
                keys = (key(text), key(english))
                if keys in seen or not forbidden.isdisjoint(keys) or not is_translation(language, text, english):
                    continue
                seen.add(keys)
                yield SentencePair(language, text, english, domain)


def clean(text: str) -> str:
    """One line in composed characters, with the marks of tokenised English joined to their words again."""
    return _SPACE.sub(" ", _LOOSE_MARK.sub("", unicodedata.normalize("NFC", text))).strip()


def is_translation(language: str, text: str, english: str) -> bool:
    """Whether two texts may be translations of each other, judged by letters and lengths."""
    if not text or not english or max(len(text), len(english)) > LONGEST_CHARACTERS:
        return False
    letters = sum(char.isalpha() for char in english)
    if letters < 0.4 * len(english) or (text == english and len(english.split()) > 2):
        return False
    script = _SCRIPTS.get(language)
    if script and not re.search(script, text):
        return False
    expected = len(text) * _ENGLISH_PER_CHARACTER.get(language, 1.0)
    return (max(expected, len(english)) + 10) / (min(expected, len(english)) + 10) < _WORST_RATIO
