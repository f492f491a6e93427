"""The `dragoman` command. Each command has a file of its own."""

import sys

import typer

from dragoman import __version__
from dragoman.cli import languages, serve, tokenize, translate, tune
from dragoman.cli.models import models
from dragoman.core.errors import DragomanError

cli = typer.Typer(name="dragoman", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
cli.command()(serve.serve)
cli.command()(translate.translate)
cli.command()(languages.languages)
cli.command()(tokenize.tokenize)
cli.command()(tune.tune)
cli.add_typer(models)


@cli.callback(invoke_without_command=True)
def main(version: bool = typer.Option(False, "--version", help="Show the version and exit.")) -> None:
    """Dragoman, a self-hosted translation server that speaks the Qwen-MT / OpenAI chat API."""
    if version:
        typer.echo(f"dragoman {__version__}")
        raise typer.Exit


def app() -> None:
    """Run the command; what is wrong with the input is one sentence on standard error and exit code 2."""
    try:
        cli()
    except DragomanError as error:
        typer.echo(f"dragoman: {error.message}", err=True)
        sys.exit(2)
