"""What is no language is found, and comes back once, in a good place."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.answer import Piece
from dragoman.core.types import Hypothesis, Pair, Protected, Segment, Token
from dragoman.engines.fake import FakeEngine, Options
from dragoman.pipeline.formats.recognize import parse
from dragoman.pipeline.prepare import prepare
from dragoman.pipeline.protect import find, hide
from dragoman.pipeline.restore import restore
from tests.fakes import CopyingEngine
from tests.pipeline.test_pipeline import run, text_of

EN_ZH, ZH_EN = Pair("en", "zh"), Pair("zh", "en")
SPECIMENS = [
    "https://a.b/c?d=1",
    "me@x.org",
    "`x y`",
    "{name}",
    "%s",
    "<b>",
    "</b>",
    "**",
    "[",
    "](u)",
    "12:30",
    "#tag",
]
TEXTS = st.lists(
    st.sampled_from([*SPECIMENS, " ", "Hello", "there.", "\n", "你好。", "```", "<", "*"]), max_size=14
).map("".join)


APART = st.lists(st.sampled_from([*SPECIMENS, "Hello", "there.", "\n", "你好。"]), max_size=12).map(" ".join)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Visit https://x.com/a?b=1. Mail me@x.org, ok?", ["https://x.com/a?b=1", "me@x.org"]),
        ("访问https://x.com查看", ["https://x.com"]),
        (
            "`pip install x` {0} {{y}} ${z} %s %1$d %(n)s $t(k) ⟦0⟧",
            ["`pip install x`", "{0}", "{{y}}", "${z}", "%s", "%1$d", "%(n)s", "$t(k)", "⟦0⟧"],
        ),
        ("<b>Hi</b> <0/> &amp; <!-- no -->", ["<b>", "</b>", "<0/>", "&amp;", "<!-- no -->"]),
        ("See [the docs](https://x.y/z)", ["[", "](https://x.y/z)"]),
        (
            "12:30 on 2024-05-01, v1.2.3, 3,000 at 0.5% @me #tag",
            ["12:30", "2024-05-01", "v1.2.3", "3,000", "0.5%", "@me", "#tag"],
        ),
        ("在2024-05-01的12:30见v1.2.3和3,000", ["2024-05-01", "12:30", "v1.2.3", "3,000"]),
        ("/usr/local/bin and $E=mc^2$ and 👍🏽", ["/usr/local/bin", "$E=mc^2$", "👍🏽"]),
        (
            "Read docs/api.md, README.md and ../x/y-z.tar.gz. Use Node.js.",
            ["docs/api.md", "README.md", "../x/y-z.tar.gz", "Node.js"],
        ),
        ("请读docs/api.md和README.md。", ["docs/api.md", "README.md"]),
        ("Apache-2.0 or CC-BY-SA-4.0, GPT-4 and UTF-8.", ["Apache-2.0", "CC-BY-SA-4.0", "GPT-4", "UTF-8"]),
        ("Well-known co-operation, e.g. this.thing or No.md5 or mid-2019", []),
        ("```py\nx = 1.\n```\nAfter.", ["```py\nx = 1.\n```"]),
        ("a < b and {not this} and c * d, 100 times", []),
    ],
)
def test_what_is_no_language_is_found(text: str, spans: list[str]) -> None:
    """And plain text that merely contains special characters is left alone."""
    assert [text[span.start : span.end] for span in find(text)] == spans


@given(st.text() | TEXTS)
def test_hiding_keeps_every_offset(text: str) -> None:
    """Spans are in order and apart, and what is hidden is as long as before."""
    spans = find(text)
    hidden = hide(text, spans)

    assert all(span.start < span.end for span in spans)
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    assert len(hidden) == len(text)


@given(TEXTS)
def test_segments_still_join_to_the_document(text: str) -> None:
    """And the model sees no protected span."""
    engine = FakeEngine(Options(max_source_tokens=20))

    document = prepare(parse(text, "text"), EN_ZH, engine.tokenize, engine.info)

    segments = [passage.segment for passage in document.passages]
    assert "".join(segment.before + segment.text + segment.after for segment in segments) == text
    for passage in document.passages:
        segment = passage.segment
        seen = "".join(token.text for token in segment.tokens)
        hidden = "" if passage.answer else "".join(protected.text for protected in segment.protected)
        assert sorted("".join((seen + hidden).split())) == sorted("".join(segment.text.split()))


@pytest.mark.anyio
@given(APART)
async def test_every_span_comes_back_once(text: str) -> None:
    """Whatever stands beside what."""
    pieces, _ = await run(FakeEngine(Options()), text)
    answer = text_of([piece for piece in pieces if isinstance(piece, Piece)])

    for specimen in ("https://a.b/c?d=1", "me@x.org", "{name}", "12:30"):
        assert answer.count(specimen) == text.count(specimen)


def translated(words: str, aligned: list[int], *spans: Protected, pair: Pair = EN_ZH, source: str = "a b c d") -> str:
    """Restore spans into a translation whose words align with the given source words."""
    sources = tuple(Token(word, word) for word in re.findall(r" ?\S+", source))
    targets = tuple(Token(word, word) for word in re.findall(r" ?[^ ]+", words))
    rows = tuple(tuple(float(column == best) for column in range(len(sources))) for best in aligned)
    segment = Segment(source, tokens=sources, protected=spans)
    return restore(Hypothesis(targets, -1.0, ended=True, alignment=rows), segment, pair).text


def test_span_goes_where_its_neighbours_went() -> None:
    """After the word that it followed, though the words changed places."""
    link = Protected("https://x", 2, space_before=True, space_after=True)

    assert translated("C B A", [2, 1, 0], link, pair=ZH_EN, source="a b c") == "C B https://x A"


def test_tags_enclose_the_translation_of_their_words() -> None:
    """Without spaces within."""
    opening = Protected("<b>", 1, space_before=True, space_after=False, role="open")
    closing = Protected("</b>", 2, space_before=False, space_after=True, role="close")

    assert translated("A C B", [0, 2, 1], opening, closing, pair=Pair("en", "fr"), source="a b c") == "A C <b>B</b>"


TAGS = ["<i> <b> </b> </i>", "<i> </i> <b> </b>", "<i> <b> <u> </u> </b> </i> <a>", "</a> <b> </b>"]


@given(st.sampled_from(TAGS), st.data())
def test_tags_nest_wherever_words_went(tags: str, data: st.DataObject) -> None:
    """For any alignment, as they nested in the source; a half whose other half is elsewhere reaches to the border."""
    names = tags.split()
    positions = sorted(data.draw(st.lists(st.integers(0, 4), min_size=len(names), max_size=len(names))))
    aligned = data.draw(st.lists(st.integers(0, 3), min_size=5, max_size=5))
    spans = [
        Protected(
            name,
            at,
            space_before=True,
            space_after=True,
            role="close" if "/" in name else "open",
            pair=ord(name[-2]),
        )
        for name, at in zip(names, positions, strict=True)
    ]

    text = translated("A B C D E", aligned, *spans)

    found = re.findall(r"<.*?>", text)
    assert sorted(found) == sorted(names)
    lone_openings = [name for name in names if "/" not in name and name.replace("<", "</") not in names]
    lone_closings = [name for name in names if "/" in name and name.replace("</", "<") not in names]
    nested = "".join(
        [*(name.replace("</", "<") for name in reversed(lone_closings)), *found]
        + [name.replace("<", "</") for name in reversed(lone_openings)]
    )
    while (shorter := re.sub(r"<(\w)></\1>", "", nested)) != nested:
        nested = shorter
    assert nested == ""


def test_sentence_of_tags_is_cut() -> None:
    """Thousands of tags around a word are no sentence; placing them at once would block everybody."""
    engine = FakeEngine(Options())

    document = prepare(parse("<b></b>" * 5000 + "Hello.", "text"), EN_ZH, engine.tokenize, engine.info)

    assert max(len(passage.segment.protected) for passage in document.passages) <= 200
    assert [passage.segment.text for passage in document.passages][-1].endswith("Hello.")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one `a` two `b` three", " three `b` two `a` one"),
        ("`a` one", " one `a`"),
        ("one (`a`) two", "two (`a`) one"),
        ("{a} one `b` two", "{a} two `b` one"),
        ("`a` `b` `c` `d` `e` one", "`a` `b` `c` `d` `e` one"),
    ],
)
async def test_placeholders_that_a_model_knows_tell_the_place_of_code(text: str, expected: str) -> None:
    """Each goes where its token is; with more of them than tokens, as if there were none."""
    pieces, outcome = await run(CopyingEngine(), text, Pair("en", "fr"))

    assert text_of(pieces).strip() == expected.strip()
    assert outcome.reports[0].warnings == ()
