"""`dragoman models`: what is here, what can be had, and bringing it here."""

import typer

from dragoman.cli.models import listing, probe, pulling

models = typer.Typer(name="models", no_args_is_help=True, help="List, pull, inspect, test and remove models.")
models.command("list")(listing.list_models)
models.command()(listing.show)
models.command()(pulling.pull)
models.command("rm")(pulling.remove)
models.command("test")(probe.probe)
