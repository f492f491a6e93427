"""Cuts a document of tags into tokens, for HTML and XML alike.

No parser of the standard library or of lxml gives a document back byte for byte, so this one keeps the raw text of all
that it finds. It reads what is damaged as well as it can, and each character only a few times.
"""

import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

Kind = Literal["text", "open", "close", "void", "hidden", "cdata", "word"]

# A tag, from its name on. Either all quotes in it are paired, or it has no angle bracket before its end.
# Each quote counts, wherever it stands, so that no two attempts at a tag can run along the same text for long.
TAG_REST = r"""(?:(?:[^<>"']++|"[^"]*+"|'[^']*+')*+>|[^<>]*+>)"""
_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s"'<>/=]++)(?:\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^\s"'<>]++)))?+"""
)


@dataclass(frozen=True, slots=True)
class Token:
    """A tag, a stretch of text, or something else. A `word` is no text, but has its place in a sentence.

    A token that `breaks` parts what stands before it from what stands after it: they are different blocks.
    """

    kind: Kind
    raw: str
    name: str = ""
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a language of tags differs from others.

    The groups of `pattern` are `slash` and `name` for a tag, and otherwise the kind of token that it finds. What an
    element of `opaque` contains is no markup.
    """

    pattern: re.Pattern[str]
    breaking: Callable[[str], bool]
    void: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a tag, and where in the tag its value stands, if it has one in quotes."""

    name: str
    value: str
    place: tuple[int, int] | None


def names(text: str) -> frozenset[str]:
    """Names that are written one after the other."""
    return frozenset(text.split())


def tokens(text: str, dialect: Dialect) -> list[Token]:
    """Cut a document into tokens. Joined, they are the document."""
    found: list[Token] = []
    start = position = 0
    while match := dialect.pattern.search(text, position):
        position = match.end()
        found += [Token("text", text[start : match.start()]), _token(match, dialect)]
        if found[-1].kind == "open" and found[-1].name in dialect.opaque:
            position = _end_of_opaque(text, position, found[-1].name)
            found.append(Token("hidden", text[match.end() : position]))
        start = position
    return [token for token in [*found, Token("text", text[start:])] if token.raw]


def _token(match: re.Match[str], dialect: Dialect) -> Token:
    raw = match[0]
    if match.lastgroup != "name":
        return Token("cdata" if match.lastgroup == "cdata" else "hidden", raw)
    name = match["name"].lower()
    if match["slash"]:
        kind: Kind = "close"
    else:
        kind = "void" if name in dialect.void or _closes_itself(raw) else "open"
    return Token(kind, raw, name, dialect.breaking(name))


def _closes_itself(tag: str) -> bool:
    """Whether a tag ends with a slash that does not belong to a value without quotes."""
    last = tag[:-2].rsplit(maxsplit=1)[-1]
    return tag.endswith("/>") and ("=" not in last or last[-1] in "\"'")


def _end_of_opaque(text: str, start: int, name: str) -> int:
    closing = re.compile(rf"</{re.escape(name)}(?=[\s/>])", re.IGNORECASE).search(text, start)
    return closing.start() if closing else len(text)


def attributes(tag: Token) -> Iterator[Attribute]:
    """The attributes of a tag, in order."""
    for match in _ATTRIBUTE.finditer(tag.raw, len(tag.name) + 1):
        group = next((group for group in ("double", "single", "bare") if match[group] is not None), None)
        value = html.unescape(match[group]) if group else ""
        place = match.span(group) if group in {"double", "single"} else None
        yield Attribute(match["name"].lower(), value, place)


def keep_untranslated(found: Sequence[Token], translated: Callable[[Token], bool | None]) -> list[Token]:
    """Join all tokens of an element that is not to be translated: one word of a sentence, or a break between blocks.

    `translated` says what a tag asks for itself and all in it. One that asks for nothing gets what is around it.
    """
    kept: list[Token] = []
    for untranslated, group in groupby(zip(_untranslated(found, translated), found, strict=True), lambda item: item[0]):
        members = [token for _, token in group]
        if untranslated:
            breaks = any(token.breaks for token in members)
            members = [Token("hidden" if breaks else "word", "".join(token.raw for token in members), "", breaks)]
        kept += members
    return kept


def _untranslated(found: Sequence[Token], translated: Callable[[Token], bool | None]) -> Iterator[bool]:
    ends = closing_tags(found)
    scopes: list[tuple[int | None, bool]] = []
    for index, token in enumerate(found):
        # An element that nothing closes ends where the next block begins.
        while scopes and (token.breaks if scopes[-1][0] is None else scopes[-1][0] < index):
            scopes.pop()
        wish = translated(token) if token.kind in {"open", "void"} else None
        if wish is not None and token.kind == "open":
            scopes.append((ends.get(index), wish))
        yield not (scopes[-1][1] if scopes and wish is None else wish is not False)


def closing_tags(found: Sequence[Token]) -> dict[int, int]:
    """For each opening tag that is closed, its index and that of its closing tag; each name is looked at by itself."""
    ends: dict[int, int] = {}
    opened: defaultdict[str, list[int]] = defaultdict(list)
    for index, token in enumerate(found):
        if token.kind == "open":
            opened[token.name].append(index)
        elif token.kind == "close" and opened[token.name]:
            ends[opened[token.name].pop()] = index
    return ends


def runs(found: Iterable[Token]) -> Iterator[list[Token]]:
    """Part tokens where a block ends: tokens that break are alone, those between them are together."""
    run: list[Token] = []
    for token in found:
        if token.breaks:
            yield from ([run] if run else [])
            yield [token]
            run = []
        else:
            run.append(token)
    if run:
        yield run
