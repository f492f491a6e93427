"""Finds what is no language in a text: links, code, placeholders, tags, numbers. The model never sees it.

A protected span is taken out of its segment before the model reads it, and put back afterwards by `restore.py`. While a
document is cut into segments, mask characters stand in its place, one for each of its characters, so that no cut falls
into a span and every offset stays what it was.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest

from dragoman.pipeline.block import Span
from dragoman.pipeline.script import is_unspaced
from dragoman.pipeline.segment import MASKS, SPACE_MASK

_UNITS = (
    "[kmcµn]m|k?m/h|[kmµ]g|m[lL]|[kMG]?Hz|[kM]W|kWh|mAh|[KMGTP]i?B|[KMG]bps|[KMG]bit/s|[mµn]s|min|px|rem|dpi|fps|°[CF]?|k[VJ]|"
    "[kM]Pa|mol|lbs?|ft|mph"
)
_FILES = (
    "md|txt|rst|pdf|docx?|xlsx?|pptx?|csv|tsv|json|jsonl|ya?ml|toml|xml|html?|css|ini|cfg|conf|env|lock|log|py|pyi|ipynb|"
    "js|mjs|ts|jsx|tsx|java|kt|swift|go|rs|rb|php|sh|bat|ps1|sql|cpp|hpp|png|jpe?g|gif|svg|webp|mp[34]|zip|gz|tar|srt|vtt|po"
)
_SHORT_UNITS = "[mgLlsVWAJKBh]"  # a word may follow a number too
# A border is one of ASCII words: Chinese follows a number without a space.
# Each begins where it can be decided from a few characters, or at the start of a run: no search takes quadratic time.
_PATTERNS = (
    r"^[ \t]*```[^`\n]*(?:\n[\s\S]*?(?:^[ \t]*```[ \t]*$|\Z)|\Z)",
    r"`[^`\n]+`",
    r"(?:https?|ftp)://[!\#-;=?-Z\\\]_a-z~]*[A-Za-z0-9_/\#=&%~+-]|(?a:\b)www\.[A-Za-z0-9./?\#=&%~+_-]*[A-Za-z0-9/]",
    r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9._%+-]++@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
    r"(?P<link_opens>!?\[(?=[^\[\]\n]{1,300}\]\([^()\s]{1,500}\)))|(?P<link_closes>\]\([^()\s]{1,500}\))",
    r"<!--[^<>\n]{0,500}-->|<(?P<closing>/?)(?P<tag>[A-Za-z][\w-]*)(?P<rest>[^<>\n]{0,500})>|<(?P<number_closing>/?)(?P<number>\d+)(?P<number_rest>/?)>",
    r"&(?:[A-Za-z]{2,20}|\#\d{1,7}|\#x[0-9A-Fa-f]{1,6});",
    r"\{\{\{?[^{}\n]{1,80}\}\}\}?|\$\{[^{}\n]{1,80}\}|\$t\([^()\n]{1,80}\)|⟦\d{1,6}⟧|<%[^<>\n]{0,200}%>",
    r"[%\#@]?\{(?:[\w.:-]{0,40}|\w[\w.]{0,40}(?:![rsa])?:[^{}\n]{1,20})\}",
    r"%%|%\([\w.]{1,40}\)[a-z]|%(?:\d\$)?[-+\#0]?\d{0,3}(?:\.\d{1,3})?(?:hh?|ll?|[zqL])?[sdifuxXeEgGcp@](?![A-Za-z])",
    r"(?<![A-Za-z0-9_:/.)])@?:[a-z_][A-Za-z0-9_.]*[A-Za-z0-9_]:?",
    r"(?P<strong>\*\*(?=\S)|(?<=\S)\*\*)",
    r"\$\$[^$\n]{1,300}\$\$|\$(?=[^$\s])[^$\n]{0,300}(?<=[^$\s])\$(?!\d)|\\\([^\\\n]{1,300}\\\)",
    rf"(?<![A-Za-z0-9_./-])(?:[A-Za-z0-9_.-]++/)*+[A-Za-z0-9_-][A-Za-z0-9_.-]*\.(?:{_FILES})(?![A-Za-z0-9_])",
    r"(?<![A-Za-z0-9_./-])[A-Z][A-Za-z]*+(?:-[A-Z]{2,})*+-\d+(?:\.\d+)*+(?![A-Za-z0-9_-])",
    r"(?<![A-Za-z0-9_/])(?:~|\.{1,2})?(?:/[A-Za-z0-9_.-]+){2,}/?|(?a:\b)[A-Za-z]:\\[^\s\"<>|]+",
    r"(?<![A-Za-z0-9_@\#/&])[@\#][A-Za-z_][A-Za-z0-9_]*",
    r"(?a:\b)\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:?\d{2})?)?(?a:\b)",
    r"(?a:\b)\d{1,4}/\d{1,2}/\d{1,4}(?a:\b)",
    r"\+\d[\d ()-]{5,18}\d|(?a:\b)\d{2,5}[- ]\d{3,4}[- ]\d{3,5}(?a:\b)",
    r"(?a:\b)(?:(?:Ctrl|Alt|Shift|Cmd|Meta|Win|Super) ?\+ ?)+(?:[A-Za-z0-9]+|\S)|(?a:\b)F(?:[1-9]|1[0-2])(?a:\b)",
    r"(?a:\b)\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?(?a:\b)|(?a:\b)0x[0-9A-Fa-f]+(?a:\b)|\#[0-9A-Fa-f]{6}(?a:\b)|(?a:\b)v?\d+(?:\.\d+){2,}(?:-\w+|:\d{1,5})?(?a:\b)",
    r"[$€£¥]\ ?\d[\d,]*(?:\.\d+)?|(?a:\b)\d{1,3}(?:,\d{3})+(?:\.\d+)?%?|(?a:\b)\d+\.\d+%?|(?a:\b)\d+%(?!%)",
    rf"(?a:\b)\d+(?:[ \u00a0]?(?:{_UNITS})|(?:{_SHORT_UNITS}))(?![A-Za-z0-9/])",
    r"(?<![A-Za-z0-9_+/=-])[A-Za-z0-9+/=_-]{40,}",
    r"[\U0001F1E6-\U0001F1FF]{2}|[\u2600-\u27BF\u2B50\u2B55\U0001F300-\U0001FAFF][\uFE0F\u200D\U0001F300-\U0001FAFF]*",
    f"[{MASKS}{SPACE_MASK}]",
)
_PROTECTED = re.compile("|".join(_PATTERNS), re.MULTILINE)
_CLOSING_MARKS = tuple(".,;:!?)")
_ENCLOSING = {"()", "[]", "“”", "‘’", "（）", "「」", "『』", "《》", '""', "''"}
_MARKS = re.compile(r"[-+/:.,|&=~–—·、]+")
_WIDEST_GAP, _SHORTEST_WORD, _LONGEST_WORD = 2, 3, 40
_WORD, _WORD_END = re.compile(r"[A-Za-z0-9]+"), re.compile(r"[A-Za-z0-9]+\Z")
_RUN = re.compile("|".join(f"{mask}+" for mask in (*MASKS, SPACE_MASK)))
# Tags that enclose one another deeper than this are no text.
_DEEPEST = 100


def find(text: str) -> list[Span]:
    """The protected spans of a text, in order and without overlap. Tags, links and `**` that belong together pair."""
    spans: list[Span] = []
    opened: list[tuple[str, int]] = []
    line = end = 0
    for match in _PROTECTED.finditer(text):
        line += text.count("\n", end, match.end())
        end = match.end()
        spans.append(Span(*match.span()))
        name, may_open, may_close = _kind(match, line)
        depth = next((d for d in range(len(opened) - 1, -1, -1) if opened[d][0] == name), None) if may_close else None
        if depth is not None:
            opening = opened[depth][1]
            del opened[depth:]
            spans[opening] = replace(spans[opening], role="open", pair=opening)
            spans[-1] = replace(spans[-1], role="close", pair=opening)
        elif may_open and len(opened) < _DEEPEST:
            opened.append((name, len(spans) - 1))
    return spans


def _kind(match: re.Match[str], line: int) -> tuple[str, bool, bool]:
    """What must be equal for two spans to belong together, whether this one may open, and whether it may close."""
    tag, number, group = match["tag"], match["number"], match.lastgroup
    if tag:
        return tag.lower(), not match["closing"] and not match["rest"].endswith("/"), bool(match["closing"])
    if number:
        return number, not match["number_closing"] and not match["number_rest"], bool(match["number_closing"])
    if group in {"link_opens", "link_closes"}:
        return "](", group == "link_opens", group == "link_closes"
    return f"** in line {line}", group == "strong", group == "strong"


def merge(first: Sequence[Span], second: Sequence[Span]) -> list[Span]:
    """Both, but for those of the second that overlap one of the first. A pair that lost its half is two atoms."""
    shift = len(first) + 1  # their pairs must not be taken for one another's
    kept = []
    index = 0
    for span in second:
        while index < len(first) and first[index].end <= span.start:
            index += 1
        if index == len(first) or span.end <= first[index].start:
            kept.append(replace(span, pair=span.pair + shift))
    halves = Counter(span.pair for span in kept if span.role != "atom")
    whole = [span if halves[span.pair] != 1 else replace(span, role="atom") for span in kept]
    return sorted([*first, *whole], key=lambda span: span.start)


def close_up(spans: Sequence[Span], text: str) -> list[Span]:
    """The spans with the quotes or brackets around one alone, as one where only marks stand between two.

    A model makes little of empty brackets. A short pair within a word (`H<sub>2</sub>O`) is one with its word.
    """
    result: list[Span] = []
    for span in _with_their_words(spans, text):
        widened = span
        around = text[span.start - 1 : span.start] + text[span.end : span.end + 1]
        if span.role == "atom" and around in _ENCLOSING and (not result or result[-1].end < span.start):
            widened = replace(span, start=span.start - 1, end=span.end + 1)
        last = result[-1] if result else None
        between = text[last.end : widened.start] if last else ""
        if last and last.role == widened.role == "atom" and _belong_together(last, between, widened, text):
            result[-1] = replace(last, end=widened.end)
        else:
            result.append(widened)
    return result


def _belong_together(first: Span, between: str, second: Span, text: str) -> bool:
    if not between:
        return not (text[first.start : first.end].isspace() or text[second.start : second.end].isspace())
    return len(between) <= _WIDEST_GAP and _MARKS.fullmatch(between) is not None


def _with_their_words(spans: Sequence[Span], text: str) -> Iterator[Span]:
    skipped = False
    for span, following in zip_longest(spans, spans[1:]):
        if skipped:
            skipped = False
            continue
        inner = text[span.end : following.start] if following else ""
        is_pair = (
            following is not None and (span.role, following.role) == ("open", "close") and span.pair == following.pair
        )
        if is_pair and 0 < len(inner) <= _SHORTEST_WORD and inner.isalnum():
            start, end = span.start, following.end
            before, after = _WORD_END.search(text, max(0, start - _LONGEST_WORD), start), _WORD.match(text, end)
            if before or after:
                skipped = True
                yield Span(before.start() if before else start, after.end() if after else end)
                continue
        yield span


def hide(text: str, spans: Sequence[Span]) -> str:
    """The text with masks for its spans, as long as before. Neighbours get different masks; white space its own."""
    parts = []
    start = 0
    for index, span in enumerate(spans):
        mask = SPACE_MASK if text[span.start : span.end].isspace() else MASKS[index % len(MASKS)]
        parts += [text[start : span.start], mask * (span.end - span.start)]
        start = span.end
    return "".join([*parts, text[start:]])


def count_hidden(masked: str) -> int:
    """How many spans are hidden in a text."""
    return sum(1 for _ in _RUN.finditer(masked))


def take_out(masked: str) -> tuple[str, Sequence[int]]:
    """A text without its masks and the spaces they leave; for each character and the end, its place there."""
    if masked.strip() == masked and not _RUN.search(masked):
        return masked, range(len(masked) + 1)
    kept = ""
    places: list[int] = []
    start = 0
    for match in _RUN.finditer(masked):
        kept = _append(kept, masked[start : match.start()], places)
        places += [len(kept.rstrip(" "))] * (match.end() - match.start())
        if match[0][0] == SPACE_MASK:
            kept = _append(kept, " ", [])
        start = match.end()
    kept = _append(kept, masked[start:], places).rstrip()
    places.append(len(kept))
    return kept, [min(place, len(kept)) for place in places]


def _append(kept: str, text: str, places: list[int]) -> str:
    """The text after what is kept, without a space too many; and the place of each of its characters."""
    if text[:1] in _CLOSING_MARKS:
        kept = kept.rstrip(" ")
    needless = not kept or kept[-1].isspace() or (is_unspaced(kept[-1]) and is_unspaced(text[1:2] or "."))
    if text[:1] == " " and needless:
        places.append(len(kept))
        text = text[1:]
    places += range(len(kept), len(kept) + len(text))
    return kept + text
