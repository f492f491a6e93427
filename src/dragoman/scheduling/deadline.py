"""When an answer is no longer wanted."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from dragoman.core.errors import DeadlineExceeded


@asynccontextmanager
async def until(deadline: float) -> AsyncGenerator[None]:
    """Raise `DeadlineExceeded` in the block at a time of the event loop's clock."""
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError as error:
        raise DeadlineExceeded(
            "The translation was not ready in time. Send less text, allow more time, or try again later."
        ) from error
