"""What the leaves of a Markdown document look like: fences, headings, HTML blocks, the rows of tables."""

import re
from collections.abc import Callable, Iterator

Piece = tuple[int, int]
"""The start and end of the text of a line in the document."""

CODE_INDENT = 4
"""From here on an indented line is code."""

RULE = r"(?P<rule>([-*_])[ \t]*(?:\2[ \t]*+){2,}+$)"
"""A thematic break; it has to be the first alternative of a pattern."""

_HTML_NAMES = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt"
    "|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu"
    "|menuitem|nav|noframes|ol|optgroup|option|p|param|picture|search|section|source|summary|table|tbody|td|tfoot|th"
    "|thead|title|tr|track|ul|video"
)
_LONE_TAG = r"</?[a-z][a-z0-9-]*+(?:[ \t/](?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*+)?>[ \t]*$"
LEAF = re.compile(
    rf"{RULE}|(?P<fence>`{{3,}}(?=[^`]*$)|~{{3,}})|(?P<heading>\#{{1,6}}(?=[ \t]|$))"
    r"|(?P<math>\$\$[ \t]*$)|(?P<grid>\+(?:[-=:]+\+)+[ \t]*$)"
    r"|(?P<raw><(?:(?:script|pre|style|textarea)(?=[\s>]|$)|!--|\?|!\[CDATA\[|![a-z]))"
    rf"|(?P<html></?(?:{_HTML_NAMES})(?=[ \t/>]|$)|{_LONE_TAG})"
    r"|(?P<verbatim>\{%.*%\}[ \t]*$|\{\{.*\}\}[ \t]*$|\{:.*\}[ \t]*$|\[TOC\][ \t]*$|\[\[_?TOC_?\]\][ \t]*$)"
    r"|(?P<directive>:{3,}[ \t]*(?:[\w-]+|\{[^{}]*\})?"
    r"(?:\[(?P<label>[^\[\]]*)\](?:\{[^{}]*\})?[ \t]*$)?)"
    r"|(?P<alert>\[![a-z]+\][-+]?)",
    re.IGNORECASE,
)
"""The beginning of a leaf that is no paragraph; the name of the group is its kind."""

DELIMITER_ROW = re.compile(r"(?=[^|]*\|)\|?[ \t]*+:?-+:?[ \t]*+(?:\|[ \t]*+:?-+:?[ \t]*+)*+\|?[ \t]*$")
"""The row below the header of a table."""

_CELL = re.compile(r"(?:[^|\\]|\\.)*+\\?")
_RAW_ENDS = {"<!--": "-->", "<?": "?>", "<![cdata[": "]]>"}


def closing(kind: str, opening: str) -> Callable[[str], bool]:
    """What tells whether a line is the last of a leaf that goes over lines."""
    if kind == "fence":
        return lambda line: _closes_fence(line, opening)
    if kind == "math":
        return lambda line: not line.strip() or line.rstrip().endswith("$$")
    if kind == "raw":
        end = _RAW_ENDS.get(opening.lower()) or (">" if opening[1] == "!" else f"</{opening[1:].lower()}>")
        return lambda line: end in line.lower()
    return lambda line: not line.strip()


def _closes_fence(line: str, fence: str) -> bool:
    content = line.strip(" \t")
    return content.startswith(fence) and not content.strip(fence[0]) and not line.startswith(" " * CODE_INDENT)


def cells(text: str, start: int, end: int) -> Iterator[Piece]:
    """The cells of the row of a table, without the blanks around them."""
    start += text.startswith("|", start)
    while start < end:
        match = _CELL.match(text, start, end)
        stop = match.end() if match else end
        cell = text[start:stop]
        first = start + len(cell) - len(cell.lstrip(" \t"))
        yield first, max(first, start + len(cell.rstrip(" \t")))
        start = stop + 1


def heading_end(text: str, start: int, end: int) -> int:
    """Where a heading ends, which may have closing marks."""
    heading = text[start:end].rstrip(" \t")
    unmarked = heading.rstrip("#")
    return start + len(unmarked if unmarked[-1:] in {"", " ", "\t"} else heading)
