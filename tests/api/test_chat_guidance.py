"""`terms`, `tm_list`, `domains`, `format` and earlier turns, and what the answer says of them."""

from typing import Any

import httpx
import pytest

from tests.chat import TO_CHINESE, chat, events, refusal, translate

pytestmark = pytest.mark.anyio

CAT = {"source": "Cat", "target": "猫"}


def options(**fields: Any) -> dict[str, Any]:
    """English into Chinese, with more."""
    return {"translation_options": TO_CHINESE | fields}


async def note(client: httpx.AsyncClient, content: str, **fields: Any) -> dict[str, Any]:
    """The `translation` object of the first choice."""
    response = await chat(client, content, **options(**fields))
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()["choices"][0]["translation"]
    return found


async def test_terms_are_applied_and_named(client: httpx.AsyncClient) -> None:
    """Those that occur; the others cost nothing and are not named."""
    terms = [{"source": "hello", "target": "你好"}, {"source": "cat", "target": "猫"}]

    assert "你好" in await translate(client, **options(terms=terms))
    assert (await note(client, "Hello there", terms=terms))["terms"] == {"applied": terms[:1], "missing": []}


@pytest.mark.parametrize("terms", [[], None, [{"source": "a", "target": "b"}] * 2, [{"source": " a", "target": "b "}]])
async def test_harmless_lists_of_terms_are_accepted(client: httpx.AsyncClient, terms: Any) -> None:
    """None, no entries, and identical entries."""
    assert await translate(client, **options(terms=terms)) == "zh:Hello there"


@pytest.mark.parametrize(
    ("terms", "param", "words"),
    [
        ([{"source": " ", "target": "x"}], "translation_options.terms[0]", "source is empty"),
        ([CAT, {"source": "b", "target": ""}], "translation_options.terms[1]", "target is empty"),
        ([CAT, {"source": "cat", "target": "小猫"}], "translation_options.terms[1]", "猫' and '小猫"),
        ([{"source": "a"}], "translation_options.terms[0].target", "required"),
        ([{"source": str(index), "target": "x"} for index in range(5001)], "translation_options.terms", "5000"),
    ],
)
async def test_terms_that_cannot_be_enforced_are_refused_by_name(
    client: httpx.AsyncClient, terms: Any, param: str, words: str
) -> None:
    """With what is wrong about them."""
    error = await refusal(client, **options(terms=terms))

    assert error["param"] == param
    assert words in error["message"]


async def test_two_spellings_with_capitals_inside_are_two_terms(client: httpx.AsyncClient) -> None:
    """`US` is not `us`."""
    terms = [{"source": "US", "target": "美国"}, {"source": "us", "target": "我们"}]

    assert (await note(client, "The US sent us.", terms=terms))["terms"]["applied"] == terms


async def test_memory_answers(client: httpx.AsyncClient) -> None:
    """And says so."""
    memory = [{"source": "hello there", "target": "喂"}]

    assert await translate(client, **options(tm_list=memory)) == "喂"
    assert (await note(client, "Hello there", tm_list=memory))["memory"] == [
        {"segment": 0, "kind": "exact", "score": 1.0}
    ]


async def test_earlier_turns_are_memory(client: httpx.AsyncClient) -> None:
    """Where the assistant answered in the target language."""
    turns = [("user", "Hello there"), ("assistant", "喂，你在吗"), ("user", "Good day"), ("assistant", "I am sorry.")]
    messages = [{"role": role, "content": content} for role, content in turns]

    assert await translate(client, messages=[*messages, {"role": "user", "content": "Hello there"}]) == "喂，你在吗"
    assert await translate(client, messages=[*messages, {"role": "user", "content": "Good day"}]) == "zh:Good day"


async def test_domains_that_no_engine_takes_are_named(client: httpx.AsyncClient) -> None:
    """An empty string is none."""
    assert (await note(client, "Hello there", domains="IT."))["warnings"] == [
        {"code": "domains_ignored", "segment": None}
    ]
    assert (await note(client, "Hello there", domains=""))["warnings"] == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("json", '{"a": "Hi there"}', '{"a": "zh:Hi there"}'),
        ("auto", '{"a": "Hi there"}', '{"a": "zh:Hi there"}'),
        (None, '{"a": "Hi there"}', '{"a": "zh:Hi there"}'),
        ("text", '{"a": "Hi there"}', 'zh:{"a": "Hi there"}'),
        ("HTML", "<p>Hi there</p>", "<p>zh:Hi there</p>"),
        ("markdown", "    code\n\nHi there", "    code\n\nzh:Hi there"),
    ],
)
async def test_format_is_named_or_recognised(
    client: httpx.AsyncClient, name: str | None, text: str, expected: str
) -> None:
    """Only human text is translated."""
    assert await translate(client, text, **options(format=name)) == expected


async def test_unknown_format_is_refused(client: httpx.AsyncClient) -> None:
    """With those that there are."""
    error = await refusal(client, **options(format="docx"))

    assert error["param"] == "translation_options.format"
    assert "auto, text, html, xml, markdown, srt, vtt, json, po" in error["message"]


async def test_stream_carries_the_note_on_its_finish_chunk(client: httpx.AsyncClient) -> None:
    """The same as without a stream."""
    terms = [{"source": "hello", "target": "你好"}]
    streamed = events(await chat(client, stream=True, **options(terms=terms)))

    notes = [choice["translation"] for event in streamed for choice in event["choices"] if "translation" in choice]

    assert notes == [await note(client, "Hello there", terms=terms)]
