"""The segment cache in a Redis, which several servers share and which outlives them. Needs the extra `redis`."""

import hashlib
from collections.abc import Sequence

import structlog
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from dragoman.core.engine import Hypotheses
from dragoman.core.types import Hypothesis
from dragoman.scheduling.cache import Key

log = structlog.get_logger(__name__)

_HYPOTHESES: TypeAdapter[Hypotheses] = TypeAdapter(tuple[Hypothesis, ...])
# A cache that is slower than an engine is of no use.
_TIMEOUT_SECONDS = 0.5
_PREFIX = b"dragoman:1:"


class RedisCache:
    """Keeps translations for some days; how much, the Redis decides (`maxmemory`).

    Translations are in it, and digests of keys. While it cannot be reached, nothing is cached.
    """

    def __init__(self, client: "Redis", keep_seconds: int = 7 * 24 * 3600) -> None:
        self._redis = client
        self._keep_seconds = keep_seconds

    @staticmethod
    def connect(url: str) -> "RedisCache":
        """A cache at `redis://HOST:PORT/DATABASE`. The connection is made when it is needed. Raises `ValueError`."""
        client = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            driver_info=None,  # else it reads its own version from a file when it connects, on the event loop
        )
        return RedisCache(client)

    async def get_many(self, keys: Sequence[Key]) -> list[Hypotheses | None]:
        """What was put under equal keys, by whichever server."""
        try:
            found = await self._redis.mget([_name(key) for key in keys]) if keys else []
        except RedisError as error:
            log.warning("the cache cannot be reached", error=type(error).__name__)
            return [None] * len(keys)
        return [_read(value) for value in found]

    async def put_many(self, entries: Sequence[tuple[Key, Hypotheses]]) -> None:
        """Remember."""
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for key, value in entries:
                    pipe.set(_name(key), _HYPOTHESES.dump_json(value), ex=self._keep_seconds)
                await pipe.execute()
        except RedisError as error:
            log.warning("the cache cannot be reached", error=type(error).__name__)

    async def aclose(self) -> None:
        """Close the connections. What is in the cache stays."""
        await self._redis.aclose()


def _name(key: Key) -> bytes:
    """Keys are made of strings, numbers and dataclasses of them, whose representations are equal where they are."""
    return _PREFIX + hashlib.blake2b(repr(key).encode(), digest_size=20).hexdigest().encode()


def _read(value: bytes | str | None) -> Hypotheses | None:
    """A value of another version of the server, or of nobody's, counts as none."""
    try:
        return _HYPOTHESES.validate_json(value) if value is not None else None
    except ValidationError:
        return None
