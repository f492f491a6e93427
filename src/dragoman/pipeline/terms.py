"""Finds a caller's terms in a text: the longest at each place, whole words, in their inflected forms too."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import ahocorasick_rs

from dragoman.core.types import Term
from dragoman.pipeline.block import Span
from dragoman.pipeline.script import joined

# What a word may end with when it is declined. A table of endings finds most plurals and cases without a dictionary.
_ENDINGS: dict[str, tuple[str, ...]] = {
    language: tuple(sorted(endings.split(), key=len, reverse=True))
    for language, endings in {
        "en": "s es",
        "de": "e n s en er es em ern",
        "nl": "s n e en",
        "sv": "n s ar er or en et na arna erna orna",
        "fr": "s x e es",
        "es": "s es",
        "pt": "s es",
        "ru": "а я у ю е ы и ов ев ей ам ям ах ях ом ем ой ами ями ого ому",
        "uk": "а я у ю і и ів ей ам ям ах ях ом ем ою ами ями ого ому ові",
        "pl": "y i a u e ę ów om em ami ach owi",
        "cs": "y a u e i ů ům em ech ami",
        "tr": "ı i u ü ın in un ün lar ler ları leri ların lerin",
    }.items()
}
# Endings that replace the last letters of a term: with what it ends, and with what its inflected forms end.
_CHANGES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "en": (("y", ("ies",)),),
    "it": (("o", ("i",)), ("a", ("e",)), ("e", ("i",))),
    "ru": (("а", ("ы", "и", "е", "у", "ой")), ("я", ("и", "е", "ю", "ей")), ("ь", ("и", "я", "ю", "ем"))),
    "uk": (("а", ("и", "і", "у", "ою")), ("я", ("і", "ю", "ею")), ("ь", ("і", "я", "ю", "ем"))),
    "pl": (("a", ("y", "i", "ę", "ą", "e")),),
    "cs": (("a", ("y", "u", "ou", "e")),),
}
# A Korean particle follows its word directly.
_HANGUL = re.compile(r"[\uAC00-\uD7A3]")


@dataclass(frozen=True, slots=True)
class Match:
    """A term in a text, and the characters that it takes there with its ending."""

    term: Term
    start: int
    end: int


class TermBase:
    """The terms of one request. A thousand take a millisecond to prepare; those that do not occur cost no more."""

    def __init__(self, terms: Sequence[Term], language: str) -> None:
        self._endings = _ENDINGS.get(language, ())
        forms = [(term, form, form == term.source) for term in terms for form in _forms(term.source, language)]
        self._forms = forms
        self._finder = ahocorasick_rs.AhoCorasick([_fold(form) for _, form, _ in forms]) if forms else None

    def find(self, text: str, spans: Sequence[Span]) -> list[Match]:
        """The terms in a text, in order. One that only overlaps a protected span does not count; one around it does."""
        if self._finder is None:
            return []
        found = []
        for index, start, end in self._finder.find_matches_as_indexes(_fold(text), overlapping=True):
            term, form, inflects = self._forms[index]
            whole = self._whole_word(text, start, end, inflects=inflects)
            if whole is not None and (not term.is_case_sensitive or text[start:end] == form):
                found.append(Match(term, start, whole))
        found.sort(key=lambda match: (match.start, -match.end, not match.term.is_case_sensitive))
        return _leftmost_longest(_clear_of(spans, found))

    def _whole_word(self, text: str, start: int, end: int, *, inflects: bool) -> int | None:
        """Where the word ends in which a form ends; none if the form is a part of other words."""
        if _parts_a_word(text, start):
            return None
        if not _parts_a_word(text, end) or _HANGUL.match(text[end - 1]):
            return end
        for ending in self._endings if inflects else ():
            if text.startswith(ending, end) and not _parts_a_word(text, end + len(ending)):
                return end + len(ending)
        return None


def _forms(source: str, language: str) -> list[str]:
    forms = [source]
    for ending, changed in _CHANGES.get(language, ()):
        if source.endswith(ending) and len(source) > len(ending) + 1:
            forms += [source[: -len(ending)] + each for each in changed]
    return forms


def _fold(text: str) -> str:
    """Lower case, as long as before."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _parts_a_word(text: str, place: int) -> bool:
    """Whether the characters at both sides of a place belong to one word; an apostrophe ends it: `cat's`."""
    sides = text[max(0, place - 1) : place], text[place : place + 1]
    return joined(*sides) and not any(side in "'’" for side in sides)


def _clear_of(spans: Sequence[Span], matches: Sequence[Match]) -> list[Match]:
    """Matches that contain each span that they touch, and no tag."""
    clear = []
    first = 0
    for match in matches:
        while first < len(spans) and spans[first].end <= match.start:
            first += 1
        index = first
        while index < len(spans) and spans[index].start < match.end:
            span = spans[index]
            if span.role != "atom" or span.start < match.start or span.end > match.end:
                break
            index += 1
        else:
            clear.append(match)
    return clear


def _leftmost_longest(matches: Sequence[Match]) -> list[Match]:
    """Of sorted matches, those that begin where the one before has ended."""
    chosen: list[Match] = []
    for match in matches:
        if not chosen or match.start >= chosen[-1].end:
            chosen.append(match)
    return chosen
