"""Beam search whose results contain given token sequences.

Dynamic beam allocation (Post & Vilar 2018, https://aclanthology.org/N18-1119): hypotheses that have met equally many
constraint tokens compete with one another only, so that the beam keeps some of each kind, and only a hypothesis that
has met all may end.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NextLogits = Callable[[Sequence[tuple[int, ...]]], NDArray[np.float32]]
"""For each path of token ids, the logit of every next token: paths × vocabulary."""


@dataclass(frozen=True, slots=True)
class Path:
    """Token ids so far, without the end token, and the sum of their log-probabilities.

    `open`: the constraints that are not met; `place`: of the first of them, how many tokens were just written.
    """

    ids: tuple[int, ...]
    total: float
    open: tuple[tuple[int, ...], ...]
    place: int = 0
    ended: bool = False

    @property
    def score(self) -> float:
        """Mean log-probability, the end token included."""
        return self.total / max(1, len(self.ids) + self.ended)

    @property
    def left(self) -> int:
        """Constraint tokens that must still be written."""
        return sum(len(constraint) for constraint in self.open) - self.place

    def followed_by(self, token: int, logprob: float, end: int) -> "Path":
        """The path with one more token."""
        total = self.total + logprob
        if token == end:
            return Path(self.ids, total, self.open, ended=True)
        candidates = self.open[:1] if self.place else self.open
        begun = next((each for each in candidates if each[self.place] == token), None)
        if begun is None and self.place:  # what was begun is broken off; the token may begin another
            return Path(self.ids, self.total, self.open).followed_by(token, logprob, end)
        if begun is None:
            return Path((*self.ids, token), total, self.open)
        index = self.open.index(begun)
        others = self.open[:index] + self.open[index + 1 :]
        if self.place + 1 == len(begun):
            return Path((*self.ids, token), total, others)
        return Path((*self.ids, token), total, (begun, *others), self.place + 1)

    def wanted(self) -> set[int]:
        """Tokens that bring a constraint further."""
        return {self.open[0][self.place]} if self.place else {constraint[0] for constraint in self.open}


def search(
    next_logits: NextLogits,
    constraints: Sequence[tuple[int, ...]],
    *,
    end: int,
    beam_size: int,
    max_tokens: int,
) -> Path | None:
    """The best path that has all constraints (each at least one token) and ended within `max_tokens`, if one did."""
    beam = [Path((), 0.0, tuple(constraints))]
    best: Path | None = None
    for _ in range(max_tokens + 1):
        candidates = _candidates(beam, _log_softmax(next_logits([path.ids for path in beam])), end, beam_size)
        ended = [path for path in candidates if path.ended]
        best = max([*ended, *([best] if best else [])], key=lambda path: path.score, default=None)
        beam = _allocate([path for path in candidates if not path.ended], beam_size)
        rivals = [path.score for path in beam if not path.open]
        if not beam or (best is not None and best.score >= max(rivals, default=best.score)):
            break
    return best


def _candidates(beam: Sequence[Path], logprobs: NDArray[np.float32], end: int, beam_size: int) -> list[Path]:
    """The best continuations of each path, and those that its constraints ask for; an end only where all are met."""
    candidates: dict[tuple[int, ...], Path] = {}
    for path, row in zip(beam, logprobs, strict=True):
        likely = np.argpartition(row, -min(beam_size, len(row)))[-beam_size:]
        for token in {*(int(each) for each in likely), *path.wanted(), *([] if path.open else [end])}:
            if token != end or not path.open:
                following = path.followed_by(token, float(row[token]), end)
                key = (*following.ids, *([end] if following.ended else []))
                if key not in candidates or candidates[key].left > following.left:
                    candidates[key] = following
    return list(candidates.values())


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted: NDArray[np.float32] = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def _allocate(candidates: Sequence[Path], beam_size: int) -> list[Path]:
    """An equal share of the beam for each number of constraint tokens left; what one does not fill, the best get."""
    banks: dict[int, list[Path]] = defaultdict(list)
    for path in sorted(candidates, key=lambda path: -path.score):
        banks[path.left].append(path)
    share = max(1, beam_size // max(1, len(banks)))
    chosen = [path for left in sorted(banks) for path in banks[left][:share]][:beam_size]
    rest = sorted((path for bank in banks.values() for path in bank[share:]), key=lambda path: -path.score)
    return chosen + rest[: beam_size - len(chosen)]
