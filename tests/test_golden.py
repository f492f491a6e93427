"""Real documents, translated whole by the model in the box: all but the words has to be that of the source.

What the model writes may differ by machine, so nothing compares words. The translations in `golden/zh` are checked like
fresh ones; `dragoman translate --to zh -f FILE` wrote them.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dragoman.core.answer import Piece
from dragoman.core.engine import Engine
from dragoman.core.types import Decoding, Pair
from dragoman.engines.registry import create_engine
from dragoman.pipeline.formats.recognize import parse, recognize
from dragoman.pipeline.pipeline import translate_document
from dragoman.pipeline.prepare import prepare
from dragoman.scheduling.batcher import Batcher

FOLDER = Path(__file__).parent / "golden"
FORMATS = {
    "readme.md": "markdown",
    "page.html": "html",
    "subtitles.srt": "srt",
    "i18n.json": "json",
    "messages.po": "po",
}

# What comes back as it is in a text of any format, as often as it was there.
PLACEHOLDER = re.compile(
    r"\{\{[^{}]+\}\}|\$\{\w+\}|\{[\w.]+\}|\$t\([^()]+\)|\{\\an\d\}"  # i18next, templates, subtitles
    r"|\{\w+, (?:plural|select|date),|(?:=\d|\b(?:one|other|male|female)) \{|(?<=[{ ])#"  # ICU
    r"|%\(\w+\)[sd]|%(?:\.\d)?[sdf]|%%?"  # printf
    r"|</?[A-Za-z0-9][^<>]*>|&\w+;"  # tags and entities in strings
    r"|\[\^\w+\]|^\[[ x]\]|^: |^\[![A-Z]+\]|:rocket:|\$\$[^$]+\$\$|\$[^$\s](?:[^$]*[^$\s])?\$(?!\d)"  # Markdown
    r"|https?://[^\s<>\"，。]*[\w/]|♪|^- ",
    re.MULTILINE,
)
ENGLISH, CHINESE = re.compile(r"[A-Za-z]{2,}"), re.compile(r"[\u4e00-\u9fff]")
FRONT_MATTER = re.compile(r"---\n.*?\n---\n", re.DOTALL)
CUE = re.compile(r"(\d+)\n(\S+ --> \S+)\n(.+)", re.DOTALL)
PO_STRING = re.compile(r'^(msg\w+(?:\[\d\])?) ((?:"(?:[^"\\]|\\.)*"\n)+)', re.MULTILINE)
KEPT_STRINGS = {
    "",
    "#ff8800",
    "/static/icons/light-house.svg",
    "2024-05-01T10:00:00Z",
    "^[a-z0-9_]+$",
    "c0ffee00-1234-4abc-9def-0123456789ab",
    "com.example.lighthouse",
    "en-US",
    "https://lighthouse.test/help?lang=en",
    "sort_by_date",
    "text/html; charset=utf-8",
}
INLINE = {
    "a",
    "b",
    "br",
    "cite",
    "code",
    "em",
    "i",
    "img",
    "kbd",
    "small",
    "span",
    "strong",
    "svg",
    "path",
    "time",
    "u",
}
VOID = {"br", "hr", "img", "input", "link", "meta"}
VERBATIM = {"script", "style", "pre", "code", "kbd", "svg"}
READ_ATTRIBUTES = {"alt", "title", "placeholder", "aria-label"}


@dataclass
class Shape:
    """A document as its format sees it: what a translation must not change, and the texts, in the order of reading."""

    structure: list[Any] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def read_markdown(text: str) -> Shape:
    """Tokens of CommonMark with tables; marks in a paragraph may change places, but not what encloses them."""
    front_matter = FRONT_MATTER.match(text)
    assert front_matter
    shape = Shape([front_matter[0]])
    body = text[front_matter.end() :].replace("[^", "\\[^")  # CommonMark takes a footnote for the address of a link
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body):
        content = re.findall(r"</?\w+", token.content) if token.type == "html_block" else token.content
        shape.structure.append((token.type, token.tag, token.markup, token.attrs, token.info))
        if token.type != "inline":
            shape.structure.append(content)
        else:
            shape.structure.append(_marks(token.children or []))
            words = [each for each in token.children or [] if each.type in {"text", "softbreak", "image"}]
            shape.texts.append("".join(each.content or "\n" for each in words))
    return shape


def _marks(tokens: Sequence[Token]) -> Counter[str]:
    marks: Counter[str] = Counter()
    opened: list[str] = []
    for token in tokens:
        if token.nesting < 0:
            opened.pop()
        elif token.type not in {"text", "softbreak"}:
            attributes = {name: value for name, value in token.attrs.items() if name not in READ_ATTRIBUTES}
            content = token.content if token.type != "image" else ""
            marks[f"{opened} {token.type} {token.markup} {attributes} {content}"] += 1
            opened += [token.tag] if token.nesting > 0 else []
    return marks


class _Page(HTMLParser):
    """Reads a page in which every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.shape = Shape([Counter()], [""])
        self._open: list[str] = []
        self._kept = 0  # so many open elements are not translated

    def handle_decl(self, decl: str) -> None:
        self._add(f"<!{decl}>", inline=False)

    def handle_comment(self, data: str) -> None:
        self._add(f"<!--{data}-->", inline=False)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        read = READ_ATTRIBUTES | ({"value"} if values.get("type") == "submit" else set())
        read |= {"content"} if {values.get("name"), values.get("property")} & {"description", "og:title"} else set()
        shown = [(name, name in read or value) for name, value in attrs]
        self._add(f"{self._open}<{tag} {shown}>", inline=tag in INLINE)
        self.shape.texts[-1:] = [values[name] or "" for name in values if name in read] + self.shape.texts[-1:]
        if tag not in VOID:
            self._open.append(tag)
            self._kept += bool(self._kept or tag in VERBATIM or values.get("translate") == "no")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self._kept -= bool(self._kept)
        self._add(f"</{tag}>", inline=tag in INLINE)

    def handle_data(self, data: str) -> None:
        if self._kept:
            self._add(data, inline=True)
        else:
            self.shape.texts[-1] += data

    def _add(self, what: str, *, inline: bool) -> None:
        if inline:
            self.shape.structure[-1][what] += 1
        else:
            self.shape.structure += [what, Counter()]
            self.shape.texts.append("")


def read_html(text: str) -> Shape:
    """Tags of blocks in order; those of a sentence may change places, but not what encloses them."""
    page = _Page()
    page.feed(text)
    page.close()
    assert not page._open
    return page.shape


def read_srt(text: str) -> Shape:
    """Numbers and times of the cues."""
    shape = Shape()
    for cue in text.removesuffix("\n").split("\n\n"):
        match = CUE.fullmatch(cue)
        assert match
        shape.structure.append(match.groups()[:2])
        shape.texts.append(match[3])
    return shape


def read_json(text: str) -> Shape:
    """Keys, and values that are not words."""
    shape = Shape()
    for path, value in _leaves(json.loads(text), ()):
        is_text = isinstance(value, str) and value not in KEPT_STRINGS
        shape.structure.append((path, type(value), is_text or value))
        shape.texts.append(value if is_text else "")
    return shape


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if children is None:
        yield path, value
    for key, child in children or ():
        yield from _leaves(child, (*path, key))


def read_po(text: str) -> Shape:
    """All but the translations, which are the texts; where there is none, its source is."""
    shape = Shape([PO_STRING.sub(lambda match: match[0] if "msgstr" not in match[1] else match[1], text)])
    strings = {"msgid": "", "msgid_plural": ""}
    for keyword, quoted in PO_STRING.findall(text):
        strings[keyword] = "".join(json.loads(line) for line in quoted.splitlines())
        if keyword.startswith("msgstr") and strings["msgid"]:
            source = strings["msgid_plural" if keyword == "msgstr[1]" else "msgid"]
            shape.texts.append(strings[keyword] or source)
    return shape


READERS: dict[str, Callable[[str], Shape]] = {
    "markdown": read_markdown,
    "html": read_html,
    "srt": read_srt,
    "json": read_json,
    "po": read_po,
}


@dataclass(frozen=True)
class Golden:
    """A document and its translation."""

    source: str
    translation: str
    source_shape: Shape
    shape: Shape


async def translate(engine: Engine, text: str) -> str:
    """A document in Chinese."""
    document = prepare(parse(text, recognize(text)), Pair("en", "zh"), engine.tokenize, engine.info)
    events = translate_document(document, Batcher(engine).translate, Decoding(), abilities=engine.info.abilities)
    async with aclosing(events):
        return "".join([event.text async for event in events if isinstance(event, Piece)])


async def translate_all(engine: Engine, texts: dict[str, str]) -> dict[str, str]:
    """Documents in Chinese, by their names."""
    try:
        return {name: await translate(engine, text) for name, text in texts.items()}
    finally:
        await engine.aclose()


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    """The documents."""
    return {name: (FOLDER / name).read_bytes().decode() for name in FORMATS}


@pytest.fixture(scope="module")
def fresh(sources: dict[str, str]) -> dict[str, str]:
    """The documents as they are translated now."""
    return asyncio.run(translate_all(create_engine("ctranslate2", {"model": "starter"}), sources))


@pytest.fixture(scope="module", params=["fresh", "committed"])
def translations(request: pytest.FixtureRequest, fresh: dict[str, str]) -> dict[str, str]:
    """The documents in Chinese."""
    committed = {name: (FOLDER / "zh" / name).read_bytes().decode() for name in FORMATS}
    return fresh if request.param == "fresh" else committed


@pytest.fixture(params=FORMATS)
def golden(request: pytest.FixtureRequest, sources: dict[str, str], translations: dict[str, str]) -> Golden:
    """One document and its translation."""
    source, translation = sources[request.param], translations[request.param]
    read = READERS[FORMATS[request.param]]
    return Golden(source, translation, read(source), read(translation))


def test_formats_are_recognized(sources: dict[str, str], translations: dict[str, str]) -> None:
    """Nobody has to say what a document is written in, neither before nor after."""
    for name, text in (*sources.items(), *translations.items()):
        assert recognize(text) == FORMATS[name], name


def test_structure_is_that_of_the_source(golden: Golden) -> None:
    """A parser of the format finds the same elements, attributes, code, links, keys and values."""
    pairs = zip(golden.source_shape.structure, golden.shape.structure, strict=False)
    changed = [(before, after) for before, after in pairs if before != after]

    assert changed == []
    assert len(golden.shape.structure) == len(golden.source_shape.structure)


def test_placeholders_are_those_of_the_source(golden: Golden) -> None:
    """Every text has the placeholders and marks that it had, each as often."""
    pairs = zip(golden.source_shape.texts, golden.shape.texts, strict=True)
    found = [(PLACEHOLDER.findall(source), PLACEHOLDER.findall(text), text) for source, text in pairs]

    assert [each for each in found if Counter(each[0]) != Counter(each[1])] == []


def test_texts_are_in_chinese(golden: Golden) -> None:
    """Six of seven texts with words have Chinese characters now, and none became empty."""
    pairs = zip(golden.source_shape.texts, golden.shape.texts, strict=True)
    words = [(source, text) for source, text in pairs if ENGLISH.search(PLACEHOLDER.sub("", source))]
    left = [source for source, text in words if not CHINESE.search(text)]

    assert len(words) > 10
    assert all(PLACEHOLDER.sub("", text).strip() for _, text in words)
    assert len(left) <= len(words) / 8, left


def test_layout_of_lines_stays(golden: Golden) -> None:
    """A document has no carriage return, and as many empty lines and ends of file as before."""
    assert "\r" not in golden.translation.replace("\\r", "")
    assert golden.translation.count("\n\n") == golden.source.count("\n\n")
    assert golden.translation.endswith("\n")
    assert not golden.translation.endswith("\n\n")


def test_catalogue_is_filled_and_what_was_there_is_kept(translations: dict[str, str]) -> None:
    """No message is without a translation; those of people, the header and what is obsolete are as they were."""
    catalogue = translations["messages.po"]
    header, _, messages = catalogue.partition("\n#. ")

    assert '"Language: zh_CN\\n"\n' in header
    assert not re.search(r'^msgstr(\[\d\])? ""\n(?!")', messages, re.MULTILINE)
    assert 'msgid "Quit"\nmsgstr "退出"\n' in messages
    assert 'msgid "The network is too slow."\nmsgstr "网络很慢。"\n' in messages
    assert '#~ msgid "Never translated"\n#~ msgstr ""\n' in messages
