"""Translations of terms written into the source."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.engine import Batch
from dragoman.core.types import Decoding, Occurrence, Segment, Term
from dragoman.engines.model_card import TermMarks
from dragoman.engines.term_annotation import annotate
from tests.engines.test_ctranslate2 import EN_ZH, load, record
from tests.tiny_models import build_model_directory

MARKS = TermMarks(opens="<", means="=", closes=">")
CAT, DOG = Term("cat", "Kater"), Term("dog", "Rüde")


def test_a_term_is_followed_by_its_translation() -> None:
    """Two terms, each between marks; the columns say where the words of the source are now."""
    terms = [Occurrence(CAT, 1, 2), Occurrence(DOG, 3, 5)]

    annotated = annotate(["a", "cat", "and", "d", "og", "!"], terms, [["Ka", "ter"], ["Rüde"]], MARKS, 99)

    assert " ".join(annotated.pieces) == "a < cat = Ka ter > and < d og = Rüde > !"
    assert [annotated.pieces[column] for column in annotated.columns] == ["a", "cat", "and", "d", "og", "!"]


@pytest.mark.parametrize(
    ("terms", "meanings", "longest"),
    [
        ([Occurrence(CAT, 0, 1)], [[]], 99),
        ([Occurrence(CAT, 0, 1)], [["Kater"]], 6),
        ([Occurrence(CAT, 0, 1)], [["Kater"] * 8], 9),
    ],
    ids=["cannot be written", "no room", "too long"],
)
def test_what_does_not_fit_stays_as_it_is(terms: list[Occurrence], meanings: list[list[str]], longest: int) -> None:
    """A term without pieces, or with too many, is left for the server to enforce."""
    annotated = annotate(["cat", "and", "dog"], terms, meanings, MARKS, longest)

    assert annotated.pieces == ["cat", "and", "dog"]
    assert annotated.columns == [0, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), max_size=6), st.integers(0, 60))
def test_the_source_is_always_there_in_order(spans: list[tuple[int, int]], longest: int) -> None:
    """Whatever terms there are, overlapping too: the columns find the bare source, and the limit holds."""
    pieces = [str(number) for number in range(10)]
    terms = sorted(
        (Occurrence(CAT, start, min(10, start + size)) for start, size in spans), key=lambda each: each.start
    )

    annotated = annotate(pieces, terms, [["x", "y"]] * len(terms), MARKS, longest)

    assert [annotated.pieces[column] for column in annotated.columns] == pieces
    assert len(annotated.pieces) <= max(longest, len(pieces))


@pytest.mark.anyio
async def test_a_card_with_marks_makes_terms_native(tmp_path: Path) -> None:
    """The model reads the term's translation, and attention still has one weight for each token of the segment."""
    family: dict[str, Any] = {"languages": {"en": "<2en>", "zh": "<2zh>"}, "source_tokens": ["{target}", "{text}"]}
    marks = ("<term>", "<is>", "</term>")
    engine = await asyncio.to_thread(lambda: load(build_model_directory(tmp_path / "model", **family, marks=marks)))
    recorder = record(engine)
    segment = Segment(
        "hello world", tokens=engine.tokenize("hello world"), terms=(Occurrence(Term("world", "你好"), 3, 4),)
    )

    [[hypothesis]] = await engine.translate(Batch((segment,), EN_ZH, Decoding()))

    assert recorder.sources == [["<2zh>", "▁he", "ll", "o", "<term>", "▁world", "<is>", "你好", "</term>"]]
    assert "terms" in engine.info.abilities
    assert hypothesis.alignment is not None
    assert {len(row) for row in hypothesis.alignment} == {4}
    await engine.aclose()
