"""Decoding under penalties, biases and seeded sampling, which CTranslate2 has not, along the path that it would take.

A walk follows the greedy path as long as its own choice at each step is the path's token. At the first other choice the
model goes on from there. Each choice is made from the same logits as in a search token by token, so the result is the
same; the model is called once for each change of mind (speculative decoding with the model itself as the draft).

Penalties and biases are OpenAI's (https://platform.openai.com/docs/guides/text-generation, "Frequency and presence
penalties"): logit − count × frequency_penalty − (count > 0) × presence_penalty + bias. The repetition penalty is that
of Keskar et al. 2019 (arXiv:1909.05858), nucleus sampling that of Holtzman et al. 2020 (arXiv:1904.09751).
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from dragoman.core.types import Decoding
from dragoman.engines.paths import Extend, Logits, Path

# Tokens so much less likely than the best that they are never drawn: e⁻³⁰ is beyond single precision.
_NEGLIGIBLE = 30.0
_FEWEST_AHEAD = 4
# How often a choice that equals an earlier one is drawn again; the last time, it begins with another token.
_MOST_ATTEMPTS = 4

NewGenerator = Callable[[int, int, int], np.random.Generator]
"""Random numbers for a sentence, by its index, its choice, and the attempt."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a walk must know of the target tokens. `never`: ids that it may not choose. `text`: what ids write."""

    end: int
    never: tuple[int, ...]
    text: Callable[[tuple[int, ...]], Hashable] = lambda ids: ids


class Walk:
    """One translation on its way. `rank`: which of the best first tokens it begins with; 0 leaves it free."""

    def __init__(
        self,
        sentence: int,
        rank: int,
        *,
        most_tokens: int,
        decoding: Decoding,
        vocabulary: Vocabulary,
        generator: np.random.Generator,
    ) -> None:
        self.sentence = sentence
        self.ids: list[int] = []
        self.is_done = False
        self._rank = rank
        self._most_tokens = most_tokens
        self._decoding = decoding
        self._vocabulary = vocabulary
        self._generator = generator
        self._counts: Counter[int] = Counter()
        self._rows: list[Logits] = []
        self._attention: list[list[float]] = []

    def follow(self, path: Path) -> None:
        """Choose along a path that begins as this does, up to the first choice that is not the path's."""
        for place in range(len(self.ids), len(path.ids)):
            token = self._choice(path.logits[place])
            self._rows.append(path.logits[place])
            self._attention += path.attention[place : place + 1]
            self._counts[token] += 1
            self.ids.append(token)
            self.is_done = token == self._vocabulary.end or len(self.ids) == self._most_tokens
            if self.is_done or token != path.ids[place]:
                return

    def path(self) -> Path:
        """What was chosen, with the model's own logits."""
        return Path(tuple(self.ids), np.array(self._rows, dtype=np.float32), self._attention)

    def _choice(self, logits: Logits) -> int:
        adjusted = adjust(logits, self._counts, self._decoding)
        adjusted[list(self._vocabulary.never)] = -np.inf
        if self._rank and not self.ids:
            adjusted[self._vocabulary.end] = -np.inf
            return int(np.argsort(-adjusted, kind="stable")[self._rank])
        if self._decoding.samples:
            return draw(adjusted, self._decoding, self._generator.random())
        return int(adjusted.argmax())


def adjust(logits: Logits, counts: Counter[int], decoding: Decoding) -> Logits:
    """The logits of the next token, given how often each token was chosen before."""
    adjusted = logits.copy()
    if counts:
        seen, times = np.array(list(counts)), np.array(list(counts.values()), dtype=np.float32)
        before, penalty = adjusted[seen], decoding.repetition_penalty
        adjusted[seen] = np.where(before > 0, before / penalty, before * penalty)
        adjusted[seen] -= times * decoding.frequency_penalty + decoding.presence_penalty
    for token, bias in decoding.logit_bias:
        adjusted[token] += bias
    return adjusted


def draw(logits: Logits, decoding: Decoding, number: float) -> int:
    """The token at a uniform random number in [0, 1), after temperature, `top_k` and `top_p`."""
    scaled = (logits - logits.max()) / decoding.temperature
    candidates = np.flatnonzero(scaled > -_NEGLIGIBLE)
    candidates = candidates[np.argsort(-scaled[candidates], kind="stable")][: decoding.top_k or None]
    weights = np.exp(scaled[candidates].astype(np.float64))
    sums = np.cumsum(weights / weights.sum())
    kept = int(np.searchsorted(sums, decoding.top_p - 1e-9)) + 1
    return int(candidates[np.searchsorted(sums[:kept], number * sums[:kept][-1], side="right")])


def search(
    extend: Extend,
    most_tokens: Sequence[int],
    decoding: Decoding,
    vocabulary: Vocabulary,
    new_generator: NewGenerator,
) -> list[list[Path]]:
    """For each sentence as many translations as `decoding.num_hypotheses`, different ones if it finds them.

    `most_tokens`: for each sentence, where its translations are cut.
    """

    def walked(wanted: Sequence[tuple[int, int]], attempt: int) -> list[Path]:
        walks = [
            Walk(
                sentence,
                choice if not decoding.samples or attempt == _MOST_ATTEMPTS - 1 else 0,
                most_tokens=most_tokens[sentence],
                decoding=decoding,
                vocabulary=vocabulary,
                generator=new_generator(sentence, choice, attempt),
            )
            for sentence, choice in wanted
        ]
        _walk(extend, walks)
        return [walk.path() for walk in walks]

    every = [(sentence, choice) for sentence in range(len(most_tokens)) for choice in range(decoding.num_hypotheses)]
    found = dict(zip(every, walked(every, 0), strict=True))
    for attempt in range(1, _MOST_ATTEMPTS if decoding.samples else 1):
        texts = {key: vocabulary.text(path.ids) for key, path in found.items()}
        again = [
            (sentence, choice)
            for sentence, choice in every
            if texts[sentence, choice] in [texts[sentence, earlier] for earlier in range(choice)]
        ]
        found |= zip(again, walked(again, attempt), strict=True)
    return [
        [found[sentence, choice] for choice in range(decoding.num_hypotheses)] for sentence in range(len(most_tokens))
    ]


def _walk(extend: Extend, walks: Sequence[Walk]) -> None:
    """Let all walks come to their ends, together."""
    most_tokens = None
    while walking := [walk for walk in walks if not walk.is_done]:
        begun = {(walk.sentence, tuple(walk.ids)) for walk in walking}
        beginnings = sorted(begun)
        paths = dict(zip(beginnings, extend(beginnings, most_tokens), strict=True))
        before = sum(len(walk.ids) for walk in walking)
        for walk in walking:
            walk.follow(paths[walk.sentence, tuple(walk.ids)])
        # What is thrown away at the next change of mind need not be decoded.
        steps = (sum(len(walk.ids) for walk in walking) - before) / len(walking)
        most_tokens = max(_FEWEST_AHEAD, round(2 * steps))
