"""The rows that teach placeholders, terms and typing."""

import random

import pytest

from align import Lexicon
from augment import (
    PLACEHOLDERS,
    TERM_CLOSES,
    TERM_MEANS,
    TERM_OPENS,
    flat,
    masked,
    names,
    noisy,
    spans,
    with_terms,
    words,
)

SOURCE = words(["▁El", "▁gat", "o", "▁come", "▁pan", "."], spaced=True)
TARGET = words(["▁The", "▁cat", "▁eat", "s", "▁bread", "."], spaced=True)
LEXICON = Lexicon([(names([word]), names([other])) for word, other in zip(SOURCE, TARGET, strict=True)] * 3)


def test_words_are_made_of_pieces_with_marks_apart() -> None:
    """Where words are not spaced, every piece is one."""
    assert SOURCE == [["▁El"], ["▁gat", "o"], ["▁come"], ["▁pan"], ["."]]
    assert words(["▁我", "喝", "茶"], spaced=False) == [["▁我"], ["喝"], ["茶"]]
    assert names(SOURCE) == ["el", "gato", "come", "pan", ""]


def test_spans_are_runs_of_links_up_to_three_words() -> None:
    """Marks are no words, and spans do not overlap."""
    assert [(span.start, span.end, span.target_start) for span in spans(SOURCE, TARGET, LEXICON)] == [
        (0, 3, 0),
        (3, 4, 3),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_masked_sides_hold_the_same_placeholders(seed: int) -> None:
    """Numbered from nought as they stand in the source; what is not hidden is as it was."""
    row = masked(SOURCE, TARGET, spans(SOURCE, TARGET, LEXICON), random.Random(seed))
    if row is None:
        return
    held = [piece for piece in row.source if piece in PLACEHOLDERS]
    assert held == list(PLACEHOLDERS[: len(held)])
    assert held
    assert sorted(piece for piece in row.target if piece in PLACEHOLDERS) == held
    assert {piece for piece in row.target if piece not in PLACEHOLDERS} <= set(flat(TARGET))


@pytest.mark.parametrize("seed", range(20))
def test_terms_stand_in_the_source_with_the_words_of_the_target(seed: int) -> None:
    """The target is untouched, and the row does not teach the other direction."""
    row = with_terms(SOURCE, TARGET, spans(SOURCE, TARGET, LEXICON), random.Random(seed))
    assert row is not None
    assert row.target == flat(TARGET)
    assert not row.reversible
    opens, means, closes = (row.source.index(mark) for mark in (TERM_OPENS, TERM_MEANS, TERM_CLOSES))
    assert opens < means < closes
    assert "".join(row.source[means + 1 : closes]) in "".join(row.target)


def test_without_links_there_is_nothing_to_teach() -> None:
    """A pair whose words nobody knows stays as it is."""
    assert masked(SOURCE, TARGET, [], random.Random(1)) is None
    assert with_terms(SOURCE, TARGET, [], random.Random(1)) is None


def test_noise_is_missing_marks_and_other_case() -> None:
    """A pair without its last mark or in capitals teaches both ways, small letters only how to read them."""
    found = {noisy("Où es-tu ?", "Where are you?", random.Random(seed)) for seed in range(60)}
    assert found == {
        ("Où es-tu", "Where are you", True),
        ("où es-tu ?", "Where are you?", False),
        ("OÙ ES-TU ?", "WHERE ARE YOU?", True),
        ("où es-tu", "Where are you?", False),
    }
