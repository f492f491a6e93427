"""The card of a model directory, `model.toml`: everything that the CTranslate2 engine must know about the model.

`docs/add-an-engine.md` shows a card for each family of models.
"""

import hashlib
import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dragoman.core.engine import Calibration
from dragoman.core.errors import ConfigurationError
from dragoman.core.languages import LANGUAGES
from dragoman.core.types import Pair
from dragoman.ops.validation import first_problem

CARD = "model.toml"
TEXT, SOURCE_LANGUAGE, TARGET_LANGUAGE = "{text}", "{source}", "{target}"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TokenizerCard(_Strict):
    """How text becomes tokens. `characters` needs no files."""

    kind: Literal["sentencepiece", "characters"]
    source: str | None = None
    target: str | None = None


class TermMarks(_Strict):
    """Tokens with which a source says how a term is translated: `opens` term `means` translation `closes`.

    For models that were trained to follow them (Dinu et al. 2019, https://aclanthology.org/P19-1294).
    """

    opens: str
    means: str
    closes: str


class ConfidenceCard(_Strict):
    """The quality to be expected, by mean log-probability: logistic(intercept + slope × score)."""

    intercept: float
    slope: float


class ModelCard(_Strict):
    """A parsed `model.toml`.

    `languages` maps our codes to the model's own token for the language. `source_tokens` frames what the encoder reads
    and `target_prefix` what the decoder starts with; in both, `{source}` and `{target}` stand for those tokens and
    `{text}` for the pieces of the text. `placeholders` are tokens that the model was trained to copy; with `terms`, it
    reads the translations of terms in the source. `confidence` is by target language.
    """

    id: str
    version: str
    licence: str
    description: str = ""
    attribution: str = ""
    pairs: Literal["all"] | list[tuple[str, str]]
    languages: dict[str, str]
    source_tokens: list[str]
    target_prefix: list[str] = []
    beam_size: int = Field(default=4, ge=1, le=32)
    max_source_tokens: int = Field(ge=16)
    max_target_tokens: int = Field(ge=16)
    tokenizer: TokenizerCard
    placeholders: list[str] = []
    terms: TermMarks | None = None
    confidence: dict[str, ConfidenceCard] = {}
    sha256: dict[str, str] = {}

    def all_pairs(self) -> frozenset[Pair]:
        """The pairs that the model translates."""
        if self.pairs == "all":
            return frozenset(Pair(a, b) for a in self.languages for b in self.languages if a != b)
        return frozenset(Pair(source, target) for source, target in self.pairs)

    @property
    def calibrations(self) -> dict[str, Calibration]:
        """What `confidence` says of each target language."""
        return {code: Calibration(each.intercept, each.slope) for code, each in self.confidence.items()}

    @property
    def marks(self) -> list[str]:
        """Tokens that are neither text nor language."""
        terms = [self.terms.opens, self.terms.means, self.terms.closes] if self.terms else []
        return [*self.placeholders, *terms]

    def frame(self, template: list[str], pair: Pair, text: list[str]) -> list[str]:
        """Fill a template with the tags of a pair and the pieces of a text."""
        tags = {SOURCE_LANGUAGE: self.languages[pair.source], TARGET_LANGUAGE: self.languages[pair.target]}
        framed: list[str] = []
        for item in template:
            framed.extend(text if item == TEXT else [tags.get(item, item)])
        return framed


def find_model(name_or_path: str) -> Path:
    """The directory of a model: one that ships with Dragoman, by name, or any path."""
    shipped = Path(str(resources.files("dragoman") / "models" / name_or_path))
    return shipped if "/" not in name_or_path and shipped.is_dir() else Path(name_or_path)


def load_card(directory: Path, *, verify: bool = True) -> ModelCard:
    """Read a card, and check it against the files beside it if they are to be used.

    Raises `ConfigurationError`: one sentence that names the file and what to do.
    """
    path = directory / CARD
    if not path.is_file():
        raise ConfigurationError(
            f"{path} is missing; a model directory needs a card, see docs/add-an-engine.md for how to write one."
        )
    try:
        card = ModelCard.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML ({error}); correct it.") from error
    except ValidationError as error:
        where, problem = first_problem(error)
        raise ConfigurationError(f"{path}: `{where}` is wrong ({problem}); correct it.") from error
    _check_languages(card, path)
    if verify:
        _check_files(card, directory)
        _check_vocabulary(card, directory)
    return card


def _check_languages(card: ModelCard, path: Path) -> None:
    unknown = sorted(set(card.languages) - set(LANGUAGES))
    if unknown:
        raise ConfigurationError(
            f"{path}: `languages` has {unknown[0]!r}, which is no code of the language table; see `dragoman languages`."
        )
    named = {code for pair in card.all_pairs() for code in (pair.source, pair.target)}
    untagged = sorted(named - set(card.languages))
    if untagged:
        raise ConfigurationError(f"{path}: `pairs` names {untagged[0]!r}, but `languages` does not; add it there.")
    if TEXT not in card.source_tokens:
        raise ConfigurationError(f"{path}: `source_tokens` has no {TEXT!r}, so no text would be translated; add it.")


def _check_files(card: ModelCard, directory: Path) -> None:
    if card.tokenizer.kind == "sentencepiece" and not (card.tokenizer.source and card.tokenizer.target):
        raise ConfigurationError(
            f"{directory / CARD}: a sentencepiece tokenizer needs `source` and `target`; name a file for each."
        )
    tokenizer_files = {name for name in (card.tokenizer.source, card.tokenizer.target) if name}
    for name in sorted({"model.bin", *tokenizer_files, *card.sha256}):
        path = directory / name
        if not path.is_file():
            raise ConfigurationError(f"{path} is missing; copy the whole model directory again.")
        if name in card.sha256 and sha256(path) != card.sha256[name]:
            raise ConfigurationError(
                f"{path} is not the file that {CARD} describes (its sha256 differs: truncated or replaced); "
                "copy the whole model directory again."
            )


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_vocabulary(card: ModelCard, directory: Path) -> None:
    """Every token that the card puts around the text must be one that the model knows."""
    for side, template in (("source", card.source_tokens), ("target", card.target_prefix)):
        path, vocabulary = read_vocabulary(directory, side)
        for pair in card.all_pairs():
            unknown = [token for token in (*card.frame(template, pair, []), *card.marks) if token not in vocabulary]
            if unknown:
                raise ConfigurationError(
                    f"{path} does not have the token {unknown[0]!r} that {CARD} asks for; "
                    "correct the card, or copy the vocabulary that belongs to the model."
                )


def read_vocabulary(directory: Path, side: str) -> tuple[Path, dict[str, int]]:
    """The ids of the tokens of the `source` or `target` side, and their file. Raises `ConfigurationError`."""
    for name in ("shared_vocabulary", f"{side}_vocabulary"):
        for path in (directory / f"{name}.json", directory / f"{name}.txt"):
            if path.is_file():
                return path, _parse_vocabulary(path)
    raise ConfigurationError(
        f"{directory / f'{side}_vocabulary.json'} is missing, and so is shared_vocabulary.json; "
        "copy the whole model directory again."
    )


def _parse_vocabulary(path: Path) -> dict[str, int]:
    try:
        text = path.read_text("utf-8")
        tokens: list[str] = json.loads(text) if path.suffix == ".json" else text.removesuffix("\n").split("\n")
        return {token: index for index, token in enumerate(tokens)}
    except ValueError as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); copy the whole model directory again.") from error
