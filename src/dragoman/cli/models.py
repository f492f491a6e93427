"""`dragoman models`."""

from rich.console import Console
from rich.table import Table

from dragoman.app import create_service
from dragoman.cli.serve import ConfigOption
from dragoman.ops.metrics import Metrics
from dragoman.ops.settings import load_settings

_MOST_NAMED = 12


def models(config: ConfigOption = None) -> None:
    """List the model ids that the server answers to, and the engine behind each."""
    service = create_service(load_settings(config), Metrics())
    table = Table("Model id", "Engine", "Version", "Licence", "Pairs")
    for model, alias in sorted(service.aliases.items()):
        info = service.engines[alias.engines[0]].info
        shown = ", ".join(sorted(map(str, info.pairs))) if len(info.pairs) <= _MOST_NAMED else str(len(info.pairs))
        table.add_row(model, ", ".join(alias.engines), info.version, info.licence, shown)
    Console().print(table)
