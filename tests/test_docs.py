"""The documents say what is true: their examples run, and their tables are those of the code."""

import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import uvicorn

from dragoman.app import create_app, create_service
from dragoman.core.answer import WarningCode
from dragoman.core.languages import LANGUAGES
from dragoman.engines.ctranslate2_loading import Options
from dragoman.engines.hub.catalogue import catalogue
from dragoman.engines.llm import Options as LanguageModelOptions
from dragoman.engines.model_card import ModelCard
from dragoman.engines.openai_chat import Options as ChatOptions
from dragoman.engines.registry import create_engine
from dragoman.ops.metrics import Metrics
from dragoman.ops.settings import AliasSettings, Settings, StepSettings, load_settings
from tests.fake_apertium import write_apertium
from tests.tiny_models import build_language_model, build_model_directory

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    """The code of a page in one language."""
    return [code for found, code in BLOCK.findall((ROOT / page).read_text("utf-8")) if found == language]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server as `make serve` starts it, on a free port."""
    server = uvicorn.Server(uvicorn.Config(create_app(load_settings()), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def run(command: list[str], port: int) -> str:
    """Run an example against the server, and give its output."""
    command = [part.replace("127.0.0.1:8000", f"127.0.0.1:{port}") for part in command]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=50, env=os.environ | {"PATH": path}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_readmes_request_gives_the_answer_that_it_names(port: int) -> None:
    """The curl command as it stands."""
    [_, request] = blocks("README.md", "sh")

    answer = json.loads(run(["bash", "-c", request], port))

    assert answer["choices"][0]["message"]["content"] == "车站在哪里？"
    assert "`车站在哪里？`" in (ROOT / "README.md").read_text("utf-8")


def test_readmes_program_prints_what_it_says(port: int) -> None:
    """The Python program as it stands."""
    [program] = blocks("README.md", "python")

    printed = run([sys.executable, "-c", program], port)

    assert printed.strip() == program.rpartition("# ")[2].strip()


def test_quickstarts_examples_run(port: int) -> None:
    """Every command but the one that starts the server, and every program."""
    _, *commands = blocks("docs/quickstart.md", "sh")
    commands = [command.replace(".venv/bin/dragoman", "dragoman") for command in commands]

    outputs = [run(["bash", "-c", f"set -e; {command}"], port) for command in commands]
    [printed] = [run([sys.executable, "-c", program], port) for program in blocks("docs/quickstart.md", "python")]

    assert "video" in outputs[0]
    assert "I didn't laugh after watching this video." in outputs[1]
    assert outputs[2].endswith("data: [DONE]\n\n")
    assert "车站" in outputs[3]
    assert "Traditional Chinese" in outputs[3]
    assert "\n\n" in printed


def test_engines_to_choose_from_can_be_made() -> None:
    """The configuration as it stands, and a family for each row of the table."""
    page = (ROOT / "docs" / "choose-an-engine.md").read_text("utf-8")
    settings = next(
        each for each in map(tomllib.loads, blocks("docs/choose-an-engine.md", "toml")) if "engines" in each
    )
    options = dict(settings["engines"][settings["default_engine"]])

    engine = create_engine(options.pop("kind"), options)

    assert engine.info.id == "Hy-MT2-7B"
    families = {path.stem for path in (ROOT / "src" / "dragoman" / "engines" / "families").glob("*.toml")}
    assert {name for name in families if f"`{name}`" not in page and name != "qwen-mt"} == set()
    assert [name for name in ChatOptions.model_fields if f"`{name}`" not in page] == []
    assert [name for name in LanguageModelOptions.model_fields if name not in page] == []


CHOICES = [*blocks("docs/choose-an-engine.md", "toml"), *blocks("docs/configuration.md", "toml")]


@pytest.mark.parametrize("configuration", CHOICES, ids=range(len(CHOICES)))
def test_every_configuration_loads(configuration: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the models that it names, tiny ones in their place, and a key."""
    models = tmp_path / "models"
    models.mkdir()
    for name in ("opus-mt-zh-en", "opus-mt-en-zh"):
        build_model_directory(models / name, languages={"zh": "<2zh>", "en": "<2en>"}, source_tokens=["{text}", "</s>"])
    build_language_model(models / "qwen3-0.6b")
    write_apertium(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test")
    missing = [name for name in ("hy", "legal-llm") if f"[engines.{name}]" not in configuration]
    others = "".join(f'\n[engines.{name}]\nkind = "fake"\n' for name in missing)
    (tmp_path / "dragoman.toml").write_text(configuration + others)

    service = create_service(load_settings(), Metrics())

    assert service.engines


def test_the_catalogue_is_documented_as_it_is() -> None:
    """The table of choose-an-engine.md, row by row."""
    page = (ROOT / "docs" / "choose-an-engine.md").read_text("utf-8")

    for name, model in catalogue().items():
        row = f"| {model.download_megabytes:,} | {model.memory_megabytes:,} |"
        [written] = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert written.endswith(row)
        assert model.licence in written.casefold()


def test_api_pages_program_parses_an_answer(port: int) -> None:
    """The SDK's `parse` with a pydantic model."""
    [program] = blocks("docs/api.md", "python")

    printed = run([sys.executable, "-c", program], port)

    assert printed.startswith("translation='车站在哪里？' source_language='en' confidence=0.")


def test_example_of_terms_memory_and_markup_answers_as_it_says(port: int) -> None:
    """Tags around words, the placeholder once, the term, and the memory's answer."""
    [command] = blocks("docs/terms-and-markup.md", "sh")

    [choice] = json.loads(run(["bash", "-c", command], port))["choices"]

    content = choice["message"]["content"]
    assert re.fullmatch(r"<p>.*<b>.*座驾.*</b>.*晚安！</p>", content)
    assert content.count("{place}") == 1
    assert choice["translation"]["terms"] == {"applied": [{"source": "car", "target": "座驾"}], "missing": []}
    assert [hit["kind"] for hit in choice["translation"]["memory"]] == ["adapted"]


def test_every_warning_is_documented() -> None:
    """And no other."""
    page = (ROOT / "docs" / "terms-and-markup.md").read_text("utf-8")
    table = page[page.index("## Warnings") :]

    codes = {code for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}
    assert codes == set(get_args(WarningCode))


def test_example_program_runs(port: int) -> None:
    """With the address from its environment variable."""
    program = (ROOT / "examples" / "python_sdk.py").read_text("utf-8")

    assert len(run([sys.executable, "-c", program], port).splitlines()) == 2


def test_settings_are_documented_as_they_are() -> None:
    """The table of configuration.md; paste the expected one when a setting changes."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=False)
        value = json.dumps(default, default=str).replace("|", "\\|")
        rows.append(f"| `{name}` | {f'`{value}`' if default not in (None, [], {}) else 'none'} | {field.description} |")

    expected = "\n".join(rows)
    assert expected in (ROOT / "docs" / "configuration.md").read_text("utf-8"), expected


def test_every_key_of_cards_aliases_and_engines_is_documented() -> None:
    """In the pages that a user would look into."""
    engines = (ROOT / "docs" / "add-an-engine.md").read_text("utf-8")
    configuration = (ROOT / "docs" / "configuration.md").read_text("utf-8")

    optional = {"description", "attribution"}
    assert [key for key in {*Options.model_fields, *ModelCard.model_fields} - optional if key not in engines] == []
    assert [key for key in AliasSettings.model_fields if key not in configuration] == []
    routes = (ROOT / "docs" / "choose-an-engine.md").read_text("utf-8")
    assert [key for key in StepSettings.model_fields if f"{key} = " not in routes] == []


def test_engine_of_the_tutorial_translates() -> None:
    """The code of add-an-engine.md is complete."""
    [program] = blocks("docs/add-an-engine.md", "python")
    check = (
        "import asyncio\n"
        "from dragoman.core.engine import Batch\nfrom dragoman.core.types import Decoding, Segment\n"
        "batch = Batch((Segment('hi'),), Pair('en', 'cy'), Decoding())\n"
        "print(asyncio.run(create({}).translate(batch))[0][0].text)"
    )

    assert run([sys.executable, "-c", program + check], 0) == "HI\n"


def test_example_configuration_is_valid() -> None:
    """It loads, keys and all."""
    settings = load_settings(ROOT / "examples" / "dragoman.toml")

    assert settings.aliases["house-translator"].stream_tokens
    assert len(settings.all_api_keys()) == 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Those within the repository."""
    links = re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text("utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_number_of_languages_is_right() -> None:
    """As the pages say."""
    assert len(LANGUAGES) == 92
