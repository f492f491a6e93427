"""Memory answers what it knows, and adapts what differs in slots only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.types import Example
from dragoman.pipeline.memory import Answer, Memory
from dragoman.pipeline.protect import find


def answered(text: str, *pairs: tuple[str, str], target: str = "zh") -> tuple[str, str] | None:
    """How a text is answered, and with what."""
    answer = Memory([Example(*pair) for pair in pairs], target).answer(text, find(text))
    return (answer.kind, written(answer, text)) if answer else None


def written(answer: Answer, text: str) -> str:
    """An answer with the slots of its source."""
    return "".join(part if isinstance(part, str) else text[slice(*part)] for part in answer.parts)


@pytest.mark.parametrize(
    ("text", "pair", "expected"),
    [
        ("Good  morning", ("good morning", "早"), ("exact", "早")),
        ("Page 3 of 10", ("Page 4 of 12", "第4页，共12页"), ("adapted", "第3页，共10页")),
        ("See you at 12:30!", ("See you at 9:15!", "9:15见！"), ("adapted", "12:30见！")),
        ("Hello {user}.", ("Hello {name}.", "{name}，你好。"), ("adapted", "{user}，你好。")),
        ("<b>Save</b> it", ("<b>save</b> it", "<b>保存</b>"), ("exact", "<b>保存</b>")),
        ("Is it new?", ("Is it new", "这是新的"), ("adapted", "这是新的？")),
        ("It is new", ("It is new.", "这是新的。"), ("adapted", "这是新的")),
        ("Good evening", ("Good morning", "早"), None),
    ],
)
def test_known_texts_are_answered(text: str, pair: tuple[str, str], expected: tuple[str, str] | None) -> None:
    """Exactly, or adapted where numbers, placeholders or the final mark differ."""
    assert answered(text, pair) == expected


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("Hello {name}.", ("Hello {name}.", "你好。")),
        ("Hello.", ("Hello.", "{name}，你好。")),
        ("I have 2 cats", ("I have 3 cats", "我有三只猫")),
    ],
)
def test_answer_that_would_lose_or_invent_a_slot_is_none(text: str, pair: tuple[str, str]) -> None:
    """The model may do better."""
    assert answered(text, pair) is None


def test_later_examples_win() -> None:
    """As the later turns of a conversation do."""
    assert answered("Hi", ("Hi", "喂"), ("hi", "你好")) == ("exact", "你好")


def test_final_mark_is_one_of_the_target_language() -> None:
    """Narrow in English."""
    assert answered("是新的吗？", ("是新的吗", "Is it new"), target="en") == ("adapted", "Is it new?")


def test_similar_examples_come_best_first() -> None:
    """Those that are no more alike than 0.6 do not come."""
    pairs = [("The red house", "a"), ("The red car is fast", "b"), ("Nothing of the kind whatever", "c")]
    memory = Memory([Example(*pair) for pair in pairs], "zh")

    similar = memory.similar("The red car was fast")

    assert [example.target for example, _ in similar] == ["b"]
    assert 0.6 <= similar[0][1] < 1


@given(st.text(max_size=30), st.integers(0, 999), st.integers(0, 999))
def test_what_is_in_memory_is_answered_with_any_number(text: str, known: int, asked: int) -> None:
    """The target has the number of the text."""
    source = "".join(char for char in text if char.isalpha())

    answer = answered(f"w{source} {asked} x", (f"w{source} {known} x", f"第 {known} 个"))

    assert answer is not None
    assert answer[1] == f"第 {asked} 个"
