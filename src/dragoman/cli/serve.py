"""`dragoman serve`."""

from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn

from dragoman import __version__
from dragoman.app import create_app
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
    app = create_app(settings)
    structlog.get_logger(__name__).info(
        "dragoman serves", version=__version__, models=sorted(settings.aliases), host=settings.host, port=settings.port
    )
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
