"""Asks for single translations, several at a time: those that came while the engine was busy with the ones before."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from dragoman.core.engine import Hypotheses
from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Token

Translate = Callable[[Sequence[Segment], Pair, Decoding], AsyncGenerator[Token | Hypotheses]]
"""Translates segments in document order. For each it gives the hypotheses; before them, where tokens are streamed, the
tokens of the first hypothesis one by one."""

# Turns of the event loop, a fraction of a millisecond, in which others of the same batch come.
_TURNS_TO_WAIT = 50

_Waiting = list[tuple[Segment, asyncio.Future[Hypothesis]]]


class Together:
    """Decodes segments of one language pair. Those that wait are one batch."""

    def __init__(self, translate: Translate, pair: Pair) -> None:
        self._translate = translate
        self._pair = pair
        self._waiting: dict[Decoding, _Waiting] = {}
        self._running: dict[Decoding, asyncio.Task[None]] = {}

    async def aclose(self) -> None:
        """Stop what is in progress. Nobody waits for it."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def decode(self, segment: Segment, decoding: Decoding) -> Hypothesis:
        """The best hypothesis. Raises what the engine raises."""
        future: asyncio.Future[Hypothesis] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(decoding, []).append((segment, future))
        if decoding not in self._running:
            self._running[decoding] = asyncio.create_task(self._run(decoding))
        return await future

    async def _run(self, decoding: Decoding) -> None:
        try:
            while decoding in self._waiting:
                for _ in range(_TURNS_TO_WAIT):
                    await asyncio.sleep(0)
                await self._decode(self._waiting.pop(decoding), decoding)
        finally:
            del self._running[decoding]

    async def _decode(self, group: _Waiting, decoding: Decoding) -> None:
        futures = [future for _, future in group]
        try:
            async with aclosing(self._translate([segment for segment, _ in group], self._pair, decoding)) as events:
                async for event in events:
                    if not isinstance(event, Token):
                        _settle(futures.pop(0), event[0])
        except Exception as error:  # noqa: BLE001 # each who waits raises it
            for future in futures:
                _settle(future, error)


def _settle(future: asyncio.Future[Hypothesis], result: Hypothesis | Exception) -> None:
    if future.done():  # who waited has gone
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
