"""Answers from translation memory: exact matches, and those that differ in slots or in the final mark only.

A slot is a number or a protected span. `Page 3 of {n}` and `page 7 of {total}.` have the same sketch, so the
translation of one is that of the other, with the slots exchanged.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz import fuzz, process

from dragoman.core.languages import has_spaces
from dragoman.core.types import Example
from dragoman.pipeline.block import Span
from dragoman.pipeline.protect import find, merge

_SLOT = "\x00"
_NUMBER = re.compile(r"\d+")
_FINAL_MARKS = ".。．｡!！?？…:：;；"
_WIDE = str.maketrans(".!?:;", "。！？：；")
_NARROW = str.maketrans("。．｡！？：；", "...!?:;")
# Weaker matches help no engine; more examples than this do not either.
_WEAKEST_PERCENT = 60
_MOST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """A translation from memory. A part is text, or the characters of the source that stand there."""

    kind: Literal["exact", "adapted"]
    score: float
    parts: tuple[str | tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Sketch:
    """A text without its slots and its final mark."""

    text: str
    key: str
    slots: tuple[Span, ...]
    end: int

    def slot(self, index: int) -> str:
        return self.text[self.slots[index].start : self.slots[index].end]

    @property
    def slot_texts(self) -> list[str]:
        return [self.slot(index) for index in range(len(self.slots))]

    @property
    def final_mark(self) -> str:
        return self.text[self.end :].strip()


def _sketch(text: str, spans: Sequence[Span]) -> _Sketch:
    numbers = [Span(*match.span(), pair=-1) for match in _NUMBER.finditer(text)]
    slots = merge(spans, numbers)
    end = len(text.rstrip().rstrip(_FINAL_MARKS).rstrip())
    parts = []
    start = 0
    for slot in slots:
        parts.append(text[start : slot.start])
        start = slot.end
    key = _SLOT.join([*parts, text[start : max(start, end)]])
    return _Sketch(text, _folded(key), tuple(slots), max(start, end))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


class Memory:
    """The examples of one request. Later ones win."""

    def __init__(self, examples: Sequence[Example], target: str) -> None:
        self._examples = {_folded(example.source): example for example in examples if example.source.strip()}
        self._sketched = {_sketch(each.source, find(each.source)).key: each for each in self._examples.values()}
        self._wide = not has_spaces(target)

    def __bool__(self) -> bool:
        return bool(self._examples)

    def answer(self, text: str, spans: Sequence[Span]) -> Answer | None:
        """The translation of a text with these protected spans, if one is known."""
        if not self._examples:
            return None
        sketch = _sketch(text, spans)
        exact = self._examples.get(_folded(text))
        example = exact or self._sketched.get(sketch.key)
        parts = self._adapt(sketch, example) if example else None
        if parts is None or example is None:
            return None
        score = 1.0 if exact else fuzz.ratio(_folded(text), _folded(example.source)) / 100
        return Answer("exact" if exact else "adapted", score, parts)

    def _adapt(self, sketch: _Sketch, example: Example) -> tuple[str | tuple[int, int], ...] | None:
        """The example's translation with the slots of the text; none where a slot would be lost or invented."""
        source = _sketch(example.source, find(example.source))
        target = _sketch(example.target, find(example.target))
        if len(source.slots) != len(sketch.slots):
            return None
        unused = list(range(len(source.slots)))
        parts: list[str | tuple[int, int]] = []
        start = 0
        for slot in target.slots:
            slot_text = target.text[slot.start : slot.end]
            index = next((index for index in unused if source.slot(index) == slot_text), None)
            if index is None and not slot_text.isdigit():
                return None
            if index is not None:
                unused.remove(index)
                parts += [target.text[start : slot.start], (sketch.slots[index].start, sketch.slots[index].end)]
                start = slot.end
        if any(source.slot(index) != sketch.slot(index) or not sketch.slot(index).isdigit() for index in unused):
            return None
        same_mark = sketch.final_mark == source.final_mark
        rest = target.text[start:] if same_mark else target.text[start : target.end] + self._mark(sketch.final_mark)
        return tuple(part for part in (*parts, rest) if part)

    def _mark(self, mark: str) -> str:
        return mark.translate(_WIDE if self._wide else _NARROW)

    def similar(self, text: str) -> list[tuple[Example, float]]:
        """Examples whose source is like a text, the most similar first, with their similarity, 0 to 1."""
        found = process.extract(
            _folded(text),
            self._examples.keys(),
            scorer=fuzz.ratio,
            limit=_MOST_EXAMPLES,
            score_cutoff=_WEAKEST_PERCENT,
        )
        return [(self._examples[key], score / 100) for key, score, _ in found]
