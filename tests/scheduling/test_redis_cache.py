"""The cache in a Redis, against one in this process."""

import pytest
from fakeredis import FakeAsyncRedis
from hypothesis import given
from hypothesis import strategies as st

from dragoman.app import create_cache
from dragoman.core.engine import Hypotheses
from dragoman.core.errors import ConfigurationError
from dragoman.core.types import Decoding, Hypothesis, Pair, Protected, Token
from dragoman.ops.settings import Settings
from dragoman.scheduling.cache import Key
from dragoman.scheduling.redis_cache import _HYPOTHESES, RedisCache, _name, _read

pytestmark = pytest.mark.anyio

KEY: Key = ("starter", "1", Pair("en", "zh"), Decoding(), "Hello", (Protected("{n}", 1, False, True),), (), (), "")
ANSWER: Hypotheses = (
    Hypothesis((Token("你好", "▁你好", -0.1), Token("。", None)), -0.5, ended=True, alignment=((0.25, 0.75), ())),
    Hypothesis((Token("", "<0xE4>"),), -1.0, ended=False),
)


@pytest.fixture
def redis() -> FakeAsyncRedis:
    """One in this process, which reads files of its own when it is made."""
    return FakeAsyncRedis()


async def test_gives_back_what_was_put_to_whoever_shares_it(redis: FakeAsyncRedis) -> None:
    """Another server with an equal key gets equal hypotheses."""
    await RedisCache(redis).put_many([(KEY, ANSWER)])
    other = (*KEY[:4], "Bye", *KEY[5:])
    assert await RedisCache(redis).get_many([other, KEY]) == [None, ANSWER]
    assert await RedisCache(redis).get_many([]) == []
    assert 0 < await redis.ttl(_name(KEY)) <= 7 * 24 * 3600


async def test_what_it_cannot_read_is_translated_again(redis: FakeAsyncRedis) -> None:
    """A value of another version."""
    await redis.set(_name(KEY), b'[{"text": "old"}]')
    assert await RedisCache(redis).get_many([KEY]) == [None]


async def test_a_redis_that_is_not_there_is_no_error() -> None:
    """The server goes on without a cache."""
    cache = RedisCache.connect("redis://127.0.0.1:1/0")
    await cache.put_many([(KEY, ANSWER)])
    assert await cache.get_many([KEY, KEY]) == [None, None]
    await cache.aclose()


@given(st.lists(st.tuples(st.text(), st.none() | st.text(), st.none() | st.floats(-99, 0)), max_size=5), st.booleans())
async def test_nothing_of_a_hypothesis_is_lost(tokens: list[tuple[str, str | None, float | None]], ended: bool) -> None:  # noqa: FBT001
    """Whatever its tokens are, but for lone surrogates, which no text has."""
    found = (Hypothesis(tuple(Token(*each) for each in tokens), -1.5, ended),)
    assert _read(_HYPOTHESES.dump_json(found)) == found


def test_no_text_is_in_the_name_of_a_key() -> None:
    """Names are seen by whoever lists them."""
    assert b"Hello" not in _name(KEY)
    assert _name(KEY) != _name((*KEY[:4], "Hello!", *KEY[5:]))


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("False", False), ("0", False), ("redis://localhost:6379/1", "redis://localhost:6379/1")],
)
def test_the_environment_names_the_cache(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool | str) -> None:  # noqa: FBT001
    """In memory, none, or an address."""
    monkeypatch.setenv("DRAGOMAN_CACHE", value)
    assert Settings().cache == expected


def test_an_address_makes_a_cache_or_is_refused() -> None:
    """Before the server starts."""
    assert isinstance(create_cache(Settings(cache="redis://localhost:6379/1")), RedisCache)
    with pytest.raises(ConfigurationError, match="redis://HOST:PORT"):
        create_cache(Settings(cache="memcached://x"))
    with pytest.raises(ConfigurationError, match="good address"):
        create_cache(Settings(cache="redis://localhost:port"))
