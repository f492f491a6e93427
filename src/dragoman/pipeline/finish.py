"""From what an engine wrote to what a client may read: terms, protected spans, checks, and another try where they fail.

The rungs, cheapest first: replace what the model wrote for a term; search again with the terms as constraints; put the
term where it most likely belongs. A translation that fails the checks is decoded again with a wider beam that shuns
repetition, then in two halves; the attempt with the fewest problems wins. What is still no translation is asked of the
next engine of the route.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from dragoman.core.answer import WarningCode
from dragoman.core.engine import Ability, Hypotheses
from dragoman.core.errors import DeadlineExceeded, Overloaded, UpstreamFailed
from dragoman.core.languages import has_spaces
from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Term, Token
from dragoman.pipeline.block import escape
from dragoman.pipeline.document import Passage
from dragoman.pipeline.enforce import enforce, missing_terms
from dragoman.pipeline.fallback import Fallback
from dragoman.pipeline.restore import is_guess, restore
from dragoman.pipeline.segment import halves
from dragoman.pipeline.translator import Translate, decode
from dragoman.pipeline.verify import problems, without_inventions

# Warnings that ask for another try, and how much. The others tell of what was mended.
_BADNESS: dict[WarningCode, int] = {
    "empty": 10,
    "repetition": 3,
    "script": 3,
    "echo": 3,
    "truncated": 2,
    "length": 2,
    "number_changed": 1,
    "term_missing": 1,
}
# What is as bad as this is no translation.
_HOPELESS = 3
# Then what there is, is better than nothing.
_NO_ANSWER = (UpstreamFailed, Overloaded, DeadlineExceeded)
_WIDE_BEAM = 8
_FEWEST_REPAIRS, _PASSAGES_PER_REPAIR = 8, 10
# More terms than this that the model left out are put in without asking it again.
_MOST_CONSTRAINTS = 3
_LEAST_REPETITION_PENALTY = 1.2


@dataclass(frozen=True, slots=True)
class Finished:
    """A passage's part of one answer, as the document writes it. `ended`: not cut at the model's length limit.

    `score`: the mean log-probability that the model gave what it wrote, if it did. `engine`: another one than the
    document's, by name.
    """

    tokens: tuple[Token, ...]
    ended: bool = True
    missing: tuple[Term, ...] = ()
    warnings: tuple[WarningCode, ...] = ()
    score: float | None = None
    engine: str | None = None

    @property
    def badness(self) -> int:
        """As that of an attempt."""
        return sum(_BADNESS.get(code, 0) for code in self.warnings)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A hypothesis with its terms, and what is wrong with it."""

    hypothesis: Hypothesis
    warnings: tuple[WarningCode, ...]

    @property
    def badness(self) -> int:
        """Attempts with less are better; with none, no other is needed."""
        return sum(_BADNESS.get(code, 0) for code in self.warnings)


class Finisher:
    """Finishes the translations of one document."""

    def __init__(
        self,
        translate: Translate,
        pair: Pair,
        decoding: Decoding,
        abilities: Collection[Ability],
        *,
        size: int,
        fallback: Fallback | None = None,
    ) -> None:
        """`size`: the passages of the document, of which only a part may be repaired: repairs are slow."""
        self._translate = translate
        self._pair = pair
        self._again = replace(decoding, num_hypotheses=1, top_k=1)
        self._can_constrain = "constraints" in abilities
        # What the client's own penalties and biases made of a text is not made better by another try.
        self._repairs_left = 0 if decoding.is_steered else _FEWEST_REPAIRS + size // _PASSAGES_PER_REPAIR
        self._spaced = has_spaces(pair.target)
        self._fallback = fallback

    def known(self, passage: Passage) -> Finished:
        """A passage that needs no model."""
        tokens = passage.answer or ()
        missing = missing_terms("".join(token.text for token in tokens), passage.segment.terms, self._pair)
        return Finished(tokens, missing=tuple(missing), warnings=("term_missing",) if missing else ())

    async def finish(self, hypotheses: Hypotheses, passage: Passage, *, streamed: bool = False) -> tuple[Finished, ...]:
        """What each choice gets of a passage. One whose tokens were streamed can only be checked."""
        if streamed:
            [hypothesis] = hypotheses
            return (self._written(_Attempt(hypothesis, problems(hypothesis, passage.segment, self._pair)), passage),)
        finished = []
        repaired: _Attempt | None = None
        for hypothesis in hypotheses:
            attempt = await self._attempt(hypothesis, passage.segment, is_first=True)
            if attempt.badness:
                if repaired is None and self._repairs_left > 0:
                    self._repairs_left -= 1
                    with suppress(*_NO_ANSWER):
                        repaired = await self._repaired(attempt, passage.segment)
                attempt = min(attempt, repaired or attempt, key=_badness)
            written = self._written(attempt, passage)
            finished.append(min(written, await self._elsewhere(passage, written), key=_badness))
        return tuple(finished)

    async def _elsewhere(self, passage: Passage, written: Finished) -> Finished:
        """What the next engine makes of a passage, if it is worth asking; else what there is."""
        if written.badness < _HOPELESS or self._fallback is None:
            return written
        segment = self._fallback.recut(passage.segment)
        if segment is None:
            return written
        translate, abilities = self._fallback.translate, self._fallback.abilities
        plain = replace(self._again, beam_size=None)
        there = Finisher(translate, self._pair, plain, abilities, size=1)
        with suppress(*_NO_ANSWER):
            hypothesis = await decode(translate, segment, self._pair, plain)
            [found] = await there.finish((hypothesis,), replace(passage, segment=segment))
            return replace(found, engine=self._fallback.engine)
        return written

    async def _attempt(self, hypothesis: Hypothesis, segment: Segment, *, is_first: bool = False) -> _Attempt:
        """A hypothesis with all terms, by the cheapest rung that brings them. The search is tried once."""
        cleaned = without_inventions(hypothesis, segment)
        warnings: tuple[WarningCode, ...] = () if cleaned == hypothesis else ("invented_placeholder",)
        enforced = enforce(cleaned, segment, self._pair)
        if is_first and self._can_constrain and 0 < len(enforced.unplaced) <= _MOST_CONSTRAINTS:
            wanted = replace(segment, terms=enforced.unplaced)
            constrained = await self._decode(wanted, replace(self._again, must_include_terms=True))
            again = enforce(without_inventions(constrained, segment), segment, self._pair)
            enforced = min(enforced, again, key=lambda each: len(each.unplaced))
        if enforced.unplaced:
            enforced = enforce(enforced.hypothesis, segment, self._pair, force=True)
            warnings += ("term_moved",)
        return _Attempt(enforced.hypothesis, warnings + problems(enforced.hypothesis, segment, self._pair))

    async def _repaired(self, attempt: _Attempt, segment: Segment) -> _Attempt:
        penalty = max(self._again.repetition_penalty, _LEAST_REPETITION_PENALTY)
        careful = replace(self._again, beam_size=_WIDE_BEAM, repetition_penalty=penalty)
        again = await self._attempt(await self._decode(segment, careful), segment)
        attempt = min(attempt, again, key=_badness)
        parts = halves(segment)
        if attempt.badness and len(parts) > 1:
            hypotheses = await asyncio.gather(*(self._decode(part, careful) for part in parts))
            attempts = [await self._attempt(*each) for each in zip(hypotheses, parts, strict=True)]
            attempt = min(attempt, self._joined(attempts, segment), key=_badness)
        return attempt

    async def _decode(self, segment: Segment, decoding: Decoding) -> Hypothesis:
        return await decode(self._translate, segment, self._pair, decoding)

    def _joined(self, attempts: Sequence[_Attempt], segment: Segment) -> _Attempt:
        """The parts of a segment as one."""
        tokens: list[Token] = []
        rows: list[tuple[float, ...]] = []
        columns = 0
        for attempt in attempts:
            if tokens and self._spaced:
                tokens.append(Token(" "))
                rows.append(())
            tokens += attempt.hypothesis.tokens
            rows += [(0.0,) * columns + row for row in attempt.hypothesis.alignment or ()]
            columns = len(halves(segment)[0].tokens)
        hypotheses = [attempt.hypothesis for attempt in attempts]
        score = sum(hypothesis.score for hypothesis in hypotheses) / len(hypotheses)
        alignment = tuple(rows) if all(hypothesis.alignment for hypothesis in hypotheses) else None
        joined = Hypothesis(tuple(tokens), score, all(hypothesis.ended for hypothesis in hypotheses), alignment)
        moved: tuple[WarningCode, ...] = tuple(
            dict.fromkeys(code for attempt in attempts for code in attempt.warnings if code not in _BADNESS)
        )
        return _Attempt(joined, moved + problems(joined, segment, self._pair))

    def _written(self, attempt: _Attempt, passage: Passage) -> Finished:
        """An attempt with its protected spans, as the document writes it; the source in place of an empty one."""
        segment, hypothesis, warnings = passage.segment, attempt.hypothesis, attempt.warnings
        missing = tuple(missing_terms(hypothesis.text, segment.terms, self._pair))
        if not hypothesis.text.strip():
            tokens = (*hypothesis.tokens, Token(passage.source))
            return Finished(tokens, hypothesis.ended, missing, warnings, hypothesis.score)
        if passage.escaping != "none":
            written = tuple(replace(token, text=escape(token.text, passage.escaping)) for token in hypothesis.tokens)
            hypothesis = replace(hypothesis, tokens=written)
        if segment.protected:
            warnings += ("placeholder_moved",) if is_guess(hypothesis, segment) else ()
            hypothesis = restore(hypothesis, segment, self._pair)
        return Finished(hypothesis.tokens, hypothesis.ended, missing, warnings, hypothesis.score)


def _badness(attempt: _Attempt | Finished) -> int:
    return attempt.badness
