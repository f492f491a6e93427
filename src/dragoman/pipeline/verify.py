"""Looks at a finished translation of a segment as a proofreader without the language would."""

import re
import unicodedata
from dataclasses import replace

from dragoman.core.answer import WarningCode
from dragoman.core.languages import LANGUAGES, has_spaces
from dragoman.core.types import Hypothesis, Pair, Segment
from dragoman.pipeline.enforce import missing_terms
from dragoman.pipeline.protect import find
from dragoman.pipeline.script import main_script

# Something of up to 40 characters four times in a row.
_LOOP = re.compile(r"(\S.{0,39}?)\1{3,}", re.DOTALL)
# A character of Chinese says as much as this many of English.
_WEIGHT_OF_WIDE = 2.5
# A longer translation than this times its source and some words, or a shorter one than a part of it, is none.
_LONGEST, _SHORTEST, _SLACK = 3.5, 0.15, 15
_FEWEST_LETTERS = 4
_FEWEST_WORDS = 4
# Japanese and Korean may be written in Chinese characters alone.
_PARTS = {"Jpan": ("Hani", "Kana"), "Kore": ("Hani",)}
_NUMBER = re.compile(r"\d{2,}")
# Tags that models write, placeholders, marks and links; but not numbers, dates and emoji, which a translation may have.
_TAG = r"</?(?:[abipqsu]|br|em|strong|span|div|code|font|su[bp]|h[1-6]|[uo]l|li|t[dr]|\d+)\b[^<>]*>"
_INVENTION = re.compile(rf"{_TAG}|[{{⟦%&*:\[\]!]|\$[t{{]|http|ftp|www")
_MARKS = "{}⟦⟧<>*`"


def problems(hypothesis: Hypothesis, segment: Segment, pair: Pair) -> tuple[WarningCode, ...]:
    """What is wrong with a translation that has its terms, but not yet its protected spans."""
    source = "".join(token.text for token in segment.tokens)
    written = "".join(token.text for token in hypothesis.tokens if token.model_token is not None)
    if not hypothesis.text.strip():
        return ("empty",)
    checks: tuple[tuple[WarningCode, bool], ...] = (
        ("truncated", not hypothesis.ended),
        ("repetition", _loops(written) and not _loops(source)),
        ("length", _has_odd_length(source, hypothesis.text)),
        ("script", _is_in_another_script(written, pair)),
        ("echo", _is_echo(source, written, pair)),
        ("number_changed", _has_other_numbers(source, hypothesis.text)),
        ("term_missing", bool(missing_terms(hypothesis.text, segment.terms, pair))),
    )
    return tuple(code for code, wrong in checks if wrong)


def without_inventions(hypothesis: Hypothesis, segment: Segment) -> Hypothesis:
    """A hypothesis without tags and placeholders: those of the source are kept out of the model's sight."""
    text = hypothesis.text
    source = "".join(token.text for token in segment.tokens)
    marks = {mark for mark in _MARKS if mark not in source}
    if marks.isdisjoint(text) and not _INVENTION.search(text):
        return hypothesis
    spans = [
        span for span in find(text) if _INVENTION.match(text, span.start) and text[span.start : span.end] not in source
    ]
    invented = {at for span in spans for at in range(span.start, span.end)}
    invented |= {at for at, char in enumerate(text) if char in marks}
    tokens = []
    start = 0
    for token in hypothesis.tokens:
        left = "".join(char for at, char in enumerate(token.text, start) if at not in invented)
        start += len(token.text)
        tokens.append(token if left == token.text else replace(token, text=left if left.strip() else ""))
    return replace(hypothesis, tokens=tuple(tokens))


def _loops(text: str) -> bool:
    return _LOOP.search(text) is not None


def _weight(text: str) -> float:
    return sum(_WEIGHT_OF_WIDE if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _has_odd_length(source: str, translation: str) -> bool:
    before, after = _weight(source), _weight(translation)
    return after > before * _LONGEST + _SLACK or after < before * _SHORTEST - _SLACK


def _is_in_another_script(text: str, pair: Pair) -> bool:
    """Whether most of a text is in a script of the source that the target does not use. Names may stay in Latin."""
    script = main_script(text)
    allowed = {part for each in LANGUAGES[pair.target].scripts for part in (each, *_PARTS.get(each, ()))}
    if script is None or script in allowed or script not in LANGUAGES[pair.source].scripts:
        return False
    names = script == "Latn" and len(text.split()) < _FEWEST_WORDS
    return not names and sum(char.isalpha() for char in text) >= _FEWEST_LETTERS


def _is_echo(source: str, translation: str, pair: Pair) -> bool:
    """Whether a sentence came back as it was. A few words may be names."""
    if {pair.source, pair.target} == {"zh", "zh_tw"}:
        return False  # much is written alike in both
    spaceless = not has_spaces(pair.source)
    size = sum(char.isalpha() for char in source) if spaceless else len(source.split())
    same = "".join(source.casefold().split()) == "".join(translation.casefold().split())
    return same and size >= (_FEWEST_LETTERS if spaceless else _FEWEST_WORDS)


def _has_other_numbers(source: str, translation: str) -> bool:
    """Whether a number of the source became another. In words, or in thousands, it is still the same."""
    before, after = ({number.rstrip("0") for number in _NUMBER.findall(text)} for text in (source, translation))
    return bool(before - after) and bool(after - before)
