"""ICU MessageFormat: `{count, plural, one {# item} other {# items}}`.

Each branch is a text of its own, and so is what stands before and after the choice: its keywords and braces must stay
where they are. A message that is not well formed has no text.
"""

import re
from dataclasses import replace

from dragoman.pipeline.block import Span
from dragoman.pipeline.formats.decoded import Decoded

_CHOICE = r"\{\s*[\w.]+\s*,\s*(?:plural|selectordinal|select)\s*,"
_BRANCH = r"\s*(?:=\d+|[\w-]+)\s*\{"
_LOOKS_LIKE = re.compile(_CHOICE)
_TOKEN = re.compile(
    rf"""
    (?P<apostrophe>'')
    | (?P<quoted>'[{{}}\#][^']*'?)
    | (?P<opening>{_CHOICE}(?:\s*offset\s*:\s*\d+)?{_BRANCH})
    | (?P<between>\}}{_BRANCH})
    | (?P<closing>\}}\s*\}})
    | (?P<argument>\{{[^{{}}]*\}}|\#)
    | (?P<stray>[{{}}])
    """,
    re.VERBOSE,
)
_DEPTH = {"opening": 1, "between": 0, "closing": -1}


def looks_like(text: str) -> bool:
    """Whether a text has a choice of branches."""
    return _LOOKS_LIKE.search(text) is not None


def read(message: Decoded) -> tuple[Decoded, list[tuple[int, int]]]:
    """The message with its arguments as spans, and where it has text."""
    ranges: list[tuple[int, int]] = []
    spans: list[Span] = []
    depth = start = 0
    for match in _TOKEN.finditer(message.text):
        kind = match.lastgroup or ""
        if kind in {"quoted", "argument"}:
            spans.append(Span(*match.span()))
        elif kind in _DEPTH:
            ranges += _words(message.text, start, match.start())
            start = match.end()
            depth += _DEPTH[kind]
        if kind == "stray" or depth < (kind == "between"):
            return message, []
    ranges += _words(message.text, start, len(message.text))
    return replace(message, spans=tuple(spans)), ranges if depth == 0 and not message.spans else []


def _words(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A range without the white space around it, if it has a letter."""
    part = text[start:end]
    if not any(char.isalpha() for char in part):
        return []
    return [(start + len(part) - len(part.lstrip()), start + len(part.rstrip()))]
