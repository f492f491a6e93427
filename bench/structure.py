"""What `bench/markup.py` holds documents against: strict readers that share no code with the server."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt()


@dataclass(slots=True)
class Structure:
    """The text of a document, how often each path of elements is in it, and the text in elements of a paragraph."""

    text: str = ""
    marked: str = ""
    paths: Counter[tuple[str, ...]] = field(default_factory=Counter)
    is_nested: bool = True


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[tuple[str, str]] = []
        self.structure = Structure()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack.append((tag, f"{tag} {attrs}"))
        self.structure.paths[tuple(name for _, name in self.stack)] += 1

    def handle_endtag(self, tag: str) -> None:
        if not self.stack or self.stack.pop()[0] != tag:
            self.structure.is_nested = False

    def handle_data(self, data: str) -> None:
        self.structure.text += data
        if len(self.stack) > 1:
            self.structure.marked += data


def read_html(text: str) -> Structure:
    """The structure of HTML in which every element is closed."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    reader.structure.is_nested &= not reader.stack
    return reader.structure


def read_markdown(text: str) -> Structure:
    """The structure of Markdown, as CommonMark reads it."""
    return read_html(_MARKDOWN.render(text))


def subtitles(texts: Sequence[str]) -> str:
    """An SRT document with a cue for each text."""
    cues = []
    for index, text in enumerate(texts):
        start, end = (f"00:{(index * 4 + shift) // 60:02}:{(index * 4 + shift) % 60:02},{shift}50" for shift in (1, 4))
        cues.append(f"{index + 1}\n{start} --> {end}\n{text}\n")
    return "\n".join(cues)


def cue_layout(srt: str) -> list[list[str]]:
    """The number and the times of each cue."""
    return [cue.split("\n")[:2] for cue in re.split(r"\n\n+", srt.strip("\n"))]


def cue_texts(srt: str) -> list[str]:
    """The text of each cue, as one line."""
    return [" ".join(cue.split("\n")[2:]) for cue in re.split(r"\n\n+", srt.strip("\n"))]


def nested_json(texts: Sequence[str]) -> str:
    """A document with texts in all places where JSON can have some, and with values that are no language."""
    items = [
        {
            "id": f"item-{index}",
            "title": text,
            "price": 9.5 + index,
            "tags": [text, None, True],
            "url": f"/items/{index}",
        }
        for index, text in enumerate(texts)
    ]
    document = {
        "count": len(texts),
        "page": {"heading": f"“{texts[0]}”", "a.b": {"deep": [[texts[-1]]]}},
        "items": items,
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def json_layout(document: object) -> object:
    """A document with its keys and types; strings without spaces or letters of Chinese as they are."""
    if isinstance(document, dict):
        return {key: json_layout(value) for key, value in document.items()}
    if isinstance(document, list):
        return [json_layout(value) for value in document]
    if isinstance(document, str):
        return document if re.fullmatch(r"item-\d+|/items/\d+", document) else str
    return document
