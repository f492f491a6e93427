"""Finds what is no word in the text of a Markdown block: emphasis, links, images, code, tags, escapes, line breaks.

The lines of the block have been joined by a line feed each. Marks that enclose words come as pairs.
"""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from html import unescape
from itertools import pairwise

from dragoman.core.types import SpanRole
from dragoman.pipeline.formats.markdown_blocks import label_key
from dragoman.pipeline.formats.markdown_emphasis import Run, pairs, run_at

_MAX_LABEL = 999
_OPAQUE = "code|kbd|samp|var|tt|pre|script|style|math|svg"
_ATTRIBUTES = r"\{(?:[:\#.][^{}\n]*|\w+=[^{}\n]*)\}"
# Each stops where the next of its kind may begin, so that no search takes quadratic time.
_TOKEN = re.compile(
    rf"""
    (?P<escape>\\[!-/:-@\[-`{{-~])
    |(?P<code>`+)
    |(?P<skip>https?://[^\s<>\[\]()*`|~]*[A-Za-z0-9/=&\#])
    |(?P<atom>\$\$[^$\n]{{1,300}}\$\$|\$(?=[^$\s])[^$\n]{{0,300}}(?<=[^$\s])\$(?!\d)|\[\[[^\[\]\n]{{1,300}}\]\](?![(\[])
      |<[a-z][a-z0-9+.-]{{1,31}}:[^\s<>]*>|<[\w.+-]+@[\w.-]+>
      |<(?P<opaque>{_OPAQUE})(?:[\s/][^<>]*)?>(?:(?!</?(?P=opaque)\b).)*+</(?P=opaque)\s*>)
    |(?P<break><br[ \t]*/?>[ \t\n]*|\n)
    |(?P<edge><!--(?:(?!<!--|-->).)*+-->|<[?!][^<>]*>|\[\^[^\[\]\s]{{1,100}}\]
      |{_ATTRIBUTES}|\{{%[^{{}}\n]*%\}}|\{{\{{[<%][^{{}}\n]*[%>]\}}\}})
    |<(?P<tag>/?[a-z][a-z0-9-]*+)(?:[\s/](?:[^<>"']|"[^"<]*"|'[^'<]*')*+)?>
    |(?P<entity>&(?:[a-z][a-z0-9]{{1,31}}|\#[0-9]{{1,7}}|\#x[0-9a-f]{{1,6}});)
    |(?P<run>\*+|_+|~+)
    |(?P<open>!?\[)
    |(?P<close>\])
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_TARGET = re.compile(
    r"\([ \t\n]*+(?:<[^<>\n]*>|(?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.|\([^\s()]*+\))*+\))*+)"
    r"(?:[ \t\n]++(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\)))?+[ \t\n]*+\)"
    rf"(?:{_ATTRIBUTES})?",
    re.DOTALL,
)
_MAY_BE_MARKED = re.compile(r"[\\`*_~\[\]<&${\n]|https?:")
_REFERENCE = re.compile(r"\[([^\[\]]{0,999})\]")
_ENTITY_REST = re.compile(r"#?[A-Za-z0-9]+;")
_VOID_TAGS = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_ALWAYS_MARKS = frozenset("`[]<|&")
_LINE_MARKS = frozenset("#+-=>:*_~")


@dataclass(slots=True)
class Mark:
    """Characters that are no words. One at the `edge` of a text may stay outside of what is translated."""

    start: int
    end: int
    role: SpanRole = "atom"
    pair: int = 0
    edge: bool = False
    tag: str = ""


@dataclass(slots=True)
class Inline:
    """What is found in a text: its marks, and what stands for a character: from its start to its end and character."""

    marks: list[Mark] = field(default_factory=list)
    decoded: dict[int, tuple[int, str]] = field(default_factory=dict)


def may_be_marked(text: str) -> bool:
    """False for a text that surely has no marks, as most list items and cells, which then are quick to read."""
    return _MAY_BE_MARKED.search(text) is not None


def scan(text: str, labels: set[str]) -> Inline:
    """Find the marks of a text, in order and properly nested."""
    scanner = _Scanner(text, labels)
    scanner.scan()
    found = scanner.found
    found.marks.sort(key=lambda mark: mark.start)
    _pair_tags(found.marks, scanner.pair)
    found.marks = _joined(found.marks)
    return found


@dataclass(slots=True)
class _Bracket:
    start: int
    end: int
    is_image: bool
    runs: int
    marks: int


class _Scanner:
    """Goes through a text once, from mark to mark."""

    def __init__(self, text: str, labels: set[str]) -> None:
        self.found = Inline()
        self.pair = 0
        self._text = text
        self._labels = labels
        self._runs: list[Run] = []
        self._brackets: list[_Bracket] = []
        self._in_link = 0  # so many open brackets enclose a link, and can be none themselves
        self._backticks: defaultdict[int, list[int]] = defaultdict(list)
        for match in re.finditer("`+", text):
            self._backticks[len(match[0])].append(match.start())

    def scan(self) -> None:
        """Go through the text."""
        position = 0
        while match := _TOKEN.search(self._text, position):
            position = self._take(match)
        self._close_runs(0)

    def _take(self, match: re.Match[str]) -> int:
        """Take one token, and say where to go on."""
        start, end = match.span()
        kind = match.lastgroup
        if kind == "run":
            self._runs.append(run_at(self._text, start, end))
        elif kind == "open":
            self._brackets.append(_Bracket(start, end, match[0] != "[", len(self._runs), len(self.found.marks)))
        elif kind == "close":
            return self._close_bracket(start)
        elif kind == "code":
            return self._take_code(start, end)
        elif kind == "escape":
            self._take_escape(start)
        elif kind == "entity":
            self._take_entity(match)
        elif kind == "break":
            self.found.decoded[start] = (end, " ")
        elif kind != "skip":
            self._take_mark(match)
        return end

    def _take_mark(self, match: re.Match[str]) -> None:
        name = (match["tag"] or "").lower()
        if name in _VOID_TAGS or match[0].endswith("/>"):
            name = ""
        is_edge = match["atom"] is None
        self.found.marks.append(Mark(*match.span(), edge=is_edge, tag=name))

    def _take_code(self, start: int, end: int) -> int:
        """Code goes to the next run of as many backticks; without one, these are text."""
        places = self._backticks[end - start]
        index = bisect_right(places, start)
        if index == len(places):
            return end
        close = places[index] + end - start
        self.found.marks.append(Mark(start, close))
        return close

    def _take_escape(self, start: int) -> None:
        """An escaped character is text where it would be text without the backslash too, else a mark."""
        char, before, after = self._text[start + 1], self._text[start - 1 : start], self._text[start + 2 : start + 3]
        line = self._text[max(0, start - 10) : start].rpartition("\n")[2]
        if (char in _LINE_MARKS and not line) or (char in ".)" and line.isdigit()):
            self.found.marks.append(Mark(start, start + 2, edge=not line))
        elif char in _ALWAYS_MARKS or char in (before, after) or _would_mark(char, before, after):
            self.found.marks.append(Mark(start, start + 2))
        else:
            self.found.decoded[start] = (start + 2, char)

    def _take_entity(self, match: re.Match[str]) -> None:
        char = unescape(match[0])
        needed = char in "<>*_`[]|~\\" or (char == "&" and _ENTITY_REST.match(self._text, match.end()))
        if len(char) != 1 or char.isspace() or needed:
            self.found.marks.append(Mark(*match.span()))
        else:
            self.found.decoded[match.start()] = (match.end(), char)

    def _close_bracket(self, start: int) -> int:
        if not self._brackets:
            return start + 1
        bracket = self._brackets.pop()
        inside_link = not bracket.is_image and len(self._brackets) < self._in_link
        self._in_link = min(self._in_link, len(self._brackets))
        if inside_link:
            return start + 1
        if end := self._target_end(start + 1):
            self._close_runs(bracket.runs)
            self._add_pair((bracket.start, bracket.end), (start, end))
        elif end := self._label_end(bracket, start):
            self._hide(bracket, end)
        else:
            return start + 1
        if not bracket.is_image:
            self._in_link = len(self._brackets)
        return end

    def _target_end(self, start: int) -> int | None:
        """Where a link ends whose text is given: behind its address, or behind the label of a known reference."""
        if target := _TARGET.match(self._text, start):
            return target.end()
        reference = _REFERENCE.match(self._text, start) if self._labels else None
        return reference.end() if reference and label_key(reference[1]) in self._labels else None

    def _label_end(self, bracket: _Bracket, start: int) -> int | None:
        """Where a link ends whose text is the label itself."""
        if not self._labels or start - bracket.end > _MAX_LABEL:
            return None
        if label_key(self._text[bracket.end : start]) not in self._labels:
            return None
        return start + 3 if self._text.startswith("[]", start + 1) else start + 1

    def _hide(self, bracket: _Bracket, end: int) -> None:
        """Make one mark of a link that would lead nowhere if its text were translated."""
        del self._runs[bracket.runs :]
        del self.found.marks[bracket.marks :]
        while self.found.decoded and next(reversed(self.found.decoded)) > bracket.start:
            self.found.decoded.popitem()
        self.found.marks.append(Mark(bracket.start, end))

    def _close_runs(self, first: int) -> None:
        for opening, closing, length in pairs(self._runs[first:]):
            self._add_pair((opening, opening + length), (closing, closing + length))
        del self._runs[first:]

    def _add_pair(self, opening: tuple[int, int], closing: tuple[int, int]) -> None:
        self.pair += 1
        self.found.marks += [Mark(*opening, "open", self.pair), Mark(*closing, "close", self.pair)]


def _would_mark(char: str, before: str, after: str) -> bool:
    """Whether a character without its backslash could be a mark where it stands."""
    if char in "*_":
        return not (char == "_" and before.isalnum() and after.isalnum())
    if char == "\\":
        return not after.isalnum()
    return (char, after) in {("!", "["), ("#", "")} or (char == "(" and before == "]")


def _pair_tags(marks: list[Mark], pair: int) -> None:
    """Pair the tags that open and close between the same other marks; the rest stay alone."""
    frames: list[tuple[list[Mark], Counter[str]]] = [([], Counter())]
    for mark in marks:
        opened, names = frames[-1]
        name = mark.tag.removeprefix("/")
        if mark.role == "open":
            frames.append(([], Counter()))
        elif mark.role == "close":
            frames.pop()
        elif name == mark.tag and name:
            opened.append(mark)
            names[name] += 1
        elif names[name]:
            partner = _pop(opened, names, name)
            pair += 1
            partner.role, partner.pair, mark.role, mark.pair = "open", pair, "close", pair


def _pop(opened: list[Mark], names: Counter[str], name: str) -> Mark:
    while True:
        mark = opened.pop()
        names[mark.tag] -= 1
        if mark.tag == name:
            return mark


def _joined(marks: list[Mark]) -> list[Mark]:
    """Make one mark of a pair with nothing between, such as `<a id="x"></a>` or an image without a description."""
    joined: list[Mark] = []
    for mark in marks:
        joined.append(mark)
        inner = [other for other in joined[-2:-1] if other.role == "atom" and other.edge]
        around = joined[-2 - len(inner) :]
        is_pair = mark.role == "close" and around[0].pair == mark.pair
        if is_pair and all(one.end == other.start for one, other in pairwise(around)):
            joined[-len(around) :] = [Mark(around[0].start, mark.end, edge=True)]
    return joined
