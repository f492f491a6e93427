"""The same sentences, weights and machine, through this server and through LibreTranslate, in one run.

    make bench-libretranslate

LibreTranslate runs as its own program from PyPI, in an environment of its own, with its defaults but for what keeps it
from downloading: the model in the box is packed as one of its packages, with a blank spaCy splitter.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from machine import body, load, read_sentences, server

from dragoman.engines.model_card import find_model

SENTENCES, CLIENTS, TARGET = 600, 64, 15.0
SPLITTER = 'import spacy, sys; nlp = spacy.blank("xx"); nlp.to_disk(sys.argv[1])'


def main() -> int:
    """Print both rates and their ratio; 1 if the target is missed."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--corpora", type=Path, required=True)
    arguments.add_argument(
        "--environment", type=Path, required=True, help="where libretranslate and spacy are installed"
    )
    options = arguments.parse_args()
    sentences = read_sentences(options.corpora, SENTENCES)
    ours = [body(text) for text in sentences]
    theirs: list[dict[str, object]] = [{"q": text, "source": "zh", "target": "en"} for text in sentences]
    with server(cache=False) as running:
        load(running.port, ours[:100], clients=CLIENTS)
        ours_rate = load(running.port, ours, clients=CLIENTS).rate
    with tempfile.TemporaryDirectory() as folder, libretranslate(options.environment, Path(folder)) as port:
        load(port, theirs[:20], clients=CLIENTS, path="/translate")
        theirs_rate = load(port, theirs, clients=CLIENTS, path="/translate").rate
    ratio = ours_rate / theirs_rate
    print(
        f"{CLIENTS} clients, one sentence each: {ours_rate:.1f} sentences/s here, {theirs_rate:.1f} LibreTranslate, "
        f"ratio {ratio:.1f} (target ≥ {TARGET:.0f}: {'met' if ratio >= TARGET else 'MISSED'})"
    )
    return 0 if ratio >= TARGET else 1


@contextmanager
def libretranslate(environment: Path, home: Path) -> Iterator[int]:
    """A LibreTranslate that knows the model in the box and nothing else."""
    python = environment / "bin" / "python"
    package = home / "argos-translate" / "packages" / "translate-zh_en"
    pack(package)
    for place in (package / "spacy", home / "argos-translate" / "spacy" / "senter" / "model"):
        place.mkdir(parents=True)
        subprocess.run([str(python), "-c", SPLITTER, str(place)], check=True)
    port = 5000 + os.getpid() % 1000
    names = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HOME")
    variables = dict.fromkeys(names, str(home)) | {"ARGOS_CHUNK_TYPE": "SPACY"}
    options = ["--load-only", "zh,en", "--disable-web-ui", "--disable-files-translation"]
    command = [str(environment / "bin" / "libretranslate"), "--port", str(port), *options]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=os.environ | variables, cwd=home, stdout=quiet, stderr=quiet) as process:
        try:
            wait_until_it_translates(port)
            yield port
        finally:
            process.kill()


def pack(package: Path) -> None:
    """The model in the box as an Argos package. The tag of the target language takes the place of a start token."""
    starter = find_model("starter")
    (package / "model").mkdir(parents=True)
    for name in ("model.bin", "shared_vocabulary.json"):
        shutil.copy(starter / name, package / "model" / name)
    config = json.loads((starter / "config.json").read_text("utf-8"))
    config |= {"add_source_bos": True, "bos_token": "<2en>"}
    (package / "model" / "config.json").write_text(json.dumps(config), "utf-8")
    shutil.copy(starter / "spm.model", package / "sentencepiece.model")
    codes = {"from_code": "zh", "from_name": "Chinese", "to_code": "en", "to_name": "English"}
    metadata = {"package_version": "1.0", "argos_version": "1.9"} | codes
    (package / "metadata.json").write_text(json.dumps(metadata), "utf-8")


def wait_until_it_translates(port: int) -> None:
    """Until it gives a translation. Raises `SystemExit` after two minutes."""
    for _ in range(120):
        try:
            answer = httpx.post(
                f"http://127.0.0.1:{port}/translate", json={"q": "你好", "source": "zh", "target": "en"}, timeout=30
            )
            if answer.status_code == httpx.codes.OK:
                print(f"LibreTranslate says {answer.json()['translatedText']!r}")
                return
        except httpx.HTTPError:
            pass
        time.sleep(1)
    raise SystemExit("LibreTranslate did not start")


if __name__ == "__main__":
    sys.exit(main())
