"""Makes parallel text out of English that has no translation in a language: the model translates it back.

    python training/back_translate.py --corpora ../shared/corpora --model run/model --into zh --out data/more

Sennrich et al. 2016 (https://arxiv.org/abs/1511.06709): people's English teaches the model to say it, whatever the
quality of the source. The English is the everyday text of the other languages; what `--out` then holds is a folder of
corpora for `prepare.py --more`, whose rows teach to translate into English alone.
"""

import gzip
import random
from pathlib import Path
from typing import Annotated

import ctranslate2
import sentencepiece
import typer

from parallel_text import Sources, development_keys, is_translation, key, read

CORPUS = "back-translated"
KEPT = 0.8  # of the translations, those that the model is surest of
AT_A_TIME = 20_000


def main(
    corpora: Annotated[Path, typer.Option(help="A folder with train/ and dev/.")],
    model: Annotated[Path, typer.Option(help="A model directory that export.py wrote.")],
    into: Annotated[str, typer.Option(help="The language to translate into.")],
    out: Annotated[Path, typer.Option(help="Where to write train/back-translated/LANGUAGE-en.tsv.gz.")],
    languages: Annotated[str, typer.Option(help="Whose English is translated.")] = "es,fr",
    sentences: Annotated[int, typer.Option(help="How many at most.")] = 100_000,
    threads: int = 1,
    seed: int = 1,
) -> None:
    """Translate English of one's own corpora into a language, and write the pairs."""
    english = untranslated(corpora, into, languages.split(","))
    random.Random(seed).shuffle(english)
    translator = ctranslate2.Translator(str(model), compute_type="int8", inter_threads=threads, intra_threads=1)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model / "spm.model"))
    path = out / "train" / CORPUS / f"{into}-en.tsv.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for start in range(0, min(sentences, len(english)), AT_A_TIME):
            texts = english[start : min(start + AT_A_TIME, sentences)]
            pieces = [[f"<2{into}>", *found] for found in processor.encode(texts, out_type=str)]
            results = translator.translate_batch(
                pieces, beam_size=1, return_scores=True, max_batch_size=2048, batch_type="tokens"
            )
            surest = sorted(zip(results, texts, strict=True), key=lambda each: -each[0].scores[0])
            for result, text in surest[: round(KEPT * len(surest))]:
                translation = processor.decode(result.hypotheses[0])
                if is_translation(into, translation, text):
                    file.write(f"{translation}\t{text}\n")
                    written += 1
            print(f"{written} pairs", flush=True)


def untranslated(corpora: Path, into: str, languages: list[str]) -> list[str]:
    """The everyday English of languages that the corpora of `into` lack, each sentence once."""
    sources, forbidden = Sources.load(), development_keys(corpora)
    known = {key(pair.english) for pair in read(corpora, into, sources, forbidden)}
    found: dict[str, str] = {}
    for language in languages:
        for pair in read(corpora, language, sources, forbidden):
            if pair.domain == "everyday" and key(pair.english) not in known:
                found.setdefault(key(pair.english), pair.english)
    return list(found.values())


if __name__ == "__main__":
    typer.run(main)
