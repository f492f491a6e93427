"""The branches of ICU messages are texts, and their syntax is not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.pipeline.formats.json_document import parse
from tests.pipeline.formats.laws import check_laws, texts

SPECIMENS = [
    "{n, plural, one {",
    "{g, select, a {",
    "} other {",
    "}}",
    "}",
    "{",
    "#",
    "{name}",
    "'",
    "''",
    "'{",
    " it ",
    "\\n",
]
TEXTS = st.lists(st.sampled_from(SPECIMENS), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("{n, plural, one {# item} other {# items}}", ["⟨#⟩ item", "⟨#⟩ items"]),
        ("{n,plural,offset:1 =0{None} one{It} other{All #}}", ["None", "It", "All ⟨#⟩"]),
        ("You have {n, plural, =1 {one file } other {files}} left.", ["You have", "one file", "files", "left."]),
        ("{g, select, f {{n, plural, one {her} other {hers}}} other {Of {who}}}", ["her", "hers", "Of ⟨{who}⟩"]),
        ("{n, selectordinal, one {#st} other {#th}}", ["⟨#⟩st", "⟨#⟩th"]),
        ("{n, select, a {On {d, date, short} '{not}' don''t} other {}}", ["On ⟨{d, date, short}⟩ ⟨'{not}'⟩ don''t"]),
        ("{n, select, a {x}", []),
        ("{n, select, a {x}} }", []),
        ("{n, select, a {x}} y} other {z", []),
        ("{n, select, a {x { y}}", []),
        ("{n, plural, are what we call them", []),
        ("{name} and {when, date, short}, #1", ["{name} and {when, date, short}, #1"]),
    ],
)
def test_branches_are_texts(message: str, expected: list[str]) -> None:
    """What is not well formed is left alone; a message without a choice is an ordinary text."""
    document = json.dumps({"key": message})
    blocks = parse(document)

    check_laws(document, blocks)
    assert texts(blocks) == expected


def test_a_message_with_half_a_character_is_left_alone() -> None:
    """Nobody knows where its braces are."""
    document = r'["{n, select, a {Hello \ud83d} other {there}}"]'
    blocks = parse(document)

    check_laws(document, blocks)
    assert texts(blocks) == []


@given(TEXTS)
def test_no_message_breaks_the_laws(message: str) -> None:
    """However its braces are mixed up."""
    document = f'["{{n, select, a {{{message}"]'

    check_laws(document, parse(document))


@pytest.mark.parametrize("piece", ["{", "}", "{n, select, a {", "} b {", "'{", "#", " ", "{ "])
def test_long_messages_are_read_at_once(piece: str) -> None:
    """A reader that took quadratic time would run into the time limit of the tests."""
    document = '["{n, select, a {' + piece * (60_000 // len(piece)) + '}}"]'

    check_laws(document, parse(document))
