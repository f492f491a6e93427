"""From a name to a model that can be served: look up, download, convert, describe."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dragoman.core.errors import ModelUnavailable
from dragoman.core.types import Pair
from dragoman.engines.hub.card import Origin, write_card, write_language_model_card
from dragoman.engines.hub.catalogue import hub_id
from dragoman.engines.hub.layout import (
    LANGUAGE_MODELS,
    Layout,
    architecture,
    check_can_convert,
    convert,
    is_legal,
    recognise,
)
from dragoman.engines.hub.repository import Repository, fetch, look_up
from dragoman.engines.model_card import CARD, load_card
from dragoman.engines.registry import create_engine

# Licences that ask for no more than attribution, or the same licence for changes.
FREE_LICENCES = frozenset({
    "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0",
    "cc-by-sa-4.0", "mpl-2.0", "unlicense",
})  # fmt: skip
DEFAULT_QUANTIZATION = "int8"
_DOWNLOADS = ".downloads"
_CONFIG = "config.json"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. `source`: a name of the catalogue, an id on the hub, or a directory.

    `accepted_licence`: one beyond the free ones that the user has read, as the hub spells it.
    """

    source: str
    name: str
    revision: str | None = None
    pairs: tuple[Pair, ...] = ()
    quantization: str | None = None
    accepted_licence: str | None = None


def pull(wish: Wish, models: Path, tell: Callable[[str], None]) -> Path:
    """Put a model into its directory below `models`, whole or not at all. `tell` hears of each step.

    Raises `ModelUnavailable`, `ConfigurationError`; a download that broke off goes on with the next call.
    """
    place = models / wish.name
    if place.exists():
        raise ModelUnavailable(f"{place} is there already; remove it first: dragoman models rm {wish.name}.")
    if Path(wish.source).is_dir() or wish.source.startswith(("/", ".", "~")):
        directory = Path(wish.source).expanduser()
        if not directory.is_dir() or wish.revision is not None:
            raise ModelUnavailable(
                f"{directory} has no revisions." if directory.is_dir() else f"there is no directory {directory}."
            )
        layout = recognise([path.name for path in directory.iterdir()])
        check_can_convert(layout.form)
        origin = Origin(wish.name, "", wish.accepted_licence or "unknown", directory.resolve().name)
        return _finish(wish, layout, directory, place, origin, tell=tell)
    repository = look_up(hub_id(wish.source), wish.revision)
    layout = recognise([file.name for file in repository.files])
    tell(f"{repository.id} at {repository.commit[:12]}: licence {repository.licence or 'not named'}")
    _check_licence(repository, wish)
    check_can_convert(layout.form)
    directory = models / _DOWNLOADS / wish.name / repository.commit
    directory.mkdir(parents=True, exist_ok=True)
    _check_disk(repository, layout, directory)
    if layout.form == "transformers":
        fetch(repository, [_CONFIG], directory)
        architecture(directory)
    tell(f"downloading {_megabytes(repository, layout)} MB")
    fetch(repository, layout.names, directory)
    attribution = f"{repository.id}, revision {repository.commit}"
    origin = Origin(wish.name, repository.commit[:12], repository.licence or "unknown", attribution)
    made = _finish(wish, layout, directory, place, origin, tell=tell)
    shutil.rmtree(models / _DOWNLOADS / wish.name)
    return made


def _check_licence(repository: Repository, wish: Wish) -> None:
    licence = repository.licence.lower()
    if licence in FREE_LICENCES or (wish.accepted_licence or "").lower() == (licence or "unknown"):
        return
    named = (
        f"the licence of {repository.id} is {repository.licence}" if licence else f"{repository.id} names no licence"
    )
    raise ModelUnavailable(
        f"{named}; read what it allows, and add --accept-licence {repository.licence or 'unknown'} if that suits you."
    )


def _check_disk(repository: Repository, layout: Layout, directory: Path) -> None:
    """What is still to come, and once more for what conversion writes."""
    wanted = [file for file in repository.files if file.name in layout.names]
    here = sum(path.stat().st_size for path in directory.iterdir())
    missing = max(0, sum(file.size_bytes for file in wanted) - here)
    needed = missing + (0 if layout.form == "ctranslate2" else sum(file.size_bytes for file in wanted))
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise ModelUnavailable(
            f"{repository.id} needs {needed >> 20} MB on the disk of {directory}, which has {free >> 20} MB left; "
            "free some, or set `models_directory` to another disk."
        )


def _megabytes(repository: Repository, layout: Layout) -> int:
    return -(-sum(file.size_bytes for file in repository.files if file.name in layout.names) >> 20)


def _finish(
    wish: Wish, layout: Layout, directory: Path, place: Path, origin: Origin, *, tell: Callable[[str], None]
) -> Path:
    """Convert where needed, write the card, check it, and move all to its place."""
    made = place.with_name(f".{place.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    try:
        if layout.form != "ctranslate2":
            tell(f"converting to {wish.quantization or DEFAULT_QUANTIZATION}")
            convert(layout.form, directory, made, wish.quantization or DEFAULT_QUANTIZATION)
        elif wish.quantization is not None:
            raise ModelUnavailable("the model is converted already; leave --quantization out.")
        kind = architecture(directory) if layout.form == "transformers" else ""
        kept = ("tokenizer.json",) if kind in LANGUAGE_MODELS else (".spm", ".model")
        for name in layout.names:
            if layout.form == "ctranslate2" or name.endswith(kept) or is_legal(name):
                shutil.copyfile(directory / name, made / name)
        if kind in LANGUAGE_MODELS:
            write_language_model_card(made, origin, LANGUAGE_MODELS[kind])
        else:
            if not (made / CARD).is_file():
                write_card(made, origin, wish.pairs)
            elif wish.pairs:
                raise ModelUnavailable("the model's card names its pairs; leave --pair out.")
            load_card(made)
            asyncio.run(create_engine("ctranslate2", {"model": str(made)}).aclose())  # whether it can be
        made.rename(place)
    except OSError as error:
        raise ModelUnavailable(f"{place} cannot be written ({error.strerror}).") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return place
