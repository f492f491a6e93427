"""What happens to a document before any model reads it: protect, terms, segment, memory.

The result is a list of passages. What no model may touch is in their layout, in their protected spans, or in answers
that are known already.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from dragoman.core.engine import EngineInfo
from dragoman.core.types import Example, MemoryHit, Occurrence, Pair, Protected, Segment, Term, Token
from dragoman.pipeline.block import Block, Escaping, Span, escape
from dragoman.pipeline.memory import Answer, Memory
from dragoman.pipeline.protect import close_up, count_hidden, find, hide, merge, take_out
from dragoman.pipeline.segment import split, split_long
from dragoman.pipeline.terms import Match, TermBase

Tokenize = Callable[[str], tuple[Token, ...]]

# Tags of a sentence are put back one by one; with more of them it is cut, or it would hold up everybody.
_MOST_PROTECTED = 200
_LONGEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Guidance:
    """What the client gave along with the text."""

    terms: tuple[Term, ...] = ()
    memory: tuple[Example, ...] = ()
    domains: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A segment in its document. `escaping`: how its translation is written there.

    `source` and `answer` are as the document writes them; there is an answer where it is known without a model. A copy
    has nothing to translate.
    """

    segment: Segment
    source: str = ""
    escaping: Escaping = "none"
    answer: tuple[Token, ...] | None = None
    is_copy: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A text that is ready to be translated."""

    passages: tuple[Passage, ...]
    pair: Pair
    memory_hits: tuple[MemoryHit, ...] = ()
    ignores_domains: bool = False
    has_no_text: bool = False

    @property
    def prompt_tokens(self) -> int:
        """Source tokens, as the model counts."""
        return sum(token.model_token is not None for each in self.passages for token in each.segment.tokens)


def prepare(
    blocks: Sequence[Block], pair: Pair, tokenize: Tokenize, info: EngineInfo, guidance: Guidance | None = None
) -> Document:
    """Cut the blocks of a document into segments that fit the engine, and take out what it must not see. Blocks."""
    preparation = _Preparation(pair, tokenize, info, guidance or Guidance())
    for block in blocks:
        preparation.add(block)
    return preparation.document()


@dataclass(frozen=True, slots=True)
class _Source:
    """A block, and what was found in its text."""

    block: Block
    text: str
    masked: str
    spans: tuple[Span, ...]
    matches: tuple[Match, ...]

    def spans_in(self, start: int, end: int) -> list[Span]:
        """The spans of a part, with places in that part."""
        inside = self.spans[bisect_left(self.spans, start, key=_start) : bisect_left(self.spans, end, key=_start)]
        return [replace(span, start=span.start - start, end=span.end - start) for span in inside]

    def matches_in(self, start: int, end: int) -> tuple[Match, ...]:
        return self.matches[bisect_left(self.matches, start, key=_start) : bisect_left(self.matches, end, key=_start)]

    def written(self, answer: Answer, start: int) -> tuple[Token, ...]:
        """An answer to the part at `start`, as the document writes it."""
        return tuple(
            Token(
                escape(part, self.block.escaping)
                if isinstance(part, str)
                else self.block.source(start + part[0], start + part[1])
            )
            for part in answer.parts
        )


def _start(found: Span | Match) -> int:
    return found.start


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
        self._passages: list[Passage] = []
        self._memory_hits: list[MemoryHit] = []
        self._layout: list[str] = []  # since the last segment

    def document(self) -> Document:
        layout = "".join(self._layout)
        if not self._passages:
            self._passages.append(Passage(Segment("", before=layout), answer=()))
        elif layout:
            last = self._passages[-1]
            self._passages[-1] = replace(last, segment=replace(last.segment, after=last.segment.after + layout))
        ignores_domains = bool(self._guidance.domains) and not self._domains
        has_no_text = all(not passage.segment.text for passage in self._passages) and any(map(str.isalpha, layout))
        return Document(tuple(self._passages), self._pair, tuple(self._memory_hits), ignores_domains, has_no_text)

    def add(self, block: Block) -> None:
        if block.text is None:
            self._layout.append(block.raw)
            return
        spans = close_up(merge(block.spans, find(block.text)), block.text)
        matches = self._terms.find(block.text, spans)
        if matches:  # a term is stronger than what was found by itself
            taken = {match.start for match in matches}
            spans = merge([Span(match.start, match.end) for match in matches], spans)
            spans = [span for span in spans if span.start not in taken]
        source = _Source(block, block.text, hide(block.text, spans), tuple(spans), tuple(matches))
        end = 0
        for part in self._parts(source):
            start = end + len(part.before)
            end = start + len(part.text)
            self._layout.append(block.source(start - len(part.before), start))
            self._add_passage(source, start, end)
            after = block.source(end, end + len(part.after))
            end += len(part.after)
            self._layout.append(after)

    def _add_passage(self, source: _Source, start: int, end: int) -> None:
        if start == end:
            return
        last = self._passages[-1] if self._passages else None
        layout = "".join(self._layout)
        self._layout = []
        passage = self._passage(source, start, end)
        if last is None:
            passage = replace(passage, segment=replace(passage.segment, before=layout))
        else:
            self._passages[-1] = replace(last, segment=replace(last.segment, after=layout))
        self._passages.append(passage)

    def _parts(self, source: _Source) -> Iterator[Segment]:
        """The sentences of a block; all of it, where the memory knows that."""
        core = source.masked.strip()
        start = source.masked.find(core)
        end = start + len(core)
        if self._memory and self._memory.answer(source.text[start:end], source.spans_in(start, end)):
            yield Segment(core, source.masked[:start], source.masked[end:])
            return
        for sentence in _whole_sentences(source, split(source.masked, self._pair.source)):
            yield from split_long(sentence, self._fits)

    def _fits(self, masked: str) -> bool:
        spans = count_hidden(masked)
        visible = take_out(masked)[0]
        if spans + len(visible.encode()) < self._info.max_source_tokens:  # no token has less than a byte
            return True
        # Hardly a token has more characters, and tokenizing long texts again and again is slow.
        if spans > _MOST_PROTECTED or len(visible) > self._info.max_source_tokens * _LONGEST_TOKEN:
            return False
        size = len(self._tokenize(visible)) + (spans if self._info.placeholders else 0)
        return size <= self._info.max_source_tokens

    def _passage(self, source: _Source, start: int, end: int) -> Passage:
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
            self._memory_hits.append(MemoryHit(len(self._passages), answer.kind, answer.score))
            return Passage(segment, raw, source.block.escaping, source.written(answer, start))
        if "examples" in self._info.abilities:
            similar = self._memory.similar(text)
            self._memory_hits += [MemoryHit(len(self._passages), "example", score) for _, score in similar]
            segment = replace(segment, examples=tuple(example for example, _ in similar))
        return Passage(segment, raw, source.block.escaping)

    def _segment(self, source: _Source, start: int, end: int) -> Segment:
        """What the model reads of a part of a block, and what it must not see."""
        masked = source.masked[start:end]
        visible, places = take_out(masked)
        tokens = self._tokenize(visible)
        ends = list(accumulate(len(token.text) for token in tokens))
        middles = [end - len(token.text) / 2 for end, token in zip(ends, tokens, strict=True)]
        protected = tuple(
            Protected(
                source.block.source(start + span.start, start + span.end),
                bisect_left(middles, places[span.start]),
                *_spaces(masked, span),
                span.role,
                span.pair,
            )
            for span in source.spans_in(start, end)
        )
        terms = tuple(
            Occurrence(
                match.term,
                bisect_right(ends, places[match.start - start]),
                bisect_left(ends, places[min(match.end, end) - start]) + 1,
            )
            for match in source.matches_in(start, end)
        )
        segment = Segment(
            source.text[start:end], tokens=tokens, protected=protected, terms=terms, domains=self._domains
        )
        return _with_placeholders(segment, self._info.placeholders)


def _whole_sentences(source: _Source, sentences: Sequence[Segment]) -> Iterator[Segment]:
    """The sentences, but for borders inside of a term (`Yahoo! Inc.`) or before a closing tag."""
    inside_terms = {place for match in source.matches for place in range(match.start + 1, match.end)}
    closing_ends = {span.start: span.end for span in source.spans if span.role == "close"}
    masked = source.masked
    ranges: list[tuple[int, int]] = []
    place = 0
    for sentence in sentences:
        start = place + len(sentence.before)
        end = start + len(sentence.text)
        place = end + len(sentence.after)
        while ranges and ranges[-1][1] == start < end and start in closing_ends:
            ranges[-1] = (ranges[-1][0], closing_ends[start])
            start = closing_ends[start]
        start = end - len(masked[start:end].lstrip())
        if ranges and start in inside_terms:
            ranges[-1] = (ranges[-1][0], end)
        elif start < end:
            ranges.append((start, end))
    starts = [start for start, _ in ranges[1:]] + [len(masked)]
    for index, ((start, end), following) in enumerate(zip(ranges, starts, strict=True)):
        yield Segment(masked[start:end], "" if index else masked[:start], masked[end:following])
    if not ranges:
        yield Segment("", before=masked)


def _spaces(masked: str, span: Span) -> tuple[bool, bool]:
    """Whether there is a space before and after a span; at an end of the segment, as on the other side."""
    before, after = masked[: span.start][-1:].isspace(), masked[span.end : span.end + 1].isspace()
    return (before if span.start else after), (after if span.end < len(masked) else before)


def _with_placeholders(segment: Segment, placeholders: Sequence[str]) -> Segment:
    """The segment with a token in the place of each protected span, if the model has enough of them."""
    if not 0 < len(segment.protected) <= len(placeholders):
        return segment
    tokens = list(segment.tokens)
    protected = []
    for index, (each, placeholder) in enumerate(zip(segment.protected, placeholders, strict=False)):
        position = each.position + index
        tokens.insert(position, Token("", placeholder))
        protected.append(replace(each, position=position, placeholder=placeholder))
    positions = [each.position for each in segment.protected]
    terms = tuple(
        replace(
            term,
            start=term.start + bisect_right(positions, term.start),
            end=term.end + bisect_left(positions, term.end),
        )
        for term in segment.terms
    )
    return replace(segment, tokens=tuple(tokens), protected=tuple(protected), terms=terms)
