"""Fixtures that many tests share."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from blockbuster import BlockBuster
from fastapi import FastAPI
from hypothesis import settings

from dragoman.app import create_app
from dragoman.ops.logging import configure_logging
from dragoman.ops.settings import load_settings

# How long an example takes says more of the machine than of the code. Fewer of them keep the suite under three minutes.
settings.register_profile("dragoman", deadline=None, max_examples=30)
settings.load_profile("dragoman")

MakeClient = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture(autouse=True, scope="session")
def logging_configured() -> None:
    """Logs look as they do in the server."""
    configure_logging("info", "console")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No test sees the settings of the person who runs it."""
    for name in list(os.environ):
        if name.startswith("DRAGOMAN_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True, scope="session")
def no_blocking() -> Iterator[None]:
    """A test fails when our code blocks an event loop."""
    detectors = BlockBuster("dragoman").functions
    for name in [name for name in detectors if "Lock" in name]:
        del detectors[name]  # coverage and the metrics hold locks for microseconds, on threads too
    for detector in detectors.values():
        detector.can_block_in("linecache.py", {"checkcache", "updatecache"})  # a traceback in the log reads the source
        detector.can_block_in("redis/utils.py", {"get_lib_version"})  # fakeredis asks when it connects
        detector.can_block_in("fakeredis/model/_command_info.py", {"_load_command_info"})
        detector.activate()
    yield
    for detector in detectors.values():
        detector.deactivate()


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio."""
    return "asyncio"


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """A client of a server in this process."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://dragoman.test")


def fake_app(**values: Any) -> FastAPI:
    """A server with the fake engine and the settings given."""
    defaults: dict[str, Any] = {"engines": {"fake": {"kind": "fake"}}, "default_engine": "fake"}
    return create_app(load_settings(**(defaults | values)))


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """A server with the fake engine and default settings, for tests that change nothing about it."""
    return fake_app()


@pytest.fixture
def client(app: FastAPI) -> httpx.AsyncClient:
    """A client of that server."""
    return client_of(app)


@pytest.fixture
def make_client() -> MakeClient:
    """Makes a client of a server of its own. Settings are read from files, so that happens on a thread."""

    async def make(**values: Any) -> httpx.AsyncClient:
        return client_of(await asyncio.to_thread(partial(fake_app, **values)))

    return make
