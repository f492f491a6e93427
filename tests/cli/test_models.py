"""Models come from a hub-shaped server on loopback, and what goes wrong on the way is said in a sentence."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dragoman.cli import app
from tests.hub_server import Hub, serve_hub
from tests.tiny_models import build_marian, build_model_directory

REPOSITORY = "Helsinki-NLP/opus-mt-en-zh"


@pytest.fixture(scope="session")
def marian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as Marian writes it."""
    return build_marian(tmp_path_factory.mktemp("marian") / "opus-mt-en-zh")


@pytest.fixture
def hub(marian: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with that checkpoint, which the commands ask."""
    with serve_hub({REPOSITORY: marian}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


class Dragoman:
    """Runs `dragoman models …` in this process, in the working directory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, fails: bool = False) -> str:
        """What the command says: on standard output, or on standard error if it fails."""
        self._monkeypatch.setattr("sys.argv", ["dragoman", "models", *arguments])
        with pytest.raises(SystemExit) as ended:
            app()
        said = self._capsys.readouterr()
        assert ended.value.code == (2 if fails else 0), said.err
        return " ".join((said.err.splitlines()[-1] if fails else said.out).split())


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Dragoman:
    """The command."""
    return Dragoman(monkeypatch, capsys)


def test_pulls_converts_describes_and_translates(hub: Hub, models: Dragoman) -> None:
    """A name of the catalogue becomes an engine; one line of configuration makes it answer."""
    assert 'default_engine = "opus-mt-en-zh"' in models("pull", "opus-mt-en-zh")
    Path("dragoman.toml").write_text('default_engine = "opus-mt-en-zh"\n')

    shown = models("show", "opus-mt-en-zh")
    tested = models("test", "opus-mt-en-zh")

    assert "licence cc-by-4.0" in shown
    assert "languages en→zh" in shown
    assert "qwen-mt-turbo" in shown
    assert "en→zh: " in tested
    assert "tokens/s" in tested
    assert not Path("models/.downloads/opus-mt-en-zh").exists()


def test_a_download_that_breaks_off_goes_on(hub: Hub, models: Dragoman, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run asks for the rest of the file, and the model is whole."""
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    hub.broken = {"model.npz": 3000}

    assert "run the command again" in models("pull", "opus-mt-en-zh", fails=True)
    hub.is_down = False
    models("pull", "opus-mt-en-zh")

    asked = [wanted for name, wanted in hub.ranges if name == "model.npz"]
    assert asked[0] is None
    assert str(asked[-1]).startswith("bytes=3000-")
    assert Path("models/opus-mt-en-zh/model.bin").is_file()


@pytest.mark.parametrize("name", ["model.npz", "decoder.yml"])
def test_a_damaged_file_is_refused(hub: Hub, models: Dragoman, name: str) -> None:
    """Large or small, its checksum decides; the next run fetches it anew."""
    hub.damaged = {name}

    assert f"{name} of {REPOSITORY} is not what the hub describes" in models("pull", "opus-mt-en-zh", fails=True)
    assert not Path("models/opus-mt-en-zh").exists()
    hub.damaged = set()
    models("pull", "opus-mt-en-zh")


def test_a_licence_that_limits_use_must_be_accepted_by_its_name(hub: Hub, models: Dragoman) -> None:
    """The wrong one does not do, nor does none; the card records it."""
    hub.licence = "cc-by-nc-4.0"

    assert "add --accept-licence cc-by-nc-4.0" in models("pull", "opus-mt-en-zh", fails=True)
    assert "cc-by-nc-4.0" in models("pull", "opus-mt-en-zh", "--accept-licence", "mit", fails=True)
    models("pull", "opus-mt-en-zh", "--accept-licence", "cc-by-nc-4.0")
    assert 'licence = "cc-by-nc-4.0"' in Path("models/opus-mt-en-zh/model.toml").read_text()


def test_a_licence_that_nobody_names_must_be_accepted_too(hub: Hub, models: Dragoman) -> None:
    """As unknown."""
    hub.licence = None

    assert "--accept-licence unknown" in models("pull", "opus-mt-en-zh", fails=True)
    models("pull", "opus-mt-en-zh", "--accept-licence", "unknown")


def test_a_full_disk_is_noticed_before_the_download(
    hub: Hub, models: Dragoman, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is fetched."""
    usage = shutil.disk_usage(Path())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=20_000))

    assert "0 MB left" in models("pull", "opus-mt-en-zh", fails=True)
    assert hub.ranges == []


def test_what_the_hub_refuses_is_explained(hub: Hub, models: Dragoman, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such model, no such name, a form to fill in, a hub that is down, and no hub at all."""
    assert "has no model 'Helsinki-NLP/opus-mt-xx-yy'" in models("pull", "opus-mt-xx-yy", fails=True)
    assert "is no id of a model" in models("pull", "a/b/c", fails=True)
    hub.gated = True
    assert "behind a form" in models("pull", "opus-mt-en-zh", fails=True)
    hub.licence, hub.is_strange = None, True
    assert "is no description of a model" in models("pull", "opus-mt-en-zh", fails=True)
    hub.is_down = True
    assert f"{hub.url} did not answer" in models("pull", "opus-mt-en-zh", fails=True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in models("pull", "opus-mt-en-zh", fails=True)


def test_a_directory_is_taken_as_it_is(models: Dragoman, tmp_path: Path) -> None:
    """A converted model with a card is copied; its name may be chosen; it answers at once."""
    languages = {"en": "__en__", "zh": "__zh__"}
    tiny = build_model_directory(tmp_path / "tiny", languages=languages, source_tokens=["{source}", "{text}", "</s>"])

    models("pull", str(tiny), "--name", "mine")

    assert "mine ctranslate2" in models("list").replace("│", " ").replace("  ", " ").replace("  ", " ")
    assert "zh→en: " in models("test", "mine", "--from", "zh", "--to", "en")
    assert models("rm", "mine") == "models/mine is gone."
    assert "no model 'mine' was pulled" in models("rm", "mine", fails=True)


def test_a_model_that_cannot_be_loaded_is_not_kept(models: Dragoman, tmp_path: Path) -> None:
    """Whole files are not all; what says how it may be used comes along; options without an effect are refused."""
    languages = {"en": "__en__", "zh": "__zh__"}
    tiny = build_model_directory(tmp_path / "tiny", languages=languages, source_tokens=["{text}", "</s>"])
    (tiny / "LICENSE").write_text("Do as you like.")

    assert "leave --pair out" in models("pull", str(tiny), "--pair", "en-zh", fails=True)
    assert "leave --quantization out" in models("pull", str(tiny), "--quantization", "int8", fails=True)
    assert "has no revisions" in models("pull", str(tiny), "--revision", "v1", fails=True)
    models("pull", str(tiny), "--name", "whole")
    (tiny / "model.bin").write_bytes((tiny / "model.bin").read_bytes()[:900])
    assert "cannot be loaded" in models("pull", str(tiny), fails=True)

    assert Path("models/whole/LICENSE").read_text() == "Do as you like."
    assert not Path("models/tiny").exists()


def test_languages_that_a_name_does_not_tell_are_named(models: Dragoman, marian: Path) -> None:
    """With --pair; a second pull to the same place is refused, and so is removing what answers."""
    assert "add --pair" in models("pull", str(marian), "--name", "other", fails=True)
    models("pull", str(marian), "--name", "other", "--pair", "de-en")
    Path("dragoman.toml").write_text('default_engine = "other"\n')

    assert "languages de→en" in models("show", "other")
    assert "is there already" in models("pull", str(marian), "--name", "other", fails=True)
    assert "other answers to qwen-mt-flash" in models("rm", "other", fails=True)


def test_files_of_no_model_are_refused(models: Dragoman, tmp_path: Path) -> None:
    """A directory of something else; a Transformers model of a kind that cannot be served, or without the extra."""
    (tmp_path / "empty").mkdir()
    assert "no model in files that Dragoman knows" in models("pull", str(tmp_path / "empty"), fails=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"model_type": "bert"}')
    (other / "model.safetensors").write_bytes(b"")
    assert "pip install 'dragoman[convert]'" in models("pull", str(other), fails=True)


def test_wrong_words_are_refused(models: Dragoman) -> None:
    """Options and names that cannot be."""
    assert "choose one of int8" in models("pull", "x/y", "--quantization", "int3", fails=True)
    assert "cannot be called 'starter'" in models("pull", "x/starter", fails=True)
    assert "write it as zh-en" in models("pull", "x/y", "--pair", "zh", fails=True)
    assert "no model 'nothing' here" in models("show", "nothing", fails=True)
    assert "there is no engine 'nothing'" in models("test", "nothing", fails=True)
    assert "the model does not translate so" in models("test", "starter", "--from", "ko", fails=True)
    assert "memory about 620 MB" in models("show", "nllb-200-600m")
    assert "hub Helsinki-NLP/opus-mt-zh-en" in models("show", "opus-mt-zh-en")
    assert "there is no directory /nowhere" in models("pull", "/nowhere", fails=True)
