"""SubRip (SRT) and WebVTT subtitles: each cue is a block, or each turn of a dialogue in it.

Numbers, times and comments stay as they are. One reader goes through the lines of both formats and expects none of them
to be right: whatever is no time, number or comment is text. A sentence that runs over the lines of a cue stays whole.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

from dragoman.core.types import SpanRole
from dragoman.pipeline.block import Block, Span
from dragoman.pipeline.formats.decoded import Decoded, Found, decode, fill

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_DAMAGED_TIMES = re.compile(r"\s*+\d++:\d\d[\d:.,]*+\s*+[-–—>=]++\s*+\d++:\d\d[\d:.,\s]*+$")
_NUMBER = re.compile(r"[\W\d_]*")
_COMMENT = re.compile(r"\ufeff?(?:WEBVTT|NOTE|STYLE|REGION)(?:\s|$)")

_TAG = r"</?[A-Za-z][^<>]*>|</>|<\d[\d:.]*>|\{\\[^{}]*\}"
_BREAK = r"(?<![^\S\r\n])[^\S\r\n]*[\r\n]\s*"
_ENTITY = r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_TAGS = re.compile(_TAG)
_SRT_MARK = re.compile(f"{_TAG}|{_BREAK}")
_VTT_MARK = re.compile(f"{_TAG}|{_BREAK}|{_ENTITY}")
_PAIRED_TAG = re.compile(r"<(/?)([A-Za-z]+)[^<>]*(?<!/)>")
_PAIRED_OVERRIDE = re.compile(r"\{\\([bius])([01])\}")

_DASH = r"[-‐–—](?:\s+(?=\S)|(?=[^\W\d_]|[\"“«‘'¿¡(\[…♪]))"
_TURN = re.compile(rf"\s*(?:{_DASH}|[♪♫♬♩])")
_LEADING_DASH = re.compile(rf"\s*{_DASH}")
_SPEAKER = re.compile(r"\s*([^\W\d_][^:：]{0,30})(?::\s|：)")
_NAME = re.compile(r"\s*[A-ZÀ-ÖØ-ÞА-Я][^:：a-zß-öø-ÿа-я]{0,30}(?::\s|：)")
_VOICE = re.compile(r"\s*<v[\s.>]")
_BRACKETS = {("[", "]"), ("(", ")"), ("（", "）"), ("［", "］"), ("【", "】")}
_MUSIC = str.maketrans("♪♫♬♩", "    ")

_TIME = r"\d{1,3}:\d\d:\d\d[,.]\d{1,3}"
_SRT_START = re.compile(rf"\ufeff?\s*+(?:\d++\s++)?{_TIME}[ \t]*-->[ \t]*{_TIME}")
_VTT_START = re.compile(r"\ufeff?WEBVTT(?:[ \t][^\r\n]*)?(?:[\r\n]|$)")
_VTT_TIMES = re.compile(r"\d\d:\d\d\.\d{3}[ \t]+-->[ \t]")


def looks_like_srt(text: str) -> bool:
    """Whether a text begins as SubRip subtitles do, with the times of the first cue."""
    return _SRT_START.match(text) is not None


def looks_like_vtt(text: str) -> bool:
    """Whether a text is headed WEBVTT and has the times of a cue."""
    return _VTT_START.match(text) is not None and _VTT_TIMES.search(text) is not None


def parse_srt(text: str) -> list[Block]:
    """The blocks of SubRip subtitles."""
    return fill(text, _found(text, vtt=False))


def parse_vtt(text: str) -> list[Block]:
    """The blocks of WebVTT subtitles."""
    return fill(text, _found(text, vtt=True))


def _found(document: str, *, vtt: bool) -> Iterator[Found]:
    for place, raw in _turns(document, vtt=vtt):
        decoded = decode(raw, _VTT_MARK if vtt else _SRT_MARK, _meaning)
        decoded = replace(decoded, spans=_paired(decoded))
        start, end = _core(decoded)
        if start < end:
            yield decoded.found(start, end, "markup" if vtt else "none", place)


def _turns(document: str, *, vtt: bool) -> Iterator[tuple[int, str]]:
    """What is said in each cue, or where a cue has a dialogue, what each says, with its place in the document."""
    lines: list[str] = _LINE.findall(document)
    begin = place = 0
    for line, is_text, is_new in zip(lines, _which_are_text(lines, vtt=vtt), _which_begin_turns(lines), strict=True):
        if begin < place and (is_new or not is_text):
            yield begin, document[begin:place]
            begin = place
        place += len(line)
        if not is_text:
            begin = place
    if begin < place:
        yield begin, document[begin:place]


def _which_are_text(lines: list[str], *, vtt: bool) -> Iterator[bool]:
    """For each line, whether it is said: no time, no identifier of a cue, no empty line, no comment."""
    times = [*(_is_time(line) for line in lines), False]
    begins = True
    comment = False
    for index, line in enumerate(lines):
        outside = times[index] or not line.strip()
        comment = not outside and (comment or (vtt and begins and _COMMENT.match(line) is not None))
        identifier = times[index + 1] and ((vtt and begins) or _NUMBER.fullmatch(line.strip()) is not None)
        yield not (outside or comment or identifier)
        begins = not line.strip()


def _is_time(line: str) -> bool:
    return "-->" in line or _DAMAGED_TIMES.match(line) is not None


def _which_begin_turns(lines: list[str]) -> Iterator[bool]:
    """For each line, whether somebody else speaks or something else sounds than in the line before."""
    after_sound = False
    for line in lines:
        bare = _TAGS.sub("", line)
        sound = (bare.strip()[:1], bare.strip()[-1:]) in _BRACKETS
        speaker = _SPEAKER.match(bare)
        named = speaker is not None and not any(char.islower() for char in speaker[1])
        yield after_sound or sound or named or _TURN.match(bare) is not None or _VOICE.match(line) is not None
        after_sound = sound


def _meaning(match: re.Match[str]) -> str | None:
    """The character of an entity. Tags and line breaks mean none; the line break of a cue is read as a space."""
    if match[0][0] != "&":
        return None
    meant = unescape(match[0])
    return meant if meant != match[0] else None


def _paired(decoded: Decoded) -> tuple[Span, ...]:
    """The spans of a cue, where opening and closing tags that belong together know it."""
    spans = list(decoded.spans)
    stack: list[tuple[str, int]] = []
    names: Counter[str] = Counter()  # of the tags in the stack, so that it is searched only for what is in it
    for index, span in enumerate(spans):
        name, role = _tag(decoded.text[span.start : span.end])
        if role == "open":
            stack.append((name, index))
            names[name] += 1
        elif role == "close" and names[name]:
            opened, opening = "", index
            while opened != name:
                opened, opening = stack.pop()
                names[opened] -= 1
            spans[opening] = replace(spans[opening], role="open", pair=opening)
            spans[index] = replace(span, role="close", pair=opening)
    return tuple(spans)


def _tag(mark: str) -> tuple[str, SpanRole]:
    """The name of a tag, and whether it opens, closes, or does neither."""
    if tag := _PAIRED_TAG.fullmatch(mark):
        return tag[2].lower(), "close" if tag[1] else "open"
    if override := _PAIRED_OVERRIDE.fullmatch(mark):
        return "\\" + override[1], "open" if override[2] == "1" else "close"
    return "", "atom"


def _core(decoded: Decoded) -> tuple[int, int]:
    """Where the words of a cue begin and end, with the tags that enclose only some of them."""
    words = _words(decoded)
    start, end = len(words) - len(words.lstrip()), len(words.rstrip())
    if not any(char.isalpha() for char in words):
        return 0, 0
    closing = {span.pair: span.start for span in decoded.spans if span.role == "close"}
    opening = {span.pair: span.start for span in decoded.spans if span.role == "open"}
    first = [span.start for span in decoded.spans if span.role == "open" and start < closing[span.pair] < end]
    last = [span.end for span in decoded.spans if span.role == "close" and start < opening[span.pair] < end]
    return min([start, *first]), max([end, *last])


def _words(decoded: Decoded) -> str:
    """The text with blanks for its tags and notes of music, and for its dash, its speaker's name or its brackets."""
    parts = []
    start = 0
    for span in decoded.spans:
        parts += [decoded.text[start : span.start], " " * (span.end - span.start)]
        start = span.end
    words = "".join([*parts, decoded.text[start:]]).translate(_MUSIC)
    for leading in (_LEADING_DASH, _NAME):
        if mark := leading.match(words):
            words = " " * mark.end() + words[mark.end() :]
    inner = words.strip()
    if (inner[:1], inner[-1:]) in _BRACKETS and not any(bracket in inner[1:-1] for bracket in (inner[0], inner[-1])):
        start = words.index(inner)
        words = words[:start] + " " + inner[1:-1] + " " + words[start + len(inner) :]
    return words
