"""Checkpoints of every family that CTranslate2 converts become engines, through the converters as they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dragoman.cli import app
from dragoman.engines.model_card import load_card
from tests.hub_server import Hub, serve_hub
from tests.interop.checkpoints import FAMILIES, build, chat_model

PAIRS = {
    "opus-mt-en-zh": {"en→zh"},
    "m2m100": {"en→zh", "zh→en", "en→de", "de→en", "de→zh", "zh→de", *(f"{a}→ru" for a in ("en", "zh", "de"))}
    | {f"ru→{a}" for a in ("en", "zh", "de")},
    "nllb": {
        f"{a}→{b}" for a in ("en", "zh", "zh_tw", "ar", "ko") for b in ("en", "zh", "zh_tw", "ar", "ko") if a != b
    },
    "madlad": {f"{a}→{b}" for a in ("en", "zh", "de", "zh_tw") for b in ("en", "zh", "de", "zh_tw") if a != b},
}


@pytest.fixture(params=FAMILIES)
def hub(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with a checkpoint of one family."""
    checkpoint = build(request.param, tmp_path / "hub" / request.param)
    with serve_hub({f"someone/{request.param}": checkpoint}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Run a command in this process."""
    monkeypatch.setattr("sys.argv", ["dragoman", "models", *arguments])
    with pytest.raises(SystemExit) as ended:
        app()
    assert ended.value.code == 0


def test_a_checkpoint_becomes_an_engine(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is pulled, converted, described with its languages, loaded, and it translates."""
    repository = next(iter(hub.repositories))
    family = repository.partition("/")[2]

    run(monkeypatch, "pull", repository)
    run(monkeypatch, "test", family)

    card = load_card(Path("models") / family)
    assert {str(pair) for pair in card.all_pairs()} == PAIRS[family]
    said = capsys.readouterr().out
    assert "→" in said
    assert "tokens/s" in said


def test_a_language_model_becomes_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Converted with its tokenizer and a card that names its prompts; it answers, if with noise."""
    checkpoint = chat_model(tmp_path / "tiny-qwen3")
    run(monkeypatch, "pull", str(checkpoint), "--accept-licence", "mit")
    run(monkeypatch, "test", "tiny-qwen3", "--from", "en", "--to", "zh")
    assert 'family = "qwen3"' in (Path("models") / "tiny-qwen3" / "llm.toml").read_text()


def test_a_checkpoint_of_another_kind_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its type, before its weights are downloaded."""
    checkpoint = tmp_path / "bert"
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text('{"model_type": "bert"}')
    (checkpoint / "model.safetensors").write_bytes(b"0" * 5000)
    with serve_hub({"someone/bert": checkpoint}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setattr("sys.argv", ["dragoman", "models", "pull", "someone/bert"])
        with pytest.raises(SystemExit):
            app()

    assert "'bert' is none that Dragoman can convert" in capsys.readouterr().err
    assert [name for name, _ in hub.ranges] == ["config.json"]
