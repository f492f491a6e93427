"""Finds engines by kind. Built-in engines and third-party ones are entry points of one group, `dragoman.engines`."""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points

from pydantic import ValidationError

from dragoman.core.engine import Engine
from dragoman.core.errors import ConfigurationError
from dragoman.ops.validation import first_problem

EngineFactory = Callable[[Mapping[str, object]], Engine]
"""Makes an engine from its options: its table in `dragoman.toml`. Raises `ConfigurationError`, `ValidationError`."""

GROUP = "dragoman.engines"


def create_engine(kind: str, options: Mapping[str, object]) -> Engine:
    """Make an engine of the kind. Raises `ConfigurationError` for an unknown kind and for wrong options."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if kind not in found:
        known = ", ".join(sorted(found))
        raise ConfigurationError(f"there is no engine of kind {kind!r}; choose one of: {known}.")
    try:
        factory: EngineFactory = found[kind].load()
    except ImportError as error:
        raise ConfigurationError(
            f"an engine of kind {kind!r} needs an extra: pip install 'dragoman[{kind}]' ({error})."
        ) from error
    try:
        return factory(options)
    except ValidationError as error:
        path, problem = first_problem(error)
        raise ConfigurationError(f"the option `{path}` of a {kind} engine is wrong ({problem}); correct it.") from error
