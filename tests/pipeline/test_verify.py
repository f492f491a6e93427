"""What a proofreader without the language sees."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.types import Hypothesis, Occurrence, Pair, Segment, Term, Token
from dragoman.pipeline.verify import problems, without_inventions


def tokens(text: str) -> tuple[Token, ...]:
    """A token a word, or a character of Chinese."""
    return tuple(Token(word, word) for word in re.findall(r" ?[^ \u4e00-\u9fff]+|\s*\S", text))


@pytest.mark.parametrize(
    ("source", "translation", "pair", "expected"),
    [
        ("The cat sleeps.", "猫在睡觉。", Pair("en", "zh"), ()),
        ("The cat sleeps.", "", Pair("en", "zh"), ("empty",)),
        ("Microsoft Word", "Microsoft Word", Pair("en", "zh"), ()),
        ("The cat sleeps here.", "The cat sleeps here.", Pair("en", "zh"), ("script", "echo")),
        ("The cat sleeps here.", "The cat sleeps here.", Pair("en", "fr"), ("echo",)),
        ("猫在这里睡觉。", "猫在 sleep 这里睡觉。", Pair("zh", "en"), ("script",)),
        ("猫在这里睡觉。", "東京大学病院", Pair("zh", "ja"), ()),
        ("I go home.", "我去我去我去我去我去家。", Pair("en", "zh"), ("repetition",)),
        ("Ha ha ha ha ha!", "哈哈哈哈哈！", Pair("en", "zh"), ()),
        ("Good", "这是一句很长很长的话，它和原文没有任何关系，只是为了测试长度而已。", Pair("en", "zh"), ("length",)),
        ("It is a long story, and nobody knows how it all began." * 4, "是", Pair("en", "zh"), ("length",)),
        ("He is 25 years old.", "他52岁。", Pair("en", "zh"), ("number_changed",)),
        ("He is 25 years old.", "他二十五岁。", Pair("en", "zh"), ()),
        ("15 million people", "1500万人", Pair("en", "zh"), ()),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(source: str, translation: str, pair: Pair, expected: tuple[str, ...]) -> None:
    """And a good translation is not complained about."""
    hypothesis = Hypothesis(tokens(translation), -1.0, ended=True)

    assert problems(hypothesis, Segment(source, tokens=tokens(source)), pair) == expected


def test_length_limit_and_missing_term_are_named() -> None:
    """Both at once."""
    segment = Segment("a cat", tokens=tokens("a cat"), terms=(Occurrence(Term("cat", "猫"), 1, 2),))

    assert problems(Hypothesis(tokens("一只狗"), -1.0, ended=False), segment, Pair("en", "zh")) == (
        "truncated",
        "term_missing",
    )


@pytest.mark.parametrize(
    ("source", "written", "left"),
    [
        ("Hi", "Hi <b>you</b> {name} there", "Hi you there"),
        ("Hi", "⟦0⟧ } 12:30, 5%", "12:30, 5%"),
        ("a < b", "⟦0⟧ a < b", " a < b"),
        ("Hi", "at https://x.org %s **", "at"),
        ("红楼", "The <Dream of Red>", "The Dream of Red"),
        ("Hi", "", ""),
    ],
)
def test_tags_and_placeholders_of_the_model_are_taken_out(source: str, written: str, left: str) -> None:
    """All that the source has are out of its sight, so these are invented; words, numbers and known signs stay."""
    segment = Segment(source, tokens=tokens(source))

    cleaned = without_inventions(Hypothesis(tokens(written), -1.0, ended=True), segment)

    assert cleaned.text.strip() == left.strip()


@given(st.text(alphabet="ab<>/{}0 ⟦⟧*", max_size=30))
def test_nothing_but_inventions_is_taken_out(text: str) -> None:
    """Every token stays, and of letters only those inside of tags and placeholders go."""
    hypothesis = Hypothesis(tokens(text), -1.0, ended=True)

    cleaned = without_inventions(hypothesis, Segment("a", tokens=tokens("a")))

    assert [token.model_token for token in cleaned.tokens] == [token.model_token for token in hypothesis.tokens]
    assert set("{}⟦⟧<>*").isdisjoint(cleaned.text)
    if set("{}⟦⟧<>*").isdisjoint(text):
        assert cleaned == hypothesis
