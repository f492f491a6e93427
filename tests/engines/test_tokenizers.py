"""Tokens know their text."""

from pathlib import Path

import pytest
import sentencepiece
from hypothesis import example, given
from hypothesis import strategies as st

from dragoman.engines.model_card import find_model
from dragoman.engines.tokenizers import CharacterTokenizer, SentencePieceTokenizer, Tokenizer

SPM = find_model("starter") / "spm.model"
TOKENIZER = SentencePieceTokenizer(SPM, frozenset({"</s>", "<2zh>"}))
PROCESSOR = sentencepiece.SentencePieceProcessor(model_file=str(SPM))
PIECES = [PROCESSOR.id_to_piece(index) for index in range(10, len(PROCESSOR)) if not PROCESSOR.is_byte(index)]


def detokenize(tokenizer: Tokenizer, pieces: list[str]) -> str:
    """The text of a hypothesis."""
    detokenizer = tokenizer.detokenizer()
    return "".join(detokenizer.feed(piece) for piece in pieces)


@given(st.text())
@example("😀 hi𠀀  ①②\u200b")
@example("\u200b")
def test_token_texts_tile_the_source(text: str) -> None:
    """For any text, of characters that the model does not know or drops too."""
    assert "".join(token.text for token in TOKENIZER.tokenize(text)) == text


@given(st.lists(st.sampled_from(PIECES), max_size=20))
def test_detokenizing_gives_what_sentencepiece_gives(pieces: list[str]) -> None:
    """Piece by piece, but without outer white space; bytes alone make no character."""
    assert detokenize(TOKENIZER, pieces) == PROCESSOR.decode(pieces).strip()


def test_pieces_are_those_of_sentencepiece() -> None:
    """What reaches the model is exactly its own segmentation."""
    text = "I didn't laugh after watching this video. 我没有笑"

    assert [token.model_token for token in TOKENIZER.tokenize(text)] == PROCESSOR.encode(text, out_type=str)


def test_byte_tokens_become_whole_characters() -> None:
    """No character is split: its text comes with its last byte; bytes that make none are dropped."""
    detokenizer = TOKENIZER.detokenizer()

    texts = [detokenizer.feed(piece) for piece in ("▁a", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "<0xFF>", "b")]

    assert texts == ["a", "", "", "", "😀", "", "b"]


def test_blanks_wait_for_the_next_word() -> None:
    """So a translation never ends in white space, streamed or not, and tags are not text."""
    detokenizer = TOKENIZER.detokenizer()

    assert [detokenizer.feed(piece) for piece in ("<2zh>", "▁", "▁a", "▁", "b", "▁", "</s>")] == [
        *("", "", "a", "", " b", "", ""),
    ]


@pytest.mark.parametrize("text", ["", "café 😀"])
def test_characters_are_tokens(text: str) -> None:
    """Both ways."""
    tokenizer = CharacterTokenizer(frozenset({"</s>"}))

    tokens = tokenizer.tokenize(text)

    assert [token.model_token for token in tokens] == list(text)
    assert detokenize(tokenizer, [*text, "</s>"]) == text


def test_path_of_the_model_is_text_or_path() -> None:
    """A shipped model is found by name, any other by path."""
    assert find_model("starter").is_dir()
    assert find_model("./starter") == Path("starter")
