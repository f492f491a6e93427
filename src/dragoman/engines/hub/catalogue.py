"""The models that Dragoman recommends, by short names. The list is `catalogue.toml`."""

import re
import tomllib
from collections.abc import Mapping
from importlib import resources

from pydantic import BaseModel, ConfigDict

_OPUS = "opus-mt-SOURCE-TARGET"
_NAME = re.compile(r"opus-mt-\S+")


class Recommendation(BaseModel):
    """A model of the hub. `licence` as it was when it was listed; the hub's word decides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hub: str
    licence: str
    languages: str
    download_megabytes: int
    memory_megabytes: int
    about: str


def catalogue() -> Mapping[str, Recommendation]:
    """All of them, by name."""
    table = tomllib.loads(resources.files(__package__).joinpath("catalogue.toml").read_text("utf-8"))
    return {name: Recommendation.model_validate(row) for name, row in table.items()}


def recommended(name: str) -> Recommendation | None:
    """What is said of a name; any OPUS-MT model is described as all are."""
    listed = catalogue()
    return listed.get(name) or (listed[_OPUS] if _NAME.fullmatch(name) else None)


def hub_id(name: str) -> str:
    """The id on the hub of a model by its short name; any other name is taken for an id."""
    listed = catalogue()
    if _NAME.fullmatch(name) and name not in listed:
        return listed[_OPUS].hub.replace(_OPUS, name)
    return listed[name].hub if name in listed else name
