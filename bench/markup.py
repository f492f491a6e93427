"""Whether placeholders, tags and layout survive, where they go, and what they cost.

    python bench/markup.py --corpora ../shared/corpora

The sentences of `bench/terms.py` with known things put in at known places: placeholders, facts (links, dates, amounts),
tags of HTML, emphasis and links of Markdown; 200 subtitles, and a nested JSON document for each direction. Exits 1 when
a target is missed. Quality is that of the visible text without what was put in, over the translation without any of it.
"""

import asyncio
import json
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from corpus import (
    SAMPLES_PER_PAIR,
    Answer,
    Sample,
    ask,
    corpora_argument,
    has_word,
    mean_chrf,
    only_place,
    samples,
    verdict,
)
from structure import Structure, cue_layout, cue_texts, json_layout, nested_json, read_html, read_markdown, subtitles

from dragoman.app import create_service
from dragoman.core.types import Format, Term
from dragoman.ops.metrics import Metrics
from dragoman.ops.settings import QWEN_MT_MODELS, load_settings
from dragoman.pipeline.prepare import Tokenize
from dragoman.service import TranslationService

MOST_CHRF_LOSS = 1.0
CUES_PER_PAIR = 100
PLACEHOLDERS = ("{name}", "%s", "{{count}}", "⟦0⟧", ":id", "%(user)s", "${total}", "%1$d", "{0}")
# A fact and what must be in the translation exactly once.
FACTS = {
    "https://example.org/a?b=1&c=2#top": r"https://example\.org/a\?b=1&c=2#top",
    "info@example.org": r"info@example\.org",
    "3.5%": r"3\.5%",
    "1,250": r"(?<!\d)1,250(?!\d)",
    "$1,299.99": r"\$1,299\.99",
    "2024-03-15": r"2024-03-15",
    "12:30": r"12:30",
    "3/15/2024": r"3/15/2024",
}
AMOUNTS = {"(25 kg)": r"[(（][^()（）]*(?<!\d)25(?!\d)[^()（）]*[)）]"}  # the unit may be translated
_INVENTION = re.compile(r"[{}⟦⟧<>]|%[\w(]|(?<![\w:]):[a-z_]")
HTML_MARKS = (
    ("<b>", "</b>"),
    ('<a href="https://example.org/a?b=1&amp;c=2">', "</a>"),
    ("<i>", "</i>"),
    ('<a href="/x"><b>', "</b></a>"),
    ('<span class="x"><em>', "</em></span>"),
)
MARKDOWN_MARKS = (("**", "**"), ("*", "*"), ("[", "](https://example.org/page)"), ("***", "***"))


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence with something put in. `marked`: the term that marks enclose; `patterns`: what must come back."""

    kind: str
    sample: Sample
    text: str
    document_format: Format = "text"
    patterns: tuple[str, ...] = ()
    marked: Term | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A case, what became of it, and what became of the sentence alone."""

    case: Case
    answer: Answer
    plain: Answer


def main() -> int:
    """Run everything and say whether the targets were met."""
    arguments = corpora_argument(__doc__ or "").parse_args()
    return asyncio.run(measure(samples(arguments.corpora), arguments.examples))


async def measure(chosen: Sequence[Sample], examples: int) -> int:
    """All kinds, beside the plain sentences."""
    service = create_service(load_settings(None), Metrics())
    tokenize = service.engines[service.alias(QWEN_MT_MODELS[0]).engines[0]].tokenize
    plain: list[Answer] = []
    rows: dict[str, list[Row]] = defaultdict(list)
    try:
        for index, sample in enumerate(chosen):
            plain.append(await ask(service, sample.source, sample.pair))
            for case in cases(index, sample, tokenize):
                answer = await ask(service, case.text, sample.pair, (), case.document_format)
                rows[case.kind].append(Row(case, answer, plain[-1]))
        met = [judge(kind, rows_of_kind, examples) for kind, rows_of_kind in rows.items()]
        for start in range(0, len(chosen), SAMPLES_PER_PAIR):
            part = slice(start, start + CUES_PER_PAIR)
            met.append(await judge_documents(service, chosen[part], [answer.text for answer in plain[part]]))
    finally:
        await service.aclose()
    return 0 if all(met) else 1


def cases(index: int, sample: Sample, tokenize: Tokenize) -> list[Case]:
    """What is made of a sentence. Every second one is an example of Markdown too, for those without its characters."""
    words = _words(sample, tokenize)
    found = [
        _atoms("placeholders", index, sample, {each: re.escape(each) for each in PLACEHOLDERS}, words),
        _atoms("facts", index, sample, FACTS, words),
        _html(index, sample, words),
    ]
    if index % 3 == 0:  # the model reads these: they come last, where they do least harm to a sentence
        found.append(_atoms("amounts", index, sample, AMOUNTS, [(words[-1][1], words[-1][1])]))
    if index % 2 and not re.search(r"[\\`*_\[\]<>&#|~]", sample.source):
        found.append(_markdown(index, sample, words))
    return found


def _words(sample: Sample, tokenize: Tokenize) -> list[tuple[int, int]]:
    """Where words begin and end, in Chinese as the model cuts them."""
    if sample.pair.source == "en":
        return [match.span() for match in re.finditer(r"\w[\w'’-]*", sample.source)]
    words: list[tuple[int, int]] = []
    start = 0
    for token in tokenize(sample.source):
        end = start + len(token.text)
        if words and words[-1][1] == start and sample.source[start - 1 : start + 1].isascii():
            words[-1] = (words[-1][0], end)
        elif token.text.isalnum():
            words.append((start, end))
        start = end
    return words or [(0, len(sample.source))]


def _atoms(kind: str, index: int, sample: Sample, known: dict[str, str], words: list[tuple[int, int]]) -> Case:
    """One to three of what is known, before, after or among words; in Chinese every second time without spaces."""
    names = list(known)
    inserted = [names[(index + step) % len(names)] for step in range(min(1 + index % 3, len(names)))]
    gaps = [start for start, _ in words] + [words[-1][1]]
    places = sorted(gaps[(index * 5 + step * 3) % len(gaps)] for step in range(len(inserted)))
    text = sample.source
    for place, name in sorted(zip(places, inserted, strict=True), reverse=True):
        text = _inserted(text, place, name, spaced=sample.pair.source == "en" or index % 2 == 1 or name[0] == ":")
    return Case(kind, sample, text, patterns=tuple(known[name] for name in inserted))


def _inserted(text: str, place: int, name: str, *, spaced: bool) -> str:
    """A text with a name at a place, apart from its neighbours; or only from those that it would grow together with."""
    before, after = text[:place], text[place:]
    left = before and not before[-1].isspace() and (spaced or before[-1].isascii())
    right = (after[:1].isalnum() and (spaced or after[0].isascii())) or (after and after[0] in "{%:$⟦")
    return f"{before}{' ' if left else ''}{name}{' ' if right else ''}{after}"


def _place(index: int, sample: Sample, words: list[tuple[int, int]]) -> tuple[tuple[int, int], Term | None]:
    """Every second time a term, else a phrase of one to three words."""
    if index % 2 == 0:
        term = sample.terms[0]
        return only_place(term.source, sample.source) or words[0], term
    first = index % len(words)
    last = min(first + index // 2 % 3, len(words) - 1)
    return (words[first][0], words[last][1]), None


def _html(index: int, sample: Sample, words: list[tuple[int, int]]) -> Case:
    """A paragraph with marks around a term or a phrase; sometimes with a pair inside of it, sometimes with another."""
    (start, end), term = _place(index, sample, words)
    opening, closing = HTML_MARKS[index // 2 % len(HTML_MARKS)]
    inserts = [(start, opening), (end, closing)]
    others = [word for word in words if term is None and index % 3 == 0 and (word[1] <= start or word[0] >= end)]
    inside = [word for word in words if term is None and index % 3 == 1 and start < word[0] and word[1] <= end]
    for first, last in (others + inside)[:1]:
        extra = [(first, "<u>"), (last, "</u>")]
        if inside:
            inserts = [inserts[0], *extra, inserts[1]]
        else:
            inserts = [*extra, *inserts] if first < start else [*inserts, *extra]
    text = ""
    place = 0
    for at, tag in inserts:
        text += escape(sample.source[place:at], quote=False) + tag
        place = at
    return Case("html", sample, f"<p>{text}{escape(sample.source[place:], quote=False)}</p>", "html", marked=term)


def _markdown(index: int, sample: Sample, words: list[tuple[int, int]]) -> Case:
    (start, end), term = _place(index // 2, sample, words)
    opening, closing = MARKDOWN_MARKS[index // 4 % len(MARKDOWN_MARKS)]
    source = sample.source
    text = f"{source[:start]}{opening}{source[start:end]}{closing}{source[end:]}"
    return Case("markdown", sample, text, "markdown", marked=term)


def judge(kind: str, rows: Sequence[Row], examples: int) -> bool:
    """Print the figures of a kind and whether its targets were met."""
    wrong = [row for row in rows if not is_whole(row.case, row.answer.text)]
    ratio = sum(row.answer.seconds for row in rows) / sum(row.plain.seconds for row in rows)
    print(f"{kind}: {len(rows)} sentences, time over plain {ratio:.3f}")
    chosen = [row.case.sample for row in rows]
    before = mean_chrf([row.plain.text for row in rows], chosen)
    after = mean_chrf([visible(row.case, row.answer.text) for row in rows], chosen)
    whole = verdict("  whole", 1 - len(wrong) / len(rows), 1.0, at_least=True)
    kept = verdict(f"  chrF plain {before:.2f}, of the visible text {after:.2f}, loss", before - after, MOST_CHRF_LOSS,
                   at_least=False)  # fmt: skip
    _print_enclosed([row for row in rows if row.case.marked])
    if examples:
        _show(f"{kind}, broken", wrong[:examples])
        _show(f"{kind}, any", rows[:: max(1, len(rows) // examples)])
    return whole and kept


def _print_enclosed(rows: Sequence[Row]) -> None:
    """Print how often marks around a term enclose its translation, where the output has it."""
    if not rows:
        return
    inside = [has_word(_target(row), _marked(row)) for row in rows]
    exact = [_target(row).lower() == _marked(row).strip().lower() for row in rows]
    plain = [has_word(_target(row), row.plain.text) for row in rows]
    there = [has_word(_target(row), visible(row.case, row.answer.text)) for row in rows]
    empty = sum(not _marked(row).strip() for row in rows)
    enclosed, alone, found, known = (sum(each) / len(rows) for each in (inside, exact, there, plain))
    print(f"  translation of the marked term: in the marks {enclosed:.3f}, alone there {alone:.3f}, in the output "
          f"{found:.3f}, in the plain one {known:.3f}")  # fmt: skip
    print(
        f"  of those in the output, in the marks {enclosed / found:.3f}; marks around nothing {empty / len(rows):.3f}"
    )


def _target(row: Row) -> str:
    return row.case.marked.target if row.case.marked else ""


def _marked(row: Row) -> str:
    return _read(row.case, row.answer.text).marked


def is_whole(case: Case, output: str) -> bool:
    """Whether all that was put in came back, once and well nested, and nothing was added."""
    if case.document_format == "text":
        rest = visible(case, output)
        left = {found[0] for found in _INVENTION.finditer(rest)} - set(_INVENTION.findall(case.sample.source))
        return not left and all(len(re.findall(pattern, output)) == 1 for pattern in case.patterns)
    wanted, got = _read(case, case.text), _read(case, output)
    return got.is_nested and got.paths == wanted.paths


def visible(case: Case, output: str) -> str:
    """An output without what was put in."""
    if case.document_format == "text":
        return re.sub(r"\s+", " ", re.sub("|".join(case.patterns), " ", output)).strip()
    return _read(case, output).text.strip()


def _read(case: Case, text: str) -> Structure:
    return (read_html if case.document_format == "html" else read_markdown)(text)


async def judge_documents(service: TranslationService, samples_of_pair: Sequence[Sample], plain: Sequence[str]) -> bool:
    """Subtitles and a nested JSON document of one direction."""
    pair, texts = samples_of_pair[0].pair, [sample.source for sample in samples_of_pair]
    srt, nested = subtitles(texts), nested_json(texts)
    cues = (await ask(service, srt, pair, (), "srt")).text
    answer = (await ask(service, nested, pair, (), "json")).text
    lost = mean_chrf(plain, samples_of_pair) - mean_chrf(cue_texts(cues), samples_of_pair)
    print(f"documents, {pair}: {len(texts)} cues")
    whole = verdict("  subtitles: numbers and times", float(cue_layout(cues) == cue_layout(srt)), 1.0, at_least=True)
    whole &= verdict("  subtitles: cues with a text", sum(map(bool, cue_texts(cues))) / len(texts), 1.0, at_least=True)
    whole &= verdict("  subtitles: chrF loss", lost, MOST_CHRF_LOSS, at_least=False)
    layouts = [json_layout(json.loads(each)) for each in (answer, nested)]
    return verdict("  JSON: keys, types and numbers", float(layouts[0] == layouts[1]), 1.0, at_least=True) and whole


def _show(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title}:")
    for row in rows:
        codes = " ".join(warning.code for warning in row.answer.report.warnings)
        print(f"  {row.case.text}\n    {row.answer.text}  {codes}\n    plain: {row.plain.text}")
        print(f"    reference: {row.case.sample.reference}")


if __name__ == "__main__":
    sys.exit(main())
