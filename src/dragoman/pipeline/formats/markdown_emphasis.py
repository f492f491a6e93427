"""Pairs the runs of `*`, `_` and `~~` in a Markdown text, by CommonMark's rules for delimiter runs."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_STRIKE = 2


@dataclass(slots=True)
class Run:
    """A run of one delimiter. What is left of it shrinks as its characters find their partners."""

    char: str
    start: int
    length: int
    opens: bool
    closes: bool
    end: int
    original: int


def run_at(text: str, start: int, end: int) -> Run:
    """The run at a place; what stands before and after it says whether it may open and close."""
    before, after = _kind(text[start - 1 : start]), _kind(text[end : end + 1])
    left = after == "word" or (after == "mark" and before != "word")
    right = before == "word" or (before == "mark" and after != "word")
    char = text[start]
    if char == "_":
        left, right = left and (not right or before == "mark"), right and (not left or after == "mark")
    if char == "~" and end - start != _STRIKE:
        left = right = False
    return Run(char, start, end - start, left, right, end, end - start)


def _kind(char: str) -> str:
    if not char or char.isspace():
        return "space"
    return "mark" if unicodedata.category(char)[0] in "PS" else "word"


def pairs(runs: Sequence[Run]) -> Iterator[tuple[int, int, int]]:
    """The pairs of delimiters among runs: where each opens, where it closes, and its length."""
    openers: list[Run] = []
    floors: dict[tuple[str, bool, int], int] = {}  # no opener up to here matches, so that no search is repeated
    for run in runs:
        while run.closes and run.length:
            key = (run.char, run.opens, run.original % 3)
            found = _opener(openers, run, floors.get(key, -1))
            if found is None:
                floors[key] = openers[-1].end if openers else -1
                break
            del openers[found + 1 :]
            yield _match(openers, run)
        if run.opens and run.length:
            openers.append(run)


def _opener(openers: list[Run], closer: Run, floor: int) -> int | None:
    for index in range(len(openers) - 1, -1, -1):
        opener = openers[index]
        if opener.end <= floor:
            return None
        if opener.char == closer.char and not _odd_match(opener, closer):
            return index
    return None


def _odd_match(opener: Run, closer: Run) -> bool:
    """CommonMark's rule of three: `**a*b**` has no emphasis from the first to the second run."""
    if not (opener.closes or closer.opens):
        return False
    return (opener.original + closer.original) % 3 == 0 and opener.original % 3 != 0


def _match(openers: list[Run], closer: Run) -> tuple[int, int, int]:
    opener = openers[-1]
    length = 2 if opener.length > 1 and closer.length > 1 else 1
    opener.length -= length
    pair = (opener.start + opener.length, closer.start, length)
    closer.start += length
    closer.length -= length
    if not opener.length:
        openers.pop()
    return pair
