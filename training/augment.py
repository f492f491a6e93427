"""What the model must know besides language, as more sentence pairs: placeholders, terms, noise, odd lengths.

Everything works on words, each a list of pieces, so that what is taken out or put in never splits a word.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from align import Lexicon

PLACEHOLDERS = tuple(f"<p{index}>" for index in range(16))
TERM_OPENS, TERM_MEANS, TERM_CLOSES = "<term>", "<is>", "</term>"
MARK = "▁"
MARKS = ".,;:!?¿¡\"'’()«»。，！？；：、“”（）"
_MOST_MASKED, _MOST_TERMS, _LONGEST_SPAN = 4, 4, 3

Words = list[list[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """Pieces of a source and its target. `reversible`: it teaches the other direction too."""

    source: list[str]
    target: list[str]
    reversible: bool = True


def words(pieces: Sequence[str], *, spaced: bool) -> Words:
    """Pieces by word, marks apart; where words are not spaced, each piece is one."""
    grouped: Words = []
    for piece in pieces:
        if spaced and grouped and not piece.startswith(MARK) and any(char.isalnum() for char in piece):
            grouped[-1].append(piece)
        else:
            grouped.append([piece])
    return grouped


def names(grouped: Words) -> list[str]:
    """What the lexicon knows the words as."""
    return ["".join(word).removeprefix(MARK).strip(MARKS).casefold() for word in grouped]


def flat(grouped: Words) -> list[str]:
    """The pieces of words."""
    return [piece for word in grouped for piece in word]


@dataclass(frozen=True, slots=True)
class Span:
    """Words [start, end) of the source and [target_start, target_end) of the target that translate each other."""

    start: int
    end: int
    target_start: int
    target_end: int


def spans(source: Words, target: Words, lexicon: Lexicon) -> list[Span]:
    """Runs of linked words whose links stay among themselves (the phrases of Koehn et al. 2003), without overlap."""
    source_names, target_names = names(source), names(target)
    links = [
        (i, j) for i, j in lexicon.links(source_names, target_names) if any(char.isalnum() for char in source_names[i])
    ]
    found: list[Span] = []
    index = 0
    while index < len(links):
        size = 1
        while (
            size < _LONGEST_SPAN
            and index + size < len(links)
            and links[index + size] == (links[index][0] + size, links[index][1] + size)
        ):
            size += 1
        i, j = links[index]
        found.append(Span(i, i + size, j, j + size))
        index += size
    return found


def masked(source: Words, target: Words, found: Sequence[Span], chooser: random.Random) -> Row | None:
    """Some spans behind placeholders, numbered as they stand in the source: one for an atom, or a pair around words."""
    inner = [span for span in found if len(source) > span.end - span.start]
    if not inner:
        return None
    chosen = chooser.sample(inner, min(len(inner), chooser.choice((1, 1, 1, 2, 2, 3, _MOST_MASKED))))
    new_source, new_target = [list(word) for word in source], [list(word) for word in target]
    number = 0
    for span in sorted(chosen, key=lambda span: span.start):
        if chooser.random() < 0.5 and len(source) > 2:
            for words_of, start, end in (
                (new_source, span.start, span.end),
                (new_target, span.target_start, span.target_end),
            ):
                words_of[start:end] = [[PLACEHOLDERS[number]], *([] for _ in range(end - start - 1))]
            number += 1
        else:
            for words_of, start, end in (
                (new_source, span.start, span.end),
                (new_target, span.target_start, span.target_end),
            ):
                words_of[start] = [PLACEHOLDERS[number], *words_of[start]]
                words_of[end - 1] = [*words_of[end - 1], PLACEHOLDERS[number + 1]]
            number += 2
    row = Row(flat(new_source), flat(new_target), reversible=number == 1)
    return row if any(piece not in PLACEHOLDERS for piece in row.source) else None


def with_terms(source: Words, target: Words, found: Sequence[Span], chooser: random.Random) -> Row | None:
    """Some source spans followed by their translation, between marks (Dinu et al. 2019)."""
    if not found:
        return None
    chosen = chooser.sample(found, min(len(found), chooser.randint(1, _MOST_TERMS)))
    new_source = [list(word) for word in source]
    for span in chosen:
        meaning = flat(target[span.target_start : span.target_end])
        new_source[span.start] = [TERM_OPENS, *new_source[span.start]]
        new_source[span.end - 1] = [*new_source[span.end - 1], TERM_MEANS, *bare(meaning), TERM_CLOSES]
    return Row(flat(new_source), flat(target), reversible=False)


def bare(pieces: Sequence[str]) -> list[str]:
    """A term's pieces without the marks that end its sentence."""
    kept = list(pieces)
    while len(kept) > 1 and not any(char.isalnum() for char in kept[-1]):
        kept.pop()
    return kept


def noisy(text: str, other: str, chooser: random.Random) -> tuple[str, str, bool]:
    """A pair as people type it: without its last mark, in small letters, in capitals. The bool: usable both ways."""
    kind = chooser.random()
    marks = " .!?。！？"
    if kind < 0.6 and text[-1] in marks and other[-1] in marks:
        return text.rstrip(marks), other.rstrip(marks), True
    if kind < 0.85:
        return text.lower(), other, False
    if kind < 0.93:
        return text.upper(), other.upper(), True
    return text.lower().rstrip(marks), other, False
