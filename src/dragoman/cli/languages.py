"""`dragoman languages`."""

from rich.console import Console
from rich.table import Table

from dragoman.app import create_service
from dragoman.cli.serve import ConfigOption
from dragoman.core.languages import LANGUAGES
from dragoman.ops.metrics import Metrics
from dragoman.ops.settings import load_settings

_MOST_NAMED = 6


def languages(config: ConfigOption = None) -> None:
    """List the languages that requests may name, and into which the configured engines translate each."""
    service = create_service(load_settings(config), Metrics())
    pairs = {pair for alias in service.aliases.values() for step in alias.route for pair in step.pairs}
    table = Table("Code", "Name", "Also", "Translated into")
    for language in LANGUAGES.values():
        targets = sorted(pair.target for pair in pairs if pair.source == language.code)
        shown = ", ".join(targets) if len(targets) <= _MOST_NAMED else f"{len(targets)} languages"
        table.add_row(language.code, language.name, ", ".join(language.aliases), shown)
    Console().print(table)
