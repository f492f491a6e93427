"""What is said in subtitles is found, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.pipeline.block import Block
from dragoman.pipeline.formats.subtitles import looks_like_srt, looks_like_vtt, parse_srt, parse_vtt
from tests.pipeline.formats.laws import check_laws, texts

SRT_TIMES = "00:00:01,000 --> 00:00:02,500"
VTT_TIMES = "00:01.000 --> 00:02.500 align:start"
SPECIMENS = [
    *["1\n", SRT_TIMES, VTT_TIMES, "\n", "\r\n", "\r", "00:01 -> 00:02", "WEBVTT", "NOTE ", "STYLE", "\ufeff"],
    *[
        "<i>",
        "</i>",
        "<b>",
        "</b>",
        "<v Bob>",
        "</v>",
        "<00:01.000>",
        "{\\an8}",
        "{\\i1}",
        "{\\i0}",
        "<",
        "{\\",
        "&lt;",
    ],
    *["&amp", "&#65;", "- ", "– ", "-", "BOB: ", "♪", "[DOOR]", "(x)", "Hello", " there.", "你好", " ", "-->"],
]
TEXTS = st.lists(st.sampled_from(SPECIMENS), max_size=18).map("".join)


def cue(payload: str) -> str:
    """A document of one cue, which SRT and VTT alike can read."""
    return f"1\n{SRT_TIMES}\n{payload}\n"


PAYLOADS = [
    ("Hello there,\nmy friend.", ["Hello there,⟨\n⟩my friend."]),
    ("Hello \r\n  there", ["Hello⟨ \r\n  ⟩there"]),
    ("<i>Hello\nthere</i>", ["Hello⟨\n⟩there"]),
    ("<i>Hello</i> there", ["⟨<i>⟩Hello⟨</i>⟩ there"]),
    ("<b><i>Hello</i> there</b>", ["⟨<i>⟩Hello⟨</i>⟩ there"]),
    ('Say <font color="red">it</font>.', ['Say ⟨<font color="red">⟩it⟨</font>⟩.']),
    ("{\\an8}Hello {\\i1}there{\\i0} you", ["Hello ⟨{\\i1}⟩there⟨{\\i0}⟩ you"]),
    ("Go<00:00:01.000><c> on</c>", ["Go⟨<00:00:01.000>⟩⟨<c>⟩ on⟨</c>⟩"]),
    ("- Who?\n- Me.", ["Who?", "Me."]),
    ("What?\n–Nothing", ["What?", "Nothing"]),
    ("<i>- Who?\n- Me.</i>", ["Who?", "Me."]),
    ("It is\n-5 degrees", ["It is⟨\n⟩-5 degrees"]),
    ("I said\n-- well", ["I said⟨\n⟩-- well"]),
    ("MAN: Hi\nOLD WOMAN: Bye", ["Hi", "Bye"]),
    ("小明：你好\n小红：再见", ["小明：你好", "小红：再见"]),
    ("It is called\nStar Wars: A New Hope", ["It is called⟨\n⟩Star Wars: A New Hope"]),
    ("<v Bob>Hi\n<v Mary>Bye</v>", ["Hi", "Bye"]),
    ("♪ La la\nla ♪\n♪ Oh ♪", ["La la⟨\n⟩la", "Oh"]),
    ("[DOOR SLAMS]\nWho\nis it?\n(laughs)", ["DOOR SLAMS", "Who⟨\n⟩is it?", "laughs"]),
    ("1999\n♪♪\n<i></i>", []),
    ("I <3 you {really} a < b", ["I <3 you {really} a < b"]),
    ("In\n1999\nwe won", ["In⟨\n⟩1999⟨\n⟩we won"]),
]


@pytest.mark.parametrize(("payload", "expected"), PAYLOADS)
def test_a_cue_is_a_block_and_so_is_each_turn(payload: str, expected: list[str]) -> None:
    """In both formats, and whatever its lines end with."""
    for document in (cue(payload), cue(payload).replace("\r\n", "\n").replace("\n", "\r\n")):
        for parse in (parse_srt, parse_vtt):
            blocks = parse(document)
            check_laws(document, blocks)
            assert [each.replace("\r\n", "\n") for each in texts(blocks)] == [
                each.replace("\r\n", "\n") for each in expected
            ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (f"\ufeff1\n{SRT_TIMES}\nOne\n\n2\n{SRT_TIMES}\nTwo\n\n", ["One", "Two"]),
        (f"{SRT_TIMES}\nOne\n2\n{SRT_TIMES}\nTwo", ["One", "Two"]),
        (f"{SRT_TIMES}\nOne\n{SRT_TIMES}\nTwo", ["One", "Two"]),
        (f"{SRT_TIMES}\nOne\n\nmore\n{SRT_TIMES}\nTwo", ["One", "more", "Two"]),
        (f"1\n{SRT_TIMES}\nOne\n\nmore\n\n2\n\n{SRT_TIMES}\n\nTwo", ["One", "more", "Two"]),
        ("1\n00:00:01,000 -> 00:00:02\nOne\n\n2\n00:00:0l,000 --> x\nTwo", ["One", "Two"]),
        (f"1\r{SRT_TIMES}\rOne\r\r2\r{SRT_TIMES}\rTwo", ["One", "Two"]),
        ("", []),
    ],
)
def test_damaged_subrip_keeps_its_text(document: str, expected: list[str]) -> None:
    """Missing numbers and empty lines, and times that are none, harm no cue."""
    blocks = parse_srt(document)

    check_laws(document, blocks)
    assert texts(blocks) == expected


def test_comments_and_identifiers_of_vtt_are_no_text() -> None:
    """Only what a cue says is text, even where it begins as a comment does."""
    header = "WEBVTT - A title\nKind: captions\n\nNOTE\nfor me\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:fred\n\n"
    document = f"{header}intro\n{VTT_TIMES}\nNOTE this\n\nmiddle part\n{VTT_TIMES}\nThe end\n{VTT_TIMES}\nReally"
    blocks = parse_vtt(document)

    check_laws(document, blocks)
    assert texts(blocks) == ["NOTE this", "The end", "Really"]


def test_entities_are_read_in_vtt_only() -> None:
    """There, a translation is written with entities, too; SubRip knows none."""
    document = cue("A &lt; B &amp;&nope; C")
    vtt, srt = parse_vtt(document)[1], parse_srt(document)[1]

    assert (vtt.text, vtt.escaping) == ("A < B &&nope; C", "markup")
    assert vtt.source(2, 3) == "&lt;"
    assert srt == Block("A &lt; B &amp;&nope; C", "A &lt; B &amp;&nope; C")


def test_crossing_tags_do_not_pair() -> None:
    """A tag that another one cuts off is a span of its own."""
    (block,) = [block for block in parse_srt(cue("a <i>b <b>c</i> d</b> e")) if block.text]

    assert [span.role for span in block.spans] == ["open", "atom", "close", "atom"]


@given(st.text() | TEXTS | TEXTS.map(cue))
def test_no_text_breaks_the_laws(text: str) -> None:
    """Neither format loses anything of what is or is not its own."""
    check_laws(text, parse_srt(text))
    check_laws(text, parse_vtt(text))


@pytest.mark.parametrize(
    ("text", "is_srt", "is_vtt"),
    [
        (cue("Hi"), True, False),
        ("\ufeff\n" + cue("Hi"), True, False),
        (f"{SRT_TIMES}\nHi", True, False),
        (f"WEBVTT\n\n{VTT_TIMES}\nHi", False, True),
        (f"\ufeffWEBVTT - Title\n\nid\n{VTT_TIMES}\nHi", False, True),
        ("WEBVTT is a format for subtitles.", False, False),
        ("WEBVTT\nis a format.", False, False),
        (f"The line {SRT_TIMES} is a time.", False, False),
        ("12:30 --> 13:00 lunch", False, False),
        ("1\n2\n3", False, False),
    ],
)
def test_subtitles_are_told_from_prose(text: str, *, is_srt: bool, is_vtt: bool) -> None:
    """Only the times of a cue at the beginning, or a header and times, make a document subtitles."""
    assert (looks_like_srt(text), looks_like_vtt(text)) == (is_srt, is_vtt)


@pytest.mark.parametrize(
    "piece", ["<", "<i>", "<i>a</b>", "{\\", " ", "\n", "a\n", "- a\n", "&", "()", "1\n-->\n", "-"]
)
def test_long_texts_are_read_at_once(piece: str) -> None:
    """A reader that took quadratic time would run into the time limit of the tests."""
    text = cue(piece * (40_000 // len(piece)))

    check_laws(text, parse_vtt(text))
    assert looks_like_srt(text)
