"""Makes blocks of text that has tags in it, for HTML and XML alike."""

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from html.entities import html5
from itertools import groupby

from dragoman.core.types import SpanRole
from dragoman.pipeline.block import Block, Escaping, Span
from dragoman.pipeline.formats import decoded
from dragoman.pipeline.formats.decoded import Decoded
from dragoman.pipeline.formats.markup import Token

_BLANKS = " \t\r\n\f"
_ENCODED = re.compile(rf"[{_BLANKS}]+|&(?:#[0-9]{{1,7}}|#[xX][0-9A-Fa-f]{{1,6}}|[A-Za-z_][\w.-]{{0,60}});")


def decode(raw: str) -> Decoded:
    """What a reader sees of raw text: white space of any length is one space, `&amp;` is what it stands for."""
    return decoded.decode(raw, _ENCODED, _character)


_WITHIN_WORDS = "'’‘\u00ad\u0301\""


def _character(encoded: re.Match[str]) -> str | None:
    """What white space or a letter's reference stands for. Other references (None) stay: models drop many a sign."""
    raw = encoded[0]
    if raw[0] != "&":
        return " "
    seen = html.unescape(raw) if raw[1] == "#" else html5.get(raw[1:])
    if not seen or seen in _BLANKS:
        return " " if seen else None
    return seen if all(char.isalpha() or char.isspace() or char in _WITHIN_WORDS for char in seen) else None


def has_letters(raw: str) -> bool:
    """Whether there is something to translate in raw text."""
    return any(char.isalpha() for char in _seen(raw))


def _seen(raw: str) -> str:
    """What a reader sees of raw text, where the length of white space does not matter. This is much asked."""
    return decode(raw).text if "&" in raw else raw


def text_blocks(raw: str, escaping: Escaping) -> list[Block]:
    """Raw text without tags: its text, and the white space around it."""
    if not has_letters(raw):
        return [Block(raw)]
    seen = decode(raw)
    return decoded.fill(raw, [seen.found(*_stripped(seen.text), escaping, 0)])


def _stripped(text: str) -> tuple[int, int]:
    start = len(text) - len(text.lstrip())
    return start, max(start, len(text.rstrip()))


def joined(blocks: Iterable[Block]) -> list[Block]:
    """Blocks of which no two neighbours lack text, and none is empty."""
    result: list[Block] = []
    for has_text, neighbours in groupby(blocks, lambda block: block.text is not None):
        members = list(neighbours)
        result += members if has_text else [Block("".join(block.raw for block in members))]
    return [block for block in result if block.raw]


def sentence_blocks(run: Sequence[Token], outside: Callable[[Token], list[Block]]) -> list[Block]:
    """A run of text and tags as one block of text, and what stands around it. `outside` makes blocks of the latter."""
    run = [part for token in run for part in _parted(token)]
    pairs = _pairs(run)
    empty = _empty(run, pairs)
    low, high = _core(pairs, empty)
    if not any(token.kind == "text" and has_letters(token.raw) for token in run[low:high]):
        low = high = len(run)
    before = [block for token in run[:low] for block in outside(token)]
    after = [block for token in run[high:] for block in outside(token)]
    return [*before, *([_sentence(run, pairs, empty, range(low, high))] if low < high else []), *after]


def _parted(token: Token) -> list[Token]:
    """Text without the white space around it, and that as tokens of its own."""
    raw = token.raw
    if token.kind != "text":
        return [token]
    start, end = _stripped(_seen(raw))
    if "&" in raw:
        start, end = (decode(raw).offsets[place] for place in (start, end))
    parts = (raw[:start], raw[start:end], raw[end:])
    return [Token("text", part) for part in parts if part]


def _pairs(run: Sequence[Token]) -> dict[int, int]:
    """For each tag that has one, the index of its other half. Pairs nest."""
    pairs: dict[int, int] = {}
    stack: list[int] = []
    opened: Counter[str] = Counter()
    for index, token in enumerate(run):
        if token.kind == "open":
            stack.append(index)
            opened[token.name] += 1
        elif token.kind == "close" and opened[token.name]:
            while run[other := stack.pop()].name != token.name:
                opened[run[other].name] -= 1
            opened[token.name] -= 1
            pairs[other], pairs[index] = index, other
    return pairs


def _empty(run: Sequence[Token], pairs: dict[int, int]) -> list[bool]:
    """For each token whether it holds nothing that is read, nor encloses such."""
    filled = [0]
    for token in run:
        blank = not _seen(token.raw).strip() if token.kind == "text" else token.kind not in {"word", "cdata"}
        filled.append(filled[-1] + (not blank))
    others = [pairs.get(index, index) for index in range(len(run))]
    return [filled[min(index, other)] == filled[max(index, other) + 1] for index, other in enumerate(others)]


def _core(pairs: dict[int, int], empty: Sequence[bool]) -> tuple[int, int]:
    """A run without what is empty at its ends, and without the pairs that enclose all of it."""
    low, high = 0, len(empty)
    while low < high:
        if empty[low]:
            low += 1
        elif empty[high - 1]:
            high -= 1
        elif pairs.get(low) == high - 1:
            low, high = low + 1, high - 1
        else:
            break
    return low, high


def _sentence(run: Sequence[Token], pairs: dict[int, int], empty: Sequence[bool], core: range) -> Block:
    sentence = _Sentence()
    index = core.start
    while index < core.stop:
        token, other = run[index], pairs.get(index, index)
        if token.kind == "text":
            sentence.add(decode(token.raw))
        elif token.name == "br":
            sentence.add_line_break(token.raw)
        elif empty[index] and other > index:  # a pair that encloses nothing moves as one, an icon for instance
            sentence.add_markup("".join(part.raw for part in run[index : other + 1]))
            index = other
        elif other == index:
            sentence.add_markup(token.raw)
        else:
            sentence.add_markup(token.raw, "open" if other > index else "close", min(index, other) + 1)
        index += 1
    return sentence.block("".join(token.raw for token in run[core.start : core.stop]))


class _Sentence:
    """A block that grows to the right."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._offsets = [0]
        self._spans: list[Span] = []

    def add(self, seen: Decoded) -> None:
        """Add text."""
        start, place = self._offsets.pop(), len(self._offsets)
        self._texts.append(seen.text)
        self._spans += [replace(span, start=place + span.start, end=place + span.end) for span in seen.spans]
        self._offsets += [start + offset for offset in seen.offsets]

    def add_markup(self, raw: str, role: SpanRole = "atom", pair: int = 0) -> None:
        """Add what the model must not see."""
        self.add(Decoded(raw, raw, [*range(len(raw) + 1)], (Span(0, len(raw), role, pair),)))

    def add_line_break(self, raw: str) -> None:
        """Add a tag that is a space to the model, for it parts words."""
        self.add(Decoded(raw, " ", [0, len(raw)], (Span(0, 1),)))

    def block(self, raw: str) -> Block:
        """The block, now that it is complete."""
        return Block(raw, "".join(self._texts), tuple(self._spans), tuple(self._offsets), "markup")
