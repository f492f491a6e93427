"""HTML: the text of a page or of a part of one, with its inline tags, and the attributes that a reader sees."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from dragoman.pipeline.block import Block
from dragoman.pipeline.formats.markup import (
    TAG_REST,
    Attribute,
    Dialect,
    Token,
    attributes,
    closing_tags,
    keep_untranslated,
    names,
    runs,
    tokens,
)
from dragoman.pipeline.formats.tagged import has_letters, joined, sentence_blocks, text_blocks

# What can stand in a sentence, as the standard has it, with elements that it has given up.
_INLINE = names(
    """a abbr acronym area b bdi bdo big br cite code data del dfn em font i img ins kbd label map mark math meter nobr
    output picture progress q rp rt ruby s samp small span strike strong sub sup svg time tt u var wbr"""
)
# What parts texts. So do form controls and embedded media, though the standard allows them in a sentence: the texts of
# two buttons beside each other are not one sentence.
_BLOCKS = names(
    """address article aside audio base blockquote body button canvas caption center col colgroup datalist dd details
    dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header
    hgroup hr html iframe input legend li link listing main menu meta nav noembed noframes noscript object ol optgroup
    option p plaintext pre script search section select slot style summary table tbody td template textarea tfoot th
    thead title tr ul video xmp"""
)
NAMES = _INLINE | _BLOCKS
_UNTRANSLATED = names("code kbd math pre rp rt samp svg var")
_VOID = names("area base br col embed frame hr img input link meta param source track wbr")
_OPAQUE = names("iframe noembed noframes script style textarea xmp")

_READ_ATTRIBUTES = frozenset({"alt", "aria-label", "placeholder", "title"})
_BUTTONS = frozenset({"button", "reset", "submit"})
_DESCRIPTIONS = frozenset({"description", "og:description", "og:title"})

_CUTS_OF_TWO = 5  # the start, and both sides of two links

_HIDDEN = (
    r"<!--(?:-?>|.*?(?:--!?>|\Z))|<!\[CDATA\[.*?(?:\]\]>|\Z)|<![A-Za-z][^<>]*+>"
    r"|<\?(?:php\b|=).*?(?:\?>|\Z)|<[?%][^<>]*+>"
)
_DIALECT = Dialect(
    re.compile(rf"(?P<hidden>{_HIDDEN})|<(?P<slash>/?)(?P<name>[A-Za-z][^\s<>/\"'=]*+){TAG_REST}", re.DOTALL),
    lambda name: name in _BLOCKS or "-" in name,  # somebody's own element is a part of a page rather than a word
    _VOID,
    _OPAQUE,
)
_PAGE = re.compile(
    r"(?:[\s\ufeff]++|<\?xml[^<>]*+>|(?><!--.*?-->))*+<(?:!doctype\s+html|html)\b", re.DOTALL | re.IGNORECASE
)


def parse(text: str) -> list[Block]:
    """Find the text of an HTML document."""
    found = keep_untranslated(tokens(text, _DIALECT), _translated)
    sentences = (part for run in runs(_parted_at_breaks(found)) for part in _links(run))
    return joined(block for sentence in sentences for block in sentence_blocks(sentence, _outside))


def looks_like(text: str) -> bool:
    """Whether a text is an HTML page, or part of one: most of it stands in elements that are no part of a sentence."""
    if _PAGE.match(text):
        return True
    if "</" not in text or "```" in text or text.lstrip("\ufeff \t\r\n").startswith("<?xml"):
        return False
    found = tokens(text, _DIALECT)
    seen = (token for token in found if token.raw.strip("\ufeff \t\r\n") and not token.raw.startswith("<!"))
    first = next(seen, Token("text", ""))
    if first.kind != "text" and first.name not in NAMES:
        return False
    return _blocks_hold_text(found, 2 if first.kind == "text" else 1)


def _blocks_hold_text(found: Sequence[Token], least: int) -> bool:
    """Whether there are this many block-level elements, and hold most of the letters."""
    ends = {start: end for start, end in closing_tags(found).items() if found[start].name in _BLOCKS}
    letters = {False: 0, True: 0}
    last = 0
    for index, token in enumerate(found):
        last = max(last, ends.get(index, 0))
        if token.kind == "text":
            letters[index < last] += sum(char.isalpha() for char in token.raw)
    return len(ends) >= least and letters[True] > letters[False]


def _translated(tag: Token) -> bool | None:
    """Whether a tag says that its element is to be translated, or not to be."""
    if tag.name in _UNTRANSLATED:
        return False
    if "translate" not in tag.raw.lower():
        return None
    values = {attribute.name: attribute.value.lower() for attribute in attributes(tag)}
    if values.get("translate") == "no" or "notranslate" in values.get("class", "").split():
        return False
    # Within a sentence, an exception to an exception would tear the tags around it apart.
    return True if tag.breaks and values.get("translate") in {"", "yes"} else None


def _parted_at_breaks(found: Sequence[Token]) -> Iterator[Token]:
    """Tokens, where a line break parts blocks, unless a small letter says that the sentence goes on."""
    goes_on = False
    parted = []
    for token in reversed(found):
        parted.append(replace(token, breaks=True) if token.name == "br" and not goes_on else token)
        if token.kind != "text" or not token.raw.isspace():
            goes_on = token.kind in {"text", "word"} and token.raw.lstrip()[:1].islower()
    return reversed(parted)


def _links(run: Sequence[Token]) -> list[Sequence[Token]]:
    """A run of several links without text between them, such as a menu, as runs of one link; another run as it is."""
    ends = closing_tags(run)
    cuts = [0]
    index = 0
    while index < len(run):
        token = run[index]
        if token.name == "a" and index in ends:
            cuts += [index, ends[index] + 1]
            index = ends[index]
        elif token.kind == "word" or (token.kind == "text" and has_letters(token.raw)):
            return [run]
        index += 1
    if len(cuts) < _CUTS_OF_TWO:
        return [run]
    return [run[start:end] for start, end in pairwise([*cuts, len(run)]) if start < end]


def _outside(token: Token) -> list[Block]:
    """What is not part of a sentence. Some attributes of a tag are texts of their own."""
    blocks: list[Block] = []
    start = 0
    if token.kind in {"open", "void"} and "=" in token.raw:
        found = list(attributes(token))
        values = {attribute.name: attribute.value.lower() for attribute in found}
        for attribute in found:
            if attribute.place and _is_read(token.name, attribute, values):
                blocks += [Block(token.raw[start : attribute.place[0]])]
                blocks += text_blocks(token.raw[slice(*attribute.place)], "attribute")
                start = attribute.place[1]
    return [*blocks, Block(token.raw[start:])]


def _is_read(tag: str, attribute: Attribute, values: dict[str, str]) -> bool:
    """Whether a reader sees the value of an attribute. `values` has all attributes of the tag."""
    if attribute.name == "content":
        return tag == "meta" and not _DESCRIPTIONS.isdisjoint((values.get("name"), values.get("property")))
    if attribute.name == "value":
        return tag == "input" and values.get("type") in _BUTTONS
    if attribute.name == "label":
        return tag in {"optgroup", "option", "track"}
    return tag not in {"link", "style"} and attribute.name in _READ_ATTRIBUTES
