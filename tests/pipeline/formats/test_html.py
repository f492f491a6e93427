"""The text of HTML is found with its inline tags, and everything else comes back as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.pipeline.block import Block
from dragoman.pipeline.formats import html
from tests.pipeline.formats.laws import check_laws, texts

SPECIMENS = [
    *("<p>", "</p>", "<b>", "</b>", "<i class='x'>", "</i>", "<br>", "<br/>", "<a href='u' title=\"Go\">", "</a>"),
    *(
        "<code>",
        "</code>",
        "<pre>",
        "</pre>",
        "<div translate=no>",
        "<p translate='yes'>",
        "</div>",
        "<img alt='A cat'>",
    ),
    *("<!-- c -->", "<!--", "-->", "<![CDATA[", "]]>", "<!doctype html>", "<?php x ?>", "<?", "<% x %>", "<script>"),
    *(
        "</script>",
        "<svg>",
        "</svg>",
        "<x-y>",
        "</x-y>",
        "<unknown>",
        "<a b='",
        '<a b="',
        "<b",
        "<",
        ">",
        "&",
        "'",
        '"',
    ),
    *(
        "&amp;",
        "&nbsp;",
        "&#10;",
        "&#x41;",
        "&fjlig;",
        "&#xD800;",
        "&#1;",
        "&foo.bar;",
        "Hello",
        "world.",
        "你好。",
        " ",
    ),
    *("\n", "\t\t", "\u00a0", "\u2028", "1", "<input placeholder='Your name' title=''>"),
]
DOCUMENTS = st.lists(st.sampled_from(SPECIMENS), max_size=30).map("".join)
HOSTILE = [
    "<",
    ">",
    "&",
    "<a ",
    "<a '\"",
    "</",
    "<!--",
    "<![CDATA[",
    "<?",
    "<!",
    " ",
    "\n",
    "<a\" x='<a' x=\"",
    "<a x='\"",
]
TAGS = [
    "<p>",
    "<b>",
    "</b>",
    "<b>x",
    "<code>",
    "<p translate=no>",
    "<br>",
    "<a>x</a>",
    "<script>",
    "a <b> b </i>",
    "&amp;",
]


def parse(document: str) -> list[Block]:
    """The blocks of a document, which obey the laws."""
    blocks = html.parse(document)
    check_laws(document, blocks)
    return blocks


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("<p>One.</p><p>Two</p>", ["One.", "Two"]),
        ("<ul><li>A<li>B</ul>C", ["A", "B", "C"]),
        ("<td>Cell</td><td>12</td><th>$ 5</th>", ["Cell"]),
        ("<title>T</title><select><option>O<option>P</select>", ["T", "O", "P"]),
        ("<button>Yes</button><button>No</button> <label>Name: <input></label>", ["Yes", "No", "Name:"]),
        (
            "<my-card>One</my-card><my-card>Two</my-card> <unknown>three</unknown> four",
            ["One", "Two", "⟨<unknown>⟩three⟨</unknown>⟩ four"],
        ),
        ("<nav><a>Home</a> | <a>About</a></nav>", ["Home", "About"]),
        ("<p><a name=x>See <a href=y>this</a>", ["See ⟨<a href=y>⟩this⟨</a>⟩"]),
        ("One<br>two.<br> <br/>Three", ["One⟨ ⟩two.", "Three"]),
        ("<P>Old <FONT color=red>HTML</Font> page", ["Old ⟨<FONT color=red>⟩HTML⟨</Font>⟩ page"]),
        ("<w:p>a <o:p></o:p> b</w:p>", ["a ⟨<o:p></o:p>⟩ b"]),
    ],
)
def test_blocks(document: str, found: list[str]) -> None:
    """What belongs to one sentence is one block, and what does not is not."""
    assert texts(parse(document)) == found


@pytest.mark.parametrize(
    ("document", "spans"),
    [
        ("<p>A <b>b</b> c", [("<b>", "open", 1), ("</b>", "close", 1)]),
        ("A <b>b <i>c</i></b> d", [("<b>", "open", 1), ("<i>", "open", 2), ("</i>", "close", 2), ("</b>", "close", 1)]),
        (
            "A <b>b <i>c</b> d</i> e",
            [("<b>", "open", 1), ("<i>", "atom", 0), ("</b>", "close", 1), ("</i>", "atom", 0)],
        ),
        (
            "A <img src='>'> b<wbr>c <!-- > --> d",
            [("<img src='>'>", "atom", 0), ("<wbr>", "atom", 0), ("<!-- > -->", "atom", 0)],
        ),
        ("A <i class=icon></i> b <span/> c", [("<i class=icon></i>", "atom", 0), ("<span/>", "atom", 0)]),
        ("A <a href=/x/>b</a> c", [("<a href=/x/>", "open", 1), ("</a>", "close", 1)]),
        ("A <code>x <b>y</b></code> c &foo.bar; d", [("<code>x <b>y</b></code>", "atom", 0), ("&foo.bar;", "atom", 0)]),
        ("A <br  /> b", [("<br  />", "atom", 0)]),
        ("A <b>b<p>c</b> d", [("<b>", "atom", 0), ("</b>", "atom", 0)]),
    ],
)
def test_spans(document: str, spans: list[tuple[str, str, int]]) -> None:
    """Tags within a sentence are spans: pairs where they enclose words, and atoms otherwise."""
    blocks = [block for block in parse(document) if block.text is not None]
    found = [(block.source(span.start, span.end), span.role, span.pair) for block in blocks for span in block.spans]
    pairs = sorted({pair for _, _, pair in found} - {0})
    assert [(raw, role, pairs.index(pair) + 1 if pair else 0) for raw, role, pair in found] == spans


@pytest.mark.parametrize(
    ("document", "raw"),
    [
        ("<p> <b>Whole.</b> </p>", "Whole."),
        ("<p><a href=x><b> Whole </b></a><br></p>", "Whole"),
        ("<p><b></b><img> A <b>b</b> <i> </i><!-- c --></p>", "A <b>b</b>"),
        ("<p><b>A</b> b</p>", "<b>A</b> b"),
        ("<b>A", "A"),
        ("\u00a0&nbsp;\n A&nbsp; \n", "A"),
        ("<p><code>x</code> is.</p>", "<code>x</code> is."),
        ("<p>Text isn't <b", "Text isn't <b"),
    ],
)
def test_edges(document: str, raw: str) -> None:
    """White space and tags that enclose nothing, or everything, are not part of a block."""
    assert [block.raw for block in parse(document) if block.text is not None] == [raw]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("don&rsquo;t say &quot;no&quot;", 'don’t say "no"'),
        ("a&nbsp;b&#x41;&#66;&eacute;", "a\u00a0bABé"),
        ("a \n\t b\tc&#10;d", "a b c d"),
        ("a & b &c &; &#; d", "a & b &c &; &#; d"),
        ("a &fjlig;ord", "a fjord"),
        ("a < b, c > d, <3 </3 <>", "a < b, c > d, <3 </3 <>"),
    ],
)
def test_characters(raw: str, text: str) -> None:
    """A block has the text that a reader sees, and is escaped as text between tags is."""
    [block] = parse(raw)
    assert (block.raw, block.text, block.spans, block.escaping) == (raw, text, (), "markup")


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("<pre>a <b>b</b></pre><script>'<p>a</p>'</script><style>p</style>c", ["c"]),
        ("<script>never closed <p>a</p>", []),
        ("<textarea>a</textarea><svg><title>a</title></svg><kbd>Ctrl</kbd>", []),
        ("Press <kbd>Ctrl</kbd> or <var>x</var>", ["Press ⟨<kbd>Ctrl</kbd>⟩ or ⟨<var>x</var>⟩"]),
        (
            "See <b translate=no>A <i>b</i></b> <i CLASS='a notranslate'>C</i>",
            ["See ⟨<b translate=no>A <i>b</i></b>⟩ ⟨<i CLASS='a notranslate'>C</i>⟩"],
        ),
        ("<div translate=no>a<div>b</div><p translate=yes>c</p>d</div>e", ["c", "e"]),
        ("<ul><li translate=no>a <b>b</b><li>c</ul>", ["c"]),
        ("<p translate=no title='Hi'>a</p><!doctype html><!-- a --><?php echo '>' ?><![CDATA[ a ]]>", []),
        ("a <code>b<p>c</code>d", ["a", "d"]),
        ("<!-->a<!-- b", ["a"]),
    ],
)
def test_untranslated(document: str, found: list[str]) -> None:
    """Code, comments and what asks for it are not translated."""
    assert texts(parse(document)) == found


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ('<img alt="A &quot;cat&quot;" src="Cat">', ['A "cat"']),
        ("<input placeholder=' Your\n name ' value='Mine'><input type=submit value='Save'>", ["Your name", "Save"]),
        ("<div title=Unquoted aria-label='Menu'>", ["Menu"]),
        (
            "<meta name=description content='About'><meta content='Page' property='og:title'><meta content='no'>",
            ["About", "Page"],
        ),
        ("<option label='One'><a label='No' data-title='No' title='12'>", ["One"]),
        ("<p><b title='Yes'>x</b></p>", ["Yes"]),
    ],
)
def test_attributes(document: str, found: list[str]) -> None:
    """Attributes that a reader sees are blocks of their own."""
    attributes = [block for block in parse(document) if block.escaping == "attribute"]
    assert texts(attributes) == found


def test_attributes_of_a_tag_in_a_sentence() -> None:
    """A block cannot hold another one, so these attributes stay as they are."""
    document = "See <a title='Go there'>this</a>."
    assert texts(parse(document)) == ["See ⟨<a title='Go there'>⟩this⟨</a>⟩."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeff\n<!-- a --><!DOCTYPE HTML>", True),
        ("<?xml version='1.0'?><html>", True),
        ("<p>Hello <b>there</b>.</p>", True),
        ("<!-- c -->\n<ul><li>A<li>B</ul>", True),
        ("Intro:<h1>A title</h1><p>Much more of it</p>", True),
        ("<span><div>a</div></span>", True),
        ("Use <b>bold</b> and <i>italics</i> here", False),
        ("How do I put a <div> in a <p>?", False),
        ("A paragraph is between <p> and </p>, a box between <div> and </div>.", False),
        ("<p align=center><img></p>\n\n# A heading\n\n<p>and</p> some text of a README", False),
        ("<note><title>A</title><p>b</p></note>", False),
        ("<?xml version='1.0'?><body><p>a</p></body>", False),
        ("Do this:\n```\n<div><p>Hello there</p></div>\n```", False),
        ("<b>Hello</b>", False),
        ("<!-- </p>", False),
        ("", False),
    ],
)
def test_looks_like(text: str, *, expected: bool) -> None:
    """A page or a part of one is recognized, a message about HTML is not."""
    assert html.looks_like(text) is expected


@given(st.one_of(st.text(), DOCUMENTS))
def test_every_text_obeys_the_laws(document: str) -> None:
    """Whatever a document holds, it comes back."""
    parse(document)
    assert html.looks_like(document) in {True, False}


@pytest.mark.parametrize("document", [*[(part * 200000)[:200000] for part in HOSTILE], *[part * 4000 for part in TAGS]])
def test_hostile_documents(document: str) -> None:
    """No document takes more than linear time; the limit of the test would end it."""
    assert "".join(block.raw for block in html.parse(document)) == document
    assert not html.looks_like(document + "</p")


def test_references_to_signs_stay() -> None:
    """A model drops many a sign; it reads only those of letters and quotes."""
    blocks = parse("<p>&copy; Fianc&eacute; &lt;3 &amp; tea&hellip;</p>")

    assert texts(blocks) == ["⟨&copy;⟩ Fiancé ⟨&lt;⟩3 ⟨&amp;⟩ tea⟨&hellip;⟩"]
