"""Apertium, by a program that answers as it does."""

import asyncio
from pathlib import Path

import pytest

from dragoman.core.engine import Batch
from dragoman.core.errors import ConfigurationError, UpstreamFailed
from dragoman.core.types import Decoding, Pair, Segment
from dragoman.engines.apertium import Apertium, create
from tests.fake_apertium import write_apertium

pytestmark = pytest.mark.anyio


def batch_of(engine: Apertium, *texts: str) -> Batch:
    """A batch into Spanish."""
    segments = tuple(Segment(text, tokens=engine.tokenize(text)) for text in texts)
    return Batch(segments, Pair("en", "es"), Decoding())


async def made(program: Path) -> Apertium:
    """The engine, made off the event loop."""
    return await asyncio.to_thread(create, {"program": str(program)})


async def test_directions_are_pairs_and_sentences_stay_apart(tmp_path: Path) -> None:
    """Variants and languages without a code are left out; white space does not part a sentence."""
    engine = await made(write_apertium(tmp_path))

    found = await engine.translate(batch_of(engine, "One.", "Two\n\nthree.", "Four."))

    assert engine.info.pairs == {Pair("en", "es"), Pair("en", "zh")}
    assert [hypothesis.text for [hypothesis] in found] == ["eng-spa:One.", "eng-spa:Two three.", "eng-spa:Four."]


async def test_sentences_that_run_together_are_asked_alone(tmp_path: Path) -> None:
    """A program that drops an empty line loses nothing."""
    engine = await made(write_apertium(tmp_path, drops_empty_lines=True))

    found = await engine.translate(batch_of(engine, "One.", "Two."))

    assert [hypothesis.text for [hypothesis] in found] == ["eng-spa:One.", "eng-spa:Two."]


async def test_a_program_that_fails_is_an_error(tmp_path: Path) -> None:
    """Of the server behind the engine, for the next one to answer."""
    engine = await made(write_apertium(tmp_path))
    with pytest.raises(UpstreamFailed):
        await engine.translate(batch_of(engine, "boom"))


def test_what_is_not_installed_is_said(tmp_path: Path) -> None:
    """The program, or its pairs."""
    with pytest.raises(ConfigurationError, match="apt install apertium"):
        create({"program": str(tmp_path / "apertium")})
    with pytest.raises(ConfigurationError, match="knows no pair"):
        create({"program": str(write_apertium(tmp_path, directions=""))})
