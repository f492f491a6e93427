"""Cuts a document into segments and keeps every character of its layout.

Joining `before + text + after` of all segments gives the document back, for any Unicode text. A line break always ends
a segment, so does a tab or a run of three blanks (columns); inside a line, sentencex finds the sentences.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace

import sentencex

from dragoman.core.types import Segment

MASKS = "\ue000\ue001"
"""Private characters, which stand for the characters of protected spans while a document is cut."""

SPACE_MASK = "\u205f"
"""A rare space, which stands for those of protected white space: sentences may part there."""

_COLUMN_GAP = re.compile(r"\t\s*| {3,}")
# sentencex splits after a full-width stop only where it knows the language; the stop itself is enough to know.
_AFTER_FULL_WIDTH_STOP = re.compile(r"(?<=[。！？｡])(?![。！？｡…”’」』）》】〉\"')\]])")
# sentencex takes quadratic time on some long lines, so it sees a line in blocks of this many characters.
_BLOCK_CHARS = 4000
_SENTENCEX_CODES = {"zh_tw": "zh", "yue": "zh", "nb": "no", "nn": "no"}
# Where a long sentence may be cut, best first.
_CLAUSE_MARKS = (re.compile(r"[;:；：]+\s*|[—–]\s+"), re.compile(r"[,，、،]\s*"), re.compile(r"\s+"))
_CLAUSE_ENDS = (",", ";", ":", "，", "；", "：", "、")
_SMALLEST_TO_HALVE = 4
_JOINERS = "\u200d\ufe0e\ufe0f"


def split(text: str, language: str) -> list[Segment]:
    """Cut a document into sentences. A document of white space only is one segment without text."""
    spans: list[tuple[int, int]] = []
    offset = 0
    for sentence in _sentences(text, language):
        core = sentence.strip()
        if core:
            start = offset + len(sentence) - len(sentence.lstrip())
            spans.append((start, start + len(core)))
        offset += len(sentence)
    if not spans:
        return [Segment("", before=text)]
    next_starts = [start for start, _ in spans[1:]] + [len(text)]
    first_start = spans[0][0]
    return [
        Segment(text[start:end], text[:start] if start == first_start else "", text[end:next_start])
        for (start, end), next_start in zip(spans, next_starts, strict=True)
    ]


def _sentences(text: str, language: str) -> Iterator[str]:
    """Sentences with the white space around them; joined, they are the text."""
    code = _SENTENCEX_CODES.get(language, language)
    for line in text.splitlines(keepends=True):
        if line.isspace():
            yield line
            continue
        for cell in _pieces(_COLUMN_GAP, line):
            for run in _pieces(_AFTER_FULL_WIDTH_STOP, cell):
                yield from _run_sentences(run, code)


def _pieces(boundary: re.Pattern[str], text: str) -> Iterator[str]:
    """Cut after each match of a boundary."""
    start = 0
    for match in boundary.finditer(text):
        yield text[start : match.end()]
        start = match.end()
    if start < len(text):
        yield text[start:]


def _run_sentences(run: str, code: str) -> Iterator[str]:
    start = 0
    unfinished = ""
    while start < len(run):
        block = run[start : start + _BLOCK_CHARS]
        start += len(block)
        found: list[str] = sentencex.segment(code, block)
        if "".join(found) != block:  # never lose text to a library
            found = [block]
        found[0] = unfinished + found[0]
        unfinished = ""
        if start < len(run):  # the last sentence may go on in the next block
            last = found.pop()
            if found:
                start -= len(last)
            else:
                unfinished = last
        yield from found
    if unfinished:
        yield unfinished


def split_long(segment: Segment, fits: Callable[[str], bool]) -> list[Segment]:
    """Cut a segment that does not fit into parts that do: at clause marks, else at blanks, else between characters."""
    text = segment.text
    if len(text) <= 1 or fits(text):
        return [segment]
    cut = _middle_cut(text)
    left, right = text[:cut], text[cut:]
    left_core, right_core = left.rstrip(), right.lstrip()
    gap = left[len(left_core) :] + right[: len(right) - len(right_core)]
    return [
        *split_long(Segment(left_core, segment.before, gap), fits),
        *split_long(Segment(right_core, "", segment.after), fits),
    ]


def _middle_cut(text: str) -> int:
    """The best place to cut in the middle half of a text, so that halving ends soon."""
    low, high, middle = len(text) // 4, len(text) - len(text) // 4, len(text) // 2
    for mark in _CLAUSE_MARKS:
        cuts = [match.end() for match in mark.finditer(text, low, high) if 0 < match.end() < len(text)]
        if cuts:
            return min(cuts, key=lambda cut: abs(cut - middle))
    whole = (cut for cut in (*range(middle, len(text)), *range(middle, 0, -1)) if not _joins_previous(text, cut))
    return next(whole, middle)


def _joins_previous(text: str, place: int) -> bool:
    char = text[place]
    in_mask = char in MASKS and char == text[place - 1]
    return in_mask or char in _JOINERS or unicodedata.combining(char) != 0


def halves(segment: Segment) -> tuple[Segment, ...]:
    """A segment in two, each with its tokens and terms: at a clause mark near the middle, else at a word; or itself."""
    size = len(segment.tokens)
    inside_terms = {index for term in segment.terms for index in range(term.start + 1, term.end)}
    cuts = [index for index in range(size // 4, size - size // 4 + 1) if 0 < index < size and index not in inside_terms]
    if size < _SMALLEST_TO_HALVE or not cuts:
        return (segment,)

    def preference(index: int) -> tuple[int, int]:
        before, after = segment.tokens[index - 1].text, segment.tokens[index].text
        kind = 0 if before.endswith(_CLAUSE_ENDS) else 1 if after[:1].isspace() else 2
        return kind, abs(index - size // 2)

    cut = min(cuts, key=preference)
    return tuple(
        replace(
            segment,
            text="".join(token.text for token in segment.tokens[start:end]).strip(),
            tokens=segment.tokens[start:end],
            terms=tuple(
                replace(term, start=term.start - start, end=term.end - start)
                for term in segment.terms
                if start <= term.start < end
            ),
        )
        for start, end in ((0, cut), (cut, size))
    )
