"""A language model in this process: a tiny one with random weights, so what it says is noise, but said as it should."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dragoman.core.engine import Batch
from dragoman.core.errors import ConfigurationError
from dragoman.core.types import Decoding, Occurrence, Pair, Segment, Term
from dragoman.engines.llm import LanguageModel, create
from dragoman.engines.model_family import load_family
from tests.tiny_models import build_language_model

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's."""
    return build_language_model(tmp_path_factory.mktemp("llm") / "tiny-llm")


@pytest.fixture
async def engine(directory: Path) -> AsyncIterator[LanguageModel]:
    """The model, loaded."""
    engine = await asyncio.to_thread(create, {"model": str(directory), "languages": ["en", "zh"]})
    yield engine
    await engine.aclose()


def test_families_write_conversations_as_their_models_read_them() -> None:
    """Roles between the marks of the family; text with braces stays text."""
    family = load_family("qwen3")
    segment = Segment("A {cat}.", terms=(Occurrence(Term("cat", "猫"), 0, 1),))
    assert family.chat_format is not None

    said = family.chat_format.of(family.messages(segment, segment.text, Pair("en", "zh")))

    assert said.startswith("<|im_start|>system\nYou are a professional translator.<|im_end|>\n<|im_start|>user\n")
    assert "cat = 猫" in said
    assert said.endswith("A {cat}.<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert load_family("gemma3").chat_format is not None


async def test_another_try_is_another_draw(engine: LanguageModel) -> None:
    """A wider beam, with which the pipeline asks again, samples; without one the answer is always the same."""
    segment = Segment("hello", tokens=engine.tokenize("hello"))
    plain, again = (Batch((segment,), Pair("en", "zh"), Decoding(beam_size=size)) for size in (None, 8))

    first, second = [(await engine.translate(plain))[0][0].text for _ in range(2)]
    draws = {(await engine.translate(again))[0][0].text for _ in range(4)}

    assert first == second != ""
    assert len(draws) > 1


def test_what_is_missing_is_named(directory: Path, tmp_path: Path) -> None:
    """A card, a format of conversations, the model itself."""
    with pytest.raises(ConfigurationError, match=r"llm\.toml cannot be read"):
        create({"model": str(tmp_path)})
    with pytest.raises(ConfigurationError, match="'chat' has no `chat_format`"):
        create({"model": str(directory), "family": "chat"})
    (tmp_path / "llm.toml").write_text((directory / "llm.toml").read_text())
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        create({"model": str(tmp_path)})
    (tmp_path / "llm.toml").write_text('id = "x"')
    with pytest.raises(ConfigurationError, match="`version` is wrong"):
        create({"model": str(tmp_path)})
