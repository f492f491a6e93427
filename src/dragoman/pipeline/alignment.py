"""Reads attention: which words of a translation came from which words of its source."""

from collections.abc import Collection, Sequence

# A token with less of its attention on some words is not their translation, nor is one with much less than the best.
_LEAST_ATTENTION = 0.2
_SHARE_OF_PEAK = 0.5


def translated_from(
    rows: Sequence[Sequence[float]], texts: Sequence[str], start: int, end: int, taken: Collection[int] = ()
) -> range | None:
    """The neighbouring tokens of a translation that came from the source tokens from `start` to before `end`.

    `rows`: for each token of the translation, its attention to each source token. `texts`: what the tokens write.
    Tokens in `taken`, and those without a letter or digit, do not count.
    """
    weights = {
        index: sum(row[start:end])
        for index, row in enumerate(rows[: len(texts)])
        if row and index not in taken and any(char.isalnum() for char in texts[index])
    }
    peak = max(weights.values(), default=0.0)
    if peak < _LEAST_ATTENTION:
        return None
    own = [index for index, weight in weights.items() if weight >= peak * _SHARE_OF_PEAK]
    return max(_runs(own, taken), key=lambda run: sum(weights.get(index, 0.0) for index in run))


def strongest(row: Sequence[float]) -> int:
    """The source token that a token of the translation attends to most."""
    return max(range(len(row)), key=row.__getitem__)


def _runs(indexes: Sequence[int], taken: Collection[int]) -> list[range]:
    """Neighbours together; one token of another origin between them does not part them, unless it is taken."""
    runs: list[range] = []
    for index in indexes:
        if runs and index - runs[-1].stop <= 1 and index - 1 not in taken:
            runs[-1] = range(runs[-1].start, index + 1)
        else:
            runs.append(range(index, index + 1))
    return runs
