"""Markdown, as CommonMark and GitHub read it, with the usual extensions of site generators.

Paragraphs, headings, list items and table cells are blocks; code, addresses, front matter and all marks of the layout
come back as they are. HTML blocks are read by the HTML format.
"""

import re
from collections.abc import Iterator
from itertools import islice

from dragoman.pipeline.block import Block
from dragoman.pipeline.formats import html
from dragoman.pipeline.formats.decoded import Found, fill
from dragoman.pipeline.formats.markdown_blocks import regions
from dragoman.pipeline.formats.markdown_text import found_blocks

_FRONT_MATTER_START = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\r?\n(?=[\w\"'-]+[ \t]*[:=]|\[|#)")
_FRONT_MATTER_ENDS = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*(?:\r?\n|\Z)", re.MULTILINE),
}

_ENOUGH = 3
_MOST_BY_WORDS = 2
# What shows that a text is Markdown, and how much it proves. Each begins at the start of a line.
_BLOCK_EVIDENCE = tuple(
    (weight, re.compile(pattern, re.MULTILINE))
    for weight, pattern in (
        # A heading between empty lines; without them it could be a comment.
        (3, r"(?:\A\ufeff?|^[ \t]*\n) {0,3}#{1,6}[ \t]+(?=[^\n]*[^\W\d_])[^\n]*\n[ \t]*\n\s*\S"),
        (2, r"^ {0,3}#{1,6}[ \t]+(?=[^\n]*[^\W\d_])\S"),
        (3, r"^[^\n|]*\|[^\n]*\n[ \t]*+\|?[ \t]*+:?-{3,}+:?[ \t]*+\|[-:| \t]*$"),  # the delimiter row of a table
        (1, r"^(?=[^\n]*\w)[^\n]*+\n={3,}[ \t]*$"),
        (1, r"^ {0,3}\[[^\[\]\n^]+\]:[ \t]+(?:https?://|[./#<])\S+"),
    )
)
_FENCE = re.compile(r"^ {0,3}```[^`\n]*$", re.MULTILINE)
_BULLET = re.compile(r"^ {0,3}[-*+][ \t]+\S", re.MULTILINE)
# A chat message has these too: together they prove as much as one heading.
_INLINE_EVIDENCE = tuple(
    re.compile(pattern) for pattern in (r"\*\*(?=\S)[^*\n]+\*\*", r"`[^`\n]+`", r"\[[^\[\]\n]+\](?:\([^()\s]+\)|\[)")
)


def parse(text: str) -> list[Block]:
    """The blocks of a Markdown document."""
    return fill(text, _found(text))


def looks_like(text: str) -> bool:
    """Whether a text is a Markdown document, rather than a message with a mark here and there."""
    start = _front_matter_end(text)
    body = text[start:].replace("\r\n", "\n")
    by_words = sum(pattern.search(body) is not None for pattern in _INLINE_EVIDENCE)
    proof = min(by_words, _MOST_BY_WORDS) + (2 if start else 0)
    proof += sum(weight for weight, pattern in _BLOCK_EVIDENCE if pattern.search(body))
    proof += 3 * _has_two(_FENCE, body) + _has_two(_BULLET, body)
    return proof >= _ENOUGH


def _has_two(pattern: re.Pattern[str], text: str) -> bool:
    return len(list(islice(pattern.finditer(text), 2))) > 1


def _found(text: str) -> Iterator[Found]:
    start = _front_matter_end(text)
    found, labels = regions(text, start or int(text.startswith("\ufeff")))
    for region in found:
        if region.is_html:
            yield from _html_blocks(text, *region.pieces[0])
        else:
            yield from found_blocks(text, region.pieces, labels)


def _html_blocks(text: str, start: int, end: int) -> Iterator[Found]:
    for block in html.parse(text[start:end]):
        yield start, block
        start += len(block.raw)


def _front_matter_end(text: str) -> int:
    """Where the front matter ends, or 0."""
    opening = _FRONT_MATTER_START.match(text)
    closing = _FRONT_MATTER_ENDS[opening[1]].search(text, opening.end()) if opening else None
    return closing.end() if closing else 0
