"""The text of XML is found element by element, and everything else comes back as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.pipeline.block import Block, escape
from dragoman.pipeline.formats import xml
from tests.pipeline.formats.laws import check_laws, texts

SPECIMENS = [
    *('<?xml version="1.0"?>', "<!DOCTYPE a [", "<!ENTITY b 'c>d'>", "]>", "<!-- it's -->", "<!--", "<?pi ?>", "<?"),
    *("<a>", "</a>", "<b c='d'>", "</b>", "<x/>", "<имя>", "</имя>", "<p>", "</p>", '<s translatable="false">', "</s>"),
    *("<![CDATA[", "]]>", "<![CDATA[ <p>Hi</p> ]]>", "<code>", "</code>", "<a b='", "<", ">", "&", "'", '"'),
    *("&amp;", "&brand.name;", "&#10;", "Hello", "world.", "你好。", " ", "\n", "\t", "1", "\ufeff"),
]
DOCUMENTS = st.lists(st.sampled_from(SPECIMENS), max_size=30).map("".join)
HOSTILE = ["<", "&", "<a ", "<a '\"", "</", "<!--", "<![CDATA[", "<?", "<!", " ", "<!DOCTYPE a [", "<!DOCTYPE [<!--"]
TAGS = ["<p>", "<b>", "</b>", "<b>x", "<code>", "<s translate='no'>", "<a>x</a>", "<x/>", "a <b> b </i>", "&amp;"]


def parse(document: str) -> list[Block]:
    """The blocks of a document, which obey the laws."""
    blocks = xml.parse(document)
    check_laws(document, blocks)
    return blocks


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("<a><b>One</b>\n <b>Two</b><c/></a>", ["One", "Two"]),
        ("<a><b> Some\n  text </b><c>12</c></a>", ["Some text"]),
        ("<a>Some <b>bold <x/></b> text</a>", ["Some ⟨<b>⟩bold ⟨<x/>⟩⟨</b>⟩ text"]),
        ("<a><b>One <c><d>two</d></c></b><d>Three</d></a>", ["One ⟨<c>⟩⟨<d>⟩two⟨</d>⟩⟨</c>⟩", "Three"]),
        ("<a>One <ul><li>two</li><li>three</li></ul></a>", ["One", "two", "three"]),
        ("Press <x id='1'/> to <b>go on</b>.", ["Press ⟨<x id='1'/>⟩ to ⟨<b>⟩go on⟨</b>⟩."]),
        ("<имя>Anna <b>Ivanova</b></имя>", ["Anna ⟨<b>⟩Ivanova⟨</b>⟩"]),
        ("<a><b title='No'>One</b></a>", ["One"]),
        ("<a>&brand.name; &amp; &lt;co&gt;</a>", ["⟨&brand.name;⟩ ⟨&amp;⟩ ⟨&lt;⟩co⟨&gt;⟩"]),
        ("<a><b>One<c>two</b><d>Three</d></a>", ["One⟨<c>⟩two", "Three"]),
        ("<a><b>One</b></c><d>Two</d>", ["One", "Two"]),
        ("<a><b>One", ["One"]),
    ],
)
def test_blocks(document: str, found: list[str]) -> None:
    """An element with text of its own is one block, whatever is in it."""
    assert texts(parse(document)) == found


@pytest.mark.parametrize(
    "hidden",
    [
        "<?xml version='1.0'?>",
        "<!-- <b>No</b> -->",
        "<?xsl <b>No</b> ?>",
        "<!DOCTYPE r SYSTEM 'a>b' [<!ENTITY a '<b>No</b>'> <!-- it's ]> --> <?x ]> ?>]>",
        "<s translatable='false'>No <b>no</b></s>",
        '<s translate="no">No</s>',
        "<script>if (no)</script><code>no</code>",
    ],
)
def test_untranslated(hidden: str) -> None:
    """What is before the root, comments, code, and what asks for it are not translated."""
    assert texts(parse(f"{hidden}<r><a>Yes</a></r>")) == ["Yes"]


def test_code_within_a_sentence() -> None:
    """What is not to be translated has its place in the sentence."""
    document = "<a>Call <code>f(<b>x</b>)</code>, <s translate='no'>Bob</s> <!-- c --> said</a>"
    expected = "Call ⟨<code>f(<b>x</b>)</code>⟩, ⟨<s translate='no'>Bob</s>⟩ ⟨<!-- c -->⟩ said"
    assert texts(parse(document)) == [expected]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("<a><![CDATA[ Plain text ]]></a>", ["Plain text"]),
        ("<a>\n<![CDATA[<p>One &amp; <b>two</b></p><p>Three</p>]]>\n</a>", ["One ⟨&amp;⟩ ⟨<b>⟩two⟨</b>⟩", "Three"]),
        ("<a>See <![CDATA[ x < y ]]> here</a>", ["See ⟨<![CDATA[ x < y ]]>⟩ here"]),
        ("<code><![CDATA[ x < y ]]></code>", []),
        ("<a><![CDATA[Never ends</a>", ["Never ends"]),
    ],
)
def test_character_data(document: str, found: list[str]) -> None:
    """A CDATA section alone is a document of HTML, whose translation cannot end the section."""
    blocks = parse(document)
    assert texts(blocks) == found
    assert all("]]>" not in escape("]]>", block.escaping) for block in blocks if block.text is not None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('\ufeff\n<?xml version="1.0"?>', True),
        ("<?xml version='1.0'?><!DOCTYPE html><html><p>a</p></html>", False),
        ("<!-- a --><!DOCTYPE note [<!ENTITY a 'b'>]><note>Hi</note>", True),
        ("<note><to>Anna</to><x/>Hi <i>there</i></note>\n", True),
        ("<note>Hi</to></note>", False),
        ("<note>Hi</note> there", False),
        ("<note>Hi</note><note>Ho</note>", False),
        ("<note>Hi", False),
        ("<note/>", False),
        ("<b>Hi</b>", False),
        ("<div><p>Hi</p></div>", False),
        ("<3 you </3", False),
        ("Hi <note>there</note>", False),
        ("", False),
    ],
)
def test_looks_like(text: str, *, expected: bool) -> None:
    """A document of XML is recognized, and HTML or a message with tags is not taken for one."""
    assert xml.looks_like(text) is expected


@given(st.one_of(st.text(), DOCUMENTS))
def test_every_text_obeys_the_laws(document: str) -> None:
    """Whatever a document holds, it comes back."""
    parse(document)
    assert xml.looks_like(document) in {True, False}


@pytest.mark.parametrize("document", [*[(part * 200000)[:200000] for part in HOSTILE], *[part * 4000 for part in TAGS]])
def test_hostile_documents(document: str) -> None:
    """No document takes more than linear time; the limit of the test would end it."""
    assert "".join(block.raw for block in xml.parse(document)) == document
    assert not xml.looks_like(f"<r>{document}")
