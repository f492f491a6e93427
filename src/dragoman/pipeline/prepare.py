"""What happens to a document before any model reads it: protect, terms, segment, memory.

The result is a list of passages. What no model may touch is in their layout, in their protected spans, or in answers
that are known already.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from dragoman.core.answer import MemoryHit
from dragoman.core.engine import EngineInfo
from dragoman.core.languages import has_spaces
from dragoman.core.types import Example, Occurrence, Pair, Protected, Segment, Term, Token
from dragoman.pipeline.block import Block, Span
from dragoman.pipeline.document import Document, Passage
from dragoman.pipeline.memory import Memory
from dragoman.pipeline.protect import close_up, count_hidden, find, hide, merge, take_out
from dragoman.pipeline.segment import split, split_long
from dragoman.pipeline.source import Source, spaces_around, whole_sentences
from dragoman.pipeline.terms import TermBase

Tokenize = Callable[[str], tuple[Token, ...]]

# Tags of a sentence are put back one by one; with more of them it is cut, or it would hold up everybody.
_MOST_PROTECTED = 200
# Of Markdown or HTML, with a bracket or quote around it or not.
_CODE = re.compile(r"[(\[\"'“«（「]?(?:`|<(?:code|kbd|samp|var|tt)\b)", re.IGNORECASE)
_LONGEST_TOKEN = 16
_CLAUSE_ENDS = tuple("。！？｡.!?…，、：；」』”’）)")


@dataclass(frozen=True, slots=True)
class Guidance:
    """What the client gave along with the text."""

    terms: tuple[Term, ...] = ()
    memory: tuple[Example, ...] = ()
    domains: str = ""


NO_GUIDANCE = Guidance()


def prepare(
    blocks: Sequence[Block], pair: Pair, tokenize: Tokenize, info: EngineInfo, guidance: Guidance = NO_GUIDANCE
) -> Document:
    """Cut the blocks of a document into segments that fit the engine, and take out what it must not see. Blocks."""
    [document] = prepare_parts(blocks, pair, tokenize, info, guidance)
    return document


def prepare_parts(
    blocks: Sequence[Block],
    pair: Pair,
    tokenize: Tokenize,
    info: EngineInfo,
    guidance: Guidance = NO_GUIDANCE,
    *,
    head: int | None = None,
) -> Iterator[Document]:
    """The same, the first `head` passages as soon as they are ready, then the others, if there are any."""
    preparation = _Preparation(pair, tokenize, info, guidance)
    for block in blocks:
        for count in preparation.add(block):
            if head is not None and count == head + 1:  # only now is known what follows the head
                yield preparation.all_but_last()
    yield preparation.rest()


class _Preparation:
    """One document on its way."""

    def __init__(self, pair: Pair, tokenize: Tokenize, info: EngineInfo, guidance: Guidance) -> None:
        self._pair = pair
        self._tokenize = tokenize
        self._info = info
        self._guidance = guidance
        self._terms = TermBase(guidance.terms, pair.source)
        self._memory = Memory(guidance.memory, pair.target)
        self._domains = guidance.domains if "domains" in info.abilities else ""
        self._start = 0  # passages that have been given
        self._passages: list[Passage] = []
        self._memory_hits: list[MemoryHit] = []
        self._layout: list[str] = []  # since the last segment

    def all_but_last(self) -> Document:
        """A part of the passages that are complete; they are forgotten."""
        *complete, last = self._passages
        self._passages = [last]
        hits = [hit for hit in self._memory_hits if hit.segment < self._start + len(complete)]
        self._memory_hits = self._memory_hits[len(hits) :]
        return self._part(complete, hits, goes_on=True)

    def rest(self) -> Document:
        """All that is left."""
        layout = "".join(self._layout)
        has_no_text = not self._passages and any(map(str.isalpha, layout))
        if not self._passages:
            self._passages = [Passage(Segment("", before=layout), answer=())]
        elif layout:
            last = self._passages[-1]
            after = last.segment.after + layout
            self._passages[-1] = replace(last, segment=replace(last.segment, after=after), gap=after)
        return self._part(self._passages, self._memory_hits, has_no_text=has_no_text)

    def _part(
        self,
        passages: Sequence[Passage],
        hits: Sequence[MemoryHit],
        *,
        goes_on: bool = False,
        has_no_text: bool = False,
    ) -> Document:
        start = self._start
        self._start += len(passages)
        ignores_domains = bool(self._guidance.domains) and not self._domains
        return Document(tuple(passages), self._pair, tuple(hits), ignores_domains, has_no_text, start, goes_on)

    def add(self, block: Block) -> Iterator[int]:
        """Add the passages of a block; after each, give how many there are."""
        if block.text is None:
            self._layout.append(block.raw)
            return
        spans = close_up(merge(block.spans, find(block.text)), block.text)
        matches = self._terms.find(block.text, spans)
        if matches:  # a term is stronger than what was found by itself
            taken = {match.start for match in matches}
            spans = merge([Span(match.start, match.end) for match in matches], spans)
            spans = [span for span in spans if span.start not in taken]
        source = Source(block, block.text, hide(block.text, spans), tuple(spans), tuple(matches))
        end = 0
        for part in self._parts(source):
            start = end + len(part.before)
            end = start + len(part.text)
            self._layout.append(block.source(start - len(part.before), start))
            if start < end:
                self._add_passage(source, start, end)
                yield self._start + len(self._passages)
            after = block.source(end, end + len(part.after))
            end += len(part.after)
            self._layout.append(after)

    def _add_passage(self, source: Source, start: int, end: int) -> None:
        layout = "".join(self._layout)
        self._layout = []
        passage = self._passage(source, start, end)
        if not self._passages:
            passage = replace(passage, segment=replace(passage.segment, before=layout))
        else:
            last = self._passages[-1]
            gap = " " if has_spaces(self._pair.target) else ""
            self._passages[-1] = replace(
                last,
                segment=replace(last.segment, after=layout),
                gap=gap if layout in ("", " ") and self._are_sentences(last, passage) else layout,
            )
        self._passages.append(passage)

    def _are_sentences(self, passage: Passage, following: Passage) -> bool:
        """Whether the target language decides what is between two passages: one space or none."""
        is_clause = passage.segment.text.endswith(_CLAUSE_ENDS)
        return is_clause and not following.is_copy and self._pair.source != self._pair.target

    def _parts(self, source: Source) -> Iterator[Segment]:
        """The sentences of a block; all of it, where the memory knows that."""
        core = source.masked.strip()
        start = source.masked.find(core)
        end = start + len(core)
        if self._memory and self._memory.answer(source.text[start:end], source.spans_in(start, end)):
            yield Segment(core, source.masked[:start], source.masked[end:])
            return
        for sentence in whole_sentences(source, split(source.masked, self._pair.source)):
            yield from split_long(sentence, self._fits)

    def _fits(self, masked: str) -> bool:
        if len(masked.encode()) < self._info.max_source_tokens:  # no token has less than a byte
            return True
        spans = count_hidden(masked)
        visible = take_out(masked)[0]
        # Hardly a token has more characters, and tokenizing long texts again and again is slow.
        if spans > _MOST_PROTECTED or len(visible) > self._info.max_source_tokens * _LONGEST_TOKEN:
            return False
        size = len(self._tokenize(visible)) + (spans if self._info.placeholders else 0)
        return size <= self._info.max_source_tokens

    def _passage(self, source: Source, start: int, end: int) -> Passage:
        """A segment to be translated, or with its answer."""
        text, raw = source.text[start:end], source.block.source(start, end)
        spans = source.spans_in(start, end)
        segment = self._segment(source, start, end)
        has_words = any(c.isalpha() for token in segment.tokens if token.model_token is not None for c in token.text)
        if self._pair.source == self._pair.target or not (has_words or segment.terms):
            tokens = self._tokenize(raw)
            return Passage(Segment(raw, tokens=tokens), raw, source.block.escaping, tokens, is_copy=True)
        answer = self._memory.answer(text, spans)
        if answer is not None:
            self._memory_hits.append(MemoryHit(self._start + len(self._passages), answer.kind, answer.score))
            return Passage(segment, raw, source.block.escaping, source.written(answer, start))
        if "examples" in self._info.abilities:
            similar = self._memory.similar(text)
            self._memory_hits += [
                MemoryHit(self._start + len(self._passages), "example", score) for _, score in similar
            ]
            segment = replace(segment, examples=tuple(example for example, _ in similar))
        return Passage(segment, raw, source.block.escaping)

    def _segment(self, source: Source, start: int, end: int) -> Segment:
        """What the model reads of a part of a block, and what it must not see."""
        masked = source.masked[start:end]
        visible, places = take_out(masked)
        tokens = self._tokenize(visible)
        spans, matches = source.spans_in(start, end), source.matches_in(start, end)
        if not (spans or matches):
            return Segment(source.text[start:end], tokens=tokens, domains=self._domains)
        ends = list(accumulate(len(token.text) for token in tokens))
        middles = [end - len(token.text) / 2 for end, token in zip(ends, tokens, strict=True)]
        protected = tuple(
            Protected(
                source.block.source(start + span.start, start + span.end),
                bisect_left(middles, places[span.start]),
                *spaces_around(masked, span),
                span.role,
                span.pair,
            )
            for span in spans
        )
        terms = tuple(
            Occurrence(
                match.term,
                bisect_right(ends, places[match.start - start]),
                bisect_left(ends, places[min(match.end, end) - start]) + 1,
            )
            for match in matches
        )
        segment = Segment(
            source.text[start:end], tokens=tokens, protected=protected, terms=terms, domains=self._domains
        )
        return _with_placeholders(segment, self._info.placeholders)


def _is_code(protected: Protected) -> bool:
    return protected.role == "atom" and _CODE.match(protected.text) is not None


def _with_placeholders(segment: Segment, placeholders: Sequence[str]) -> Segment:
    """The segment with a token in the place of each piece of code, if the model has enough of them.

    Code stands for a noun. What is no part of a sentence is better taken out: docs/decisions/0005.
    """
    if not 0 < sum(_is_code(each) for each in segment.protected) <= len(placeholders):
        return segment
    free = iter(placeholders)
    tokens = list(segment.tokens)
    protected: list[Protected] = []
    positions: list[int] = []  # of the code, before any token came in
    for each in segment.protected:
        moved = replace(each, position=each.position + len(positions))
        if _is_code(each):
            moved = replace(moved, placeholder=next(free))
            tokens.insert(moved.position, Token("", moved.placeholder))
            positions.append(each.position)
        protected.append(moved)
    terms = tuple(
        replace(
            term,
            start=term.start + bisect_right(positions, term.start),
            end=term.end + bisect_left(positions, term.end),
        )
        for term in segment.terms
    )
    return replace(segment, tokens=tuple(tokens), protected=tuple(protected), terms=terms)
