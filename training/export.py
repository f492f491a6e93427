"""Turns trained weights into a model directory that the server loads: CTranslate2 int8, `model.toml`, `spm.model`.

With them goes `vmap.txt`, of which CTranslate2 learns what each target language is written with: about a third of
the vocabulary, so that decoding is faster and no word of another script slips in.

python training/export.py --data data --run run --out src/dragoman/models/starter --card training/card.toml
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from ctranslate2.specs import TransformerSpec
from ctranslate2.specs.attention_spec import MultiHeadAttentionSpec
from ctranslate2.specs.common_spec import Activation, LayerNormSpec, LinearSpec
from ctranslate2.specs.transformer_spec import TransformerDecoderLayerSpec, TransformerEncoderLayerSpec
from torch import nn

from model import Attention, Layer, Size, Transformer, positions
from train import load

SEEN = 2  # times, at least; once may be a slip


def filled(model: Transformer, pieces: list[str]) -> TransformerSpec:
    """The model in CTranslate2's terms."""
    size = model.size
    layers = (size.encoder_layers, size.decoder_layers)
    spec = TransformerSpec.from_config(layers, size.heads, pre_norm=True, activation=Activation.GELU)
    places = positions(size.width).numpy()
    for side in (spec.encoder, spec.decoder):
        side.scale_embeddings = True
        side.position_encodings.encodings = places
    spec.encoder.embeddings[0].weight = _array(model.embedding.weight)
    spec.decoder.embeddings.weight = _array(model.embedding.weight)
    spec.decoder.projection.weight = _array(model.embedding.weight)
    for layer, part in zip(model.encoder, spec.encoder.layer, strict=True):
        _fill_layer(part, layer)
    for layer, part in zip(model.decoder, spec.decoder.layer, strict=True):
        _fill_layer(part, layer)
    _fill_norm(spec.encoder.layer_norm, model.encoder_norm)
    _fill_norm(spec.decoder.layer_norm, model.decoder_norm)
    spec.config.add_source_eos = True
    spec.config.decoder_start_token = "<s>"  # noqa: S105 # no password
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    return spec


def _array(tensor: nn.Parameter) -> np.ndarray:
    array: np.ndarray = tensor.detach().float().numpy()
    return array


def _fill_norm(spec: LayerNormSpec, norm: nn.LayerNorm) -> None:
    spec.gamma, spec.beta = _array(norm.weight), _array(norm.bias)


def _fill_linear(spec: LinearSpec, *linears: nn.Linear) -> None:
    spec.weight = np.concatenate([_array(linear.weight) for linear in linears])
    spec.bias = np.concatenate([_array(linear.bias) for linear in linears])


def _fill_attention(spec: MultiHeadAttentionSpec, norm: nn.LayerNorm, attention: Attention, *, of_itself: bool) -> None:
    _fill_norm(spec.layer_norm, norm)
    if of_itself:
        _fill_linear(spec.linear[0], attention.query, attention.key_value)
    else:
        _fill_linear(spec.linear[0], attention.query)
        _fill_linear(spec.linear[1], attention.key_value)
    _fill_linear(spec.linear[-1], attention.out)


def _fill_layer(spec: TransformerEncoderLayerSpec | TransformerDecoderLayerSpec, layer: Layer) -> None:
    _fill_attention(spec.self_attention, layer.self_norm, layer.self_attention, of_itself=True)
    if layer.cross_norm is not None and layer.cross_attention is not None:
        _fill_attention(spec.attention, layer.cross_norm, layer.cross_attention, of_itself=False)
    _fill_norm(spec.ffn.layer_norm, layer.feed_norm)
    _fill_linear(spec.ffn.linear_0, layer.feed_in)
    _fill_linear(spec.ffn.linear_1, layer.feed_out)


def vocabulary_map(data: Path, pieces: list[str]) -> str:
    """What may be written, as `PIECE OF THE SOURCE<tab>PIECES` by line; after nothing, what may always be.

    The tag of a language brings the pieces of its text in the training data, any other piece itself, to be copied.
    """
    packed = np.load(data / "train.npz")
    lengths = np.stack([packed["sources"], packed["targets"]], axis=1).astype(np.int64)
    no_target = np.where(packed["reversible"].astype(bool), packed["from_language"].astype(np.int64), -1)
    languages = np.repeat(np.stack([no_target, packed["to_language"]], axis=1).ravel(), lengths.ravel())
    lines = ["\t" + " ".join(piece for piece in pieces if piece.startswith("<0x"))]
    for index, code in enumerate(packed["languages"]):
        counts = np.bincount(packed["tokens"][languages == index], minlength=len(pieces))
        lines.append(f"<2{code}>\t" + " ".join(pieces[each] for each in np.flatnonzero(counts >= SEEN)))
    lines += [f"{piece}\t{piece}" for piece in pieces if not piece.startswith(("<0x", "<2"))]
    return "\n".join(lines) + "\n"


def main(
    data: Annotated[Path, typer.Option(help="What prepare.py wrote.")],
    run: Annotated[Path, typer.Option(help="What train.py wrote.")],
    card: Annotated[Path, typer.Option(help="model.toml without checksums.")],
    out: Annotated[Path, typer.Option(help="The model directory to write.")],
) -> None:
    """Write the model directory."""
    saved = load(run / "model.pt")
    if saved is None:
        raise typer.BadParameter(f"{run / 'model.pt'} does not exist; run train.py first.")
    model = Transformer(Size(**saved["size"]))
    model.load_state_dict({name: value.float() for name, value in saved["weights"].items()})
    pieces: list[str] = json.loads((data / "pieces.json").read_text("utf-8"))
    spec = filled(model, pieces)
    spec.validate()
    spec.optimize(quantization="int8")
    out.mkdir(parents=True, exist_ok=True)
    spec.save(str(out))
    shutil.copy(data / "spm.model", out / "spm.model")
    (out / "vmap.txt").write_text(vocabulary_map(data, pieces), "utf-8")
    names = sorted(
        path.name
        for path in out.iterdir()
        if path.name in {"config.json", "model.bin", "shared_vocabulary.json", "spm.model", "vmap.txt"}
    )
    digests = [f'"{name}" = "{hashlib.sha256((out / name).read_bytes()).hexdigest()}"' for name in names]
    (out / "model.toml").write_text(
        card.read_text("utf-8").rstrip() + "\n\n[sha256]\n" + "\n".join(digests) + "\n", "utf-8"
    )
    print(f"{out}: {sum((out / name).stat().st_size for name in names) / 1e6:.1f} MB")


if __name__ == "__main__":
    typer.run(main)
