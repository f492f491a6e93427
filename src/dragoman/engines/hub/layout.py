"""Recognises what kind of files a model comes in, and converts them for CTranslate2."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from dragoman.core.errors import ModelUnavailable

Form = Literal["ctranslate2", "marian", "transformers"]
QUANTIZATIONS = ("int8", "int8_float16", "int8_float32", "int16", "float16", "float32")

_VOCABULARIES = ("shared_vocabulary.*", "source_vocabulary.*", "target_vocabulary.*")
TOKENIZERS = ("source.spm", "target.spm", "*.spm", "sentencepiece*.model", "spiece.model", "spm.model", "*.spm.model")
_TOKENIZER_SETTINGS = ("tokenizer*.json", "special_tokens_map.json", "vocab.json", "added_tokens.json")
_LEGAL = ("LICENSE*", "LICENCE*", "NOTICE*", "ATTRIBUTION*")
_FILES: dict[Form, tuple[str, ...]] = {
    "ctranslate2": ("model.bin", "model.toml", "config.json", "vmap.txt", *_VOCABULARIES, *TOKENIZERS),
    "marian": ("*.npz", "*.yml", *TOKENIZERS),
    "transformers": ("config.json", "generation_config.json", *_TOKENIZER_SETTINGS, *TOKENIZERS),
}
_TRANSLATION_MODELS = {"marian", "m2m_100", "t5"}
# Language models by their types, and the families of prompts that they take.
LANGUAGE_MODELS = {"qwen3": "qwen3", "gemma3_text": "gemma3"}


@dataclass(frozen=True, slots=True)
class Layout:
    """The form of a model, and those of its files that are needed."""

    form: Form
    names: tuple[str, ...]


def recognise(names: Collection[str]) -> Layout:
    """Tell the form of a model by the names of its files. Raises `ModelUnavailable`."""
    top = sorted(name for name in names if "/" not in name)
    form = _form(top)
    weights = _transformers_weights(top) if form == "transformers" else []
    return Layout(form, (*(name for name in top if _matches(name, (*_FILES[form], *_LEGAL))), *weights))


def is_legal(name: str) -> bool:
    """Whether a file says what may be done with the model."""
    return _matches(name, _LEGAL)


def _form(names: Collection[str]) -> Form:
    if "model.bin" in names and any(_matches(name, _VOCABULARIES) for name in names):
        return "ctranslate2"
    if "decoder.yml" in names and any(name.endswith(".npz") for name in names):
        return "marian"
    if "config.json" in names and _transformers_weights(names):
        return "transformers"
    raise ModelUnavailable(
        "there is no model in files that Dragoman knows: CTranslate2 (model.bin and a vocabulary), Marian (decoder.yml "
        "and an npz file) or Transformers (config.json and model.safetensors or pytorch_model.bin)."
    )


def _transformers_weights(names: Collection[str]) -> list[str]:
    """Of several formats the safest."""
    for patterns in (
        ("model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json"),
        ("pytorch_model.bin", "pytorch_model-*-of-*.bin", "pytorch_model.bin.index.json"),
    ):
        found = [name for name in names if _matches(name, patterns)]
        if found:
            return found
    return []


def _matches(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def check_can_convert(form: Form) -> None:
    """Raise `ModelUnavailable` if a package is missing, before anything large is downloaded."""
    if form == "transformers" and not all(importlib.util.find_spec(name) for name in ("torch", "transformers")):
        raise ModelUnavailable(
            "this model has to be converted, which needs an extra: pip install 'dragoman[convert]'. "
            "The server itself does without it."
        )


def architecture(directory: Path) -> str:
    """The type of a Transformers model, by its `config.json`. Raises `ModelUnavailable` if it cannot be served."""
    try:
        family = json.loads((directory / "config.json").read_text("utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelUnavailable(f"{directory / 'config.json'} cannot be read ({error}).") from error
    if family not in _TRANSLATION_MODELS | LANGUAGE_MODELS.keys():
        raise ModelUnavailable(
            f"a model of type {family!r} is none that Dragoman can convert; these are Marian (OPUS-MT), M2M100, "
            "NLLB-200, T5 (MADLAD-400), and the language models Qwen3 and Gemma 3 (text)."
        )
    return str(family)


def convert(form: Form, source: Path, target: Path, quantization: str) -> None:
    """Write a model as CTranslate2 reads it, by a converter of CTranslate2 in a process of its own.

    Raises `ModelUnavailable` with the last line that the converter wrote.
    """
    option, module = ("--model_dir", "opus_mt") if form == "marian" else ("--model", "transformers")
    command = [sys.executable, "-m", f"ctranslate2.converters.{module}", option, str(source)]
    command += ["--output_dir", str(target), "--quantization", quantization, "--force"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 # our own words
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ModelUnavailable(f"the model could not be converted: {lines[-1][:300]}")
