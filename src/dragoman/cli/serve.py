"""`dragoman serve`."""

import ctypes
import math
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import structlog
import typer
import uvicorn

from dragoman import __version__
from dragoman.app import create_app
from dragoman.core.errors import ConfigurationError
from dragoman.ops.logging import configure_logging
from dragoman.ops.settings import load_settings
from dragoman.service import TranslationService

log = structlog.get_logger(__name__)

_BACKLOG = 2048
# For responses on their way when the last request has ended, or the time is up.
_LAST_BYTES_SECONDS = 1

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Configuration file; dragoman.toml where none is named.")
]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    config: ConfigOption = None,
) -> None:
    """Serve translations over HTTP."""
    settings = load_settings(config, host=host, port=port)
    configure_logging(settings.log_level, settings.log_format)
    with _bind(settings.host, settings.port) as listener:
        app = create_app(settings)
        app.state.service.prepare()
        _return_memory()
        listener.listen(_BACKLOG)  # whoever connects from now on is answered
        address, bound_port = listener.getsockname()[:2]
        log.info("dragoman serves", version=__version__, models=sorted(settings.aliases), host=address, port=bound_port)
        uvicorn_config = uvicorn.Config(
            app,
            proxy_headers=True,
            forwarded_allow_ips=settings.trusted_proxies,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_LAST_BYTES_SECONDS,
        )
        server = GracefulServer(uvicorn_config, app.state.service, settings.shutdown_timeout_seconds)
        server.run(sockets=[listener])


class GracefulServer(uvicorn.Server):
    """At SIGTERM or Ctrl-C, refuses new work and goes on with what it has, for a limited time; then exits with 0.

    It still listens meanwhile, so that `/health/ready` can say 503. A second signal ends the process at once.
    """

    def __init__(self, config: uvicorn.Config, service: TranslationService, timeout_seconds: float) -> None:
        super().__init__(config)
        self._service = service
        self._timeout_seconds = timeout_seconds
        self._deadline = math.inf

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 # the signature is uvicorn's
        """Begin to stop, or stop. In place of uvicorn's, after which the process dies of the signal."""
        if self._service.is_draining:
            os._exit(128 + sig)  # the engine's threads would keep a mere `SystemExit` waiting
        self._service.drain()
        self._deadline = time.monotonic() + self._timeout_seconds
        log.info("dragoman stops", requests_in_progress=self._service.requests_in_progress)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to stop now."""
        if self._service.is_draining and time.monotonic() > self._deadline:
            self._service.abort()
        if self._service.is_draining and not self._service.requests_in_progress:
            self.should_exit = True
        return await super().on_tick(counter)


def _return_memory() -> None:
    """Give back what loading took for a moment, some 15 MB that glibc would keep. Elsewhere there is no such call."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _bind(host: str, port: int) -> socket.socket:
    """Take the port before models are loaded. Raises `ConfigurationError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where TCP is named does asyncio turn off Nagle's algorithm, which would hold answers back for 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"cannot listen on {host} port {port} ({error.strerror}); choose another with --host and --port."
        ) from error
    return listener
