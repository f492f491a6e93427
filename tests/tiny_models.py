"""Real CTranslate2 models of a few kilobytes with random weights, built without torch, for each family of models."""

import io
import json
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import sentencepiece
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

WIDTH = 8
POSITIONS = 80
SENTENCES = ["hello world", "the world is here", "good morning to you all", "你好世界", "世界你好吗"]


def train_sentencepiece(path: Path, *, symbols: tuple[str, ...] = ()) -> list[str]:
    """Train a SentencePiece model with byte fallback; return its pieces."""
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20),
        model_writer=writer,
        vocab_size=320,
        byte_fallback=True,
        character_coverage=1.0,
        hard_vocab_limit=False,
        user_defined_symbols=list(symbols),
        minloglevel=2,
    )
    path.write_bytes(writer.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=writer.getvalue())
    return [processor.id_to_piece(index) for index in range(len(processor))]


def build_model(directory: Path, vocabulary: list[str], *, add_source_eos: bool = False) -> None:
    """Write `model.bin`, `config.json` and the vocabulary of a one-layer Transformer with random weights."""
    rng = np.random.default_rng(7)
    spec = ctranslate2.specs.TransformerSpec.from_config(num_layers=1, num_heads=2)

    def normalise(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    def linear(layer: Any, outputs: int, inputs: int = WIDTH) -> None:
        layer.weight = rng.normal(size=(outputs, inputs)).astype(np.float32)
        layer.bias = np.zeros(outputs, np.float32)

    def attend(layer: Any, *sizes: int) -> None:
        normalise(layer.layer_norm)
        for part, outputs in zip(layer.linear, sizes, strict=True):
            linear(part, outputs)

    for side in (spec.encoder, spec.decoder):
        embeddings = side.embeddings[0] if isinstance(side.embeddings, list) else side.embeddings
        embeddings.weight = rng.normal(size=(len(vocabulary), WIDTH)).astype(np.float32)
        side.position_encodings.encodings = rng.normal(size=(POSITIONS, WIDTH)).astype(np.float32)
        normalise(side.layer_norm)
        for layer in side.layer:
            attend(layer.self_attention, 3 * WIDTH, WIDTH)
            normalise(layer.ffn.layer_norm)
            linear(layer.ffn.linear_0, 2 * WIDTH)
            linear(layer.ffn.linear_1, WIDTH, 2 * WIDTH)
    for layer in spec.decoder.layer:
        attend(layer.attention, WIDTH, 2 * WIDTH, WIDTH)
    linear(spec.decoder.projection, len(vocabulary))
    # Prefer words over bytes and tags, so that translations have text.
    unlikely = [token.startswith(("<", ">>", "__")) and token != "</s>" for token in vocabulary]
    spec.decoder.projection.bias = np.where(unlikely, -20, 0).astype(np.float32)
    spec.config.add_source_eos = add_source_eos
    spec.config.decoder_start_token = "</s>"
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    spec.validate()
    spec.optimize(quantization="float32")
    spec.save(str(directory))


def build_model_directory(
    directory: Path,
    *,
    languages: dict[str, str],
    source_tokens: list[str],
    target_prefix: list[str] | None = None,
    add_source_eos: bool = False,
    marks: tuple[str, str, str] | None = None,
) -> Path:
    """Write a whole model directory with its card. The vocabulary is that of both SentencePiece models and the tags.

    `marks` stand around a term and its translation.
    """
    directory.mkdir()
    pieces = train_sentencepiece(directory / "source.spm")
    pieces += train_sentencepiece(directory / "target.spm")
    vocabulary = list(dict.fromkeys(["<pad>", *pieces, *languages.values(), *(marks or ())]))
    build_model(directory, vocabulary, add_source_eos=add_source_eos)
    card = {
        "id": "tiny",
        "version": "1",
        "licence": "Apache-2.0",
        "pairs": "all",
        "source_tokens": source_tokens,
        "target_prefix": target_prefix or [],
        "beam_size": 2,
        "max_source_tokens": 32,
        "max_target_tokens": 16,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in card.items()]
    lines += ["[languages]", *(f"{code} = {json.dumps(tag)}" for code, tag in languages.items())]
    if marks:
        lines += [
            "[terms]",
            *(f'{key} = "{mark}"' for key, mark in zip(("opens", "means", "closes"), marks, strict=True)),
        ]
    lines += ["[tokenizer]", 'kind = "sentencepiece"', 'source = "source.spm"', 'target = "target.spm"']
    (directory / "model.toml").write_text("\n".join(lines), "utf-8")
    return directory


def build_language_model(directory: Path) -> Path:
    """Write a decoder of one layer with random weights, a tokenizer of bytes, and its card."""
    directory.mkdir()
    ends = ["<|im_end|>", "<|endoftext|>", "<|im_start|>"]
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    alphabet = ByteLevel.alphabet()
    trainer = BpeTrainer(vocab_size=300, special_tokens=ends, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.save(str(directory / "tokenizer.json"))
    vocabulary = [str(tokenizer.id_to_token(index)) for index in range(tokenizer.get_vocab_size())]
    spec = ctranslate2.specs.TransformerDecoderModelSpec.from_config(num_layers=1, num_heads=2)
    rng = np.random.default_rng(7)
    decoder, [layer] = spec.decoder, spec.decoder.layer
    decoder.embeddings.weight = rng.normal(size=(len(vocabulary), WIDTH)).astype(np.float32)
    decoder.position_encodings.encodings = rng.normal(size=(16_384, WIDTH)).astype(np.float32)
    for norm in (decoder.layer_norm, layer.self_attention.layer_norm, layer.ffn.layer_norm):
        norm.gamma, norm.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)
    shapes = (
        (layer.self_attention.linear[0], (3 * WIDTH, WIDTH)),
        (layer.self_attention.linear[1], (WIDTH, WIDTH)),
        (layer.ffn.linear_0, (2 * WIDTH, WIDTH)),
        (layer.ffn.linear_1, (WIDTH, 2 * WIDTH)),
        (decoder.projection, (len(vocabulary), WIDTH)),
    )
    for linear, shape in shapes:
        linear.weight = rng.normal(size=shape).astype(np.float32)
        linear.bias = np.zeros(shape[0], np.float32)
    likely = [token.isascii() and token.isalpha() for token in vocabulary]  # so that answers have text
    decoder.projection.bias = np.where(likely, 0, -20).astype(np.float32)
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = ends[1]
    spec.register_vocabulary(vocabulary)
    spec.validate()
    spec.optimize(quantization="float32")
    spec.save(str(directory))
    card = {"id": "tiny-llm", "version": "1", "licence": "Apache-2.0", "family": "qwen3"}
    (directory / "llm.toml").write_text("".join(f'{key} = "{value}"\n' for key, value in card.items()))
    return directory


def build_marian(directory: Path) -> Path:
    """Write a checkpoint as Marian and OPUS-MT do: `model.npz`, vocabularies in YAML, `decoder.yml`, SentencePiece."""
    directory.mkdir()
    pieces = [*train_sentencepiece(directory / "source.spm"), *train_sentencepiece(directory / "target.spm")]
    words = dict.fromkeys(piece for piece in pieces if piece not in {"</s>", "<unk>", "<s>"})
    vocabulary = ["</s>", "<unk>", *words]
    lines = [f"{json.dumps(token, ensure_ascii=False)}: {index}\n" for index, token in enumerate(vocabulary)]
    (directory / "vocab.yml").write_text("".join(lines), "utf-8")
    (directory / "decoder.yml").write_text("models: [model.npz]\nvocabs: [vocab.yml, vocab.yml]\n")
    np.savez(directory / "model.npz", **_marian_weights(len(vocabulary)))
    return directory


def _marian_weights(vocabulary_size: int) -> dict[str, Any]:
    """One layer a side with random weights, by Marian's names."""
    rng = np.random.default_rng(7)
    settings = {
        "type": "transformer",
        "transformer-decoder-autoreg": "self-attention",
        "transformer-no-projection": False,
        "transformer-ffn-activation": "relu",
        "transformer-preprocess": "",
        "transformer-postprocess": "dan",
        "transformer-postprocess-emb": "d",
        "transformer-guided-alignment-layer": "last",
        "transformer-heads": 2,
        "enc-depth": 1,
        "dec-depth": 1,
    }
    weights: dict[str, Any] = {
        "special:model.yml": np.frombuffer(json.dumps(settings).encode() + b"\0", np.int8),
        "Wemb": rng.normal(size=(vocabulary_size, WIDTH)),
        "decoder_ff_logit_out_b": np.zeros((1, vocabulary_size)),
    }
    for block in ("encoder_l1_self", "decoder_l1_self", "decoder_l1_context"):
        for part in "qkvo":
            weights |= {f"{block}_W{part}": rng.normal(size=(WIDTH, WIDTH)), f"{block}_b{part}": np.zeros((1, WIDTH))}
    for side in ("encoder", "decoder"):
        for part, shape in (("1", (WIDTH, 2 * WIDTH)), ("2", (2 * WIDTH, WIDTH))):
            weights[f"{side}_l1_ffn_W{part}"] = rng.normal(size=shape)
            weights[f"{side}_l1_ffn_b{part}"] = np.zeros((1, shape[1]))
    for scope in (
        "encoder_l1_self_Wo",
        "decoder_l1_self_Wo",
        "decoder_l1_context_Wo",
        "encoder_l1_ffn_ffn",
        "decoder_l1_ffn_ffn",
    ):
        weights |= {f"{scope}_ln_scale": np.ones((1, WIDTH)), f"{scope}_ln_bias": np.zeros((1, WIDTH))}
    return {name: value if name.startswith("special") else value.astype(np.float32) for name, value in weights.items()}
