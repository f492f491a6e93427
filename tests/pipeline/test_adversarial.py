"""Whatever a model writes, nothing of the source's markup is lost, doubled or broken."""

import json
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.answer import Outcome
from dragoman.core.types import Format, Pair, Term
from dragoman.pipeline.prepare import Guidance
from tests.fakes import AdversarialEngine
from tests.pipeline.test_pipeline import run, text_of

pytestmark = pytest.mark.anyio

WORDS = ["Hello", "there.", "the", "cat", "sleeps,", "now!", "你好。"]
PLACEHOLDERS = ["{name}", "%s", "⟦7⟧", "https://a.b/c?d=1", "me@x.org", "{{n}}", "12:30", "`x y`"]
ATOMS = re.compile(r"\{\{?\w+\}?\}|%s|⟦\d⟧|https://a\.b/c\?d=1|me@x\.org|12:30|`x y`")
SEEDS = st.tuples(st.integers(0, 1000), st.booleans())


def nested(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Text with tags around parts of it, one within another."""
    return st.recursive(
        st.lists(words, min_size=1, max_size=4).map(" ".join),
        lambda inner: st.builds(
            "{0} <{1}>{2}</{1}> {3}".format, inner, st.sampled_from(["b", "i", 'a href="x"']), inner, inner
        ).map(lambda text: text.replace('</a href="x">', "</a>")),
        max_leaves=4,
    )


TAGGED = nested(st.sampled_from(WORDS + PLACEHOLDERS))


async def translated(text: str, seed: tuple[int, bool], **options: object) -> tuple[str, Outcome]:
    """A document as the adversary has it."""
    engine = AdversarialEngine(seed[0], aligns=seed[1])
    pieces, outcome = await run(engine, text, Pair("en", "zh"), **options)  # type: ignore[arg-type]
    return text_of(pieces), outcome


class Strict(HTMLParser):
    """Notes tags, and fails on one that closes what is not open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.stack: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open."""
        self.seen.append(f"{tag} {attrs}")
        self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close."""
        assert self.stack.pop() == tag


@given(TAGGED, SEEDS, st.sampled_from(["text", "html", "markdown", "xml"]))
async def test_placeholders_come_back_once_and_tags_nest(text: str, seed: tuple[int, bool], name: Format) -> None:
    """In every format that has tags."""
    document = f"<p>{text}</p>" if name in ("html", "xml") else text

    answer, _ = await translated(document, seed, format=name)

    assert Counter(ATOMS.findall(answer)) == Counter(ATOMS.findall(document))
    before, after = Strict(document), Strict(answer)
    assert Counter(after.seen) == Counter(before.seen)
    assert after.stack == []


@given(st.lists(TAGGED, min_size=1, max_size=3), SEEDS)
async def test_json_keeps_its_structure(texts: list[str], seed: tuple[int, bool]) -> None:
    """Keys, order, types and placeholders."""
    document = {"title": texts[0], "items": [{"id": 3, "text": text} for text in texts], "on": True}

    answer, _ = await translated(json.dumps(document), seed, format="json")

    result = json.loads(answer)
    assert list(result) == ["title", "items", "on"]
    assert [list(item) for item in result["items"]] == [["id", "text"]] * len(texts)
    for before, after in zip(texts, result["items"], strict=True):
        assert Counter(ATOMS.findall(after["text"])) == Counter(ATOMS.findall(before))


CUE = "{0}\n00:00:0{0},000 --> 00:00:0{0},900\n{1}\n"


@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join), max_size=6), SEEDS)
async def test_subtitles_keep_numbers_and_times(lines: list[str], seed: tuple[int, bool]) -> None:
    """And every cue has a text and no empty line."""
    cues = ["\n".join(lines[at : at + 2]) for at in range(0, len(lines), 2)]
    document = "\n".join(CUE.format(number, cue) for number, cue in enumerate(cues, 1))

    answer, _ = await translated(document, seed, format="srt")

    parts = [part.split("\n", 2) for part in answer.removesuffix("\n").split("\n\n")] if cues else []
    assert [part[:2] for part in parts] == [
        CUE.format(number, "").split("\n")[:2] for number in range(1, len(cues) + 1)
    ]
    assert all(part[2].strip() for part in parts)


@given(TAGGED, SEEDS)
async def test_terms_are_in_every_answer(text: str, seed: tuple[int, bool]) -> None:
    """And the report says so."""
    answer, outcome = await translated(f"{text} cat", seed, guidance=Guidance(terms=(Term("cat", "猫咪"),)))

    assert answer.count("猫咪") >= len(re.findall(r"\bcat\b", text)) + 1
    assert outcome.reports[0].terms_applied == (Term("cat", "猫咪"),)
    assert outcome.reports[0].terms_missing == ()
