"""`dragoman tokenize`."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dragoman.app import create_service
from dragoman.cli.serve import ConfigOption
from dragoman.core.errors import ConfigurationError
from dragoman.ops.metrics import Metrics
from dragoman.ops.settings import load_settings


def tokenize(
    text: Annotated[str, typer.Argument(help="Text in a target language.")],
    model: Annotated[str, typer.Option(help="Model id.")] = "qwen-mt-turbo",
    config: ConfigOption = None,
) -> None:
    """Show the tokens with which a model writes a text, and their ids, which `logit_bias` takes."""
    service = create_service(load_settings(config), Metrics())
    name = service.alias(model).engines[0]
    tokens = service.engines[name].target_tokens(text)
    if text and not tokens:
        raise ConfigurationError(f"The engine {name!r} does not show its vocabulary.")
    table = Table("Id", "Token", "Text")
    for index, token in tokens:
        table.add_row(str(index), token.model_token, repr(token.text))
    Console().print(table)
