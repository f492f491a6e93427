"""The steps from a text to its translation, in document order: protect, segment, translate, restore, cut.

The pipeline knows no engine: it is handed a `translate` callable, which is the batcher in production and a few lines in
a test, and a `tokenize` one.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from dragoman.core.engine import Hypotheses
from dragoman.core.languages import LANGUAGES, SPACELESS_SCRIPTS
from dragoman.core.types import Decoding, FinishReason, Hypothesis, Outcome, Pair, Piece, Segment, Token, Usage
from dragoman.pipeline.cut import AnswerCutter
from dragoman.pipeline.protect import find, hide, unmask, visible
from dragoman.pipeline.restore import restore
from dragoman.pipeline.segment import split, split_long

Translate = Callable[[Sequence[Segment], Pair, Decoding], AsyncGenerator[Token | Hypotheses]]
"""Translates segments in document order. For each it gives the hypotheses; before them, where tokens are streamed, the
tokens of the first hypothesis one by one."""

Tokenize = Callable[[str], tuple[Token, ...]]

# More in one sentence is no sentence, and nesting that many tags would hold up everybody.
_MOST_PROTECTED = 200
_CLAUSE_ENDS = tuple("。！？｡.!?…，、：；」』”’）)")


@dataclass(frozen=True, slots=True)
class Document:
    """A text that is ready to be translated."""

    segments: tuple[Segment, ...]
    pair: Pair

    @property
    def prompt_tokens(self) -> int:
        """Source tokens, as the model counts."""
        return sum(token.model_token is not None for segment in self.segments for token in segment.tokens)


@dataclass(frozen=True, slots=True)
class _Copied:
    """Text that every choice gets as it is."""

    tokens: tuple[Token, ...]


def prepare(text: str, pair: Pair, tokenize: Tokenize, max_source_tokens: int) -> Document:
    """Cut a text into segments that fit the engine, and take out of them what it must not see. Blocks."""

    def fits(masked: str) -> bool:
        return len(tokenize(visible(masked))) <= max_source_tokens

    masked_text = hide(text, find(text))
    segments = []
    start = 0
    for sentence in split(masked_text, pair.source):
        for part in split_long(sentence, fits):
            start += len(part.before)
            segments.append(_segment(part, text[start : start + len(part.text)], pair, tokenize))
            start += len(part.text) + len(part.after)
    return Document(tuple(segments), pair)


def _segment(masked: Segment, original: str, pair: Pair, tokenize: Tokenize) -> Segment:
    """A segment to be translated, or, where there is nothing to translate, to be copied."""
    segment = unmask(masked, original, tokenize)
    has_words = any(char.isalpha() for token in segment.tokens if token.model_token is not None for char in token.text)
    if has_words and len(segment.protected) <= _MOST_PROTECTED and pair.source != pair.target:
        return segment
    return replace(segment, tokens=tokenize(original), protected=(), copied=True)


async def translate_document(
    document: Document,
    translate: Translate,
    decoding: Decoding,
    *,
    stop: Sequence[str] = (),
    max_tokens: int | None = None,
) -> AsyncGenerator[Piece | Outcome]:
    """Give the pieces of every choice in document order, then one `Outcome`.

    Stops asking for translations as soon as every choice has been cut.
    """
    answer = _Answer(decoding.num_hypotheses, stop, max_tokens)
    async with aclosing(_in_order(document, translate, decoding)) as events:
        async for event in events:
            for piece in answer.add(event):
                yield piece
            if answer.is_cut:
                break
    for piece in answer.end():
        yield piece
    yield answer.outcome(document.prompt_tokens)


async def _in_order(
    document: Document, translate: Translate, decoding: Decoding
) -> AsyncGenerator[_Copied | Token | Hypotheses]:
    """White space, copied segments and translations, as they follow each other in the document."""
    pending = [segment for segment in document.segments if not segment.copied]
    async with aclosing(translate(pending, document.pair, decoding)) as translations:
        for index, segment in enumerate(document.segments):
            yield _Copied((Token(segment.before),))
            if segment.copied:
                yield _Copied(segment.tokens)
            else:
                async for event in translations:
                    if not isinstance(event, Token):
                        yield tuple(_complete(hypothesis, segment, document.pair) for hypothesis in event)
                        break
                    if not segment.protected:  # where a span goes shows only when the segment is done
                        yield event
            yield _Copied((Token(_gap(document, index)),))


def _complete(hypothesis: Hypothesis, segment: Segment, pair: Pair) -> Hypothesis:
    """A hypothesis with its protected spans; the source in place of an empty one: nothing is ever lost."""
    if not hypothesis.text:
        return replace(hypothesis, tokens=(*hypothesis.tokens, Token(segment.text)))
    return restore(hypothesis, segment, pair) if segment.protected else hypothesis


class _Answer:
    """All choices of one answer as they grow."""

    def __init__(self, choices: int, stop: Sequence[str], max_tokens: int | None) -> None:
        self._cutters = [AnswerCutter(stop, max_tokens) for _ in range(choices)]
        self._truncated = [False] * choices
        self._streamed = 0

    @property
    def is_cut(self) -> bool:
        return all(cutter.finish_reason is not None for cutter in self._cutters)

    def add(self, event: _Copied | Token | Hypotheses) -> list[Piece]:
        """The pieces that may be released after this event. Streamed tokens belong to the first choice."""
        if isinstance(event, _Copied):
            return [piece for choice in range(len(self._cutters)) for piece in self._release(choice, event.tokens)]
        if isinstance(event, Token):
            self._streamed += 1
            return self._release(0, (event,))
        pieces = []
        for choice in range(len(self._cutters)):
            hypothesis = event[min(choice, len(event) - 1)]
            self._truncated[choice] |= not hypothesis.ended
            pieces += self._release(choice, hypothesis.tokens[self._streamed if choice == 0 else 0 :])
        self._streamed = 0
        return pieces

    def _release(self, choice: int, tokens: Sequence[Token]) -> list[Piece]:
        released = tuple(self._cutters[choice].feed(tokens))
        return [Piece(choice, released)] if any(token.text for token in released) else []

    def end(self) -> list[Piece]:
        rest = [(choice, tuple(cutter.end())) for choice, cutter in enumerate(self._cutters)]
        return [Piece(choice, tokens) for choice, tokens in rest if tokens]

    def outcome(self, prompt_tokens: int) -> Outcome:
        reasons: tuple[FinishReason, ...] = tuple(
            cutter.finish_reason or ("length" if truncated else "stop")
            for cutter, truncated in zip(self._cutters, self._truncated, strict=True)
        )
        return Outcome(reasons, Usage(prompt_tokens, sum(cutter.completion_tokens for cutter in self._cutters)))


def _gap(document: Document, index: int) -> str:
    """The white space after a segment; one space where the target language needs it and the source had none."""
    segment, pair = document.segments[index], document.pair
    following = document.segments[index + 1 : index + 2]
    if segment.after or pair.source == pair.target or not following or following[0].copied:
        return segment.after
    spaced = SPACELESS_SCRIPTS.isdisjoint(LANGUAGES[pair.target].scripts)
    return " " if spaced and segment.text.endswith(_CLAUSE_ENDS) else ""
