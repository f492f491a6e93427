"""Engines that misbehave in ways that the fake engine in the package does not."""

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from dragoman.core.engine import Ability, Batch, Hypotheses, OnToken
from dragoman.core.types import Decoding, Hypothesis, Segment, Token
from dragoman.engines.fake import FakeEngine, Options


def segments(*texts: str) -> list[Segment]:
    """Segments as the pipeline makes them for the fake engine."""
    engine = FakeEngine(Options())
    return [Segment(text, tokens=engine.tokenize(text)) for text in texts]


class RecordingEngine(FakeEngine):
    """Keeps the batches that it was given."""

    def __init__(self, **options: object) -> None:
        super().__init__(Options.model_validate(options))
        self.batches: list[Batch] = []

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Record, then translate."""
        self.batches.append(batch)
        return await super().translate(batch, on_token)

    @property
    def texts(self) -> list[list[str]]:
        """The texts of each batch."""
        return [[segment.text for segment in batch.segments] for batch in self.batches]


class GatedEngine(RecordingEngine):
    """Translates the first `free` batches and then waits until `gate` is set. Knows whether it was cancelled."""

    def __init__(self, free: int = 0, *, max_batch_segments: int = 1) -> None:
        super().__init__(max_batch_segments=max_batch_segments)
        self.free = free
        self.gate = asyncio.Event()
        self.waiting = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Translate when the gate is open."""
        if len(self.batches) >= self.free:
            self.waiting.set()
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        return await super().translate(batch, on_token)


class FailingEngine(RecordingEngine):
    """Raises on the segment `boom`."""

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Translate, or raise with a text that must not reach a client."""
        if any("boom" in segment.text for segment in batch.segments):
            raise RuntimeError("secret of the engine room")
        return await super().translate(batch, on_token)


class EndlessEngine(FakeEngine):
    """A model that never ends by itself."""

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Give a hypothesis that was cut at a length limit."""
        return [(Hypothesis((Token("la", "la"), Token(" la", "la")), -1.0, ended=False),) for _ in batch.segments]


class SilentEngine(FakeEngine):
    """A model that has nothing to say."""

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Give hypotheses without text, streamed too."""
        silence = Hypothesis((Token("", "▁"),), -1.0, ended=True)
        if on_token is not None:
            for index in range(len(batch.segments)):
                on_token(index, silence.tokens[0])
                on_token(index, silence)
        return [(silence,) for _ in batch.segments]


class ScrambledStreamEngine(FakeEngine):
    """Emits the tokens of the last segment first."""

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Translate, emitting in reverse order."""
        outputs = await super().translate(batch)
        if on_token is not None:
            for index in reversed(range(len(outputs))):
                for token in outputs[index][0].tokens:
                    on_token(index, token)
                    await asyncio.sleep(0)
                on_token(index, outputs[index][0])
        return outputs


class AdversarialEngine(FakeEngine):
    """A model that drops, doubles, reorders and invents: words, tags, placeholders, quotes, line marks."""

    INVENTIONS = ("<b>", "</i>", "{name}", "⟦0⟧", '"', "\\", "&", "<", "**", "|", "-->", "}", "zh:", "la", "%s")

    def __init__(self, seed: int, *, aligns: bool) -> None:
        super().__init__(Options())
        self._random = random.Random(seed)
        self._aligns = aligns

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Give anything but a translation."""
        return [(self._anything(segment),) for segment in batch.segments]

    def _anything(self, segment: Segment) -> Hypothesis:
        words = [token.text.strip() for token in segment.tokens] + self._random.choices(self.INVENTIONS, k=2)
        chosen = self._random.choices(words, k=self._random.randint(0, 2 * len(words)))
        tokens = tuple(Token(f" {word}" if index else word, word) for index, word in enumerate(chosen))
        rows = tuple(tuple(self._random.random() for _ in segment.tokens) for _ in tokens)
        return Hypothesis(tokens, -1.0, self._random.random() < 0.9, rows if self._aligns else None)


class ScriptedEngine(RecordingEngine):
    """Writes what a function says for the text that it reads and the way in which it decodes, one token a word."""

    def __init__(self, script: Callable[[str, Decoding], str], *, abilities: Collection[Ability] = ()) -> None:
        super().__init__()
        self._script = script
        self._info = replace(self._info, abilities=frozenset(abilities))

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Follow the script, with every hypothesis the same."""
        self.batches.append(batch)
        outputs = []
        for index, segment in enumerate(batch.segments):
            text = self._script("".join(token.text for token in segment.tokens), batch.decoding)
            hypothesis = Hypothesis(self.tokenize(text), -1.0, ended=True)
            outputs.append((hypothesis,))
            if on_token is not None:
                for token in hypothesis.tokens:
                    on_token(index, token)
                on_token(index, hypothesis)
        return outputs


class CopyingEngine(FakeEngine):
    """A model that was trained on placeholders: it writes the source backwards, word for word."""

    PLACEHOLDERS = ("<ph0>", "<ph1>", "<ph2>", "<ph3>")

    def __init__(self) -> None:
        super().__init__(Options())
        self._info = replace(self._info, placeholders=self.PLACEHOLDERS)

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Reverse each segment, placeholders too."""
        return [(Hypothesis(tuple(map(self._apart, reversed(s.tokens))), -1.0, ended=True),) for s in batch.segments]

    def _apart(self, token: Token) -> Token:
        return replace(token, text=f" {token.text.strip()}" if token.text else "")
