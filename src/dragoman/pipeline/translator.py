"""What the pipeline asks for translations."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from dragoman.core.engine import Hypotheses
from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Token

Translate = Callable[[Sequence[Segment], Pair, Decoding], AsyncGenerator[Token | Hypotheses]]
"""Translates segments in document order. For each it gives the hypotheses; before them, where tokens are streamed, the
tokens of the first hypothesis one by one."""


async def decode(translate: Translate, segment: Segment, pair: Pair, decoding: Decoding) -> Hypothesis:
    """The best hypothesis of one segment. Raises what the engine raises."""
    async with aclosing(translate([segment], pair, decoding)) as events:
        [(best, *_)] = [event async for event in events if not isinstance(event, Token)]
    return best
