"""Words that translate each other, found by how often they stand together."""

from align import Lexicon

PAIRS = [
    (["el", "gato", "negro"], ["the", "black", "cat"]),
    (["el", "perro", "negro"], ["the", "black", "dog"]),
    (["un", "gato", "blanco"], ["a", "white", "cat"]),
    (["un", "perro", "blanco"], ["a", "white", "dog"]),
] * 3


def test_words_that_always_stand_together_are_linked() -> None:
    """Whatever the order of the words."""
    links = Lexicon(PAIRS).links(["un", "gato", "negro"], ["a", "black", "cat"])
    assert links == [(0, 0), (1, 2), (2, 1)]


def test_names_and_numbers_are_linked_without_having_been_seen() -> None:
    """What is the same on both sides translates itself."""
    assert Lexicon(PAIRS).links(["ana", "12"], ["12", "ana"]) == [(0, 1), (1, 0)]


def test_a_word_that_stands_twice_has_no_link() -> None:
    """Which of the two would be a guess."""
    assert Lexicon(PAIRS).links(["gato", "gato"], ["cat", "dog"]) == []


def test_what_stood_together_too_rarely_is_no_translation() -> None:
    """Twice is chance."""
    assert Lexicon([(["sol"], ["sun"])] * 2).score("sol", "sun") == 0
    assert Lexicon([(["sol"], ["sun"])] * 3).score("sol", "sun") == 1
