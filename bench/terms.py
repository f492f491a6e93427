"""Whether terms arrive in the translation, what they do to its quality, and what they cost.

    python bench/terms.py --corpora ../shared/corpora

1,000 sentences, half of them in each direction, with terms on which source and reference agree. Exits 1 when a target
is missed. Success is looked up in the output, without the server's own report. The rungs of the ladder are counted by
calling the pipeline once more with a watched `translate`; times are ratios within this run.
"""

import asyncio
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from corpus import Answer, Sample, ask, chrf, corpora_argument, has_word, mean_chrf, samples, verdict

from dragoman.app import create_service
from dragoman.core.answer import Outcome
from dragoman.core.engine import Engine, Hypotheses
from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Term, Token
from dragoman.ops.metrics import Metrics
from dragoman.ops.settings import QWEN_MT_MODELS, load_settings
from dragoman.pipeline.enforce import enforce, missing_terms
from dragoman.pipeline.formats.recognize import parse
from dragoman.pipeline.pipeline import translate_document
from dragoman.pipeline.prepare import Guidance, prepare
from dragoman.scheduling.batcher import Batcher
from dragoman.service import TranslationService

LEAST_SUCCESS = 0.99
MOST_CHRF_LOSS = 1.0
LEAST_THROUGHPUT = 0.7
LINES_PER_DOCUMENT = 50
REPETITIONS = 5
SECONDS_TO_REPEAT = 60.0
_FIRST, _CONSTRAINED, _REPAIR = "first decoding", "constrained decoding", "repair (wide beam, halves)"
_WRITTEN, _REPLACED, _PLACED = "written by the model", "replaced by alignment", "put at the likeliest place"


def main() -> int:
    """Run everything and say whether the targets were met."""
    arguments = corpora_argument(__doc__ or "").parse_args()
    chosen = samples(arguments.corpora)
    terms = sum(len(sample.terms) for sample in chosen)
    unseen = sum(not sample.seen for sample in chosen)
    print(f"{len(chosen)} sentences, {terms} terms; {unseen} sentences are of a development set")
    return asyncio.run(measure(chosen, arguments.examples))


async def measure(chosen: Sequence[Sample], examples: int) -> int:
    """Quality, rungs and throughput."""
    service = create_service(load_settings(None), Metrics())
    try:
        plain = [await ask(service, sample.source, sample.pair) for sample in chosen]
        guided = [await ask(service, sample.source, sample.pair, sample.terms) for sample in chosen]
        met = judge_quality(chosen, plain, guided)
        await count_rungs(service.engines[service.alias(QWEN_MT_MODELS[0]).engines[0]], chosen)
        met &= await judge_throughput(service, chosen)
    finally:
        await service.aclose()
    show(chosen, plain, guided, examples)
    return 0 if met else 1


def judge_quality(chosen: Sequence[Sample], plain: Sequence[Answer], guided: Sequence[Answer]) -> bool:
    """Print what became of terms and of quality."""
    total = sum(len(sample.terms) for sample in chosen)
    missing = sum(len(answer.report.terms_missing) for answer in guided)
    reported = sum(len(answer.report.terms_applied) for answer in guided) + missing
    print(f"terms in the output without asking for them: {success(chosen, plain):.3f}")
    print(f"reported as missing: {missing / total:.3f}; not found in the source: {1 - reported / total:.3f}")
    print(f"written more often than in the reference: {doubled(chosen, guided):.3f}", end=", ")
    print(f"without asking {doubled(chosen, plain):.3f}")
    for seen, name in ((False, "development set"), (True, "filled up")):
        rows = [index for index, sample in enumerate(chosen) if sample.seen == seen]
        part = [chosen[row] for row in rows]
        before, after = (quality(part, [answers[row] for row in rows]) for answers in (plain, guided))
        print(f"  {name}: chrF without terms {before:.1f}, with terms {after:.1f}")
    before, after = quality(chosen, plain), quality(chosen, guided)
    print(f"chrF without terms {before:.2f}, with terms {after:.2f}")
    arrived = verdict("term success", success(chosen, guided), LEAST_SUCCESS, at_least=True)
    return verdict("chrF loss", before - after, MOST_CHRF_LOSS, at_least=False) and arrived


def quality(chosen: Sequence[Sample], answers: Sequence[Answer]) -> float:
    """The mean chrF of both directions."""
    return mean_chrf([answer.text for answer in answers], chosen)


def success(chosen: Sequence[Sample], answers: Sequence[Answer]) -> float:
    """The share of terms whose target is in the output."""
    found = [
        has_word(term.target, answer.text)
        for sample, answer in zip(chosen, answers, strict=True)
        for term in sample.terms
    ]
    return sum(found) / len(found)


def doubled(chosen: Sequence[Sample], answers: Sequence[Answer]) -> float:
    """The share of terms whose target is in the output more often than in the reference."""
    more = [
        answer.text.lower().count(term.target.lower()) > sample.reference.lower().count(term.target.lower())
        for sample, answer in zip(chosen, answers, strict=True)
        for term in sample.terms
    ]
    return sum(more) / len(more)


class Watched:
    """The batcher's `translate`, which notes what is decoded, why, and how long it takes."""

    def __init__(self, engine: Engine) -> None:
        self._translate = Batcher(engine).translate
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.decoded: list[tuple[str, Segment, Hypothesis]] = []

    async def translate(
        self, segments: Sequence[Segment], pair: Pair, decoding: Decoding
    ) -> AsyncGenerator[Token | Hypotheses]:
        """Translate and take notes. Only repairs ask for a beam of their own."""
        kind = _CONSTRAINED if decoding.must_include_terms else _REPAIR if decoding.beam_size else _FIRST
        waiting = list(segments)
        started = time.perf_counter()
        async with aclosing(self._translate(segments, pair, decoding)) as events:
            async for event in events:
                self.seconds[kind].append(time.perf_counter() - started)
                if not isinstance(event, Token):
                    self.decoded.append((kind, waiting.pop(0), event[0]))
                yield event
                started = time.perf_counter()


@dataclass(slots=True)
class Rungs:
    """How many terms each rung decided, and how long `enforce` took for a segment in which it is the highest."""

    terms: Counter[str]
    seconds: dict[str, list[float]]

    def add(self, decoded: Sequence[tuple[str, Segment, Hypothesis]], pair: Pair) -> None:
        """Count the terms of what was decoded for one text."""
        constrained: dict[str, Hypothesis] = {}
        for kind, segment, hypothesis in decoded:
            if kind == _CONSTRAINED:
                constrained.setdefault(segment.text, hypothesis)
        for kind, segment, hypothesis in decoded:
            if kind == _FIRST and segment.terms:
                self._add(segment, hypothesis, constrained.get(segment.text), pair)

    def _add(self, segment: Segment, hypothesis: Hypothesis, constrained: Hypothesis | None, pair: Pair) -> None:
        wanted = set(missing_terms(hypothesis.text, segment.terms, pair))
        started = time.perf_counter()
        unplaced = len(enforce(hypothesis, segment, pair).unplaced)
        left = len(enforce(constrained, segment, pair).unplaced) if constrained else unplaced
        if left:
            enforce(constrained or hypothesis, segment, pair, force=True)
        rung = _PLACED if left else _REPLACED if wanted else _WRITTEN
        self.seconds[rung].append(time.perf_counter() - started)
        self.terms[_WRITTEN] += len(segment.terms) - len(wanted)
        self.terms[_REPLACED] += max(0, len(wanted) - unplaced)
        self.terms[_CONSTRAINED] += max(0, unplaced - left)
        self.terms[_PLACED] += left


async def count_rungs(engine: Engine, chosen: Sequence[Sample]) -> None:
    """Print how many terms each rung decided and what it costs."""
    watched = Watched(engine)
    rungs = Rungs(Counter(), defaultdict(list))
    warnings: Counter[str] = Counter()
    for sample in chosen:
        watched.decoded.clear()
        document = prepare(
            parse(sample.source, "text"), sample.pair, engine.tokenize, engine.info, Guidance(sample.terms)
        )
        events = translate_document(document, watched.translate, Decoding(), abilities=engine.info.abilities)
        async for event in events:
            if isinstance(event, Outcome):
                warnings.update(warning.code for warning in event.reports[0].warnings)
        rungs.add(watched.decoded, sample.pair)
    _print_rungs(rungs, watched.seconds, warnings)


def _print_rungs(rungs: Rungs, decoding: dict[str, list[float]], warnings: Counter[str]) -> None:
    total = sum(rungs.terms.values())
    print("terms by the rung that decided them, in the first translation of a segment:")
    for rung in (_WRITTEN, _REPLACED, _CONSTRAINED, _PLACED):
        print(f"  {rung}: {rungs.terms[rung]} ({rungs.terms[rung] / total:.3f})")
    first = statistics.fmean(decoding[_FIRST])
    print("milliseconds per segment, and over the first decoding:")
    for name, seconds in (*decoding.items(), *((f"enforce, {rung}", each) for rung, each in rungs.seconds.items())):
        mean = statistics.fmean(seconds)
        print(f"  {name}: {mean * 1000:.3f} ms ({mean / first:.4f}), {len(seconds)} times")
    print(f"warnings: {dict(warnings.most_common())}")


async def judge_throughput(service: TranslationService, chosen: Sequence[Sample]) -> bool:
    """Documents with and without terms, in turns."""
    starts = range(0, len(chosen), LINES_PER_DOCUMENT)
    documents = [chosen[start : start + LINES_PER_DOCUMENT] for start in starts]
    terms = statistics.fmean(len(sample.terms) + len(sample.padding) for sample in chosen)
    most = statistics.fmean(len(union(document)) for document in documents)
    ratios: list[float] = []
    started = time.perf_counter()
    while len(ratios) < REPETITIONS and time.perf_counter() - started < SECONDS_TO_REPEAT:
        without = sum([await seconds(service, document, ()) for document in documents])
        ratios.append(without / sum([await seconds(service, document, union(document)) for document in documents]))
    print(f"{terms:.2f} terms a line, {most:.0f} a document of {LINES_PER_DOCUMENT} lines")
    print("throughput with terms over that without:", ", ".join(f"{ratio:.3f}" for ratio in ratios))
    return verdict("throughput, median", statistics.median(ratios), LEAST_THROUGHPUT, at_least=True)


def union(document: Sequence[Sample]) -> tuple[Term, ...]:
    """All terms of a document."""
    return tuple(dict.fromkeys(term for sample in document for term in (*sample.terms, *sample.padding)))


async def seconds(service: TranslationService, document: Sequence[Sample], terms: tuple[Term, ...]) -> float:
    """How long a document takes."""
    return (await ask(service, "\n".join(sample.source for sample in document), document[0].pair, terms)).seconds


def show(chosen: Sequence[Sample], plain: Sequence[Answer], guided: Sequence[Answer], examples: int) -> None:
    """Print terms that did not arrive, and what lost most by terms."""
    rows = list(zip(chosen, plain, guided, strict=True))
    missed = [row for row in rows if not all(has_word(term.target, row[2].text) for term in row[0].terms)]
    rows.sort(key=lambda row: chrf([row[2].text], [row[0].reference]) - chrf([row[1].text], [row[0].reference]))
    for title, found in (("terms that did not arrive", missed), ("what lost most by terms", rows)):
        if examples:
            print(f"\n{title} ({len(found)}):" if found is missed else f"\n{title}:")
        for sample, before, after in found[:examples]:
            terms = ", ".join(f"{term.source}={term.target}" for term in sample.terms)
            codes = " ".join(warning.code for warning in after.report.warnings)
            print(f"  {sample.source}\n    terms: {terms}\n    without: {before.text}")
            print(f"    with: {after.text}  {codes}\n    reference: {sample.reference}")


if __name__ == "__main__":
    sys.exit(main())
