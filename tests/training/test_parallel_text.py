"""What of parallel text is kept for training."""

import gzip
from pathlib import Path

import pytest

from parallel_text import SentencePair, Sources, clean, development_keys, is_translation, key, read

SOURCES = Sources({"tatoeba": "everyday"}, {"everyday": 1.0}, 0.7)


def corpora(folder: Path, lines: list[str], development: list[str]) -> Path:
    """A folder with one Spanish corpus and one development set."""
    (folder / "train" / "tatoeba").mkdir(parents=True)
    (folder / "dev").mkdir()
    with gzip.open(folder / "train" / "tatoeba" / "es-en.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    (folder / "dev" / "flores.fr-en.tsv").write_text("\n".join(development), "utf-8")
    return folder


def test_reads_each_pair_once_with_its_domain(tmp_path: Path) -> None:
    """A pair that differs from another in case and marks alone is the same pair."""
    folder = corpora(tmp_path, ["Hola a todos.\tHello everyone.", "hola a todos\thello everyone!"], [])
    found = list(read(folder, "es", SOURCES, development_keys(folder)))
    assert found == [SentencePair("es", "Hola a todos.", "Hello everyone.", "everyday")]


def test_a_development_sentence_is_never_read(tmp_path: Path) -> None:
    """Not on the other side of another translation either, nor in another language's development set."""
    lines = ["Buenos días, mundo.\tGood morning, world.", "El gato duerme.\tThe cat is asleep."]
    folder = corpora(tmp_path, lines, ["Bonjour le monde.\tGood morning – World!"])
    found = [pair.english for pair in read(folder, "es", SOURCES, development_keys(folder))]
    assert found == ["The cat is asleep."]


def test_a_corpus_that_is_not_listed_is_not_read(tmp_path: Path) -> None:
    """What has no licence in sources.toml does not come into the model."""
    folder = corpora(tmp_path, ["Hola.\tHello."], [])
    assert list(read(folder, "es", Sources({}, {}, 0.7), frozenset())) == []


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("It 's  here .", "It's here."),
        ("do n't ( really )", "don't (really)"),
        ("e\u0301te\u0301", "été"),
        ("state - of - the - art", "state-of-the-art"),
    ],
)
def test_clean_joins_what_tokenizers_cut(text: str, cleaned: str) -> None:
    """Marks stand at their words again, and characters are composed."""
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("language", "text", "english", "kept"),
    [
        ("zh", "猫在睡觉。", "The cat is asleep.", True),
        ("zh", "The cat is asleep.", "The cat is asleep.", False),
        ("es", "Sí.", "Yes, of course, and then he said many other things to me.", False),
        ("es", "12 + 13 = 25", "12 + 13 = 25", False),
        ("es", "", "Nothing.", False),
    ],
)
def test_is_translation_by_script_letters_and_length(language: str, text: str, english: str, *, kept: bool) -> None:
    """Untranslated lines, formulas and pairs of very different length are thrown away."""
    assert is_translation(language, text, english) is kept


def test_key_keeps_letters_and_digits_alone() -> None:
    """Full width, case, spaces and marks make no other sentence."""
    assert key("Ｔｈｅ  Cat,\u00a0no. 3!") == "thecatno3"
