"""Tiny checkpoints with random weights in the families that Transformers knows, as they lie on the hub."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from tests.tiny_models import SENTENCES, train_sentencepiece

_SMALL = {"d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
_HEADS = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
_M2M_LANGUAGES = ("en", "zh", "de", "ru")
_NLLB_LANGUAGES = ("eng_Latn", "zho_Hans", "zho_Hant", "arb_Arab", "arb_Latn", "kor_Hang")


def _write(directory: Path, name: str, content: Any) -> None:
    (directory / name).write_text(json.dumps(content, ensure_ascii=False), "utf-8")


def marian(directory: Path) -> None:
    """An OPUS-MT model."""
    pieces = [*train_sentencepiece(directory / "source.spm"), *train_sentencepiece(directory / "target.spm")]
    words = dict.fromkeys(piece for piece in pieces if piece not in {"</s>", "<unk>", "<s>"})
    vocabulary = ["</s>", "<unk>", *words, "<pad>"]
    _write(directory, "vocab.json", {token: index for index, token in enumerate(vocabulary)})
    _write(directory, "tokenizer_config.json", {"source_lang": "en", "target_lang": "zh"})
    pad = len(vocabulary) - 1
    config = MarianConfig(
        vocab_size=len(vocabulary), pad_token_id=pad, eos_token_id=0, decoder_start_token_id=pad, **_SMALL, **_HEADS
    )
    MarianMTModel(config).save_pretrained(directory)


def m2m100(directory: Path) -> None:
    """An M2M100 model, whose tokens of languages come after its pieces."""
    pieces = train_sentencepiece(directory / "sentencepiece.bpe.model")
    words = dict.fromkeys(piece for piece in pieces if piece not in {"</s>", "<unk>", "<s>"})
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", *words]
    _write(directory, "vocab.json", {token: index for index, token in enumerate(vocabulary)})
    _write(directory, "special_tokens_map.json", {})
    tags = [f"__{language}__" for language in _M2M_LANGUAGES]
    settings = {"tokenizer_class": "M2M100Tokenizer", "additional_special_tokens": tags, "num_madeup_words": 0}
    _write(directory, "tokenizer_config.json", settings)
    config = M2M100Config(vocab_size=len(vocabulary) + len(tags), max_position_embeddings=512, **_SMALL, **_HEADS)
    M2M100ForConditionalGeneration(config).save_pretrained(directory)


def nllb(directory: Path) -> None:
    """An NLLB-200 model: the same network, other tokens."""
    pieces = train_sentencepiece(directory / "sentencepiece.bpe.model")
    settings = {"tokenizer_class": "NllbTokenizer", "additional_special_tokens": list(_NLLB_LANGUAGES)}
    _write(directory, "tokenizer_config.json", settings)
    size = len(pieces) + len(_NLLB_LANGUAGES) + 8
    config = M2M100Config(vocab_size=size, max_position_embeddings=512, **_SMALL, **_HEADS)
    M2M100ForConditionalGeneration(config).save_pretrained(directory)


def madlad(directory: Path) -> None:
    """A MADLAD-400 model: T5 with tags of targets among its pieces."""
    pieces = train_sentencepiece(directory / "spiece.model", symbols=("<2en>", "<2zh>", "<2de>", "<2zh_Hant>"))
    _write(directory, "tokenizer_config.json", {"tokenizer_class": "T5Tokenizer", "extra_ids": 0})
    config = T5Config(
        vocab_size=len(pieces) + 1,  # the tokenizer adds its padding
        d_model=8,
        d_kv=4,
        d_ff=16,
        num_layers=1,
        num_heads=2,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=0,
    )
    T5ForConditionalGeneration(config).save_pretrained(directory)


FAMILIES = {"opus-mt-en-zh": marian, "m2m100": m2m100, "nllb": nllb, "madlad": madlad}


def build(family: str, directory: Path) -> Path:
    """Write a checkpoint of the family."""
    torch.manual_seed(7)
    directory.mkdir(parents=True)
    FAMILIES[family](directory)
    return directory


_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def chat_model(directory: Path) -> Path:
    """A Qwen3 model that answers chats with noise."""
    torch.manual_seed(7)
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = BpeTrainer(vocab_size=320, special_tokens=specials, initial_alphabet=ByteLevel.alphabet())
    tokenizer.train_from_iterator(SENTENCES, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=_TEMPLATE
    )
    fast.save_pretrained(directory)
    config = Qwen3Config(
        vocab_size=len(fast),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=4096,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
    )
    Qwen3ForCausalLM(config).save_pretrained(directory)
    return directory
