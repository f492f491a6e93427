"""The segment cache."""

import pytest

from dragoman.core.engine import Hypotheses
from dragoman.core.types import Hypothesis, Token
from dragoman.scheduling.cache import MemoryCache

pytestmark = pytest.mark.anyio


def answer(text: str) -> Hypotheses:
    """One hypothesis of one token."""
    return (Hypothesis((Token(text, text),), -1.0, ended=True),)


async def test_gives_what_was_put_in_the_order_of_the_keys() -> None:
    """And None for what it does not know."""
    cache = MemoryCache(1 << 20)
    await cache.put_many([(("a",), answer("A")), (("b",), answer("B"))])
    assert await cache.get_many([("b",), ("c",), ("a",)]) == [answer("B"), None, answer("A")]


async def test_forgets_what_was_not_asked_for_longest() -> None:
    """When it has as many bytes as it may."""
    cache = MemoryCache(3 * 1500)
    await cache.put_many([((name,), answer(name)) for name in "abc"])
    await cache.get_many([("a",)])
    await cache.put_many([(("d",), answer("d"))])
    assert await cache.get_many([("a",), ("b",), ("c",), ("d",)]) == [answer("a"), None, answer("c"), answer("d")]


async def test_counts_an_entry_that_is_put_again_once() -> None:
    """Its size is that of what is in it."""
    cache = MemoryCache(1 << 20)
    await cache.put_many([(("a",), answer("A"))] * 5)
    size = cache.size_bytes
    await cache.put_many([(("b",), answer("B"))])
    assert cache.size_bytes == 2 * size
    await cache.aclose()
    assert cache.size_bytes == len(cache) == 0
