"""`dragoman serve`."""

import socket
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn

from dragoman import __version__
from dragoman.app import create_app
from dragoman.core.errors import ConfigurationError
from dragoman.ops.logging import configure_logging
from dragoman.ops.settings import load_settings

_SHUTDOWN_SECONDS = 30

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
        address, bound_port = listener.getsockname()[:2]
        structlog.get_logger(__name__).info(
            "dragoman serves", version=__version__, models=sorted(settings.aliases), host=address, port=bound_port
        )
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                proxy_headers=True,
                forwarded_allow_ips=settings.trusted_proxies,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )
        server.run(sockets=[listener])


def _bind(host: str, port: int) -> socket.socket:
    """Take the port before models are loaded. Raises `ConfigurationError`."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"cannot listen on {host} port {port} ({error.strerror}); choose another with --host and --port."
        ) from error
    return listener
