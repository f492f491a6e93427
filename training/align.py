"""Which words of a sentence pair translate each other: a lexicon of association scores, and mutual best links.

The Dice coefficient over sentence pairs (Melamed 2000 compares such measures) is coarse beside a trained aligner, but
needs one pass and no model; only links that each side prefers are used, so what is found is mostly right.
"""

from collections.abc import Iterable, Sequence

import numpy as np

_LONGEST_WORDS = 30
_FEWEST_TOGETHER = 3
_WEAKEST_LINK = 0.15
_SHIFT = 1 << 32


class Lexicon:
    """Association of words, 0 to 1. Words equal on both sides (names, numbers) are always associated."""

    def __init__(self, pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> None:
        sources: dict[str, int] = {}
        targets: dict[str, int] = {}
        cells = [np.zeros(0, dtype=np.int64)]
        for source, target in pairs:
            if max(len(source), len(target)) <= _LONGEST_WORDS:
                s = np.array(sorted({sources.setdefault(word, len(sources)) for word in source}), dtype=np.int64)
                t = np.array(sorted({targets.setdefault(word, len(targets)) for word in target}), dtype=np.int64)
                # A word alone is counted in a cell beside no word.
                cells += [(s[:, None] * _SHIFT + t + 1).ravel(), s * _SHIFT, -t - 1]
        values, counts = np.unique(np.concatenate(cells), return_counts=True)
        often = counts >= _FEWEST_TOGETHER
        together = dict(zip(values[often].tolist(), counts[often].tolist(), strict=True))
        names, other_names = list(sources), list(targets)
        self._scores: dict[tuple[str, str], float] = {}
        for cell, count in together.items():
            s, t = divmod(cell, _SHIFT)
            if cell > 0 and t:
                score = 2 * count / (together[s * _SHIFT] + together[-t])
                if score >= _WEAKEST_LINK:
                    self._scores[names[s], other_names[t - 1]] = score

    def score(self, source: str, target: str) -> float:
        """How strongly two words belong together."""
        return 1.0 if source == target else self._scores.get((source, target), 0.0)

    def links(self, source: Sequence[str], target: Sequence[str]) -> list[tuple[int, int]]:
        """Indices of words that prefer each other; a word that stands twice in its sentence has no link."""
        scores = [[self.score(a, b) for b in target] for a in source]
        found = []
        for i, row in enumerate(scores):
            best = max(row, default=0.0)
            j = row.index(best) if best else 0
            if (
                best >= _WEAKEST_LINK
                and best == max(other[j] for other in scores)
                and source.count(source[i]) == 1 == target.count(target[j])
            ):
                found.append((i, j))
        return found
