"""A model directory that is not whole is refused with one sentence that names the file."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dragoman.core.errors import ConfigurationError
from dragoman.core.types import Pair
from dragoman.engines.model_card import CARD, find_model, load_card
from dragoman.engines.registry import create_engine


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    """A copy of the model in the box."""
    return Path(shutil.copytree(find_model("starter"), tmp_path / "starter"))


def edit_card(directory: Path, before: str, after: str) -> None:
    """Replace a text in the card."""
    card = directory / "model.toml"
    text = card.read_text("utf-8")
    assert before in text
    card.write_text(text.replace(before, after), "utf-8")


def truncate(path: Path) -> None:
    """Keep the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_card_of_the_model_in_the_box_says_what_it_is() -> None:
    """Directions to and from English, and a licence."""
    card = load_card(find_model("starter"))

    assert {Pair("zh", "en"), Pair("en", "zh")} <= card.all_pairs()
    assert all("en" in {pair.source, pair.target} for pair in card.all_pairs())
    assert card.licence == "CC-BY-SA-4.0"


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no card": (lambda d: (d / "model.toml").unlink(), "model.toml is missing"),
    "no weights": (lambda d: (d / "model.bin").unlink(), "model.bin is missing"),
    "no tokenizer": (lambda d: (d / "spm.model").unlink(), "spm.model is missing"),
    "no vocabulary": (lambda d: (d / "shared_vocabulary.json").unlink(), "shared_vocabulary.json is missing"),
    "truncated weights": (lambda d: truncate(d / "model.bin"), "model.bin is not the file that model.toml describes"),
    "replaced tokenizer": (lambda d: (d / "spm.model").write_bytes(b"x"), "spm.model is not the file that model.toml"),
    "not TOML": (lambda d: (d / "model.toml").write_text("id ="), "model.toml is not valid TOML"),
    "unknown key": (lambda d: edit_card(d, "beam_size", "beam_sise"), "`beam_sise` is wrong"),
    "wrong value": (lambda d: edit_card(d, "beam_size = 4", "beam_size = 0"), "`beam_size` is wrong"),
    "unknown language": (lambda d: edit_card(d, 'zh = "<2zh>"', 'xx = "<2zh>"'), "'xx', which is no code"),
    "untagged language": (lambda d: edit_card(d, 'zh = "<2zh>"', ""), "`pairs` names 'zh'"),
    "no text": (lambda d: edit_card(d, '"{text}"', '"text"'), "`source_tokens` has no '{text}'"),
    "tag not in vocabulary": (lambda d: edit_card(d, '"<2zh>"', '"<2xx>"'), "does not have the token '<2xx>'"),
    "no tokenizer named": (lambda d: edit_card(d, 'target = "spm.model"', ""), "needs `source` and `target`"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named(starter: Path, damage: str) -> None:
    """One sentence, with the path."""
    spoil, expected = DAMAGES[damage]
    spoil(starter)

    with pytest.raises(ConfigurationError) as refused:
        load_card(starter)

    assert expected in refused.value.message
    assert str(starter) in refused.value.message
    assert "\n" not in refused.value.message


def without_checksums(directory: Path) -> None:
    """Make a card that describes no file, as a hand-written one may."""
    text = (directory / "model.toml").read_text("utf-8")
    (directory / "model.toml").write_text(text[: text.index("[sha256]")], "utf-8")


@pytest.mark.parametrize("name", ["model.bin", "spm.model", "shared_vocabulary.json"])
def test_damage_is_found_without_checksums_too(starter: Path, name: str) -> None:
    """By loading the file, and still named."""
    without_checksums(starter)
    truncate(starter / name)

    with pytest.raises(ConfigurationError, match=name):
        create_engine("ctranslate2", {"model": str(starter)})


@pytest.mark.parametrize("limit", ["max_source_tokens = 160", "max_target_tokens = 256"])
def test_limits_beyond_the_models_positions_are_refused(starter: Path, limit: str) -> None:
    """At the start, rather than with the first long sentence."""
    edit_card(starter, limit, f"{limit.partition('=')[0]} = 600")

    with pytest.raises(ConfigurationError, match="model.toml: the model takes fewer tokens than .*; lower them"):
        create_engine("ctranslate2", {"model": str(starter)})


def test_pairs_all_means_every_direction(starter: Path) -> None:
    """Between all languages of the card."""
    text = (starter / CARD).read_text("utf-8")
    (starter / CARD).write_text(re.sub(r"pairs = \[.*?\n\]", 'pairs = "all"', text, flags=re.DOTALL), "utf-8")

    assert len(load_card(starter).all_pairs()) == 42
    assert Pair("zh", "fr") in load_card(starter).all_pairs()


def test_vocabulary_may_be_text_and_differ_by_side(starter: Path) -> None:
    """Older converted models have `source_vocabulary.txt` and `target_vocabulary.txt`."""
    without_checksums(starter)
    tokens = json.loads((starter / "shared_vocabulary.json").read_text("utf-8"))
    (starter / "shared_vocabulary.json").unlink()
    (starter / "source_vocabulary.txt").write_text("\n".join(tokens), "utf-8")
    (starter / "target_vocabulary.txt").write_text("\n".join(tokens), "utf-8")

    assert load_card(starter).id == "starter"


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("nope", {}, "there is no engine of kind 'nope'; choose one of: apertium, ctranslate2, fake"),
        ("ctranslate2", {"model": "starter", "modle": "x"}, "`modle` of a ctranslate2 engine is wrong"),
        ("ctranslate2", {"model": "/nowhere"}, "/nowhere/model.toml is missing"),
        ("ctranslate2", {"model": "starter", "compute_type": "int7"}, "int7"),
        ("fake", {"languages": 3}, "`languages` of a fake engine is wrong"),
    ],
)
def test_wrong_options_are_named(kind: str, options: dict[str, object], expected: str) -> None:
    """The option, the kind, and what there is to choose from."""
    with pytest.raises(ConfigurationError) as refused:
        create_engine(kind, options)

    assert expected in refused.value.message
