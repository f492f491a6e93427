"""What a format finds in a document: blocks of human text, and the raw text around them, which comes back as it is."""

from dataclasses import dataclass
from typing import Literal

from dragoman.core.types import SpanRole

Escaping = Literal["none", "markup", "attribute", "markdown", "json", "po"]
"""How characters of a translation are written in the document."""

_ESCAPES: dict[Escaping, dict[int, str]] = {
    "none": {},
    "markup": str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"}),
    "attribute": str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}),
    # A model's marks would emphasise, link, or begin a cell of a table.
    "markdown": str.maketrans({mark: f"\\{mark}" for mark in "*`[|"}),
    "json": {**{code: f"\\u{code:04x}" for code in range(32)}, **str.maketrans({'"': '\\"', "\\": "\\\\"})}
    | str.maketrans({"\n": "\\n", "\t": "\\t", "\r": "\\r"}),
    "po": str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}),
}


def escape(text: str, escaping: Escaping) -> str:
    """A text as the document writes it, character by character: the escapes of two halves, joined, are the whole's."""
    return text.translate(_ESCAPES[escaping]) if escaping != "none" else text


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of a block that the model must not see. They come back once, as they are.

    An opening and a closing span of the same `pair` enclose words, as tags do, and will enclose their translation.
    """

    start: int
    end: int
    role: SpanRole = "atom"
    pair: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a document. The `raw` of all blocks, joined, is the document.

    `text` is what a reader sees of it, to be translated; without one, the block comes back as it is. `spans` are in
    order and do not overlap. `offsets` has the place in `raw` of each character of `text`, and of its end; without
    offsets, both are equal, or `raw` is empty and waits for a text. A translation is written with `escaping`.
    """

    raw: str
    text: str | None = None
    spans: tuple[Span, ...] = ()
    offsets: tuple[int, ...] | None = None
    escaping: Escaping = "none"

    def source(self, start: int, end: int) -> str:
        """Characters of `text` as the document writes them."""
        if self.offsets is not None:
            return self.raw[self.offsets[start] : self.offsets[end]]
        if self.raw:
            return self.raw[start:end]
        return escape((self.text or "")[start:end], self.escaping)
