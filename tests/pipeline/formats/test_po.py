"""PO files get the translations that they lack, and keep those that they have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.pipeline.block import escape
from dragoman.pipeline.formats.json_document import is_code
from dragoman.pipeline.formats.po import looks_like, parse
from tests.pipeline.formats.laws import check_laws, texts

HEADER = 'msgid ""\nmsgstr ""\n"Language: de\\n"\n'
SPECIMENS = [
    *[
        "msgid ",
        "msgid_plural ",
        "msgstr ",
        "msgstr[0] ",
        "msgstr[1] ",
        "msgctxt ",
        '"Hello"',
        '"there\\n"',
        '""',
        '"',
        "\\",
    ],
    *[
        "\n",
        "\r\n",
        "#~ ",
        "# note",
        "\\303\\251",
        "\\xe9",
        "\\q",
        " ",
        HEADER,
        'msgid "A"\nmsgstr ""\n',
        "\ufeff",
        "[99999]",
    ],
]
TEXTS = st.lists(st.sampled_from(SPECIMENS), max_size=16).map("".join)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('msgid "Open"\nmsgstr ""\n', ["Open"]),
        ('msgid "Open"\nmsgstr "Öffnen"\n\nmsgid "Close"\nmsgstr ""', ["Close"]),
        ('msgctxt "menu"\nmsgid "Open"\nmsgstr ""\n', ["Open"]),
        (
            'msgid "%d file"\nmsgid_plural "%d files"\nmsgstr[0] ""\nmsgstr[1] ""\nmsgstr[2] ""\n',
            ["%d file", *["%d files"] * 2],
        ),
        ('msgid ""\n"Hello\\n"\n  "there"\r\nmsgstr ""\n""\n', ["Hello\nthere"]),
        (r'msgid "A \"b\" \\ \t\303\251\x41 \q"' + '\nmsgstr ""', ['A "b" \\ \téA q']),
        ('#~ msgid "Old"\n#~ msgstr ""\n#| msgid "Was"\nmsgid "New"\nmsgstr ""\n', ["New"]),
        ('msgid "One"\nmsgstr ""\nmsgid "damaged\nmsgstr ""\nmsgctxt "x"\nmsgstr ""', ["One"]),
        ('msgid "One"\nmsgstr ""\nmsgctxt "x"\nmsgstr ""', ["One"]),
        ('msgid "One"\nmsgstr ""\nmsgstr[12345] ""\nmsgstr', ["One"]),
        ('msgstr ""', []),
        ("", []),
    ],
)
def test_empty_translations_are_filled(document: str, expected: list[str]) -> None:
    """From their msgid, or its plural; comments, contexts and obsolete entries are no text."""
    for each in (document, HEADER + "\n" + document):
        blocks = parse(each)
        check_laws(each, blocks)
        assert texts(blocks) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('msgid "app.title"\nmsgstr "My app"\n', ["My app"]),
        ('msgid "a.b"\nmsgstr ""\n"My \\"app\\"\\n"\n"is \\303\\251\\n"\n""\n', ['My "app"', "is é"]),
        ('msgid "a_one"\nmsgid_plural "a_many"\nmsgstr[0] "One"\nmsgstr[1] "Many"\n', ["One", "Many"]),
        ('msgid "a.b"\nmsgstr " \\n"\n', []),
        ('msgid "Save it"\nmsgstr "Rette es"\n', []),
    ],
)
def test_translations_of_keys_are_translated(document: str, expected: list[str]) -> None:
    """Its msgid are keys; what they stand for is in its msgstr."""
    blocks = parse(HEADER + "\n" + document)

    check_laws(HEADER + "\n" + document, blocks)
    assert texts(blocks) == expected


def test_the_marks_of_lines_are_spans() -> None:
    """A msgid of several lines is one block, since its msgstr has no lines yet."""
    document = 'msgid "Do:\\n- open it \\n---\\n  1. Close it\\n"\nmsgstr ""'
    blocks = parse(document)

    check_laws(document, blocks)
    assert texts(blocks) == ["Do:\n⟨-⟩ open it \n⟨---\n  1.⟩ Close it\n"]


def test_a_translation_goes_between_the_quotes() -> None:
    """Written as the document writes it; nothing else changes."""
    document = '# note\nmsgid ""\n"Say "\n"\\"hi\\"\\n"\nmsgstr ""\n\n'
    blocks = parse(document)
    written = "".join(block.raw if block.text is None else block.source(0, len(block.text)) for block in blocks)

    assert written == document.replace('msgstr ""', r'msgstr "Say \"hi\"\n"')


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=5))
def test_any_message_is_read_as_it_was_written(entries: list[tuple[str, str]]) -> None:
    """Escapes and line breaks of the notation are no part of a text."""
    document = HEADER + "".join(
        f'\nmsgid "{escape(source, "po")}"\nmsgstr "{escape(translation, "po")}"\n' for source, translation in entries
    )
    blocks = parse(document)

    check_laws(document, blocks)
    if not all(is_code(source) for source, _ in entries):
        assert [block.text for block in blocks if block.text] == [source for source, done in entries if not done]


@given(st.text() | TEXTS)
def test_no_text_breaks_the_laws(text: str) -> None:
    """Valid, damaged, or no PO file at all."""
    check_laws(text, parse(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEADER, True),
        ('\ufeff# note\r\n\r\nmsgctxt "menu"\nmsgid "A"\nmsgstr[0] ""', True),
        ("msgid and msgstr are keywords.", False),
        ('The file says\nmsgid "A"\nmsgstr "B"', False),
        ('msgid "A" is a key', False),
        ("# A comment", False),
        ("", False),
    ],
)
def test_po_files_are_told_from_prose(text: str, expected: bool) -> None:  # noqa: FBT001
    """Only a file whose first line but for comments is a message is one."""
    assert looks_like(text) == expected


@pytest.mark.parametrize(
    "piece", ['"', '"\n', "\\", "#\n", "msgid", 'msgid "A"\nmsgstr ""\n', "\n", " ", '"a"\n', "\\303"]
)
def test_long_texts_are_read_at_once(piece: str) -> None:
    """A reader that took quadratic time would run into the time limit of the tests."""
    text = 'msgid "A"\nmsgstr "' + piece * (60_000 // len(piece))

    check_laws(text, parse(text))
    assert looks_like(text)
