"""JSON: the string values that hold words are blocks. Keys, numbers, identifiers, links and paths stay as they are.

The document is read once, token by token, and need not be valid: comments, missing commas and a missing end do no harm.
A string ends at the end of its line at the latest, so that one that is not closed spoils no more than its line.
"""

import json
import re
from collections.abc import Iterator

from dragoman.pipeline.block import Block
from dragoman.pipeline.formats import message_format
from dragoman.pipeline.formats.decoded import Found, decode, fill
from dragoman.pipeline.formats.plain import text_ranges

_TOKEN = re.compile(
    r"""
    "(?P<content>[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+)"(?P<colon>\s*+:)?
    | (?P<mark>[\[\]{}:,])
    | "[^\r\n]* | //[^\r\n]* | /\*.*?(?:\*/|\Z)                          # a string without end, comments
    | '[^'\\\r\n]*+(?:\\[^\r\n][^'\\\r\n]*+)*+' | '[^\r\n]*              # strings of JSON5
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.")
_MEANINGS = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_CODE = re.compile(
    r"""
    (?:[A-Za-z][A-Za-z0-9+.-]*://|data:|mailto:|(?:~|\.{1,2})?/|[A-Za-z]:\\)[!-~]*   # a link or a path
    | [a-z]+/[A-Za-z0-9.+-]+;\s*[a-z]+=\S+                                            # a media type with a parameter
    | (?:rgba?|hsla?|var|url|calc)\(.*\)                                              # a value of a style sheet
    | [\[{]+".*                                                                       # JSON in JSON
    | \^[!-~]+\$ | (?=[!-~]*(?:\\[dwsbDWSB]|[\])][+*?{]|\.[*+]|\[\^))[!-~]+           # a regular expression
    | [!-;=?-z|~]{61,}                                                                # data, such as a key or a picture
    """,
    re.VERBOSE | re.DOTALL,
)
# An identifier is one word of these characters that has a mark no word has, or a digit, or an inner capital.
_ASCII_WORD = re.compile(r"[A-Za-z0-9_.:/\\@#%&+=~$?*-]*[A-Za-z0-9_/\\=#$%&+*]")
_MARK_OF_CODE = re.compile(r"[0-9_/\\@#=&+$~*]|[.:?-]\w|[a-z][A-Z]")
_LABEL = re.compile(r"[A-Z][a-z]*(?:[-/&+][A-Za-z][a-z]*)*")  # "Sign-in", "Yes/No", "Q&A"


def looks_like(text: str) -> bool:
    """Whether a text is a JSON object or array with a string in it, or several, one a line."""
    stripped = text.lstrip("\ufeff").strip()
    if stripped[:1] not in ("{", "[") or stripped[-1:] not in ("}", "]") or '"' not in stripped:
        return False
    return _is_json(stripped) or all(_is_json(line) for line in stripped.splitlines() if line.strip())


def _is_json(text: str) -> bool:
    try:
        document = json.loads(text)
    except ValueError:
        return False
    except RecursionError:  # too deep for the library, not for us
        return True
    return isinstance(document, dict | list)


def parse(text: str) -> list[Block]:
    """The blocks of a JSON document, or of several."""
    return fill(text, _found(text))


def _found(document: str) -> Iterator[Found]:
    opened: list[str] = []  # the brackets around a token
    before = ""
    for match in _TOKEN.finditer(document):
        content, mark = match["content"], match["mark"]
        if content is not None:
            if not match["colon"] and (before == ":" or opened[-1:] != ["{"]):
                yield from _value(content, match.start("content"))
            before = ":" if match["colon"] else "string"
        elif mark:
            before = mark
            if mark in "[{":
                opened.append(mark)
            elif mark in "]}" and opened:
                opened.pop()


def _value(raw: str, place: int) -> Iterator[Found]:
    decoded = decode(raw, _ESCAPE, _meaning)
    if is_code(decoded.text):
        return
    if message_format.looks_like(decoded.text):
        decoded, ranges = message_format.read(decoded)
    else:
        ranges = list(text_ranges(decoded.text))
    for start, end in ranges:
        yield decoded.found(start, end, "json", place)


def _meaning(match: re.Match[str]) -> str | None:
    """The character of an escape. Half a surrogate pair, a control character and what is no escape mean none."""
    escape = match[0]
    if len(escape) == len(r"\n"):
        return _MEANINGS.get(escape[1])
    char = bytes.fromhex(escape.replace(r"\u", "")).decode("utf-16-be", errors="ignore")
    return char if char.isspace() or char >= " " else None


def is_code(text: str) -> bool:
    """Whether a string is nothing to translate: without letters, or a link, a path, an identifier, data."""
    text = text.strip()
    if not any(char.isalpha() for char in text) or _CODE.fullmatch(text):
        return True
    if not _ASCII_WORD.fullmatch(text):
        return False
    word = text.strip("*~")  # emphasis
    return _MARK_OF_CODE.search(word) is not None and not _LABEL.fullmatch(word)
