"""The vocabulary: a SentencePiece unigram model (Kudo 2018), trained anew, or one that exists with more pieces.

Pieces are added at the end and rated as the old ones are, so that the other languages are cut as before nearly
everywhere, and a model that was trained with the old vocabulary loses nothing.
"""

import io
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sentencepiece
from sentencepiece.sentencepiece_model_pb2 import ModelProto  # type: ignore[attr-defined]

from augment import PLACEHOLDERS, TERM_CLOSES, TERM_MEANS, TERM_OPENS

TAGGED = (
    "en", "zh", "es", "fr", "de", "ja", "nl", "ko", "ru", "pt", "it", "id", "ar", "uk", "hi", "cs", "tr", "sv", "pl",
    "vi", "th",
)  # fmt: skip
SPECIALS = [*(f"<2{code}>" for code in TAGGED), *PLACEHOLDERS, TERM_OPENS, TERM_MEANS, TERM_CLOSES]
_CHOICE = 3  # so many times the wanted number are found, of which the old model lacks most
_COVERAGE = 0.9998  # of characters; the others are spelt with bytes
_NORMAL = 1  # ModelProto.SentencePiece.NORMAL


def new_model(texts: Iterable[str], size: int) -> bytes:
    """A model of at most `size` pieces, with a byte for each character that it lacks."""
    return _trained(
        texts, vocab_size=size, byte_fallback=True, control_symbols=SPECIALS, pad_id=0, unk_id=1, bos_id=2, eos_id=3
    )


def with_more_pieces(path: Path, texts: Iterable[str], count: int) -> bytes:
    """The model in a file and `count` more pieces, those of the texts that it lacks and that stand there most often."""
    old, found = ModelProto(), ModelProto()
    old.ParseFromString(path.read_bytes())
    found.ParseFromString(_trained(texts, vocab_size=count * _CHOICE))
    known = {each.piece: each.score for each in old.pieces}
    ours = [each for each in found.pieces if each.type == _NORMAL]
    offset = statistics.median(known[each.piece] - each.score for each in ours if each.piece in known)
    for each in [each for each in ours if each.piece not in known][:count]:
        old.pieces.add(piece=each.piece, score=each.score + offset, type=_NORMAL)
    return bytes(old.SerializeToString())


def _trained(texts: Iterable[str], **options: Any) -> bytes:
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=writer,
        model_type="unigram",
        hard_vocab_limit=False,
        character_coverage=_COVERAGE,
        normalization_rule_name="identity",
        num_threads=2,
        minloglevel=2,
        **options,
    )
    return writer.getvalue()
