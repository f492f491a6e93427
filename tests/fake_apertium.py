"""A program that answers as Apertium does, and writes the direction before each sentence."""

import sys
from pathlib import Path

_PROGRAM = """#!{python}
import sys
if sys.argv[1] == "-l":
    print({directions!r})
else:
    text = sys.stdin.read()
    if "boom" in text:
        sys.exit(1)
    parts = [sys.argv[2] + ":" + part for part in text.removesuffix("\\n").split("\\n\\n")]
    print({between!r}.join(parts))
"""


def write_apertium(
    directory: Path,
    *,
    directions: str = "  eng-spa\n  eng-zho\n  spa-eng_US\n  xxx-eng",
    drops_empty_lines: bool = False,
) -> Path:
    """Write the program and give its path."""
    between = " " if drops_empty_lines else "\n\n"
    program = directory / "apertium"
    program.write_text(_PROGRAM.format(python=sys.executable, directions=directions, between=between))
    program.chmod(0o755)
    return program
