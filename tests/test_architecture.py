"""The shape of the code, beside what import-linter checks."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import dragoman

ROOT = Path(dragoman.__file__).parent
MOST_LINES = 300


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    paths = sorted(ROOT.rglob("*.py"))
    return {".".join(("dragoman", *path.relative_to(ROOT).with_suffix("").parts)): path for path in paths}


def own_imports(path: Path, known: set[str]) -> Iterator[tuple[str, bool]]:
    """Modules of the package that a file imports, and whether it does so inside a function."""
    tree = ast.parse(path.read_text("utf-8"))
    top = set(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dragoman"):
            for name in node.names:
                full = f"{node.module}.{name.name}"
                yield (full if full in known else str(node.module)), node not in top


def test_no_import_cycles() -> None:
    """Between any two modules."""
    known = modules()
    graph = {name: {to for to, _ in own_imports(path, set(known))} - {name} for name, path in known.items()}

    TopologicalSorter(graph).prepare()

    assert len(graph) > 30


def test_no_imports_hidden_in_functions() -> None:
    """They usually hide a cycle."""
    hidden = [name for name, path in modules().items() if any(inside for _, inside in own_imports(path, set()))]

    assert hidden == []


def test_files_can_be_read_in_one_go() -> None:
    """No module outgrows the limit of the style guide."""
    long = {name: lines for name, path in modules().items() if (lines := path.read_text().count("\n")) > MOST_LINES}

    assert long == {}


def test_no_module_is_a_drawer() -> None:
    """A module is named after what it does."""
    assert not {"utils", "util", "helpers", "common", "manager", "misc"} & {path.stem for path in modules().values()}
