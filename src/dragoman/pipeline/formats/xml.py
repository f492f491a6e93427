"""XML of any kind: the text of its elements.

An element that has text of its own is one block, with the tags of all elements in it; other elements are structure.
What a document keeps in a CDATA section is HTML more often than not, and is read as that.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from dragoman.pipeline.block import Block
from dragoman.pipeline.formats import html
from dragoman.pipeline.formats.markup import (
    TAG_REST,
    Dialect,
    Token,
    attributes,
    keep_untranslated,
    names,
    runs,
    tokens,
)
from dragoman.pipeline.formats.tagged import joined, sentence_blocks

# Only a document type can contain angle brackets that are not tags, and it can stand only here.
_DOCTYPE = (
    r"<!DOCTYPE(?:[^<>\[\]\"']++|\"[^\"]*+\"|'[^']*+')*+"
    r"(?:\[(?:<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|[^\]<\"']++|\"[^\"]*+\"|'[^']*+'|<)*+\]\s*+)?+>"
)
_PROLOG = re.compile(rf"(?:[\s\ufeff]++|(?><\?.*?\?>)|(?><!--.*?-->)|{_DOCTYPE})*+", re.DOTALL | re.IGNORECASE)
_HIDDEN = r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<![A-Za-z][^<>]*+>"
_CDATA = r"<!\[CDATA\[.*?(?:\]\]>|\Z)"
_CDATA_START, _CDATA_END = "<![CDATA[", "]]>"
# Elements of many languages that part texts, even where there is text beside them.
_BLOCKS = names("dd div dl dt entry item li list listitem ol p para row section table td th title tr ul")
_DIALECT = Dialect(
    re.compile(
        rf"(?P<hidden>{_HIDDEN})|(?P<cdata>{_CDATA})|<(?P<slash>/?)(?P<name>[^\W\d][^\s<>/\"'=]*+){TAG_REST}", re.DOTALL
    ),
    _BLOCKS.__contains__,
)
_UNTRANSLATED = names("code kbd math pre samp script style var")
_ROOT = re.compile(r"<([^\W\d][^\s<>/\"'=]*+)")


def parse(text: str) -> list[Block]:
    """Find the text of an XML document."""
    start = _prolog(text)
    found = keep_untranslated(tokens(text[start:], _DIALECT), _translated)
    blocks = [Block(text[:start])]
    end = 0
    for low, high in _with_text(found):
        blocks += [block for token in found[end:low] for block in _outside(token)]
        blocks += [block for run in runs(found[low:high]) for block in sentence_blocks(run, _outside)]
        end = high
    return joined([*blocks, *[block for token in found[end:] for block in _outside(token)]])


def looks_like(text: str) -> bool:
    """Whether a text is an XML document: it begins as one, or is one element, and is no HTML."""
    start = _prolog(text)
    root = _ROOT.match(text, start)
    name = root[1].lower() if root else ""
    if name == "html":
        return False
    if re.match(r"[\s\ufeff]*<\?xml\s", text):
        return True
    return bool(name) and name not in html.NAMES and _is_one_element(tokens(text[start:].rstrip(), _DIALECT))


def _prolog(text: str) -> int:
    match = _PROLOG.match(text)
    return match.end() if match else 0


def _is_one_element(found: Sequence[Token]) -> bool:
    """Whether all tags are closed in order, the first at the very end."""
    stack: list[str] = []
    for index, token in enumerate(found):
        if token.kind == "open":
            stack.append(token.name)
        elif token.kind == "close" and (not stack or stack.pop() != token.name):
            return False
        if not stack:
            return token.kind == "close" and index == len(found) - 1
    return False


def _translated(tag: Token) -> bool | None:
    """Whether a tag says that its element is not to be translated."""
    if tag.name in _UNTRANSLATED:
        return False
    if "transla" not in tag.raw:
        return None
    wishes = {attribute.value for attribute in attributes(tag) if attribute.name in {"translate", "translatable"}}
    return None if wishes.isdisjoint({"no", "false"}) else False


def _with_text(found: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Where the content of an element begins and ends that has text of its own, and is in no other such element."""
    ends, with_text = _elements(found)
    index = -1  # stands for the document, as if it were an element: a part of a document may have no root
    while index < len(found):
        end = ends.get(index, len(found))
        if index in with_text:
            yield index + 1, end
        index = end if index in with_text else index + 1


def _elements(found: Sequence[Token]) -> tuple[dict[int, int], set[int]]:
    """Where elements end, by the index of their opening tags, and which of them have text of their own."""
    ends: dict[int, int] = {}
    with_text: set[int] = set()
    stack = [-1]
    opened: Counter[str] = Counter()
    for index, token in enumerate(found):
        if token.kind == "text" and not token.raw.isspace():
            with_text.add(stack[-1])
        elif token.kind == "open":
            stack.append(index)
            opened[token.name] += 1
        elif token.kind == "close" and opened[token.name]:
            name = ""
            while name != token.name:  # elements that are still open in this one end with it
                start = stack.pop()
                name = found[start].name
                opened[name] -= 1
                ends[start] = index
    return ends, with_text


def _outside(token: Token) -> list[Block]:
    """What is not part of a sentence. A CDATA section is a document in the document."""
    if token.kind != "cdata":
        return [Block(token.raw)]
    end = len(token.raw) - len(_CDATA_END) if token.raw.endswith(_CDATA_END) else len(token.raw)
    content = token.raw[len(_CDATA_START) : end]
    return [Block(_CDATA_START), *html.parse(content), Block(token.raw[end:])]
