"""A model of the size of OPUS-MT's (Transformer-base), with random weights: as slow as a trained one, and as large.

It says the same ten English words of everything, so that the server finds nothing to repair.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import TransformerSpec

from dragoman.engines.model_card import read_vocabulary

WIDTH, FEED_FORWARD, LAYERS, HEADS, POSITIONS = 512, 2048, 6, 8, 256
TARGET_TOKENS = 10  # about as many as an English sentence of the bench has

CARD = """id = "random-base"
version = "1"
licence = "CC0-1.0"
pairs = [["zh", "en"]]
source_tokens = ["{target}", "{text}"]
beam_size = 4
max_source_tokens = 160
max_target_tokens = 200

[languages]
en = "<2en>"
zh = "<2zh>"

[tokenizer]
kind = "sentencepiece"
source = "spm.model"
target = "spm.model"
"""


def build_random_model(directory: Path, like: Path) -> Path:
    """Write a model directory with the vocabulary of another one."""
    random = np.random.default_rng(1)

    def weights(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.02).astype(np.float32)

    pieces = list(read_vocabulary(like, "target")[1])
    words = np.array([re.fullmatch(r"▁[a-z]{3,}", piece) is not None for piece in pieces])
    end = pieces.index("</s>")
    spec = TransformerSpec.from_config((LAYERS, LAYERS), HEADS, pre_norm=False)
    # Each position has a word of its own, and from the last on, dimension 0 asks for the end.
    embedding, positions = weights(len(pieces), WIDTH), weights(POSITIONS, WIDTH) * 5000
    embedding[:, 0], positions[:, 0] = 0, 0
    embedding[end], embedding[end, 0] = 0, 1
    positions[TARGET_TOKENS:, 0] = 10_000
    for side in (spec.encoder, spec.decoder):
        side.scale_embeddings = True
        side.position_encodings.encodings = positions
        for layer in side.layer:
            fill(layer, weights)
    spec.encoder.embeddings[0].weight = spec.decoder.embeddings.weight = spec.decoder.projection.weight = embedding
    spec.decoder.projection.bias = np.where(words | (np.arange(len(pieces)) == end), 0, -1e4).astype(np.float32)
    spec.config.add_source_eos = True
    spec.config.decoder_start_token = "<s>"  # noqa: S105 # no password
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    spec.validate()
    spec.optimize(quantization="int8")
    directory.mkdir(parents=True)
    spec.save(str(directory))
    shutil.copy(like / "spm.model", directory / "spm.model")
    (directory / "model.toml").write_text(CARD, "utf-8")
    return directory


def fill(layer: Any, weights: Callable[..., np.ndarray]) -> None:
    """Give every part of a layer its weights; queries, keys and values are one matrix where they read the same."""
    for name in ("self_attention", "attention"):
        attention = getattr(layer, name, None)
        if attention is None:
            continue
        fill_norm(attention.layer_norm)
        widths = [3 * WIDTH, WIDTH] if name == "self_attention" else [WIDTH, 2 * WIDTH, WIDTH]
        for linear, width in zip(attention.linear, widths, strict=True):
            linear.weight, linear.bias = weights(width, WIDTH), weights(width)
    fill_norm(layer.ffn.layer_norm)
    layer.ffn.linear_0.weight, layer.ffn.linear_0.bias = weights(FEED_FORWARD, WIDTH), weights(FEED_FORWARD)
    layer.ffn.linear_1.weight, layer.ffn.linear_1.bias = weights(WIDTH, FEED_FORWARD), weights(WIDTH)


def fill_norm(norm: Any) -> None:
    """A layer norm that only normalises."""
    norm.gamma, norm.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)
