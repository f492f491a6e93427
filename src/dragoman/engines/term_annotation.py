"""Writes what terms mean into the source, for models that were trained to read it.

The source of each term is followed by its translation, all between marks: `▁a <term> ▁cat <is> ▁Kater </term> ▁sleeps`.
Dinu et al. 2019 (https://aclanthology.org/P19-1294) call this the append method.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dragoman.core.types import Occurrence
from dragoman.engines.model_card import TermMarks


@dataclass(frozen=True, slots=True)
class Annotated:
    """Pieces of a source with annotations; `columns` says where each piece of the bare source stands among them."""

    pieces: list[str]
    columns: list[int]


def annotate(
    pieces: Sequence[str],
    terms: Sequence[Occurrence],
    meanings: Sequence[Sequence[str]],
    marks: TermMarks,
    longest: int,
) -> Annotated:
    """Annotate terms, in order of their source, with the pieces of their translations.

    A term is passed over if its translation has no pieces, if it shares a piece with the term before it, or if more
    than `longest` pieces would result.
    """
    written: list[str] = []
    columns: list[int] = []
    length = len(pieces)
    end = 0
    for term, meaning in zip(terms, meanings, strict=True):
        added = len(meaning) + 3
        if not meaning or term.start < end or length + added > longest:
            continue
        length += added
        columns += range(len(written), len(written) + term.start - end)
        written += [*pieces[end : term.start], marks.opens]
        columns += range(len(written), len(written) + term.end - term.start)
        written += [*pieces[term.start : term.end], marks.means, *meaning, marks.closes]
        end = term.end
    columns += range(len(written), len(written) + len(pieces) - end)
    return Annotated([*written, *pieces[end:]], columns)
