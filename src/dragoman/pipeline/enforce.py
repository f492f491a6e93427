"""Puts the targets of terms into a translation, in place of what the model wrote for their sources.

A target that the model wrote by itself is left where it is. For the others, attention says which words of the
translation came from the term.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dragoman.core.languages import has_spaces
from dragoman.core.types import Hypothesis, Occurrence, Pair, Segment, Term, Token
from dragoman.pipeline.alignment import translated_from
from dragoman.pipeline.script import joined

_OPENING_MARKS = "([{<“‘\"'"


@dataclass(frozen=True, slots=True)
class Enforced:
    """A hypothesis with the targets of terms. `unplaced`: terms for which the model seems to have written nothing."""

    hypothesis: Hypothesis
    unplaced: tuple[Occurrence, ...]


def missing_terms(text: str, terms: Sequence[Occurrence], pair: Pair) -> list[Term]:
    """Terms whose target is in a translation less often than their source is in the text."""
    found = _written(text, terms, spaced=has_spaces(pair.target))
    return list(dict.fromkeys(term.term for index, term in enumerate(terms) if index not in found))


def enforce(hypothesis: Hypothesis, segment: Segment, pair: Pair, *, force: bool = False) -> Enforced:
    """Replace what the model wrote for terms. With `force`, a term without a place gets the likeliest."""
    draft = _Draft(hypothesis, segment, spaced=has_spaces(pair.target))
    unplaced = tuple(term for term in draft.wanted if not draft.replace(term))
    if force:
        for term in unplaced:
            draft.insert(term)
    return Enforced(draft.hypothesis(), unplaced)


def _written(text: str, terms: Sequence[Occurrence], *, spaced: bool) -> dict[int, tuple[int, int]]:
    """For the index of each term whose target the text has, the characters that are it. Longer targets choose first."""
    taken: list[tuple[int, int]] = []
    found = {}
    for index in sorted(range(len(terms)), key=lambda index: -len(terms[index].term.target)):
        for start, end in _places(text, terms[index].term.target, spaced=spaced):
            if all(end <= first or start >= last for first, last in taken):
                taken.append((start, end))
                found[index] = (start, end)
                break
    return found


def _places(text: str, target: str, *, spaced: bool) -> Iterator[tuple[int, int]]:
    """Where a target stands in a text as a whole word, its first letter small or capital if it is small."""
    capital = target[0].upper() + target[1:]
    for form in (target, capital) if len(capital) == len(target) and target[0].islower() else (target,):
        start = text.find(form)
        while start >= 0:
            end = start + len(form)
            if not spaced or not (_is_inside(text, start) or _is_inside(text, end)):
                yield start, end
            start = text.find(form, start + 1)


def _is_inside(text: str, place: int) -> bool:
    return 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum()


class _Draft:
    """A translation in which terms are being put."""

    def __init__(self, hypothesis: Hypothesis, segment: Segment, *, spaced: bool) -> None:
        self._source = hypothesis
        self._segment = segment
        self._spaced = spaced
        self._texts = [token.text for token in hypothesis.tokens]
        self._rows = hypothesis.alignment or ()
        found = _written(hypothesis.text, segment.terms, spaced=spaced)
        self.wanted = [term for index, term in enumerate(segment.terms) if index not in found]
        self._taken = self._tokens_of(list(found.values()))
        self._changes: list[tuple[int, int, Occurrence]] = []

    def _tokens_of(self, places: list[tuple[int, int]]) -> set[int]:
        taken = set()
        start = 0
        for index, text in enumerate(self._texts):
            end = start + len(text)
            if any(start < last and end > first for first, last in places):
                taken.add(index)
            start = end
        return taken

    def replace(self, term: Occurrence) -> bool:
        """Put a term in place of what the model wrote for it; false if nothing seems to be."""
        run = translated_from(self._rows, self._texts, term.start, term.end, self._taken)
        if run is None:
            return False
        start, end = self._words(run)
        self._change(self._over_first_word(start, term), end, term)
        return True

    def _over_first_word(self, start: int, term: Occurrence) -> int:
        """The start, or that of the word before it if the target begins with this: an article would stand twice."""
        first, _, rest = term.term.target.casefold().partition(" ")
        place = start
        while rest and place > 0 and place - 1 not in self._taken:
            place -= 1
            before = "".join(self._texts[place:start]).strip().casefold()
            if before == first and not self._parts_a_word(place):
                return place
            if not first.endswith(before):
                break
        return start

    def _words(self, run: range) -> tuple[int, int]:
        """The whole words of a run of tokens."""
        start, end = run.start, run.stop
        while start > 0 and start - 1 not in self._taken and self._parts_a_word(start):
            start -= 1
        while end < len(self._texts) and end not in self._taken and self._parts_a_word(end):
            end += 1
        return start, end

    def _parts_a_word(self, index: int) -> bool:
        return index > 0 and joined("".join(self._texts[:index]), self._texts[index])

    def insert(self, term: Occurrence) -> None:
        """Put a term where it would be if both languages had the same order."""
        place = round(term.start * len(self._texts) / max(1, len(self._segment.tokens)))
        while place < len(self._texts) and (
            (place in self._taken and place - 1 in self._taken) or self._parts_a_word(place)
        ):
            place += 1
        self._change(place, place, term)

    def _change(self, start: int, end: int, term: Occurrence) -> None:
        self._taken.update(range(start, end))
        self._changes.append((start, end, term))

    def hypothesis(self) -> Hypothesis:
        """The translation with all that was put into it."""
        if not self._changes:
            return self._source
        tokens: list[Token] = []
        rows: list[tuple[float, ...]] = []
        place = 0
        for start, end, term in sorted(self._changes, key=lambda change: change[:2]):
            tokens += self._source.tokens[place:start]
            rows += self._rows[place:start]
            tokens.append(Token(self._fitted(term, start, end, "".join(token.text for token in tokens))))
            rows.append(tuple(float(column == term.start) for column in range(len(self._segment.tokens))))
            place = end
        tokens += self._source.tokens[place:]
        rows += self._rows[place:]
        alignment = tuple(rows) if self._rows else None
        return Hypothesis(tuple(tokens), self._source.score, self._source.ended, alignment)

    def _fitted(self, term: Occurrence, start: int, end: int, before: str) -> str:
        """The target as given, with the case and the spaces that its place asks for."""
        target = term.term.target
        old = "".join(self._texts[start:end])
        after = "".join(self._texts[end:])
        begins_sentence = not any(char.isalnum() for char in before)
        if begins_sentence and target == target.lower() and (old or after).lstrip()[:1].isupper():
            target = target[:1].upper() + target[1:]
        apart = bool(before) and not before[-1].isspace() and before[-1] not in _OPENING_MARKS
        left = " " if self._spaced and apart and (before[-1].isalnum() or not old or old[0].isspace()) else ""
        right = " " if self._spaced and after[:1].isalnum() else ""
        return left + target + right
