"""Markdown: which stretches are text, which characters are marks, and that nothing else can change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.pipeline.block import Block
from dragoman.pipeline.formats import markdown
from tests.pipeline.formats.laws import check_laws, texts

_SPECIMENS = (
    *(
        "word",
        "two words",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\n\n",
        "    ",
        "\t",
        "*",
        "**",
        "_",
        "~~",
        "`",
        "``",
        "[",
        "]",
        "(",
    ),
    *(")", "](u)", "![", "[r]", "[r][]", "[t][r]", "\n[r]: /u\n", "<http://a.b>", "<b>", "</b>", "<br>", "<!--", "-->"),
    *(
        "&amp;",
        "&lt;",
        "\\*",
        "\\|",
        "\\\n",
        "  \n",
        "- ",
        "1. ",
        "- [ ] ",
        "> ",
        "> [!NOTE]\n",
        "# ",
        "===\n",
        "---\n",
    ),
    *("***\n", "```\n", "~~~\n", "$$\n", "|", "a|b\n-|-\nc|d\n", "<div>\n", "</div>\n", "<script>\n", "[^1]", "[^1]: "),
    *('!!! note "T"\n', ":::tip T\n", "{#id}", "{: .x}\n", ": ", "+--+\n", "中文。", "é", "\\", "$", "https://a.b/_c_"),
)
_DOCUMENTS = st.lists(st.sampled_from(_SPECIMENS), max_size=25).map("".join)
_LATIN = [chr(code) for code in range(128)]


def _parse(document: str) -> list[Block]:
    blocks = markdown.parse(document)
    check_laws(document, blocks)
    return blocks


def _texts(document: str) -> list[str]:
    return texts(_parse(document))


@given(st.text() | st.text(_LATIN) | _DOCUMENTS | _DOCUMENTS.map(lambda text: f"---\ntitle: x\n---\n{text}"))
def test_laws_hold_for_any_text(document: str) -> None:
    """Nothing of a document is lost, and all offsets and spans are in order."""
    _parse(document)


@given(_DOCUMENTS)
def test_text_before_is_not_changed_by_what_follows(document: str) -> None:
    """A paragraph between empty lines is a block of its own, whatever comes behind it."""
    assert _texts(f"# A\n\nFirst *words*.\n\n{document}")[:2] == ["A", "First ⟨*⟩words⟨*⟩."]


@given(_DOCUMENTS)
def test_a_heading_behind_anything_is_found(document: str) -> None:
    """A heading behind an empty line is found, whatever comes before it, unless a fence may be open."""
    closed = f"{document}\n-->\n</script>\n\n$$\n\n"
    if not any(fence in document for fence in ("```", "~~~", "$$", "<!--", "<script>")):
        assert _texts(f"{closed}# Last\n")[-1] == "Last"


@pytest.mark.parametrize(
    "unit",
    [*"<[*{&_~`|\\>$]", "- ", "> ", "a\n", "|-", "[a](", "](", "<a ", '<a b="', "<!--", "&amp;", "*a_ ", "[a]: b\n[a]"],
)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    """The same characters many times over neither raise nor take quadratic time; the limit for a test would notice."""
    document = unit * (50_000 // len(unit))
    _parse(document)
    _parse(f"[b]: c\n\nx | y\n--|--\n{document[:10_000]}")
    assert not markdown.looks_like(document)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("# Title #\n\nSome text.\n", ["Title", "Some text."]),
        ("# Title {#id}\nText\n===\nMore\n---\n", ["Title", "Text", "More"]),
        ("One line\nand the *next\none*.\n", ["One line and the ⟨*⟩next one⟨*⟩."]),
        ("- one\n- [ ] two\n  more\n\n  again\n1) three\n   * four\n", ["one", "two more", "again", "three", "four"]),
        ("> one\n> two\nlazy\n>\n> - three\n> # Four\n", ["one two lazy", "three", "Four"]),
        ("-\tone\n\n\ttwo\n\n\t    code\n", ["one", "two"]),
        ("text\n2. no list\n1. a list\n", ["text 2. no list", "a list"]),
        (
            "Term\n: Meaning\n\n[^1]: A note\n    goes on\n\n*[HTML]: Long name\n",
            ["Term", "Meaning", "A note goes on", "Long name"],
        ),
        ('!!! note "Mind"\n    Inside.\n\n    Too.\n\nOutside\n', ["Mind", "Inside.", "Too.", "Outside"]),
        (":::tip Mind\nInside\n:::\n\n:::note[Other]{.x}\n", ["Mind", "Inside", "Other"]),
        ("> [!NOTE]\n> Text\n\n> [!tip] Title\n> Text\n", ["Text", "Title", "Text"]),
        ("a\r\nb\r\n\r\n# c\r\n", ["a b", "c"]),
    ],
)
def test_blocks(document: str, expected: list[str]) -> None:
    """Paragraphs, headings and items are blocks, without the marks that make them such."""
    assert _texts(document) == expected


@pytest.mark.parametrize(
    "document",
    [
        "```python\nwords\n",
        "~~~~\nwords\n~~~\nwords\n~~~~\n",
        "- 1\n\n      words\n",
        "    words\n\twords\n",
        "---\ntitle: words\n---\n",
        "+++\ntitle = 'words'\n+++\n",
        "[words]: http://words 'words'\n[words]:\n  words\n  'words'\n",
        "$$\nwords\n$$\n\n***\n\n{: .words}\n\n{% words %}\n",
        "| 1 | 2 |\n|---|:-:|\n| 3 | `words` |\n",
        "+-------+\n| words |\n+-------+\n",
        "<script>\nwords\n\nwords\n</script>\n<!-- words\n\nwords -->\n",
        "[![](words)](words) <https://words.org> `words` https://1.2\n\n[^words]\n",
    ],
)
def test_no_text(document: str) -> None:
    """Code, front matter, definitions, comments and addresses are no text."""
    assert [text for text in _texts(document) if "words" in text.split("⟨", maxsplit=1)[0]] == []


def test_tables() -> None:
    """Each cell is a block; a pipe in it stays behind its backslash, so that no cell falls apart."""
    document = "Before\n| A | *B* |\n|---|:-:|\n| x \\| y | `a\\|b` **z** |\nno pipe\n\n| no | table |\n"
    expected = ["Before", "A", "B", "x ⟨\\|⟩ y", "⟨`a\\|b`⟩ ⟨**⟩z⟨**⟩", "no pipe", "| no | table |"]
    assert _texts(document) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("a *b **c*** d", "a ⟨*⟩b ⟨**⟩c⟨**⟩⟨*⟩ d"),
        ("a **b~~c~~** ~d~ e", "a ⟨**⟩b⟨~~⟩c⟨~~⟩⟨**⟩ ~d~ e"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("a **b*c d", "a **b*c d"),
        ("a ``b`c`` `d", "a ⟨``b`c``⟩ `d"),
        ("a [b *c*](u(v) 'w') d", "a ⟨[⟩b ⟨*⟩c⟨*⟩⟨](u(v) 'w')⟩ d"),
        ("a [b [c](u) d](v) e", "a [b ⟨[⟩c⟨](u)⟩ d](v) e"),
        ("a ![b](u) ![](v) c", "a ⟨![⟩b⟨](u)⟩ ⟨![](v)⟩ c"),
        ("a [[1]](u) b", "a ⟨[⟩[1]⟨](u)⟩ b"),
        ("# A \\# b \\#", "A # b ⟨\\#⟩"),
        ("a [b](u){target=_blank} c", "a ⟨[⟩b⟨](u){target=_blank}⟩ c"),
        ("a [b] [c][d] e", "a [b] [c][d] e"),
        ("a <https://b.c/_d_> <e@f.g> https://h.i/*j* k", "a ⟨<https://b.c/_d_>⟩ ⟨<e@f.g>⟩ https://h.i/⟨*⟩j⟨*⟩ k"),
        ("a <b>c <i>d</b> e</i> f", "a ⟨<b>⟩c ⟨<i>⟩d⟨</b>⟩ e⟨</i>⟩ f"),
        ("a *b <u>c* d</u> e", "a ⟨*⟩b ⟨<u>⟩c⟨*⟩ d⟨</u>⟩ e"),
        ("a <kbd>B</kbd> <!-- c --> d < e <f", "a ⟨<kbd>B</kbd>⟩ ⟨<!-- c -->⟩ d < e <f"),
        ("a[^1] b $x_1 * y_1$ [[c]] d", "a⟨[^1]⟩ b ⟨$x_1 * y_1$⟩ ⟨[[c]]⟩ d"),
        ("a &eacute; &amp; &amp;lt; &lt; &nosuch; b", "a é & ⟨&amp;⟩lt; ⟨&lt;⟩ ⟨&nosuch;⟩ b"),
        ("a\\_b \\* \\*c\\* \\. 1\\. \\[d\\]", "a_b ⟨\\*⟩ ⟨\\*⟩c⟨\\*⟩ . 1. ⟨\\[⟩d⟨\\]⟩"),
        ("1\\. a", "1⟨\\.⟩ a"),
    ],
)
def test_inline_marks(document: str, expected: str) -> None:
    """Marks are spans where CommonMark sees marks, and text where it sees text."""
    assert _texts(document) == [expected]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("**All of *it***", ["All of ⟨*⟩it⟨*⟩"]),
        ("<a name='x'></a> Title {#id}", ["Title"]),
        ("\\# no heading[^1]", ["no heading"]),
        ("[![Build](a)](b) [![](c)](d)\n[Docs](e) | **[Wiki](f)**", ["Build", "Docs", "Wiki"]),
        ("Name: X  \nCity: Y\\\nLand", ["Name: X", "City: Y", "Land"]),
        ("A sentence  \ngoes on<br>and on", ["A sentence⟨ ⟩goes on⟨ ⟩and on"]),
        ("**One  \nTwo** three", ["⟨**⟩One⟨ ⟩Two⟨**⟩ three"]),
    ],
)
def test_what_stands_around_a_text_is_outside(document: str, expected: list[str]) -> None:
    """Pairs around a whole block, anchors and notes at its ends are no part of it; badges and hard lines are blocks."""
    assert _texts(document) == expected


def test_references() -> None:
    """A link keeps its label, which is not translated where it is the text of the link too."""
    document = "See [the *text*][R 1], [`r` 1] and [R\n1][] or [other].\n\n[r 1]: http://a.b\n[`R` 1]: http://c.d\n"
    expected = "See ⟨[⟩the ⟨*⟩text⟨*⟩⟨][R 1]⟩, ⟨[`r` 1]⟩ and ⟨[R 1][]⟩ or [other]."
    assert _texts(document) == [expected]


def test_raw_of_a_text_over_lines() -> None:
    """The space between two lines is all that stands between them, and an escape has its backslash."""
    (block,) = [block for block in _parse("> - one \\# *a*  \n>   so &amp; on\n") if block.text]
    assert (block.raw, block.text) == ("one \\# *a*  \n>   so &amp; on", "one # *a* so & on")
    assert [block.source(place, place + 1) for place in (4, 9, 13)] == ["\\#", "  \n>   ", "&amp;"]
    assert [(span.start, span.end, span.role) for span in block.spans] == [
        (6, 7, "open"),
        (8, 9, "close"),
        (9, 10, "atom"),
    ]


def test_html_blocks_are_read_as_html() -> None:
    """The text of an HTML block is found, and goes back with the escapes of HTML; in a quote it is inline HTML."""
    blocks = [
        block for block in _parse('<p align="center">\n  **a** <b>c</b> d\n</p>\n\n> <p>text</p>\n') if block.text
    ]
    assert texts(blocks) == ["**a** ⟨<b>⟩c⟨</b>⟩ d", "text"]
    assert [block.escaping for block in blocks] == ["markup", "markdown"]


@pytest.mark.parametrize(
    "document",
    [
        "# Title\n\nSome text.",
        "## Title\r\n\r\nSome text.",
        "## Title\nwith a [link](http://a.b)",
        "Do this:\n```sh\nmake\n```\n",
        "| A | B |\n|---|---|\n| 1 | 2 |\n",
        "Intro:\n\n- **bold** item\n- `code` item\n",
        "---\ntitle: X\n---\n\n**Text**\n",
        "Title\n=====\n\n- a\n- b with `code`\n",
        "See [the text][1] and `this`.\n\n[1]: https://a.b\n",
    ],
)
def test_looks_like_markdown(document: str) -> None:
    """Headings, fences, tables, or several weaker signs together make a document."""
    assert markdown.looks_like(document)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Plain prose, 2 * 3 < 7, #1 of {all}, a_b.",
        "I **really** like [this](http://x.y), not `that`.",
        "1. foo\n2. bar\n3. baz",
        "1. **foo**\n2. `bar` and [baz](u)\n",
        "- Hello!\n- Hello, how are *you*?\n- **Fine**.",
        "one\n---\ntwo\n---\nthree",
        "one\n\n###\n\ntwo\n\n%%\n\nthree",
        "# 1\nfoo\n# 2\nbar",
        "---\nHe said: no\n---\n",
        "a | b\nc | d",
        "> quoted\n\nMy **answer** is [here](http://x.y).",
    ],
)
def test_plain_text_does_not_look_like_markdown(text: str) -> None:
    """Messages with a mark here and there, numbered batches, dialogues and separators are plain text."""
    assert not markdown.looks_like(text)
