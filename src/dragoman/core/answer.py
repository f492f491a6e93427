"""What comes out of a translation: pieces as they come, then one outcome."""

from dataclasses import dataclass
from typing import Literal

from dragoman.core.types import Term, Token

FinishReason = Literal["stop", "length"]

WarningCode = Literal[
    "empty",  # the model said nothing; the source stands in its place
    "truncated",  # the model came to its length limit
    "repetition",  # the translation goes round in circles
    "length",  # far too long or too short for its source
    "script",  # written in letters of another language
    "echo",  # the source came back untranslated
    "invented_placeholder",  # the model wrote a tag or placeholder that the source has not; it was taken out
    "placeholder_moved",  # a protected span was put back without knowing where its words went
    "term_missing",  # a term's target is not in the translation
    "term_moved",  # a term's target was put in without knowing where its word went
    "number_changed",  # a number of the source is not in the translation
    "domains_ignored",  # no engine takes `domains`
    "no_text_found",  # read in its format, the document has nothing to translate
]
"""What may be wrong with a translation. The set is closed: clients may act on each."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The next part of one choice's answer, in document order, with the tokens that its text came from.

    `segment`: the one that it belongs to, from 0; None for layout between segments.
    """

    choice: int
    tokens: tuple[Token, ...]
    segment: int | None = None

    @property
    def text(self) -> str:
        """What the client reads."""
        return "".join(token.text for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of the model that answered."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class MemoryHit:
    """What the memory knew of a segment: its translation, one to be adapted, or examples for the engine."""

    segment: int
    kind: Literal["exact", "adapted", "example"]
    score: float


@dataclass(frozen=True, slots=True)
class SegmentWarning:
    """What is wrong with the translation of a segment, counted from 0; without one, of the whole request."""

    code: WarningCode
    segment: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked in one choice. A term is applied if its target is there for every time that its source is.

    `score`: mean log-probability of the tokens that a model wrote; None if it wrote none. `elsewhere`: segments that
    another engine translated, and its name.
    """

    terms_applied: tuple[Term, ...] = ()
    terms_missing: tuple[Term, ...] = ()
    memory: tuple[MemoryHit, ...] = ()
    warnings: tuple[SegmentWarning, ...] = ()
    score: float | None = None
    elsewhere: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of an answer: why each choice ended, what was checked in it, and what all of them used.

    `sources`: the text of each segment, as the document writes it.
    """

    finish_reasons: tuple[FinishReason, ...]
    usage: Usage
    reports: tuple[Report, ...]
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Detection:
    """The source language, and how sure the detector is, 0 to 1. Confidence 0: undecidable, the fallback was taken."""

    language: str
    confidence: float
