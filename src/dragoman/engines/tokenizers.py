"""Text to model tokens and back, keeping the map between the two."""

import codecs
import re
from pathlib import Path
from typing import Protocol

import sentencepiece

from dragoman.core.errors import ConfigurationError
from dragoman.core.types import Hypothesis, Token
from dragoman.engines.model_card import ModelCard

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class Detokenizer(Protocol):
    """Turns one hypothesis's model tokens into text, in order, as they come."""

    def feed(self, piece: str) -> str:
        """The text that this token completes; the texts of all tokens, joined, are the translation."""

    def peek(self, piece: str) -> str:
        """What `feed` would give."""


class Tokenizer(Protocol):
    """One side of a model."""

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """Cut text into model tokens; their texts joined are `text`."""

    def detokenizer(self) -> Detokenizer:
        """A fresh detokenizer for one hypothesis."""


class SentencePieceTokenizer:
    """SentencePiece (Kudo & Richardson 2018, arXiv:1808.06226), unigram or BPE, with or without byte fallback."""

    def __init__(self, path: Path, silent: frozenset[str]) -> None:
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        except (OSError, RuntimeError) as error:
            raise ConfigurationError(
                f"{path} is not a SentencePiece model; copy the whole model directory again."
            ) from error
        pieces = self._processor.id_to_piece(list(range(len(self._processor))))
        controls = {piece for index, piece in enumerate(pieces) if self._processor.is_control(index)}
        self._silent = silent | controls

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """Cut text into pieces. White space that the normaliser drops stays with the piece before it."""
        mapping = self._processor.encode(text, return_type="offset_mapping")
        pieces: list[str] = mapping["pieces"]
        if not pieces:
            return (Token(text),) if text else ()
        # An offset can lie before its predecessor's where the normaliser reorders; texts must tile all the same.
        ends: list[int] = [end for _, end in mapping["offsets"]]
        ends[-1] = len(text)
        tokens = []
        start = 0
        for piece, end in zip(pieces, ends, strict=True):
            stop = max(start, end)
            tokens.append(Token(text[start:stop], piece))
            start = stop
        return tuple(tokens)

    def detokenizer(self) -> Detokenizer:
        """A fresh detokenizer."""
        return PieceDetokenizer(self._silent)


class PieceDetokenizer:
    """Reads `▁` as a space, joins byte tokens into characters, and gives neither leading nor trailing white space."""

    def __init__(self, silent: frozenset[str]) -> None:
        self._silent = silent
        self._spaces = ""
        self._started = False
        self._bytes = codecs.getincrementaldecoder("utf-8")("ignore")

    def feed(self, piece: str) -> str:
        """The text that this piece completes."""
        if piece in self._silent:
            return ""
        byte = _BYTE.fullmatch(piece)
        if byte:
            text = self._bytes.decode(bytes.fromhex(byte[1]))
        else:
            self._bytes.reset()
            text = piece.replace("▁", " ")
        return self._without_outer_spaces(text)

    def peek(self, piece: str) -> str:
        """What `feed` would give."""
        spaces, started, state = self._spaces, self._started, self._bytes.getstate()
        text = self.feed(piece)
        self._spaces, self._started = spaces, started
        self._bytes.setstate(state)
        return text

    def _without_outer_spaces(self, text: str) -> str:
        text = self._spaces + text if self._started else text.lstrip()
        kept = text.rstrip()
        self._spaces = text[len(kept) :]
        self._started = self._started or bool(kept)
        return kept


class CharacterTokenizer:
    """Every character is a token."""

    def __init__(self, silent: frozenset[str]) -> None:
        self._silent = silent

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """Cut text into characters."""
        return tuple(Token(char, char) for char in text)

    def detokenizer(self) -> Detokenizer:
        """A detokenizer, which has no state here."""
        return self

    def feed(self, piece: str) -> str:
        """The character itself."""
        return "" if piece in self._silent else piece

    peek = feed


def load_tokenizers(card: ModelCard, directory: Path, silent: frozenset[str]) -> tuple[Tokenizer, Tokenizer]:
    """The source and target tokenizers that a card names. `silent`: tokens that are never text."""
    if card.tokenizer.kind == "characters":
        characters = CharacterTokenizer(silent)
        return characters, characters
    source, target = (directory / str(name) for name in (card.tokenizer.source, card.tokenizer.target))
    source_side = SentencePieceTokenizer(source, silent)
    return source_side, source_side if source == target else SentencePieceTokenizer(target, silent)


class GrowingHypothesis:  # pragma: no cover # runs on CTranslate2's own threads, which coverage cannot see
    """A hypothesis while its tokens are still coming."""

    def __init__(self, detokenizer: Detokenizer) -> None:
        self._detokenizer = detokenizer
        self._tokens: list[Token] = []

    def add(self, piece: str, logprob: float) -> Token:
        """The next token."""
        token = Token(self._detokenizer.feed(piece), piece, logprob)
        self._tokens.append(token)
        return token

    def hypothesis(self, *, ended: bool) -> Hypothesis:
        """All of it."""
        score = sum(token.logprob or 0.0 for token in self._tokens) / max(1, len(self._tokens))
        return Hypothesis(tuple(self._tokens), score, ended)
