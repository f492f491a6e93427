"""Ending an answer early."""

from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.types import Token
from dragoman.pipeline.cut import AnswerCutter


def words(text: str) -> list[Token]:
    """One model token a character."""
    return [Token(char, char) for char in text]


def read(cutter: AnswerCutter, *parts: str) -> str:
    """Feed parts and give what was released."""
    released = [token for part in parts for token in cutter.feed(words(part))]
    return "".join(token.text for token in [*released, *cutter.end()])


@given(st.lists(st.text("ab", max_size=5)), st.lists(st.text("ab", min_size=1, max_size=3), max_size=4))
def test_stop_strings_cut_like_on_the_whole_text(parts: list[str], stop: list[str]) -> None:
    """However the text is parted, the answer ends before the stop string that is complete first."""
    text = "".join(parts)
    found = [(at + len(each), at) for each in stop if (at := text.find(each)) >= 0]
    cutter = AnswerCutter(stop, None)

    assert read(cutter, *parts) == (text[: min(found)[1]] if found else text)
    assert cutter.finish_reason == ("stop" if found else None)


def test_text_that_may_begin_a_stop_string_is_held_back() -> None:
    """A stream never shows what a stop string then takes away."""
    cutter = AnswerCutter(["END"], None)

    assert cutter.feed(words("abEN")) == words("ab")
    assert cutter.feed(words("x")) == words("ENx")


def test_stop_string_within_a_token_cuts_the_token() -> None:
    """The token's first part is released and counted."""
    cutter = AnswerCutter(["lo"], None)

    assert cutter.feed([Token("hello", "▁hello", -0.5)]) == [Token("hel", "▁hello", -0.5)]
    assert cutter.completion_tokens == 1


def test_token_limit_counts_model_tokens_only() -> None:
    """White space between segments is free, and an answer of exactly the limit is not cut."""
    exact, over = AnswerCutter([], 2), AnswerCutter([], 2)
    layout = Token(" ")

    assert exact.feed([*words("a"), layout, *words("b")]) == [*words("a"), layout, *words("b")]
    assert exact.finish_reason is None
    assert over.feed([*words("a"), layout, *words("bc")]) == [*words("a"), layout, *words("b")]
    assert (over.finish_reason, over.completion_tokens) == ("length", 2)
    assert over.feed(words("d")) == []


def test_stop_before_the_limit_wins() -> None:
    """The reason is that which came first in the text."""
    cutter = AnswerCutter(["b"], 2)

    assert read(cutter, "abc") == "a"
    assert cutter.finish_reason == "stop"
