"""Finds what is no language in a text: links, code, placeholders, tags, numbers. The model never sees it.

A protected span is taken out of its segment before the model reads it, and put back afterwards by `restore.py`. While a
document is cut into segments, mask characters stand in its place, one for each of its characters, so that no cut falls
into a span and every offset stays what it was.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from dragoman.core.types import Protected, Segment, Token
from dragoman.pipeline.segment import MASKS

# Each begins where it can be decided from a few characters, or at the start of a run: no search takes quadratic time.
_PATTERNS = (
    r"(?P<line_mark>^[ \t]*(?:(?:\#{1,6}|[-*+>]|\d{1,4}[.)]|\[\d{1,4}\])[ \t]+|\d{1,4}\|[ \t]*))",
    r"`[^`\n]+`",
    r"(?:https?|ftp)://[!\#-;=?-Z\\\]_a-z~]*[A-Za-z0-9_/\#=&%~+-]|\bwww\.[A-Za-z0-9./?\#=&%~+_-]*[A-Za-z0-9/]",
    r"(?<![\w.+-])[A-Za-z0-9._%+-]++@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
    r"!?\[(?=[^\[\]\n]{1,300}\]\([^()\s]{1,500}\))|\]\([^()\s]{1,500}\)",
    r"<!--[^<>\n]{0,500}-->|</?[A-Za-z][^<>\n]{0,500}>|</?\d+/?>|&(?:[A-Za-z]{2,20}|\#\d{1,7}|\#x[0-9A-Fa-f]{1,6});",
    r"\{\{[^{}\n]{1,80}\}\}|\$\{[^{}\n]{1,80}\}|\{[\w.:-]{0,40}\}|\$t\([^()\n]{1,80}\)|⟦\d{1,6}⟧",
    r"%\([\w.]{1,40}\)[a-z]|%(?:\d\$)?[-+\#0]?\d{0,3}(?:\.\d{1,3})?[sdifuxXeEgGc@](?![A-Za-z])|(?<!\S):[a-z_]\w+\b:?",
    r"\*\*(?=\S)|(?<=\S)\*\*",
    r"\$\$[^$\n]{1,300}\$\$|\$(?=[^$\s])[^$\n]{0,300}(?<=[^$\s])\$(?!\d)|\\\([^\\\n]{1,300}\\\)",
    r"(?<![\w/])(?:~|\.{1,2})?(?:/[\w.-]+){2,}/?|\b[A-Za-z]:\\[^\s\"<>|]+",
    r"(?<![\w@\#/&])[@\#][A-Za-z_][A-Za-z0-9_]*",
    r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:?\d{2})?)?\b|\b\d{1,4}/\d{1,2}/\d{1,4}\b",
    r"\b\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?\b|\b0x[0-9A-Fa-f]+\b|\#[0-9A-Fa-f]{6}\b|\bv?\d+(?:\.\d+){2,}(?:-\w+)?\b",
    r"[$€£¥]\ ?\d[\d,]*(?:\.\d+)?|\b\d{1,3}(?:,\d{3})+(?:\.\d+)?%?|\b\d+\.\d+%?|\b\d+%",
    r"(?<![\w+/=-])[A-Za-z0-9+/=_-]{40,}",
    r"[\U0001F1E6-\U0001F1FF]{2}|[\u2600-\u27BF\u2B50\u2B55\U0001F300-\U0001FAFF][\uFE0F\u200D\U0001F300-\U0001FAFF]*",
    f"[{MASKS}]",
)
_PROTECTED = re.compile("|".join(_PATTERNS), re.MULTILINE)
_FENCE = "```"
_CLOSING_MARKS = tuple(".,;:!?)")
_RUN = re.compile("|".join(f"{mask}+" for mask in MASKS))


def find(text: str) -> list[tuple[int, int]]:
    """The protected spans of a text, in order and without overlap."""
    spans: list[tuple[int, int]] = []
    start = 0
    for fence in _fences(text):
        spans += [match.span() for match in _PROTECTED.finditer(text, start, fence[0])]
        spans.append(fence)
        start = fence[1]
    return spans + [match.span() for match in _PROTECTED.finditer(text, start)]


def _fences(text: str) -> Iterator[tuple[int, int]]:
    """Fenced blocks of code, from one fence to the next; without a closing one, to the end of the text."""
    offset = 0
    opened: int | None = None
    for line in text.splitlines(keepends=True):
        content = line.strip()
        if content.startswith(_FENCE):
            if opened is None:
                opened = offset + line.index(_FENCE)
            elif content == _FENCE:
                yield opened, offset + line.index(_FENCE) + len(_FENCE)
                opened = None
        offset += len(line)
    if opened is not None and text[opened:].rstrip():
        yield opened, opened + len(text[opened:].rstrip())


def hide(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with masks for its spans, as long as before. Neighbours get different masks."""
    parts = []
    start = 0
    for index, (begin, end) in enumerate(spans):
        parts += [text[start:begin], MASKS[index % len(MASKS)] * (end - begin)]
        start = end
    return "".join([*parts, text[start:]])


def visible(masked: str) -> str:
    """What the model reads of a masked text."""
    return _take_out(masked)[0]


def unmask(segment: Segment, original: str, tokenize: Callable[[str], tuple[Token, ...]]) -> Segment:
    """A segment of the masked text, with its original text, what the model reads of it, and what it must not see."""
    text, holes = _take_out(segment.text)
    tokens = tokenize(text)
    middles = []
    offset = 0
    for token in tokens:
        middles.append(offset + len(token.text) / 2)
        offset += len(token.text)
    protected = tuple(
        Protected(original[start:end], sum(middle < hole for middle in middles), *_spaces(segment.text, start, end))
        for hole, (start, end) in holes
    )
    return replace(segment, text=original, tokens=tokens, protected=protected)


def _take_out(masked: str) -> tuple[str, list[tuple[int, tuple[int, int]]]]:
    """A text without its masks and the spaces they leave, and for each mask the offset of its hole and its span."""
    kept = ""
    holes = []
    start = 0
    for match in _RUN.finditer(masked):
        kept = _append(kept, masked[start : match.start()])
        holes.append((len(kept), match.span()))
        start = match.end()
    kept = _append(kept, masked[start:]).rstrip()
    return kept, [(min(hole, len(kept)), span) for hole, span in holes]


def _append(kept: str, text: str) -> str:
    if text[:1] == " " and (not kept or kept[-1].isspace()):
        return kept + text[1:]
    return kept.rstrip(" ") + text if text[:1] in _CLOSING_MARKS else kept + text


def _spaces(masked: str, start: int, end: int) -> tuple[bool, bool]:
    return masked[start - 1 : start].isspace(), masked[end : end + 1].isspace()
