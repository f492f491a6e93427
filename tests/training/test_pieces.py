"""Vocabularies that grow."""

from pathlib import Path

import sentencepiece

from pieces import new_model, with_more_pieces

ENGLISH = ["the house is small", "a small house", "the cat sleeps in the house", "is the cat small"] * 50
RUSSIAN = ["дом маленький", "маленький дом", "кошка спит в доме", "это маленькая кошка"] * 50


def test_a_language_brings_its_pieces(tmp_path: Path) -> None:
    """At the end, so that those before keep their ids; the other language is cut as it was."""
    path = tmp_path / "spm.model"
    path.write_bytes(new_model(ENGLISH, 400))
    old = sentencepiece.SentencePieceProcessor(model_file=str(path))

    new = sentencepiece.SentencePieceProcessor(model_proto=with_more_pieces(path, RUSSIAN, 40))

    assert len(old) < len(new) <= len(old) + 40
    assert [new.id_to_piece(index) for index in range(len(old))] == [
        old.id_to_piece(index) for index in range(len(old))
    ]
    assert new.encode(ENGLISH) == old.encode(ENGLISH)
    assert len(new.encode("маленький дом")) < len(old.encode("маленький дом"))
    assert new.decode(new.encode("маленький дом €")) == "маленький дом €"
