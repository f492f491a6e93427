"""Lines of plain text lose the marks that order them, and only those."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.pipeline.formats.plain import parse
from tests.pipeline.formats.laws import check_laws, texts

SPECIMENS = [
    "1. ",
    "2. ",
    "12) ",
    "[1] ",
    "1|",
    "#1: ",
    "# ",
    "- ",
    "> ",
    "---",
    "```",
    "```py",
    "\n",
    "\r\n",
    "\u2028",
]
TEXTS = st.lists(st.sampled_from([*SPECIMENS, " ", "\t", "\ufeff", "Save", "it.", "你好"]), max_size=14).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. Open it\n2. Close it", ["Open it", "Close it"]),
        ("1. apples\n\n2. pears\n10. melons", ["apples", "pears", "10. melons"]),
        (
            "12) Twelve\n(3) Three\n[1] One\n1|Pipe\n2| Pipe\n#1: Hash",
            ["Twelve", "Three", "One", "Pipe", "Pipe", "Hash"],
        ),
        ("# Title\n- item\n* item\n+ item\n• item\n> quote\n>> quote", ["Title", *["item"] * 4, "quote", "quote"]),
        ("> - [x] 1. Done\n  - [ ] To do", ["Done", "To do"]),
        ("One\n\n  Two \t\r\nThree\u2028Four\n", ["One", "Two", "Three", "Four"]),
        ("\ufeff# Title", ["Title"]),
        ("", []),
        (" \n\t\n", []),
    ],
)
def test_marks_are_no_text(text: str, expected: list[str]) -> None:
    """Numbers, headings, items, quotes, and white space around lines stay out of the blocks."""
    blocks = parse(text)

    check_laws(text, blocks)
    assert texts(blocks) == expected


@pytest.mark.parametrize(
    "line",
    [
        "1.5 litres",
        "2024. gada janvārī",
        "3. jūnijā",
        "1999. It was.",
        "-5 degrees",
        "#tag",
        "C# and F#",
        "1.",
        "2 > 1",
        "|",
    ],
)
def test_prose_keeps_its_numbers_and_signs(line: str) -> None:
    """What merely resembles a mark is part of the sentence."""
    blocks = parse(line)

    check_laws(line, blocks)
    assert texts(blocks) == [line]


@pytest.mark.parametrize(
    "separator", ["%%", "@@", "---", "###", "***", "===", "___", "~~~", "* * *", "- -", "  --  ", "```"]
)
def test_separators_are_no_text(separator: str) -> None:
    """A line of punctuation that only separates comes back as it is."""
    text = f"One\n{separator}\nTwo"
    blocks = parse(text)

    check_laws(text, blocks)
    assert texts(blocks) == ["One", "Two"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See:\n```py\nx = one\n```\nDone", ["See:", "Done"]),
        ("````\na\n```\nb", ["b"]),
        ("```\na\n```\nb\n```\nc", ["b", "c"]),
        ("```py\nnot closed", ["not closed"]),
        ("Say ```x``` here\n```x``` too", ["Say ```x``` here", "```x``` too"]),
    ],
)
def test_closed_fences_hide_their_code(text: str, expected: list[str]) -> None:
    """A fence that nothing closes hides nothing else."""
    blocks = parse(text)

    check_laws(text, blocks)
    assert texts(blocks) == expected


@given(st.text() | TEXTS)
def test_no_text_breaks_the_laws(text: str) -> None:
    """And each block is one line without white space around it."""
    blocks = parse(text)

    check_laws(text, blocks)
    assert all(each == each.strip() and len(each.splitlines()) == 1 for each in texts(blocks))


@pytest.mark.parametrize("piece", ["> ", "1. ", "- ", "`", "```\n", "```x\n", " ", "*", "a\n", "\n"])
def test_long_texts_are_read_at_once(piece: str) -> None:
    """A reader that took quadratic time would run into the time limit of the tests."""
    text = piece * 20_000

    check_laws(text, parse(text))
