"""Begins from a model that exists: its layers, and for each new piece what the old model made of the same text.

Layers are copied in order, spread among the new ones, which change nothing at first (their last matrices are zero).
A piece that the old vocabulary lacks begins near the mean of the old pieces that spell it, apart from others spelt so.
"""

import json
import re
import struct
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from torch import Tensor

from model import Layer, Transformer

_APART = 0.3  # of what a new piece's row would be by chance
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read_variables(path: Path) -> dict[str, np.ndarray]:
    """The variables of a CTranslate2 `model.bin` (format 6), int8 ones as they were before."""
    content = path.read_bytes()
    place = 0

    def number(kind: str) -> int:
        nonlocal place
        (value,) = struct.unpack_from(kind, content, place)
        place += struct.calcsize(kind)
        return int(value)

    def name() -> str:
        nonlocal place
        length = number("<H")
        text = content[place : place + length - 1].decode()
        place += length
        return text

    number("<I"), name(), number("<I")
    variables = {}
    for _ in range(number("<I")):
        key = name()
        shape = [number("<I") for _ in range(number("<B"))]
        kind, size = _TYPES[number("<B")], number("<I")
        variables[key] = np.frombuffer(content[place : place + size], dtype=kind).reshape(shape)
        place += size
    scales = {key.removesuffix("_scale"): variables.pop(key) for key in list(variables) if key.endswith("weight_scale")}
    for key, scale in scales.items():
        variables[key] = variables[key].astype(np.float32) / scale[:, None]
    return variables


def grown_from(model: Transformer, directory: Path, data: Path) -> None:
    """Give a new model, whose width must be the same, what the one in a directory knows."""
    old = read_variables(directory / "model.bin")
    for side, layers in (("encoder", model.encoder), ("decoder", model.decoder)):
        count = len({key.split("/")[1] for key in old if re.match(rf"{side}/layer_\d", key)})
        for index in range(count):
            _copy_layer(layers[index * len(layers) // count], old, f"{side}/layer_{index}")
    _copy_norm(model.encoder_norm, old, "encoder/layer_norm")
    _copy_norm(model.decoder_norm, old, "decoder/layer_norm")
    pieces = json.loads((data / "pieces.json").read_text("utf-8"))
    known = json.loads((directory / "shared_vocabulary.json").read_text("utf-8"))
    processor = sentencepiece.SentencePieceProcessor(model_file=str(directory / "spm.model"))
    ids = {piece: index for index, piece in enumerate(known)}
    embeddings = old["decoder/embeddings/weight"]
    fresh = model.embedding.weight.detach()
    for index, piece in enumerate(pieces):
        rows = [embeddings[ids[each]] for each in spelling(piece, ids, processor)]
        if rows:
            fresh[index] = torch.from_numpy(np.mean(rows, axis=0)) + (0 if piece in ids else _APART * fresh[index])


def spelling(piece: str, ids: dict[str, int], processor: sentencepiece.SentencePieceProcessor) -> list[str]:
    """The known pieces that make a piece; its characters where it is the middle of a word and they are all there is."""
    if piece in ids or piece.startswith("<"):
        return [piece] if piece in ids else []
    spelt: list[str] = processor.encode(piece.removeprefix("▁"), out_type=str)
    if not piece.startswith("▁"):
        spelt = [each for each in (each.removeprefix("▁") for each in spelt) if each]
    found = [each for each in spelt if each in ids and each != "<unk>"]
    return found if "".join(found) == piece else [each for each in piece if each in ids]


def _copy(parameter: Tensor, values: np.ndarray) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.array(values, dtype=np.float32)))


def _copy_norm(norm: torch.nn.LayerNorm, old: dict[str, np.ndarray], name: str) -> None:
    _copy(norm.weight, old[f"{name}/gamma"])
    _copy(norm.bias, old[f"{name}/beta"])


def _copy_linear(linear: torch.nn.Linear, old: dict[str, np.ndarray], name: str, rows: slice = slice(None)) -> None:
    _copy(linear.weight, old[f"{name}/weight"][rows])
    _copy(linear.bias, old[f"{name}/bias"][rows])


def _copy_layer(layer: Layer, old: dict[str, np.ndarray], name: str) -> None:
    width = layer.feed_out.out_features
    _copy_norm(layer.self_norm, old, f"{name}/self_attention/layer_norm")
    _copy_linear(layer.self_attention.query, old, f"{name}/self_attention/linear_0", slice(width))
    _copy_linear(layer.self_attention.key_value, old, f"{name}/self_attention/linear_0", slice(width, None))
    _copy_linear(layer.self_attention.out, old, f"{name}/self_attention/linear_1")
    if layer.cross_attention is not None and layer.cross_norm is not None:
        _copy_norm(layer.cross_norm, old, f"{name}/attention/layer_norm")
        _copy_linear(layer.cross_attention.query, old, f"{name}/attention/linear_0")
        _copy_linear(layer.cross_attention.key_value, old, f"{name}/attention/linear_1")
        _copy_linear(layer.cross_attention.out, old, f"{name}/attention/linear_2")
    _copy_norm(layer.feed_norm, old, f"{name}/ffn/layer_norm")
    _copy_linear(layer.feed_in, old, f"{name}/ffn/linear_0")
    _copy_linear(layer.feed_out, old, f"{name}/ffn/linear_1")
