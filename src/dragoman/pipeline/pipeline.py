"""From a document to its translation, piece by piece, in document order.

The pipeline knows no engine: it is handed a `translate` callable, which is the batcher in production and a few lines in
a test.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace

from dragoman.core.answer import FinishReason, Outcome, Piece, Report, SegmentWarning, Usage
from dragoman.core.engine import Ability, Hypotheses
from dragoman.core.types import Decoding, Term, Token
from dragoman.pipeline.block import escape
from dragoman.pipeline.cut import AnswerCutter
from dragoman.pipeline.document import Document, Passage
from dragoman.pipeline.fallback import Fallback
from dragoman.pipeline.finish import Finished, Finisher
from dragoman.pipeline.translator import Translate

# Passages that may wait for one before them to be repaired.
_MOST_AHEAD = 64

_Event = str | Token | tuple[Finished, ...]
"""Layout, a streamed token of the first choice, or what each choice gets of a passage."""


async def translate_document(
    document: Document,
    translate: Translate,
    decoding: Decoding,
    *,
    rest: Callable[[], Awaitable[Document]] | None = None,
    abilities: Collection[Ability] = (),
    stop: Sequence[str] = (),
    max_tokens: int | None = None,
    keep_layout: bool = False,
    fallback: Fallback | None = None,
) -> AsyncGenerator[Piece | Outcome]:
    """Give the pieces of every choice in document order, then one `Outcome`.

    `abilities` are the engine's; `fallback` is asked for what it cannot translate. `rest` prepares what follows a
    document that goes on. Stops asking for translations as soon as every choice has been cut; with `keep_layout`, the
    layout of what is left follows then.
    """
    answer = _Answer(
        [_Choice(AnswerCutter(stop, max_tokens, keep_layout=keep_layout)) for _ in range(decoding.num_hypotheses)]
    )
    part: Document | None = document
    while part is not None:
        answer.parts.append(part)
        written = 0  # passages, the last of them perhaps without its gap
        if not answer.is_cut:
            finisher = Finisher(translate, part.pair, decoding, abilities, size=len(part.passages), fallback=fallback)
            async with aclosing(_in_order(part, translate, decoding, finisher)) as events:
                async for index, event in events:
                    for piece in answer.add(index, event):
                        yield piece
                    if answer.is_cut:
                        written = index + 1
                        break
        if answer.is_cut and keep_layout:
            for piece in answer.layout(written):
                yield piece
        part = await rest() if rest is not None and part.goes_on else None
    for piece in answer.end():
        yield piece
    yield answer.outcome()


async def _in_order(
    document: Document, translate: Translate, decoding: Decoding, finisher: Finisher
) -> AsyncGenerator[tuple[int, _Event]]:
    """Layout, known answers and translations, as they follow each other in the document, with the passage's index."""
    pending = [passage for passage in document.passages if passage.answer is None]
    translations = translate([passage.segment for passage in pending], document.pair, decoding)
    async with aclosing(_finished(pending, translations, finisher)) as finished:
        for index, passage in enumerate(document.passages):
            yield index, passage.segment.before
            if passage.answer is not None:
                yield index, (finisher.known(passage),)
            else:
                async for event in finished:
                    yield index, event
                    if not isinstance(event, Token):
                        break
            yield index, passage.gap


async def _finished(
    passages: Sequence[Passage], translations: AsyncGenerator[Token | Hypotheses], finisher: Finisher
) -> AsyncGenerator[Token | tuple[Finished, ...]]:
    """The streamed tokens of each passage, and what it is in the end. While one is repaired, others are translated."""
    repairs: deque[asyncio.Task[tuple[Finished, ...]]] = deque()
    left = deque(passages)
    streamed = False
    try:
        async with aclosing(translations):
            async for event in translations:
                if not isinstance(event, Token):
                    repairs.append(asyncio.create_task(finisher.finish(event, left.popleft(), streamed=streamed)))
                    await asyncio.sleep(0)  # what needs no repair is done now
                    streamed = False
                while repairs and (isinstance(event, Token) or repairs[0].done() or len(repairs) > _MOST_AHEAD):
                    yield await repairs.popleft()
                if isinstance(event, Token) and not left[0].segment.needs_alignment:
                    streamed = True  # where a span or term goes shows only when the segment is done
                    yield replace(event, text=escape(event.text, left[0].escaping))
        while repairs:
            yield await repairs.popleft()
    finally:
        for repair in repairs:
            repair.cancel()
        await asyncio.gather(*repairs, return_exceptions=True)


class _Answer:
    """All choices of one answer as they grow."""

    def __init__(self, choices: Sequence["_Choice"]) -> None:
        self.parts: list[Document] = []  # of the document; the last is being translated
        self._choices = choices
        self._streamed = 0

    @property
    def is_cut(self) -> bool:
        return all(choice.cutter.finish_reason is not None for choice in self._choices)

    def add(self, index: int, event: _Event) -> list[Piece]:
        """The pieces that may be released after this event of the passage at `index` of the last part."""
        if isinstance(event, str):
            token = Token(event)
            return [piece for number in range(len(self._choices)) for piece in self._release(number, None, (token,))]
        if isinstance(event, Token):
            self._streamed += 1
            return self._release(0, index, (event,))
        part = self.parts[-1]
        pieces = []
        for number, choice in enumerate(self._choices):
            finished = event[min(number, len(event) - 1)]
            choice.note(part.start + index, part.passages[index], finished)
            pieces += self._release(number, index, finished.tokens[self._streamed if number == 0 else 0 :])
        self._streamed = 0
        return pieces

    def _release(self, number: int, index: int | None, tokens: Sequence[Token]) -> list[Piece]:
        released = tuple(self._choices[number].cutter.feed(tokens))
        segment = None if index is None else self.parts[-1].start + index
        return [Piece(number, released, segment)] if any(token.text for token in released) else []

    def layout(self, written: int) -> list[Piece]:
        """The rest of the last part without passages; so many of them are written, but for the last one's gap."""
        passages = self.parts[-1].passages
        pieces = self.add(written - 1, passages[written - 1].gap) if written else []
        for index, passage in enumerate(passages[written:], start=written):
            pieces += self.add(index, passage.segment.before) + self.add(index, passage.gap)
        return pieces

    def end(self) -> list[Piece]:
        rest = [(number, tuple(choice.cutter.end())) for number, choice in enumerate(self._choices)]
        return [Piece(number, tokens, len(self._sources()) - 1) for number, tokens in rest if tokens]

    def _sources(self) -> tuple[str, ...]:
        return tuple(passage.source for part in self.parts for passage in part.passages)

    def outcome(self) -> Outcome:
        completion_tokens = sum(choice.cutter.completion_tokens for choice in self._choices)
        return Outcome(
            tuple(choice.finish_reason for choice in self._choices),
            Usage(sum(part.prompt_tokens for part in self.parts), completion_tokens),
            tuple(choice.report(self.parts) for choice in self._choices),
            self._sources(),
        )


class _Choice:
    """One answer, and what was seen in it."""

    def __init__(self, cutter: AnswerCutter) -> None:
        self.cutter = cutter
        self._truncated = False
        self._terms: dict[Term, bool] = {}  # whether it is missing somewhere
        self._warnings: list[SegmentWarning] = []
        self._elsewhere: list[tuple[int, str]] = []
        self._passages = 0
        self._score, self._scored_tokens = 0.0, 0

    @property
    def finish_reason(self) -> FinishReason:
        return self.cutter.finish_reason or ("length" if self._truncated else "stop")

    def note(self, index: int, passage: Passage, finished: Finished) -> None:
        self._passages = index + 1
        self._truncated |= not finished.ended
        if finished.score is not None:
            tokens = len(finished.tokens) + 1  # the one that ends it
            self._score += finished.score * tokens
            self._scored_tokens += tokens
        for occurrence in passage.segment.terms:
            self._terms[occurrence.term] = self._terms.get(occurrence.term, False) | (
                occurrence.term in finished.missing
            )
        self._warnings += [SegmentWarning(code, index) for code in finished.warnings]
        self._elsewhere += [(index, finished.engine)] if finished.engine else []

    def report(self, parts: Sequence[Document]) -> Report:
        ignored = [SegmentWarning("domains_ignored")] if parts[0].ignores_domains else []
        ignored += [SegmentWarning("no_text_found")] if parts[0].has_no_text else []
        return Report(
            terms_applied=tuple(term for term, missing in self._terms.items() if not missing),
            terms_missing=tuple(term for term, missing in self._terms.items() if missing),
            memory=tuple(hit for part in parts for hit in part.memory_hits if hit.segment < self._passages),
            warnings=(*ignored, *self._warnings),
            elsewhere=tuple(self._elsewhere),
            score=self._score / self._scored_tokens if self._scored_tokens else None,
        )
