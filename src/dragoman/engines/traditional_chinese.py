"""Gives an engine that knows Simplified Chinese the Traditional, with OpenCC's tables.

Conversion keeps every character's place, so tokens, alignments and offsets stay what they are. Chinese that the engine
reads is always made Simplified, since text that is called `zh` often is not; what it writes is converted for `zh_tw`.
"""

from collections.abc import Sequence
from dataclasses import replace

from opencc import OpenCC

from dragoman.core.engine import Batch, Engine, EngineInfo, Hypotheses, OnToken, stream_at_once
from dragoman.core.types import Hypothesis, Pair, Segment, Token

SIMPLIFIED, TRADITIONAL = "zh", "zh_tw"
_CONVERSIONS = frozenset({Pair(SIMPLIFIED, TRADITIONAL), Pair(TRADITIONAL, SIMPLIFIED)})
_KANA = range(0x3041, 0x3100)
_CONTEXT = 8


def with_traditional_chinese(engine: Engine) -> Engine:
    """The engine itself if it knows no Chinese, or Traditional already; else one that knows both."""
    languages = {code for pair in engine.info.pairs for code in (pair.source, pair.target)}
    return TraditionalChinese(engine) if SIMPLIFIED in languages and TRADITIONAL not in languages else engine


class TraditionalChinese:
    """An engine before another one, which sees Simplified Chinese alone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._to_simplified, self._to_traditional = OpenCC("t2s"), OpenCC("s2tw")
        added = {_changed(pair, SIMPLIFIED, TRADITIONAL) for pair in engine.info.pairs} | _CONVERSIONS
        known = engine.info.calibrations
        calibrations = {**known, TRADITIONAL: known[SIMPLIFIED]} if SIMPLIFIED in known else known
        self._info = replace(engine.info, pairs=engine.info.pairs | added, calibrations=calibrations)

    @property
    def info(self) -> EngineInfo:
        """The engine's, with more pairs."""
        return self._info

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """Cut text as its Simplified form is cut."""
        simplified = text if _is_japanese(text) else _converted(text, self._to_simplified)
        tokens = self._engine.tokenize(simplified)
        return tokens if simplified == text else _with_text(tokens, text)

    def target_tokens(self, text: str) -> Sequence[tuple[int, Token]]:
        """As the engine writes the Simplified form."""
        return self._engine.target_tokens(_converted(text, self._to_simplified))

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Translate as Simplified; what comes is Traditional if that is the target. From one to the other, convert."""
        if batch.pair in _CONVERSIONS:
            return self._conversions(batch, on_token)
        pair = _changed(batch.pair, TRADITIONAL, SIMPLIFIED)
        if batch.pair.target != TRADITIONAL:
            return await self._engine.translate(replace(batch, pair=pair), on_token)
        simplified = replace(batch, pair=pair, segments=tuple(self._simplified(each) for each in batch.segments))
        found = await self._engine.translate(simplified, on_token and self._traditional_stream(on_token))
        return [tuple(self._traditional(hypothesis) for hypothesis in hypotheses) for hypotheses in found]

    def _conversions(self, batch: Batch, on_token: OnToken | None) -> list[Hypotheses]:
        """Each segment in the other script, token by token."""
        converter = self._to_traditional if batch.pair.target == TRADITIONAL else self._to_simplified
        found: list[Hypotheses] = []
        for segment in batch.segments:
            text = _converted("".join(token.text for token in segment.tokens), converter)
            tokens = _with_text(segment.tokens, text)
            size = range(len(tokens))
            alignment = tuple(tuple(float(row == column) for column in size) for row in size)
            best = Hypothesis(tokens, 0.0, ended=True, alignment=alignment if segment.needs_alignment else None)
            found.append((best,))
        stream_at_once(found, on_token)
        return found

    async def health(self) -> bool:
        """The engine's."""
        return await self._engine.health()

    async def aclose(self) -> None:
        """Close the engine."""
        await self._engine.aclose()

    def _simplified(self, segment: Segment) -> Segment:
        """A segment with the targets of its terms as the engine writes them."""
        terms = tuple(
            replace(each, term=replace(each.term, target=_converted(each.term.target, self._to_simplified)))
            for each in segment.terms
        )
        return replace(segment, terms=terms)

    def _traditional(self, hypothesis: Hypothesis) -> Hypothesis:
        return replace(
            hypothesis, tokens=_with_text(hypothesis.tokens, _converted(hypothesis.text, self._to_traditional))
        )

    def _traditional_stream(self, on_token: OnToken) -> OnToken:
        """Convert each token with what came before it, on which its characters may depend."""
        before: dict[int, str] = {}

        def on_simplified(index: int, token: Token | Hypothesis) -> None:
            if isinstance(token, Hypothesis):
                on_token(index, self._traditional(token))
                return
            context = before.get(index, "")[-_CONTEXT:]
            before[index] = context + token.text
            on_token(index, replace(token, text=_converted(context + token.text, self._to_traditional)[len(context) :]))

        return on_simplified


def _changed(pair: Pair, old: str, new: str) -> Pair:
    return Pair(new if pair.source == old else pair.source, new if pair.target == old else pair.target)


def _is_japanese(text: str) -> bool:
    return any(ord(char) in _KANA for char in text)


def _converted(text: str, converter: OpenCC) -> str:
    """The text in the other form; as it is, should a conversion change its length."""
    converted: str = converter.convert(text)
    return converted if len(converted) == len(text) else text


def _with_text(tokens: Sequence[Token], text: str) -> tuple[Token, ...]:
    """Tokens with the characters of a text in place of their own."""
    parts = []
    start = 0
    for token in tokens:
        parts.append(replace(token, text=text[start : start + len(token.text)]))
        start += len(token.text)
    return tuple(parts)
