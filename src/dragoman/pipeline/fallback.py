"""Another engine, for segments whose translations fail the checks."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from dragoman.core.engine import Ability
from dragoman.core.types import Segment, Token
from dragoman.pipeline.translator import Translate


@dataclass(frozen=True, slots=True)
class Fallback:
    """The next engine of a route, by name, and how to ask it."""

    engine: str
    translate: Translate
    tokenize: Callable[[str], tuple[Token, ...]]
    abilities: Collection[Ability]
    max_source_tokens: int

    def recut(self, segment: Segment) -> Segment | None:
        """A segment as this engine reads it; None if it is too long for it.

        Spans and terms go to the nearest token; no placeholders stand for spans.
        """
        text = "".join(token.text for token in segment.tokens)
        tokens = self.tokenize(text)
        if not 0 < len(tokens) <= self.max_source_tokens:
            return None
        old, new = _ends(segment.tokens), _ends(tokens)

        def moved(position: int) -> int:
            return bisect_left(new, old[position])

        protected = tuple(replace(each, position=moved(each.position), placeholder=None) for each in segment.protected)
        terms = tuple(
            replace(each, start=start, end=max(moved(each.end), start + 1))
            for each in segment.terms
            for start in [min(moved(each.start), len(tokens) - 1)]
        )
        return replace(segment, tokens=tokens, protected=protected, terms=terms)


def _ends(tokens: Sequence[Token]) -> list[int]:
    """How many characters there are before each token, and before the end."""
    return [0, *accumulate(len(token.text) for token in tokens)]
