"""Parallel text in, one small file of packed tokens out: clean, without duplicates, balanced, augmented.

    python training/prepare.py --corpora ../shared/corpora --out data --languages zh,es,fr

`data/` then holds `spm.model` with its vocabulary `pieces.json`, and `train.npz`, everything that `train.py` needs:
`tokens` (all rows, one after another), `sources` and `targets` (their lengths), `from_language` and `to_language`
(indices into `languages`, of which the last is English), `reversible`, `group` and the `weights` of the groups.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import sentencepiece
import typer

from align import Lexicon
from augment import (
    Row,
    Span,
    flat,
    masked,
    names,
    noisy,
    spans,
    with_terms,
    words,
)
from parallel_text import SentencePair, Sources, development_keys, read
from phrases import WORDS_DOMAIN, capital, phrases
from pieces import new_model, with_more_pieces

UNSPACED = frozenset({"zh", "ja", "th"})
LONGEST_PIECES = 160
SENTENCES_FOR_PIECES = 1_500_000
# How often a pair comes again changed, by kind; the rest of the time it is drawn as it is.
MASKED, TERMS, NOISE, JOINED, REPEATED = 0.15, 0.2, 0.2, 0.08, 0.05
# Of a sentence of more words than `SHORT`, so many must be linked, else the pair is taken for misaligned.
SHORT, LEAST_LINKED = 8, 0.1


@dataclass(slots=True)
class Packed:
    """The rows as they are written, in parallel lists."""

    tokens: list[np.ndarray] = field(default_factory=list)
    columns: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, row: Row, ids: dict[str, int], languages: tuple[int, int], group: int) -> None:
        if not (0 < len(row.source) <= LONGEST_PIECES and 0 < len(row.target) <= LONGEST_PIECES):
            return
        unknown = ids["<unk>"]
        self.tokens.append(np.array([ids.get(piece, unknown) for piece in row.source + row.target], dtype=np.uint16))
        values = (len(row.source), len(row.target), *languages, int(row.reversible), group)
        for name, value in zip(COLUMNS, values, strict=True):
            self.columns[name].append(value)


COLUMNS = ("sources", "targets", "from_language", "to_language", "reversible", "group")


def main(
    corpora: Annotated[Path, typer.Option(help="A folder with train/CORPUS/LANGUAGE-en.tsv.gz and dev/.")],
    out: Annotated[Path, typer.Option(help="Where to write.")],
    languages: Annotated[str, typer.Option(help="Codes, comma-separated, with a share if wanted: zh=2,es,fr.")],
    vocabulary: Annotated[int, typer.Option(help="Pieces of all languages together.")] = 16_000,
    spm: Annotated[
        Path | None, typer.Option(help="An spm.model to keep, so that a run goes on with other rows.")
    ] = None,
    more_pieces: Annotated[
        str, typer.Option(help="A language that `--spm` does not know, and how many pieces it brings: nl=1500.")
    ] = "",
    more: Annotated[Path | None, typer.Option(help="Another such folder, of back_translate.py.")] = None,
    limit: Annotated[int, typer.Option(help="Lines of each corpus, for a trial; 0: all.")] = 0,
    seed: int = 1,
) -> None:
    """Write spm.model and train.npz."""
    out.mkdir(parents=True, exist_ok=True)
    shares = {code: float(share or 1) for code, _, share in (each.partition("=") for each in languages.split(","))}
    sources = Sources.load()
    folders = [corpora, *([more] if more else [])]
    forbidden = development_keys(corpora)
    chooser = random.Random(seed)
    pairs: dict[str, list[SentencePair]] = {}
    for code in shares:
        pairs[code] = [
            *(pair for folder in folders for pair in read(folder, code, sources, forbidden, limit or None)),
            *islice(phrases(code, forbidden, chooser), limit or None),
        ]
        chooser.shuffle(pairs[code])
        print(f"{code}: {len(pairs[code])} clean pairs", flush=True)
    if spm is None:
        model = new_model(prose(pairs, shares, chooser), vocabulary)
    elif more_pieces:
        code, _, count = more_pieces.partition("=")
        model = with_more_pieces(spm, (pair.text for pair in pairs[code] if pair.domain != "documentation"), int(count))
    else:
        model = spm.read_bytes()
    (out / "spm.model").write_bytes(model)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(out / "spm.model"))
    ids = {processor.id_to_piece(index): index for index in range(processor.get_piece_size())}
    (out / "pieces.json").write_text(json.dumps(list(ids), ensure_ascii=False), "utf-8")
    packed = Packed()
    groups: dict[tuple[str, str], int] = {}
    for code, mine in pairs.items():
        for domain, row in rows(code, mine, processor, chooser):
            group = groups.setdefault((code, domain), len(groups))
            into_english = (list(pairs).index(code), len(pairs))
            packed.add(row.row, ids, into_english if row.forward else into_english[::-1], group)
        print(f"{code}: {len(packed.tokens)} rows so far", flush=True)
    write(out / "train.npz", packed, [*pairs, "en"], weights(packed, groups, shares, sources))
    describe(out, packed, groups)


def prose(pairs: dict[str, list[SentencePair]], shares: dict[str, float], chooser: random.Random) -> list[str]:
    """Sentences to find pieces in: of each language as its share says, and as many of their English."""
    texts: list[str] = []
    for code, mine in pairs.items():
        useful = [pair for pair in mine if pair.domain != "documentation"]
        count = int(SENTENCES_FOR_PIECES * shares[code] / sum(shares.values()) / 2)
        texts += [side for pair in useful[:count] for side in (pair.text, pair.english)]
    chooser.shuffle(texts)
    return texts


@dataclass(frozen=True, slots=True)
class Directed:
    """A row, and whether it goes from the language into English."""

    row: Row
    forward: bool


def rows(
    code: str, pairs: Sequence[SentencePair], processor: sentencepiece.SentencePieceProcessor, chooser: random.Random
) -> Iterator[tuple[str, Directed]]:
    """Every pair as it is, and some of them once more with placeholders, with terms, with noise, or joined."""
    spaced = code not in UNSPACED
    cut = [
        (words(source, spaced=spaced), words(target, spaced=True))
        for source, target in zip(
            processor.encode([pair.text for pair in pairs], out_type=str),
            processor.encode([pair.english for pair in pairs], out_type=str),
            strict=True,
        )
    ]
    lexicon = Lexicon((names(source), names(target)) for source, target in cut)
    previous: SentencePair | None = None
    for pair, (source, target) in zip(pairs, cut, strict=True):
        found = spans(source, target, lexicon)
        linked = sum(span.end - span.start for span in found)
        if len(source) > SHORT and linked < LEAST_LINKED * len(source):
            continue
        synthetic = pair.domain == "synthetic"
        yield pair.domain, Directed(Row(flat(source), flat(target), reversible=not synthetic), forward=True)
        if synthetic:
            continue
        for make, how_often in ((masked, MASKED), (with_terms, TERMS)):
            if chooser.random() < how_often:
                forward = chooser.random() < 0.5
                changed = make(*((source, target, found) if forward else (target, source, turned(found))), chooser)
                if changed:
                    yield pair.domain, Directed(changed, forward)
        for text, other, reversible, forward in rewritten(pair, previous, chooser, " " if spaced else ""):
            row = Row(processor.encode(text, out_type=str), processor.encode(other, out_type=str), reversible)
            yield pair.domain, Directed(row, forward)
        previous = pair


def rewritten(
    pair: SentencePair, previous: SentencePair | None, chooser: random.Random, gap: str
) -> Iterator[tuple[str, str, bool, bool]]:
    """Source, target, whether that can be turned, and whether it goes into English.

    Texts that are noisy, joined or repeated, and words with a capital, as they stand in lists.
    """
    if pair.domain == WORDS_DOMAIN and pair.english[0].islower():
        yield capital(pair.english), capital(pair.text), pair.text != capital(pair.text), False
    if chooser.random() < NOISE:
        forward = chooser.random() < 0.5
        yield *noisy(*((pair.text, pair.english) if forward else (pair.english, pair.text)), chooser), forward
    if previous and previous.domain == pair.domain and chooser.random() < JOINED:
        comma, english_comma = (", " if gap else "、", ", ") if pair.domain == WORDS_DOMAIN else (gap, " ")
        yield previous.text + comma + pair.text, previous.english + english_comma + pair.english, True, True
    if pair.domain in {"lexicon", WORDS_DOMAIN} and chooser.random() < REPEATED:
        times = chooser.randint(2, 6)
        yield (gap or "，").join([pair.text] * times), " ".join([pair.english] * times), True, True


def turned(found: Iterable[Span]) -> list[Span]:
    """Spans seen from the other side, in its order."""
    swapped = [Span(span.target_start, span.target_end, span.start, span.end) for span in found]
    return sorted(swapped, key=lambda span: span.start)


def weights(
    packed: Packed, groups: dict[tuple[str, str], int], shares: dict[str, float], sources: Sources
) -> list[float]:
    """How often each group is drawn: a language's share, split among its domains by size and what they are worth."""
    counts = np.bincount(packed.columns["group"], minlength=len(groups))
    worth = {key: counts[index] ** sources.temperature * sources.shares[key[1]] for key, index in groups.items()}
    totals = {code: sum(value for (other, _), value in worth.items() if other == code) for code in shares}
    return [float(shares[code] / sum(shares.values()) * value / totals[code]) for (code, _), value in worth.items()]


def write(path: Path, packed: Packed, languages: list[str], group_weights: list[float]) -> None:
    """Write train.npz."""
    arrays: dict[str, Any] = {name: np.array(values, dtype=np.uint8) for name, values in packed.columns.items()}
    arrays |= {"tokens": np.concatenate(packed.tokens), "languages": languages, "weights": group_weights}
    np.savez_compressed(path, **arrays)


def describe(out: Path, packed: Packed, groups: dict[tuple[str, str], int]) -> None:
    """Write how many rows and tokens each group has, for the table of runs."""
    group = np.array(packed.columns["group"])
    lengths = np.array(packed.columns["sources"]) + np.array(packed.columns["targets"])
    summary = {
        f"{code}/{domain}": {"rows": int((group == index).sum()), "tokens": int(lengths[group == index].sum())}
        for (code, domain), index in groups.items()
    }
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", "utf-8")
    print(json.dumps(summary))


if __name__ == "__main__":
    typer.run(main)
