"""The HTTP client of engines that live on another server: pooled, with bounded waits and bounded retries."""

import asyncio
import json
import os
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from dragoman.core.errors import ConfigurationError, DeadlineExceeded, Overloaded, UpstreamFailed

_WORTH_A_RETRY = {408, 429, 500, 502, 503, 504, 529}
_WRONG_REQUEST = {400, 422}
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 30.0
_MINUTE_SECONDS = 60.0
_DONE = "[DONE]"


class ParametersRefused(UpstreamFailed):
    """The server takes the request for a wrong one, perhaps for a parameter that it does not know."""


class UpstreamOptions(BaseModel):
    """How to reach a server. `api_key_env` names the environment variable that has the key."""

    model_config = ConfigDict(extra="forbid")

    base_url: str
    api_key: SecretStr | None = None
    api_key_env: str | None = None
    headers: dict[str, str] = {}
    connect_timeout_seconds: float = Field(default=5.0, gt=0)
    first_byte_timeout_seconds: float = Field(default=60.0, gt=0)
    chunk_timeout_seconds: float = Field(default=30.0, gt=0)
    total_timeout_seconds: float = Field(default=300.0, gt=0)
    max_retries: int = Field(default=2, ge=0, le=10)
    requests_per_minute: int | None = Field(default=None, ge=1)

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return url.rstrip("/")

    def all_headers(self) -> dict[str, str]:
        """The headers of every request. Raises `ConfigurationError` if the key is not in the environment."""
        key = self.api_key.get_secret_value() if self.api_key else None
        if self.api_key_env:
            key = os.environ.get(self.api_key_env)
            if not key:
                raise ConfigurationError(f"the environment variable {self.api_key_env} with the API key is not set.")
        return ({"authorization": f"Bearer {key}"} if key else {}) | self.headers


class Upstream:
    """One server. Errors are `UpstreamFailed`, `Overloaded` and `DeadlineExceeded`, and never show its address."""

    def __init__(
        self,
        options: UpstreamOptions,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._options = options
        self._headers = options.all_headers()
        self._pause = pause
        self._chance = chance
        self._session: aiohttp.ClientSession | None = None
        self._clock = clock
        self._sent: deque[float] = deque(maxlen=options.requests_per_minute)  # when the latest requests were due

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON object that answers a request. One that breaks off is asked for again, as often as others."""
        tries_left = self._options.max_retries
        while True:
            async with self._answer(path, body) as response:
                try:
                    async with asyncio.timeout(self._options.chunk_timeout_seconds):
                        return _checked(await response.json(content_type=None))
                except TimeoutError:  # is a ClientError, too
                    raise
                except ValueError as error:
                    raise _broken(error) from error
                except aiohttp.ClientError as error:
                    if not tries_left:
                        raise _broken(error) from error
            tries_left -= 1

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """The JSON objects of an event stream, up to `[DONE]` or its end. Closing it closes the connection."""
        async with self._answer(path, body) as response:
            unfinished = b""
            try:
                while not response.content.at_eof():
                    async with asyncio.timeout(self._options.chunk_timeout_seconds):
                        part = await response.content.readany()
                    *lines, unfinished = (unfinished + part).split(b"\n")
                    for line in lines:
                        data = line.strip().removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
                        if data.decode() == _DONE:
                            return
                        if data:
                            yield _checked(json.loads(data))
            except TimeoutError:
                raise
            except (ValueError, aiohttp.ClientError) as error:
                raise _broken(error) from error

    async def get(self, path: str) -> int:
        """The status of a page; 0 if there is no answer. Is not tried again."""
        try:
            async with self._open().get(self._options.base_url + path) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:  # made where the event loop is
            limits = aiohttp.ClientTimeout(
                total=self._options.total_timeout_seconds,
                sock_connect=self._options.connect_timeout_seconds,
            )
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
            self._session = aiohttp.ClientSession(timeout=limits, connector=connector, headers=self._headers)
        return self._session

    @asynccontextmanager
    async def _answer(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[aiohttp.ClientResponse]:
        """A response with status 200, after some tries if need be."""
        try:
            response = await self._tried(path, body)
            async with response:
                yield response
        except TimeoutError as error:
            raise DeadlineExceeded("The translation server behind this one did not answer in time.") from error

    async def _tried(self, path: str, body: Mapping[str, Any]) -> aiohttp.ClientResponse:
        tries_left = self._options.max_retries
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            await self._turn()
            try:
                async with asyncio.timeout(self._options.first_byte_timeout_seconds):
                    response = await self._open().post(self._options.base_url + path, json=body)
            except aiohttp.ClientConnectionError as error:
                if not tries_left:
                    raise _broken(error) from error
                asked_seconds = 0.0
            else:
                if response.status == HTTPStatus.OK:
                    return response
                asked_seconds = _retry_after(response)
                if response.status not in _WORTH_A_RETRY or not tries_left or asked_seconds > _LONGEST_PAUSE_SECONDS:
                    raise await _refusal(response, asked_seconds)
                response.close()
            tries_left -= 1
            # At least what was asked for; else longer each time, and not all at once.
            await self._pause(max(asked_seconds, pause_seconds * (0.5 + self._chance())))
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)

    async def _turn(self) -> None:
        """Wait until a minute has gone since the request that is as many ago as a minute may have.

        Raises `Overloaded` where that is longer than an answer may take to begin: another engine may be free.
        """
        if self._options.requests_per_minute is None:
            return
        now = self._clock()
        due = now
        if len(self._sent) == self._sent.maxlen:
            due = max(due, self._sent[0] + _MINUTE_SECONDS)
        if due - now > self._options.first_byte_timeout_seconds:
            raise _busy(due - now)
        self._sent.append(due)
        if due > now:
            await self._pause(due - now)


def _retry_after(response: aiohttp.ClientResponse) -> float:
    try:
        return max(0.0, float(response.headers.get("retry-after", 0)))
    except ValueError:  # a date
        return 0.0


async def _refusal(response: aiohttp.ClientResponse, asked_seconds: float) -> Exception:
    """What is raised for a status that is not 200."""
    status = response.status
    response.close()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _busy(asked_seconds)
    kind = ParametersRefused if status in _WRONG_REQUEST else UpstreamFailed
    return kind(f"The translation server behind this one refused the request (status {status}).")


def _busy(seconds: float) -> Overloaded:
    return Overloaded(
        "The translation server behind this one is busy. Try again later.", retry_after_seconds=max(1, round(seconds))
    )


def _checked(answer: Any) -> dict[str, Any]:
    """An answer, or an event, that is no error. Raises `UpstreamFailed`."""
    if not isinstance(answer, dict):
        raise UpstreamFailed("The translation server behind this one gave no JSON object.")
    error = answer.get("error")
    if error:
        raise UpstreamFailed("The translation server behind this one failed in the middle of its answer.")
    return answer


def _broken(error: Exception) -> UpstreamFailed:
    if isinstance(error, aiohttp.ClientConnectorError):
        return UpstreamFailed("The translation server behind this one cannot be reached.")
    if isinstance(error, ValueError):
        return UpstreamFailed("The translation server behind this one gave no JSON.")
    return UpstreamFailed("The translation server behind this one broke off its answer.")
