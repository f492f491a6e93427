"""`dragoman models pull` and `rm`."""

import re
import shutil
from typing import Annotated

import typer

from dragoman.cli.models.listing import answers_to
from dragoman.cli.serve import ConfigOption
from dragoman.core.errors import InvalidRequest, ModelUnavailable
from dragoman.core.languages import resolve
from dragoman.core.types import Pair
from dragoman.engines.hub.layout import QUANTIZATIONS
from dragoman.engines.hub.pull import Wish
from dragoman.engines.hub.pull import pull as pull_model
from dragoman.ops.settings import load_settings


def pull(
    model: Annotated[str, typer.Argument(help="A name of the catalogue, an id on the hub, or a directory.")],
    name: Annotated[str | None, typer.Option(help="What to call it here; the last part of its id.")] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit; the newest.")] = None,
    pair: Annotated[
        list[str] | None, typer.Option(help="As zh-en: a pair it translates, where its name does not tell; repeat it.")
    ] = None,
    quantization: Annotated[
        str | None, typer.Option(help=f"How to keep converted weights, int8 or {', '.join(QUANTIZATIONS[1:])}.")
    ] = None,
    accept_licence: Annotated[
        str | None, typer.Option(help="A licence that limits use, once you have read it.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Download a model, convert it if need be, and make an engine of it.

    From huggingface.co, or where HF_ENDPOINT says; HF_HUB_OFFLINE and HF_TOKEN count. Stopped, it goes on where it was.
    """
    if quantization not in {None, *QUANTIZATIONS}:
        raise InvalidRequest(f"--quantization {quantization!r}: choose one of {', '.join(QUANTIZATIONS)}.")
    chosen = name if name is not None else model.rstrip("/").rpartition("/")[2]
    if not re.fullmatch(r"\w[\w.-]*", chosen) or chosen == "starter":
        raise InvalidRequest(f"a model cannot be called {chosen!r}; give it another name with --name.")
    pairs = tuple(_pair(each) for each in pair or [])
    wish = Wish(model, chosen, revision, pairs, quantization, accept_licence)
    place = pull_model(wish, load_settings(config).models_directory, lambda line: typer.echo(line, err=True))
    typer.echo(f'{place} is ready. In dragoman.toml: default_engine = "{chosen}"')


def remove(name: Annotated[str, typer.Argument(help="A model that was pulled.")], config: ConfigOption = None) -> None:
    """Delete a model that was pulled, and what is left of its download."""
    settings = load_settings(config)
    models = settings.models_directory
    places = [models / name, models / ".downloads" / name]
    if not re.fullmatch(r"\w[\w.-]*", name) or not any(place.is_dir() for place in places):
        raise ModelUnavailable(f"no model {name!r} was pulled to {models}; see dragoman models list.")
    if answers_to(name, settings):
        raise ModelUnavailable(f"{name} answers to {answers_to(name, settings)}; name another engine for that first.")
    for place in places:
        shutil.rmtree(place, ignore_errors=True)
    typer.echo(f"{models / name} is gone.")


def _pair(spelling: str) -> Pair:
    source, _, target = spelling.partition("-")
    if not source or not target:
        raise InvalidRequest(f"--pair {spelling!r}: write it as zh-en.")
    return Pair(resolve(source).code, resolve(target).code)
