"""The 92 languages of Qwen-MT, and the many ways in which clients spell them.

The table is `languages.json`: code and English name as in Alibaba's guide, writing systems as ISO 15924 codes (`Jpan`
and `Kore` stand for the Japanese and Korean mixtures), and the aliases that real clients send, the ISO 639-2 and 639-3
codes among them, by which models name their languages, too.
"""

import difflib
import json
import re
import unicodedata
from dataclasses import dataclass
from importlib import resources

from dragoman.core.errors import UnsupportedLanguage

_REGIONAL = re.compile(
    r"^(?:american|australian|austrian|brazilian|british|canadian|european|latin american|mexican|"
    r"modern standard|swiss(?: high)?)\s+"
)
_LONGEST_SPELLING = 80
_LONGEST_SUBTAG = 3
_TRADITIONAL_CHINESE_SUBTAGS = {"hant", "tw", "hk", "mo"}


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the table."""

    code: str
    name: str
    scripts: tuple[str, ...]
    aliases: tuple[str, ...]


def _load() -> dict[str, Language]:
    rows = json.loads(resources.files("dragoman.core").joinpath("languages.json").read_text("utf-8"))
    return {
        row["code"]: Language(row["code"], row["name"], tuple(row["scripts"]), tuple(row["aliases"])) for row in rows
    }


LANGUAGES = _load()
"""The table, by code."""

_SPACELESS_SCRIPTS = frozenset({"Hani", "Jpan", "Thai", "Laoo", "Mymr", "Khmr"})
"""Scripts that put no space between sentences, nor between most words."""


def _normalise(spelling: str) -> str:
    """Fold case, accents, apostrophes, underscores and runs of white space."""
    decomposed = unicodedata.normalize("NFKD", spelling.casefold())
    folded = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(folded.replace("_", "-").replace("’", "'").split())


def has_spaces(code: str) -> bool:
    """Whether a language puts spaces between words and sentences."""
    return _SPACELESS_SCRIPTS.isdisjoint(LANGUAGES[code].scripts)


_BY_SPELLING = {
    _normalise(spelling): language
    for language in LANGUAGES.values()
    for spelling in (*language.aliases, language.name, language.code)
}


def resolve(spelling: str, *, param: str | None = None) -> Language:
    """Find a language by English or Chinese name, code, alias or BCP-47 tag, whatever the case.

    Raises `UnsupportedLanguage`, which names the closest spelling, and `param` as the field at fault.
    """
    normal = _normalise(spelling[:_LONGEST_SPELLING])
    found = _BY_SPELLING.get(normal) or _from_tag(normal) or _from_regional_name(normal)
    if found is not None:
        return found
    close = difflib.get_close_matches(normal, _BY_SPELLING, n=1, cutoff=0.5)
    hint = f" Did you mean {_BY_SPELLING[close[0]].name!r}?" if close else ""
    raise UnsupportedLanguage(
        f"{spelling[:_LONGEST_SPELLING]!r} is none of the 92 languages, by English name or code.{hint}", param=param
    )


def _from_tag(normal: str) -> Language | None:
    """`zh-hant-hk`, `pt-ao`, `deu-latn`: the language subtag decides, but for Chinese in traditional script."""
    primary, *subtags = normal.split("-")
    if not subtags or not all(re.fullmatch(r"[a-z0-9]{1,8}", subtag) for subtag in subtags):
        return None
    found = _BY_SPELLING.get(primary) if len(primary) <= _LONGEST_SUBTAG else None
    if found is None or found.code != "zh":
        return found
    if "yue" in subtags:
        return LANGUAGES["yue"]
    simplified = "hans" in subtags or _TRADITIONAL_CHINESE_SUBTAGS.isdisjoint(subtags)
    return LANGUAGES["zh" if simplified else "zh_tw"]


def _from_regional_name(normal: str) -> Language | None:
    """`Swiss High German`, `Spanish (Mexico)`: what `Intl.DisplayNames` gives for a regional variant."""
    without_region = re.sub(r"\s*\([^()]*\)$", "", _REGIONAL.sub("", normal))
    return _BY_SPELLING.get(without_region)
