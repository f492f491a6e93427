"""What the benchmarks of terms and markup share: sentences with terms that source and reference agree on, and the
service in this process.

The sentences are Tatoeba's development set and, to fill up, short lines of everyday corpora. The model in the box was
trained on the latter, so figures that depend on its quality are better than they would be on a new text.
"""

import argparse
import gzip
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import sentencepiece
from sacrebleu.metrics.chrf import CHRF

from dragoman.core.answer import Outcome, Piece, Report
from dragoman.core.types import Decoding, Format, Pair, Term, TranslationRequest
from dragoman.engines.model_card import find_model
from dragoman.ops.settings import QWEN_MT_MODELS
from dragoman.service import TranslationService

PAIRS = (Pair("zh", "en"), Pair("en", "zh"))
SAMPLES_PER_PAIR = 500
MOST_TERMS = 5

EVERYDAY = ("anki-tatoeba", "anki-tatoeba2", "tatoeba", "xpersona", "3am")
OTHERS = ("mozilla-www", "tico19", "ud-pud", "xquad", "paws-x", "gnome-help", "bitcoin-org", "mgsm")
FILL_STEP = 20
MOST_WORDS = 20

LEAST_COUNT = 5
LEAST_DICE = 0.4
LEAST_GUESS = 0.06
_STOP_WORDS = (
    "about after all also and any are because been before being but can could did does doing done don for from get "
    "got had has have having her here hers him his how into isn its just let like made make many may might more most "
    "much must not now off one only onto other our out over own same she should some such than that the their them "
    "then there these they this those through too under until upon very was were what when where which while who "
    "whom whose why will with won would you your"
)
_ENGLISH = re.compile(r"[A-Za-z]{3,}")
_CHINESE = re.compile(r"[\u4e00-\u9fff]{2,}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A word and its translation."""

    zh: str
    en: str

    def term(self, pair: Pair) -> Term:
        """The entry as the term of a direction."""
        return Term(self.zh, self.en) if pair.source == "zh" else Term(self.en, self.zh)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sentence and its translation by a person.

    `terms` are in both, and so are those of `padding`, which are less surely translations of each other.
    `seen`: the model may have been trained on it.
    """

    source: str
    reference: str
    pair: Pair
    terms: tuple[Term, ...]
    padding: tuple[Term, ...]
    seen: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service made of a text."""

    text: str
    report: Report
    seconds: float


def corpora_argument(description: str) -> argparse.ArgumentParser:
    """A parser of the command line that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, help="folder with dev/ and train/")
    parser.add_argument("--examples", type=int, default=0, help="how many examples of each kind to print")
    return parser


def samples(corpora: Path) -> list[Sample]:
    """The same number of sentences for each direction, each with a term at least."""
    scores, spelling = _scores([pair for name in (*EVERYDAY, *OTHERS) for pair in _train(corpora, name)])
    entries = [Entry(zh, spelling[en]) for zh, en in _mutual_best(scores)]
    dev = list(_pairs((corpora / "dev" / "tatoeba.zh-en.tsv").read_text("utf-8").splitlines()))
    chosen = []
    guesses: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (zh, en), score in scores.items():
        if score >= LEAST_GUESS:
            guesses[en].append((score, zh))
    for rank, pair in enumerate(PAIRS):
        fill = [line for name in EVERYDAY for line in _short(_train(corpora, name)[rank * FILL_STEP // 2 :: FILL_STEP])]
        found = [_sample(line, pair, entries, seen=False) for line in dev]
        found += [_sample(line, pair, entries, seen=True) for line in _spread(fill)]
        chosen += [_padded(sample, guesses, spelling) for sample in found if sample.terms][:SAMPLES_PER_PAIR]
    if len(chosen) < SAMPLES_PER_PAIR * len(PAIRS):
        raise SystemExit(f"only {len(chosen)} sentences have a term")
    return chosen


def _train(corpora: Path, name: str) -> list[tuple[str, str]]:
    path = corpora / "train" / name / "zh-en.tsv.gz"
    if not path.is_file():
        raise SystemExit(f"{path} is missing; name a folder of corpora with --corpora (CORPORA=… with make)")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return list(_pairs(lines))


def _pairs(lines: Iterator[str] | Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        chinese, english, *_ = line.rstrip("\n").split("\t")
        yield chinese, english


def _short(lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [line for line in lines if len(line[1].split()) <= MOST_WORDS]


def _spread(lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Lines of several corpora that follow each other, mixed without chance."""
    step = 7
    return [line for start in range(step) for line in lines[start::step]]


def _scores(pairs: Sequence[tuple[str, str]]) -> tuple[dict[tuple[str, str], float], dict[str, str]]:
    """The Dice coefficient of a Chinese and an English word, and how the English ones are written."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(find_model("starter") / "spm.model"))
    stop_words = set(_STOP_WORDS.split())
    english: Counter[str] = Counter()
    chinese: Counter[str] = Counter()
    together: Counter[tuple[str, str]] = Counter()
    for source, target in pairs:
        left = {piece.strip("▁") for piece in processor.encode(source, out_type=str)}
        left = {piece for piece in left if _CHINESE.fullmatch(piece)}
        right = {word.lower() for word in _ENGLISH.findall(target)} - stop_words
        chinese.update(left)
        english.update(right)
        together.update((zh, en) for zh in left for en in right)
    often = ((words, count) for words, count in together.items() if count >= LEAST_COUNT)
    dice = {(zh, en): 2 * count / (chinese[zh] + english[en]) for (zh, en), count in often}
    return dice, {word: word for word in english} | _spellings(target for _, target in pairs)


def _mutual_best(scores: dict[tuple[str, str], float]) -> list[tuple[str, str]]:
    """Words that are each other's best partner, the surest first."""
    from_chinese, from_english = (set(_best_partners(scores, pair)) for pair in PAIRS)
    mutual = from_chinese & from_english
    return sorted((words for words in mutual if scores[words] >= LEAST_DICE), key=lambda words: (-scores[words], words))


def _best_partners(scores: dict[tuple[str, str], float], pair: Pair) -> list[tuple[str, str]]:
    """The best partner of each word of the source language, the surest first."""
    side = ("zh", "en").index(pair.source)
    best: dict[str, tuple[str, str]] = {}
    for words in sorted(scores, key=lambda words: (-scores[words], words)):
        best.setdefault(words[side], words)
    return [words for words in best.values() if scores[words] >= LEAST_GUESS]


def _spellings(texts: Iterator[str]) -> dict[str, str]:
    """For each word in lower case how it is mostly written inside of a sentence."""
    forms: Counter[str] = Counter()
    for text in texts:
        forms.update(_ENGLISH.findall(text)[1:])
    return {form.lower(): form for form, _ in reversed(forms.most_common())}


def _sample(line: tuple[str, str], pair: Pair, entries: Sequence[Entry], *, seen: bool) -> Sample:
    chinese, english = line
    source, reference = line if pair.source == "zh" else (english, chinese)
    terms: list[Term] = []
    for entry in entries:
        if entry.zh in chinese and entry.en.lower() in english.lower() and len(terms) < MOST_TERMS:
            term = entry.term(pair)
            places = only_place(term.source, source), only_place(term.target, reference)
            if None not in places and _is_apart(term, terms, source, reference):
                terms.append(term)
    return Sample(source, reference, pair, tuple(terms), (), seen)


def _padded(sample: Sample, guesses: dict[str, list[tuple[float, str]]], spelling: dict[str, str]) -> Sample:
    """A sample with more of the pairs that its source and reference share, the surest first."""
    chinese, english = sample.source, sample.reference
    if sample.pair.source != "zh":
        chinese, english = english, chinese
    words = {word.lower() for word in _ENGLISH.findall(english)}
    shared = sorted(
        ((score, zh, en) for en in words for score, zh in guesses.get(en, ()) if zh in chinese), reverse=True
    )
    terms = list(sample.terms)
    for _, zh, en in shared:
        term = Entry(zh, spelling[en]).term(sample.pair)
        places = only_place(term.source, sample.source), only_place(term.target, sample.reference)
        if len(terms) < MOST_TERMS and None not in places and _is_apart(term, terms, sample.source, sample.reference):
            terms.append(term)
    return replace(sample, padding=tuple(terms[len(sample.terms) :]))


def only_place(word: str, text: str) -> tuple[int, int] | None:
    """Where a text has a word, if it has it once. English words are whole, in any case, and not inflected."""
    if not word.isascii():
        start = text.find(word)
        return (start, start + len(word)) if text.count(word) == 1 else None
    if word.lower() not in text.lower():
        return None
    found = list(re.finditer(rf"(?<!\w){re.escape(word)}\w*", text, re.IGNORECASE))
    return found[0].span() if len(found) == 1 and len(found[0][0]) == len(word) else None


def _is_apart(term: Term, others: Sequence[Term], source: str, reference: str) -> bool:
    """Whether a term shares no character with another, in source and reference, and neither contains the other."""
    texts = (source, reference)
    for other in others:
        for mine, its, text in zip((term.source, term.target), (other.source, other.target), texts, strict=True):
            if mine.lower() in its.lower() or its.lower() in mine.lower():
                return False
            place, taken = only_place(mine, text), only_place(its, text)
            if place and taken and place[0] < taken[1] and taken[0] < place[1]:
                return False
    return True


def has_word(word: str, text: str) -> bool:
    """Whether a text has a word: English in any case and whole, Chinese anywhere."""
    if not word.isascii():
        return word in text
    return re.search(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", text, re.IGNORECASE) is not None


async def ask(
    service: TranslationService, text: str, pair: Pair, terms: tuple[Term, ...] = (), document_format: Format = "text"
) -> Answer:
    """Translate a text."""
    request = TranslationRequest(
        QWEN_MT_MODELS[0], text, pair.source, pair.target, Decoding(), format=document_format, terms=terms
    )
    parts: list[str] = []
    report = Report()
    started = time.perf_counter()
    try:
        async with service.open(request) as translation:
            async for event in translation.events:
                if isinstance(event, Piece):
                    parts.append(event.text)
                elif isinstance(event, Outcome):
                    report = event.reports[0]
    except Exception:
        print(f"FAILED on {document_format} {pair} {text!r} {terms}")
        raise
    return Answer("".join(parts), report, time.perf_counter() - started)


def chrf(outputs: Sequence[str], references: Sequence[str]) -> float:
    """The chrF of a corpus."""
    return float(CHRF().corpus_score(list(outputs), [list(references)]).score)


def mean_chrf(outputs: Sequence[str], chosen: Sequence[Sample]) -> float:
    """The mean of the directions, whose characters are too different for one figure."""
    scores = []
    for pair in PAIRS:
        rows = [(output, each.reference) for output, each in zip(outputs, chosen, strict=True) if each.pair == pair]
        if rows:
            scores.append(chrf([output for output, _ in rows], [reference for _, reference in rows]))
    return sum(scores) / len(scores)


def verdict(name: str, value: float, target: float, *, at_least: bool) -> bool:
    """Print a figure against its target, and say whether it was met."""
    met = value >= target if at_least else value <= target
    print(f"{name}: {value:.3f} (target {'≥' if at_least else '≤'} {target}: {'met' if met else 'MISSED'})")
    return met
