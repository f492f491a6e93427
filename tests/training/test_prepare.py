"""Rows that are made of others."""

import random

from parallel_text import SentencePair
from prepare import rewritten


def made(pair: SentencePair, previous: SentencePair, gap: str = " ") -> set[tuple[str, str, bool, bool]]:
    """All that a hundred draws make."""
    chooser = random.Random(1)
    return {row for _ in range(100) for row in rewritten(pair, previous, chooser, gap)}


def test_a_word_comes_with_a_capital_and_in_lists() -> None:
    """Into English only if the capital is the word's own mark: “Tee” may be “tea” and “Tea”."""
    spanish = made(SentencePair("es", "té", "tea", "words"), SentencePair("es", "pan", "bread", "words"))
    german = made(SentencePair("de", "Tee", "tea", "words"), SentencePair("de", "Brot", "bread", "words"))

    assert {("Tea", "Té", True, False), ("pan, té", "bread, tea", True, True)} <= spanish
    assert {("Tea", "Tee", False, False), ("Brot, Tee", "bread, tea", True, True)} <= german


def test_a_sentence_is_joined_to_the_one_before() -> None:
    """Without a comma, and keeps its first letter; where words are not spaced, neither are sentences."""
    rows = made(
        SentencePair("zh", "谢谢。", "thank you.", "phrases"), SentencePair("zh", "你好！", "Hello!", "phrases"), ""
    )

    assert ("你好！谢谢。", "Hello! thank you.", True, True) in rows
    assert not any(source.startswith("Thank") for source, *_ in rows)
