"""A segment that another engine reads keeps its spans and terms at their places."""

from collections.abc import AsyncGenerator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.engine import Hypotheses
from dragoman.core.types import Decoding, Occurrence, Pair, Protected, Segment, Term, Token
from dragoman.pipeline.fallback import Fallback

words = st.lists(st.text("ab ", min_size=1, max_size=5), min_size=1, max_size=6)


async def never(_: Sequence[Segment], __: Pair, ___: Decoding) -> AsyncGenerator[Token | Hypotheses]:
    """Is not asked here."""
    raise NotImplementedError
    yield


def by_character(longest: int = 100) -> Fallback:
    """Reads each character as a token."""
    return Fallback("other", never, lambda text: tuple(Token(char, char) for char in text), (), longest)


@given(words, st.data())
def test_spans_and_terms_stay_between_the_same_characters(texts: list[str], data: st.DataObject) -> None:
    """Where tokens are characters, a place is the number of characters before it."""
    position = data.draw(st.integers(0, len(texts)))
    start = data.draw(st.integers(0, len(texts) - 1))
    segment = Segment(
        "".join(texts),
        tokens=tuple(Token(text, text) for text in texts),
        protected=(Protected("{x}", position, space_before=False, space_after=False, placeholder="<p0>"),),
        terms=(Occurrence(Term("a", "b"), start, start + 1),),
    )

    found = by_character().recut(segment)

    assert found is not None
    assert found.protected[0].position == len("".join(texts[:position]))
    assert found.protected[0].placeholder is None
    assert found.text[found.terms[0].start : found.terms[0].end] == texts[start]


def test_what_is_too_long_or_empty_is_left() -> None:
    """The engine could not take it."""
    tokens = (Token("abc", "abc"),)
    assert by_character(longest=2).recut(Segment("abc", tokens=tokens)) is None
    assert by_character().recut(Segment("", tokens=())) is None
