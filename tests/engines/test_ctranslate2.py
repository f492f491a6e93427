"""The CTranslate2 engine, on real models with random weights and on the model in the box."""

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dragoman.core.engine import Batch
from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Token
from dragoman.engines.ctranslate2 import CTranslate2Engine
from dragoman.engines.registry import create_engine
from tests.tiny_models import build_model_directory

pytestmark = pytest.mark.anyio

EN_ZH = Pair("en", "zh")
FAMILIES: dict[str, dict[str, Any]] = {
    "target tag, end token by config": {
        "languages": {"en": "<2en>", "zh": "<2zh>"},
        "source_tokens": ["{target}", "{text}"],
        "add_source_eos": True,
    },
    "MADLAD": {"languages": {"en": "<2en>", "zh": "<2zh>"}, "source_tokens": ["{target}", "{text}", "</s>"]},
    "OPUS-MT": {"languages": {"en": "en", "zh": "zh"}, "source_tokens": ["{text}", "</s>"]},
    "OPUS-MT with a target tag": {
        "languages": {"en": ">>eng<<", "zh": ">>cmn_Hans<<"},
        "source_tokens": ["{target}", "{text}", "</s>"],
    },
    "NLLB-200": {
        "languages": {"en": "eng_Latn", "zh": "zho_Hans"},
        "source_tokens": ["{source}", "{text}", "</s>"],
        "target_prefix": ["{target}"],
    },
    "M2M100": {
        "languages": {"en": "__en__", "zh": "__zh__"},
        "source_tokens": ["{source}", "{text}", "</s>"],
        "target_prefix": ["{target}"],
    },
}
HELLO = ["▁he", "ll", "o", "▁world"]
EXPECTED: dict[str, tuple[list[str], list[str] | None]] = {
    "target tag, end token by config": (["<2zh>", *HELLO], None),
    "MADLAD": (["<2zh>", *HELLO, "</s>"], None),
    "OPUS-MT": ([*HELLO, "</s>"], None),
    "OPUS-MT with a target tag": ([">>cmn_Hans<<", *HELLO, "</s>"], None),
    "NLLB-200": (["eng_Latn", *HELLO, "</s>"], ["zho_Hans"]),
    "M2M100": (["__en__", *HELLO, "</s>"], ["__zh__"]),
}


class RecordingTranslator:
    """A translator that keeps what reaches it."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.sources: list[list[str]] = []
        self.prefixes: list[list[str]] | None = None
        self.options: dict[str, Any] = {}

    def translate_batch(self, sources: list[list[str]], **options: Any) -> Any:
        """Record, then translate."""
        self.sources, self.prefixes, self.options = sources, options["target_prefix"], options
        return self._inner.translate_batch(sources, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.fixture
def tiny(tmp_path: Path) -> CTranslate2Engine:
    """An engine with a tiny NLLB-like model."""
    return load(build_model_directory(tmp_path / "model", **FAMILIES["NLLB-200"]))


def load(directory: Path) -> CTranslate2Engine:
    """Load as `dragoman.toml` would."""
    engine = create_engine("ctranslate2", {"model": str(directory), "compute_type": "float32", "inter_threads": 1})
    assert isinstance(engine, CTranslate2Engine)
    return engine


def record(engine: CTranslate2Engine) -> RecordingTranslator:
    """Put a recorder before the engine's translator."""
    recorder = RecordingTranslator(engine._translator)
    engine._translator = recorder
    return recorder


def batch_of(engine: CTranslate2Engine, *texts: str, **decoding: Any) -> Batch:
    """A batch of English texts for Chinese."""
    return Batch(tuple(Segment(text, tokens=engine.tokenize(text)) for text in texts), EN_ZH, Decoding(**decoding))


@pytest.mark.parametrize("family", FAMILIES)
async def test_card_alone_decides_what_reaches_ctranslate2(tmp_path: Path, family: str) -> None:
    """Each family gets exactly its tokens and prefix, the end token included, and gives text without any tag."""
    engine = await asyncio.to_thread(lambda: load(build_model_directory(tmp_path / "model", **FAMILIES[family])))
    recorder = record(engine)

    [[hypothesis]] = await engine.translate(batch_of(engine, "hello world"))

    sources, prefix = EXPECTED[family]
    assert recorder.sources == [sources]
    assert recorder.prefixes == ([prefix] if prefix else None)
    assert len(hypothesis.tokens) <= 16
    assert not any(tag in hypothesis.text for tag in FAMILIES[family]["languages"].values())
    await engine.aclose()


async def test_batch_gives_one_entry_per_segment_in_order(tiny: CTranslate2Engine) -> None:
    """Each segment's translation is where its source was, whatever it is batched with."""
    texts = ["hello", "the world is here", "good morning to you all"]

    together = await tiny.translate(batch_of(tiny, *texts, beam_size=1))

    alone = [(await tiny.translate(batch_of(tiny, text, beam_size=1)))[0][0].text for text in texts]
    assert [hypotheses[0].text for hypotheses in together] == alone


async def test_explicit_limits_reach_ctranslate2(tiny: CTranslate2Engine) -> None:
    """Input is never truncated by default limits, and the output limit leaves room for the prefix."""
    recorder = record(tiny)

    await tiny.translate(batch_of(tiny, "hello"))

    assert recorder.options["max_input_length"] == 0
    assert recorder.options["max_decoding_length"] == 17
    assert recorder.options["return_end_token"] is True


async def test_streamed_tokens_are_the_hypothesis(tiny: CTranslate2Engine) -> None:
    """Tokens arrive for every segment, prefix left out, and end with the hypothesis that the call returns."""
    seen: dict[int, list[Token | Hypothesis]] = {0: [], 1: []}

    returned = await tiny.translate(
        batch_of(tiny, "hello", "the world", beam_size=1), lambda index, event: seen[index].append(event)
    )
    await asyncio.sleep(0)

    for index, [hypothesis] in enumerate(returned):
        *tokens, last = seen[index]
        assert isinstance(last, Hypothesis)
        assert last.text == hypothesis.text
        assert [token.text for token in tokens if isinstance(token, Token)] == [t.text for t in hypothesis.tokens]
        assert last.ended == hypothesis.ended


async def test_a_vocabulary_map_says_what_a_beam_may_write(tmp_path: Path) -> None:
    """Beam 1 does without, so that streamed tokens are the chosen ones."""
    directory = build_model_directory(tmp_path / "model", **FAMILIES["target tag, end token by config"])
    (directory / "vmap.txt").write_text("<2zh>\t▁world ▁the\n", "utf-8")
    engine = await asyncio.to_thread(load, directory)
    streamed: list[Token | Hypothesis] = []

    [[mapped]] = await engine.translate(batch_of(engine, "hello", beam_size=2))
    [[free]] = await engine.translate(batch_of(engine, "hello", beam_size=1), lambda _, event: streamed.append(event))
    await asyncio.sleep(0)

    assert {token.model_token for token in mapped.tokens} <= {"▁world", "▁the"}
    assert mapped.tokens
    assert {token.model_token for token in free.tokens} - {"▁world", "▁the"}
    assert [each.model_token for each in streamed if isinstance(each, Token)] == [
        token.model_token for token in free.tokens
    ]
    await engine.aclose()


class GatedTranslator(RecordingTranslator):
    """Waits before it decodes, then takes one step and keeps what the callback says to it."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.started, self.gate, self.finished = threading.Event(), threading.Event(), threading.Event()
        self.told_to_stop: bool | None = None

    def translate_batch(self, sources: list[list[str]], **options: Any) -> Any:
        """Wait, step, stop."""
        self.started.set()
        self.gate.wait()
        step = SimpleNamespace(batch_id=0, step=1, token="▁world", log_prob=-1.0, is_last=False)
        self.told_to_stop = options["callback"](step)
        self.finished.set()
        return super().translate_batch(sources, **(options | {"callback": None}))


@pytest.mark.parametrize("leave", [False, True])
async def test_cancelled_greedy_call_stops_at_the_next_step(tiny: CTranslate2Engine, leave: bool) -> None:  # noqa: FBT001
    """When the caller goes, CTranslate2 is told to stop, and nothing further is emitted."""
    translator = tiny._translator = GatedTranslator(tiny._translator)
    events: list[int] = []
    batch = batch_of(tiny, "hello", beam_size=1)

    task = asyncio.create_task(tiny.translate(batch, lambda index, _: events.append(index)))
    await asyncio.to_thread(translator.started.wait)
    if leave:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    translator.gate.set()
    await asyncio.to_thread(translator.finished.wait)
    await asyncio.sleep(0)

    assert translator.told_to_stop is leave
    assert events == ([] if leave else [0])


@pytest.mark.parametrize(
    "decoding",
    [
        {"top_k": 0},
        {"top_k": 100_000},
        {"top_k": 5, "top_p": 0.0},
        {"top_k": 5, "temperature": 0.0},
        {"top_k": 5, "temperature": 1e-30},
        {"top_k": 5, "num_hypotheses": 3, "beam_size": 4},
        {"num_hypotheses": 8},
        {"num_hypotheses": 3, "beam_size": 1},
        {"repetition_penalty": 1e300},
        {"repetition_penalty": 1e-300},
    ],
)
async def test_no_option_of_the_api_breaks_ctranslate2(tiny: CTranslate2Engine, decoding: dict[str, Any]) -> None:
    """Values that CTranslate2 refuses or crashes on are clamped: sampling never meets a beam, for instance."""
    recorder = record(tiny)

    [hypotheses] = await tiny.translate(batch_of(tiny, "hello", **decoding))

    assert len(hypotheses) == decoding.get("num_hypotheses", 1)
    assert recorder.options["beam_size"] == 1 or "sampling_topk" not in recorder.options


async def test_starter_translates_both_ways() -> None:
    """The model in the box gives words that must be there."""
    starter = await asyncio.to_thread(create_engine, "ctranslate2", {"model": "starter"})
    texts = {Pair("en", "zh"): ("Where is the station?", "车站"), Pair("zh", "en"): ("你叫什么名字？", "name")}

    for pair, (text, expected) in texts.items():
        batch = Batch((Segment(text, tokens=starter.tokenize(text)),), pair, Decoding())
        [[hypothesis]] = await starter.translate(batch)
        assert expected in hypothesis.text
        assert hypothesis.ended
    await starter.aclose()
