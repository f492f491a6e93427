"""`dragoman models list` and `show`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dragoman.cli.serve import ConfigOption
from dragoman.core.errors import ModelUnavailable
from dragoman.engines.hub.catalogue import catalogue, hub_id, recommended
from dragoman.engines.model_card import ModelCard, find_model, load_card
from dragoman.ops.settings import EngineSettings, Settings, load_settings

_MOST_NAMED = 8


def list_models(config: ConfigOption = None) -> None:
    """List the engines that can be used, what each answers to, and the models that are worth pulling."""
    settings = load_settings(config)
    here = Table("Engine", "Kind", "Languages", "Licence", "MB", "Answers to", title="Here", title_justify="left")
    for name, engine in sorted(settings.engines.items()):
        here.add_row(name, engine.kind, *_described(engine), answers_to(name, settings))
    there = Table(
        "Name", "Languages", "Licence", "MB", title="To pull: dragoman models pull NAME", title_justify="left"
    )
    for name, model in catalogue().items():
        there.add_row(name, model.languages, model.licence, str(model.download_megabytes))
    console = Console()
    console.print(here, there, sep="\n")


def show(
    name: Annotated[str, typer.Argument(help="An engine that is here, or a name of the catalogue.")],
    config: ConfigOption = None,
) -> None:
    """Show what is known of a model: languages, licence, memory, origin."""
    settings = load_settings(config)
    table = Table(show_header=False, box=None)
    if name in settings.engines:
        engine = settings.engines[name]
        rows = {"kind": engine.kind, **{key: str(value) for key, value in engine.options.items() if key != "api_key"}}
        directory = model_directory(engine)
        if directory is not None:
            card = load_card(directory)  # verifies the checksums
            rows |= {
                "id": card.id,
                "version": card.version,
                "licence": card.licence,
                "attribution": card.attribution or card.description,
                "languages": languages_of(card),
                "size": f"{_megabytes(directory)} MB",
            }
        rows["answers to"] = answers_to(name, settings) or f'nothing; write default_engine = "{name}"'
    elif (model := recommended(name)) is not None:
        rows = {
            "hub": hub_id(name),
            "licence": model.licence,
            "languages": model.languages,
            "download": f"{model.download_megabytes} MB",
            "memory": f"about {model.memory_megabytes} MB as int8",
            "about": model.about,
        }
    else:
        raise ModelUnavailable(f"there is no model {name!r} here or in the catalogue; see dragoman models list.")
    for key, value in rows.items():
        table.add_row(key, value)
    Console().print(table)


def model_directory(engine: EngineSettings) -> Path | None:
    """Where the files of an engine lie, if it runs on files here."""
    return find_model(str(engine.options["model"])) if engine.kind == "ctranslate2" else None


def answers_to(engine: str, settings: Settings) -> str:
    """The model ids for which an engine is asked."""
    routes = {model: [step.name for step in alias.engine] for model, alias in settings.aliases.items()}
    return ", ".join(sorted(model for model, names in routes.items() if engine in names))


def languages_of(card: ModelCard) -> str:
    """A short word on the pairs."""
    pairs = sorted(map(str, card.all_pairs()))
    return ", ".join(pairs) if len(pairs) <= _MOST_NAMED else f"{len(card.languages)} languages, {len(pairs)} pairs"


def _described(engine: EngineSettings) -> tuple[str, str, str]:
    directory = model_directory(engine)
    if directory is None:
        return "", str(engine.options.get("licence", "")), ""
    card = load_card(directory, verify=False)
    return languages_of(card), card.licence, str(_megabytes(directory))


def _megabytes(directory: Path) -> int:
    return -(-sum(path.stat().st_size for path in directory.iterdir()) >> 20)
