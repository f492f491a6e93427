"""The phrasebook, and what is made of it."""

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from parallel_text import key
from phrases import PHRASES, TIMES, phrases

LANGUAGES = ("zh", "es", "fr", "de", "ja", "nl", "ko", "ru", "pt", "it", "id")
BOOKS = sorted(path for path in PHRASES.glob("*.tsv") if path.stem != "slots")


def book(folder: Path, *lines: str) -> Path:
    """A phrasebook of Spanish and English with one slot."""
    (folder / "slots.tsv").write_text("slot\ten\tes\nplace\tthe bank\tel banco\nplace\tthe park\tel parque\n", "utf-8")
    (folder / "topic.tsv").write_text("\n".join(["en\tes", *lines]) + "\n", "utf-8")
    return folder


def test_a_slot_is_filled_alike_on_both_sides(tmp_path: Path) -> None:
    """A sentence that begins with one begins with a capital."""
    found = phrases(
        "es",
        frozenset(),
        random.Random(1),
        book(tmp_path, "Is {place} open?\t¿Está {place} abierto?", "{place}.\t{place}."),
    )
    assert {(pair.text, pair.english) for pair in found} == {
        ("¿Está el banco abierto?", "Is the bank open?"),
        ("¿Está el parque abierto?", "Is the park open?"),
        ("El banco.", "The bank."),
        ("El parque.", "The park."),
    }


def test_a_slot_may_ask_for_a_form(tmp_path: Path) -> None:
    """The case that a German preposition wants has a column of its own."""
    (tmp_path / "slots.tsv").write_text("slot\ten\tde\tde.dat\nplace\tthe bank\tdie Bank\tder Bank\n", "utf-8")
    (tmp_path / "topic.tsv").write_text("en\tde\nI am at {place}.\tIch bin in {place.dat}.\n", "utf-8")
    (found,) = phrases("de", frozenset(), random.Random(1), tmp_path)
    assert (found.text, found.english) == ("Ich bin in der Bank.", "I am at the bank.")


def test_a_development_sentence_is_left_out(tmp_path: Path) -> None:
    """As it is of every corpus."""
    folder = book(tmp_path, "Good night.\tBuenas noches.", "Thanks.\tGracias.")
    found = phrases("es", frozenset({key("Good night!")}), random.Random(1), folder)
    assert [pair.english for pair in found] == ["Thanks."]


def test_a_slot_that_nothing_fills_is_an_error(tmp_path: Path) -> None:
    """Rather than braces in the model's mouth."""
    with pytest.raises(ValueError, match="colour"):
        list(phrases("es", frozenset(), random.Random(1), book(tmp_path, "A {colour} car\tUn coche {colour}")))


def test_a_language_without_a_column_has_no_phrases() -> None:
    """A phrasebook grows language by language."""
    assert list(phrases("tlh", frozenset(), random.Random(1))) == []


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_every_phrase_is_whole_in_every_language(path: Path) -> None:
    """A column for each language (one topic has Korean alone), none of them empty, with the slots of English."""
    header, *lines = path.read_text("utf-8").splitlines()
    assert header.split("\t") == ["en", *(("ko",) if path.stem == "korean" else LANGUAGES)]
    for line in lines:
        columns = line.split("\t")
        slots = {frozenset(re.findall(r"\{(\w+)[.}]", column)) for column in columns}
        assert len(columns) == len(header.split("\t")), line
        assert all(columns), line
        assert len(slots) == 1, line


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_phrasebook_fills_every_slot(language: str) -> None:
    """Nothing that is trained on has braces."""
    found = list(phrases(language, frozenset(), random.Random(1)))
    assert len(found) > 2000
    assert not [pair for pair in found if "{" in pair.text + pair.english]


def test_words_are_a_domain_of_their_own(tmp_path: Path) -> None:
    """Drawn far more often than sentences, in which each word comes again and again."""
    folder = book(tmp_path, "Good night.\tBuenas noches.")
    (folder / "nouns.tsv").write_text("en\tes\ntea\tté\n", "utf-8")
    found = phrases("es", frozenset(), random.Random(1), folder)
    assert {(pair.english, pair.domain) for pair in found} == {("Good night.", "phrases"), ("tea", "words")}


def test_what_is_typed_first_comes_more_often(tmp_path: Path) -> None:
    """A greeting is learnt by heart, not from others like it."""
    folder = book(tmp_path, "Where are you?\t¿Dónde estás?")
    (folder / "greetings.tsv").write_text("en\tes\nHow are you?\t¿Cómo estás?\n", "utf-8")
    found = Counter(pair.english for pair in phrases("es", frozenset(), random.Random(1), folder))
    assert found == {"Where are you?": 1, "How are you?": TIMES["greetings"]}


def test_tatoeba_in_korean_counts_as_everyday_text(tmp_path: Path) -> None:
    """Which is what it is, written by others than the phrases."""
    folder = book(tmp_path, "Good night.\tBuenas noches.")
    (folder / "korean.tsv").write_text("en\tes\nI laughed.\tMe reí.\n", "utf-8")
    found = phrases("es", frozenset(), random.Random(1), folder)
    assert {(pair.english, pair.domain) for pair in found} == {("Good night.", "phrases"), ("I laughed.", "everyday")}
