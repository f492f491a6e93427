"""Writes the card of a converted model from what its files say."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import tomlkit

from dragoman.core.errors import ModelUnavailable, UnsupportedLanguage
from dragoman.core.languages import Language, resolve
from dragoman.core.types import Pair
from dragoman.engines.hub.layout import TOKENIZERS
from dragoman.engines.model_card import CARD, SOURCE_LANGUAGE, TARGET_LANGUAGE, TEXT, read_vocabulary, sha256

_END = "</s>"
# All families that are converted have at least 512 positions, or relative ones.
_MOST_SOURCE_TOKENS, _MOST_TARGET_TOKENS = 256, 384
_NAMED_PAIR = re.compile(r"opus-mt-(?:tc-\w+-)?([a-z]{2,3})-([a-zA-Z_]+)$")
_SCRIPTS = {"Hans": "Hani", "Hant": "Hani", "Hang": "Kore"}


@dataclass(frozen=True, slots=True)
class Family:
    """How models of a kind are told which languages: `tag` matches their tokens of languages, `language` in it."""

    tag: re.Pattern[str]
    source_tokens: tuple[str, ...]
    target_prefix: tuple[str, ...] = ()
    is_many_to_many: bool = True


_FAMILIES = (
    Family(re.compile(r"([a-z]{3}_[A-Z][a-z]{3})"), (SOURCE_LANGUAGE, TEXT), (TARGET_LANGUAGE,)),  # NLLB-200
    Family(re.compile(r"__([a-z]{2,3})__"), (SOURCE_LANGUAGE, TEXT), (TARGET_LANGUAGE,)),  # M2M100
    Family(re.compile(r"<2([a-z]{2,3}(?:_[A-Z][a-z]{3})?)>"), (TARGET_LANGUAGE, TEXT)),  # MADLAD-400
    Family(re.compile(r">>([a-z]{2,3}(?:_[A-Za-z]+)?)<<"), (TARGET_LANGUAGE, TEXT), is_many_to_many=False),  # OPUS-MT
)
_FEWEST_TAGS = 2  # below, a tag is a piece of text that happens to look like one


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from, for its card.

    `name`: of the model, in which OPUS-MT tells the languages. `version` may be empty: then the weights decide it.
    """

    name: str
    version: str
    licence: str
    attribution: str


def write_card(directory: Path, origin: Origin, pairs: Sequence[Pair] = ()) -> None:
    """Write `model.toml` beside a converted model and its tokenizers. `pairs`: in place of those that it tells itself.

    Raises `ModelUnavailable` if files are missing or do not tell the languages.
    """
    vocabulary = read_vocabulary(directory, "source")[1]
    source, target = _tokenizers(directory)
    family, tags = _family(vocabulary)
    languages, told = _languages_and_pairs(family, tags, origin.name, pairs)
    config = json.loads((directory / "config.json").read_text("utf-8"))
    end = [] if config.get("add_source_eos") else [_END]
    card: dict[str, object] = {
        "id": origin.name,
        "version": origin.version or sha256(directory / "model.bin")[:12],
        "licence": origin.licence,
        "attribution": origin.attribution,
        "pairs": told,
        "source_tokens": [*(family.source_tokens if family else [TEXT]), *end],
        "target_prefix": list(family.target_prefix if family else ()),
        "beam_size": 4,
        "max_source_tokens": _MOST_SOURCE_TOKENS,
        "max_target_tokens": _MOST_TARGET_TOKENS,
        "languages": languages,
        "tokenizer": {"kind": "sentencepiece", "source": source, "target": target},
        "sha256": {path.name: sha256(path) for path in sorted(directory.iterdir()) if path.name != CARD},
    }
    (directory / CARD).write_text(tomlkit.dumps(card), "utf-8")


def write_language_model_card(directory: Path, origin: Origin, family: str) -> None:
    """Write `llm.toml` beside a converted language model."""
    card = {
        "id": origin.name,
        "version": origin.version or sha256(directory / "model.bin")[:12],
        "licence": origin.licence,
        "attribution": origin.attribution,
        "family": family,
    }
    (directory / "llm.toml").write_text(tomlkit.dumps(card), "utf-8")


def _tokenizers(directory: Path) -> tuple[str, str]:
    found = [path.name for path in sorted(directory.iterdir()) if any(fnmatch(path.name, one) for one in TOKENIZERS)]
    if {"source.spm", "target.spm"} <= set(found):
        return "source.spm", "target.spm"
    if len(found) != 1:
        raise ModelUnavailable(
            f"the model has {'no' if not found else 'several'} SentencePiece files; Dragoman needs source.spm and "
            "target.spm, or one for both."
        )
    return found[0], found[0]


def _family(vocabulary: Iterable[str]) -> tuple[Family | None, Mapping[str, str]]:
    """The family whose tags the vocabulary has, with the tag of each language; None for a model of one pair."""
    for family in _FAMILIES:
        tags = _tags(vocabulary, family.tag)
        if len(tags) >= _FEWEST_TAGS:
            return family, tags
    return None, {}


def _tags(vocabulary: Iterable[str], pattern: re.Pattern[str]) -> dict[str, str]:
    """Tokens by our codes. Of several tokens for a language, the one in its usual script, then the plainest."""
    best: dict[str, tuple[int, str]] = {}
    for token in vocabulary:
        match = pattern.fullmatch(token)
        language = match and _language(match[1])
        if match and language:
            rank = 0 if _script(match[1]) else match[1].count("_") + 1
            best[language.code] = min(best.get(language.code, (rank, token)), (rank, token))
    return {code: token for code, (_, token) in sorted(best.items())}


def _language(tag: str) -> Language | None:
    try:
        language = resolve(tag)
    except UnsupportedLanguage:
        return None
    script = _script(tag)
    return language if not script or script in language.scripts else None


def _script(tag: str) -> str:
    """The ISO 15924 code in a tag, as our table has it."""
    rest = tag.partition("_")[2]
    return _SCRIPTS.get(rest, rest) if re.fullmatch("[A-Z][a-z]{3}", rest) else ""


def _languages_and_pairs(
    family: Family | None, tags: Mapping[str, str], name: str, pairs: Sequence[Pair]
) -> tuple[dict[str, str], object]:
    """What the card says under `languages` and `pairs`."""
    if pairs:
        untagged = {code for pair in pairs for code in (pair.source, pair.target)} - set(tags)
        if family is not None and family.is_many_to_many and untagged:
            raise ModelUnavailable(f"the model has no token for the language {min(untagged)!r}.")
    elif family is not None and family.is_many_to_many:
        return dict(tags), "all"
    else:
        pairs = _named_pairs(name, tags)
    named = sorted({code for pair in pairs for code in (pair.source, pair.target)})
    return {code: tags.get(code, _END) for code in named}, [[pair.source, pair.target] for pair in pairs]


def _named_pairs(name: str, tags: Mapping[str, str]) -> list[Pair]:
    """The pairs that an OPUS-MT model's name tells: a source, and a target unless tags tell several."""
    match = _NAMED_PAIR.search(name)
    source, target = (_language(part) for part in match.groups()) if match else (None, None)
    if source is not None and tags:
        return [Pair(source.code, code) for code in tags if code != source.code]
    if source is None or target is None:
        raise ModelUnavailable(f"the name {name!r} does not tell the languages of the model; add --pair, as in zh-en.")
    return [Pair(source.code, target.code)]
