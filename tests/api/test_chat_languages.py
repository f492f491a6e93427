"""`translation_options`."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from dragoman.app import create_app
from dragoman.core.types import Pair
from dragoman.engines.fake import FakeEngine, Options
from dragoman.ops.settings import load_settings
from tests.api.test_chat_stream import use_engine
from tests.chat import chat, refusal, translate
from tests.conftest import MakeClient, client_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("source", ["auto", "AUTO", None, "", " ", "en", "English", "american english", "en-GB"])
@pytest.mark.parametrize("target", ["zh", "Chinese", "chinese", "Simplified Chinese", "zh-Hans", "ZH_cn"])
async def test_languages_by_name_code_alias_or_detection(
    client: httpx.AsyncClient, source: str | None, target: str
) -> None:
    """In any case."""
    options = {"source_lang": source, "target_lang": target}

    assert await translate(client, "Hello, how are you today?", translation_options=options) == (
        "zh:Hello, how are you today?"
    )


@pytest.mark.parametrize(
    "options", [None, {}, {"target_lang": None}, {"target_lang": ""}, {"target_lang": " ", "source_lang": "auto"}]
)
@pytest.mark.parametrize(("text", "expected"), [("你好", "en:你好"), ("Hello to you all", "zh:Hello to you all")])
async def test_default_target_is_english_or_chinese_for_english(
    client: httpx.AsyncClient, options: dict[str, Any] | None, text: str, expected: str
) -> None:
    """Where no target is named."""
    assert await translate(client, text, translation_options=options) == expected


async def test_default_targets_are_configurable(make_client: MakeClient) -> None:
    """Both of them."""
    client = await make_client(default_target="de", default_target_alternative="French")

    assert await translate(client, translation_options={"source_lang": "en"}) == "de:Hello there"
    assert await translate(client, translation_options={"source_lang": "German"}) == "fr:Hello there"


async def test_same_language_comes_back_unchanged(client: httpx.AsyncClient) -> None:
    """As in the specification's example, which asks for English of English text."""
    text = "I didn't laugh after watching this video.\n"
    options = {"source_lang": "auto", "target_lang": "English"}

    assert await translate(client, text, translation_options=options) == text


async def test_detection_is_shown_with_its_confidence(client: httpx.AsyncClient) -> None:
    """0 says that the text was undecidable and the fallback taken."""
    sure = await chat(client, "这是什么东西", translation_options={"target_lang": "en"})
    lost = await chat(client, "12:30", translation_options={"target_lang": "zh"})

    assert sure.json()["choices"][0]["translation"]["source_lang"] == "zh"
    assert sure.json()["choices"][0]["translation"]["source_confidence"] == 1
    assert lost.json()["choices"][0]["translation"]["source_lang"] == "en"
    assert lost.json()["choices"][0]["translation"]["source_confidence"] == 0
    assert lost.json()["choices"][0]["message"]["content"] == "12:30"


async def test_detection_fallback_is_configurable(make_client: MakeClient) -> None:
    """For text that is too short to tell."""
    client = await make_client(detect_fallback="German")

    response = await chat(client, "OK", translation_options={"target_lang": "en"})

    assert response.json()["choices"][0]["translation"]["source_lang"] == "de"


@pytest.mark.parametrize(
    ("options", "param", "expected"),
    [
        ({"target_lang": "Klingon"}, "translation_options.target_lang", "'Klingon'"),
        ({"target_lang": "Auto"}, "translation_options.target_lang", "`auto` is for source_lang"),
        ({"source_lang": "Englich", "target_lang": "zh"}, "translation_options.source_lang", "Did you mean 'English'?"),
    ],
)
async def test_unknown_language_is_refused_as_qwen_mt_does(
    client: httpx.AsyncClient, options: dict[str, Any], param: str, expected: str
) -> None:
    """With its sentence, the value, and the closest name."""
    error = await refusal(client, translation_options=options)

    assert error["message"].startswith("Current language settings are not supported!")
    assert expected in error["message"]
    assert (error["code"], error["param"]) == ("invalid_parameter_error", param)


async def test_pair_without_engine_is_refused_with_the_pairs_there_are(make_client: MakeClient) -> None:
    """The same code as for an unknown language."""
    client = await make_client(engines={"fake": {"kind": "fake", "languages": ["zh", "en"]}})

    error = await refusal(client, translation_options={"source_lang": "fr", "target_lang": "zh"})

    assert error["code"] == "invalid_parameter_error"
    assert error["message"] == (
        "Current language settings are not supported! This model has no fr→zh; "
        "it translates en→zh, zh_tw→zh, en→zh_tw, zh_tw→en, zh→en, zh→zh_tw."
    )


@pytest.mark.parametrize("text", ["Good morning to you", "你好", "Bonjour tout le monde"])
async def test_target_without_engine_is_refused_whatever_the_text(make_client: MakeClient, text: str) -> None:
    """Detection never makes the missing target out of the source, which would echo it."""
    client = await make_client(engines={"fake": {"kind": "fake", "languages": ["zh", "en"]}})

    error = await refusal(client, text, translation_options={"target_lang": "French"})

    assert "→fr; it translates " in error["message"]


async def test_many_pairs_are_named_in_part(client: httpx.AsyncClient) -> None:
    """A model of all languages lists only the nearest."""
    error = await refusal(client, "你好", translation_options={"source_lang": "zh", "target_lang": "Latin"})

    assert len(error["message"]) < 1000


@pytest.mark.parametrize(
    "options",
    [
        {"terms": None, "tm_list": None, "domains": None},
        {"terms": [], "tm_list": [], "domains": ""},
        {"terms": [{"source": "a", "target": "b", "note": None}], "tm_list": [{"source": "a", "target": "b"}]},
        {"domains": "The text is from IT.", "temperature": 0.3, "format": "auto", "unknown": {"a": [None]}},
    ],
)
async def test_other_options_are_accepted(client: httpx.AsyncClient, options: dict[str, Any]) -> None:
    """Terms, memory and domain are validated; unknown keys and nulls are ignored."""
    both = {"source_lang": "en", "target_lang": "zh"} | options

    assert await translate(client, translation_options=both) == "zh:Hello there"


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"terms": "a"}, "translation_options.terms"),
        ({"terms": [{"source": "a"}]}, "translation_options.terms[0].target"),
        ({"terms": [{"source": "a", "target": 1}]}, "translation_options.terms[0].target"),
        ({"tm_list": [["a", "b"]]}, "translation_options.tm_list[0]"),
        ({"domains": ["IT"]}, "translation_options.domains"),
        ({"target_lang": 5}, "translation_options.target_lang"),
        ({"source_lang": ["en"]}, "translation_options.source_lang"),
        ("English", "translation_options"),
    ],
)
async def test_wrong_types_are_refused_by_path(client: httpx.AsyncClient, options: Any, param: str) -> None:
    """The path of the field is in `param` and in the message."""
    error = await refusal(client, translation_options=options)

    assert error["param"] == param
    assert error["message"].startswith(f"{param}: ")


@pytest.mark.parametrize(
    ("text", "target", "source"),
    [
        ("Ich habe heute keine Zeit.", "Japanese", "de"),
        ("¿Dónde está la estación?", "Japanese", "es"),
        ("Je suis fatigué aujourd'hui.", "Spanish", "fr"),
        ("我今天没有时间。", "zh_tw", "zh"),
        ("Hello", "Chinese", "en"),
        ("Menu", "Japanese", "en"),
    ],
)
async def test_sources_that_go_through_a_pivot_are_detected(text: str, target: str, source: str) -> None:
    """From ten letters on; shorter text is in a language that goes directly."""
    app = await asyncio.to_thread(lambda: create_app(load_settings()))
    answer = await chat(client_of(app), text, translation_options={"source_lang": "auto", "target_lang": target})
    assert answer.json()["choices"][0]["translation"]["source_lang"] == source
    await app.state.service.aclose()


@pytest.mark.parametrize("text", ["안녕하세요. 저는 학생입니다.", "Привет, как дела?", "สวัสดี"])
async def test_a_script_of_no_language_of_the_model_is_refused(make_client: MakeClient, text: str) -> None:
    """Rather than taken for another language."""
    client = await make_client(engines={"fake": {"kind": "fake", "languages": ["zh", "en"]}})
    error = await refusal(client, text, translation_options={"source_lang": "auto", "target_lang": "Chinese"})
    assert "a script that no language of this model is written in" in error["message"]


async def test_text_in_a_language_without_a_way_to_the_target_is_refused(make_client: MakeClient) -> None:
    """Rather than translated as if it were in another one; a few words may still be anything."""
    client = await make_client()
    engine = FakeEngine(Options(languages=["en", "zh", "fr"]))
    engine._info = replace(engine.info, pairs=frozenset({Pair("en", "zh"), Pair("fr", "en"), Pair("zh", "en")}))
    use_engine(client, engine)
    options = {"source_lang": "auto", "target_lang": "Chinese"}
    error = await refusal(client, "Bonjour, comment allez-vous aujourd'hui ?", translation_options=options)
    assert error["message"].startswith("Current language settings are not supported! The text seems to be French.")
    assert await translate(client, "Bonjour", translation_options=options) == "zh:Bonjour"
    assert await translate(client, "How are you today, my dear old friend?", translation_options=options)
