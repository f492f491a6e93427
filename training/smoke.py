"""Runs the whole recipe on a few hundred pairs, and checks what can be checked of it in two minutes.

    python training/smoke.py --corpora ../shared/corpora

The corpora may be any folder of that shape; without `--corpora`, a handful of made-up sentences stands in for them.
"""

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import torch
import typer

from train import load

HERE = Path(__file__).parent
SMALL = (
    "--width 64 --feed-forward 128 --encoder-layers 2 --decoder-layers 1 --batch-tokens 1024 --minutes 9 --threads 1 "
    "--sampled 500"
)
WORDS = {"un": "one", "dos": "two", "tres": "three", "gatos": "cats", "perros": "dogs", "verdes": "green", "y": "and"}


def main(
    corpora: Annotated[
        Path | None, typer.Option(help="A folder with train/ and dev/; made up where none is given.")
    ] = None,
) -> None:
    """Prepare, train, stop, go on, export, translate and score."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        texts = corpora if corpora and corpora.is_dir() else made_up(work / "corpora")
        run(
            "prepare.py",
            f"--corpora {texts} --out {work / 'data'} --languages zh=1,es=1,fr=1 --limit 20 --vocabulary 2600",
        )
        steps = "--max-steps 6 --warmup-steps 2"
        run("train.py", f"--data {work / 'data'} --out {work / 'whole'} {SMALL} {steps}")
        for stop in (3, 6):
            run(
                "train.py",
                f"--data {work / 'data'} --out {work / 'parts'} {SMALL} {steps} --max-steps {stop} --shard-megabytes 1",
            )
        check_equal(work / "whole" / "model.pt", work / "parts" / "model.pt")
        run("train.py", f"--data {work / 'data'} --out {work / 'whole'} {SMALL} --max-steps 60 --lr 0.01")
        run(
            "export.py",
            f"--data {work / 'data'} --run {work / 'whole'} --card {HERE / 'card.toml'} --out {work / 'model'}",
        )
        run(
            "back_translate.py",
            f"--corpora {texts} --model {work / 'model'} --into zh --languages es --sentences 5 --out {work / 'more'}",
        )
        run("train.py", f"--data {work / 'data'} --out {work / 'grown'} {SMALL} --start {work / 'model'} --max-steps 1")
        run("evaluate.py", f"--corpora {texts} --model {work / 'model'} --lines 4 --no-gate")
        print("the recipe works")


def run(script: str, arguments: str) -> None:
    """Run a script of the recipe as a person would. Raises `CalledProcessError`."""
    print(f"\n$ python training/{script} {arguments}", flush=True)
    subprocess.run([sys.executable, str(HERE / script), *arguments.split()], check=True)


def check_equal(first: Path, second: Path) -> None:
    """Stopped and gone on, training must end where it would have without the stop."""
    one, other = load(first), load(second)
    assert one is not None
    assert other is not None
    for name, weights in one["weights"].items():
        assert torch.equal(weights, other["weights"][name]), f"{name} differs after a stop"
    print("a stop changes nothing")


def made_up(folder: Path) -> Path:
    """A corpus of three languages that say the same few words."""
    words = list(WORDS.items())
    lines = [
        " ".join(column)
        for a in words for b in words for c in words
        for column in [(f"{a[0]} {b[0]} {c[0]}.", f"{a[1]} {b[1]} {c[1]}.")]
    ]  # fmt: skip
    for language in ("zh", "es", "fr"):
        mark = "猫，" if language == "zh" else ""
        rows = [mark + line.replace(". ", ".\t", 1) for line in lines]
        (folder / "train" / "tatoeba").mkdir(parents=True, exist_ok=True)
        (folder / "dev").mkdir(exist_ok=True)
        with gzip.open(folder / "train" / "tatoeba" / f"{language}-en.tsv.gz", "wt", encoding="utf-8") as file:
            file.write("\n".join(rows[4:]))
        (folder / "dev" / f"tatoeba.{language}-en.tsv").write_text("\n".join(rows[:4]), "utf-8")
    (folder / "dev" / "BASELINES.tsv").write_text("pair\ttestset\tsystem\tBLEU\tCOMET\n", "utf-8")
    return folder


if __name__ == "__main__":
    typer.run(main)
