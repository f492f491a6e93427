"""`dragoman tune`, with the model in the box and hardly any time to measure."""

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dragoman.cli import cli, tune
from dragoman.core.errors import ConfigurationError, InvalidRequest
from dragoman.ops.settings import load_settings

CONFIG = '# mine\nport = 9000\n\n[engines.starter]\nkind = "ctranslate2"\nmodel = "starter"\n'


@pytest.fixture(autouse=True)
def few_sentences(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is measured does not matter here."""
    (tmp_path / "sample.txt").write_text("Hello!\n\nWhere is the station?\n", "utf-8")
    monkeypatch.setattr(tune, "_FEWEST_SEGMENTS", 2)


def run(*arguments: str) -> str:
    """The output of the command, which must not fail."""
    result = CliRunner().invoke(cli, ["tune", "--seconds", "0", "--file", "sample.txt", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_writes_what_was_best_and_keeps_the_rest(tmp_path: Path) -> None:
    """Comments and other settings stay; the server accepts the file."""
    path = tmp_path / "dragoman.toml"
    path.write_text(CONFIG, "utf-8")
    assert "Sentences/s" in run("--to", "zh")
    assert path.read_text("utf-8").startswith(CONFIG)
    written = tomllib.loads(path.read_text("utf-8"))["engines"]["starter"]
    keys = ("inter_threads", "intra_threads", "max_batch_segments", "max_batch_tokens", "beam_size")
    assert all(written[key] >= 1 for key in keys)
    assert load_settings(path).engines["starter"].options["beam_size"] in (1, 2, 4)


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    """It only prints the table."""
    run("--dry-run")
    assert not (tmp_path / "dragoman.toml").exists()


def test_what_is_wrong_is_said() -> None:
    """An engine that is not there, a language that the model has not."""
    with pytest.raises(ConfigurationError, match="starter"):
        run("nonsense")
    with pytest.raises(InvalidRequest, match="en→zh"):
        run("--to", "sw")
