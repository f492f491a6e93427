"""`model`, `messages` and what becomes of the text."""

from typing import Any

import httpx
import pytest

from tests.chat import TO_CHINESE, body, chat, refusal, translate
from tests.conftest import MakeClient

pytestmark = pytest.mark.anyio

MODELS = ["qwen-mt-turbo", "qwen-mt-plus", "qwen-mt-flash", "qwen-mt-lite"]


@pytest.mark.parametrize("model", [*MODELS, *(f"qwen/{model}" for model in MODELS), "a/b/qwen-mt-plus"])
async def test_qwen_mts_models_answer_with_or_without_vendor(client: httpx.AsyncClient, model: str) -> None:
    """And the response names the model that was asked for."""
    response = await chat(client, model=model)

    assert response.json()["model"] == model
    assert response.json()["choices"][0]["message"]["content"] == "zh:Hello there"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/compatible-mode/v1/chat/completions"])
async def test_both_paths_answer(client: httpx.AsyncClient, path: str) -> None:
    """OpenAI's and Alibaba's, with or without a query string."""
    response = await client.post(f"{path}?route=mt", json=body())

    assert response.status_code == 200


async def test_unknown_model_is_404(client: httpx.AsyncClient) -> None:
    """With the code that SDKs know, and the models that there are."""
    response = await chat(client, model="gpt-4")

    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")
    assert "qwen-mt-turbo" in error["message"]


async def test_operators_add_aliases_and_a_wildcard(make_client: MakeClient) -> None:
    """A named alias wins over the wildcard, and Qwen-MT's names stay."""
    engines = {"fake": {"kind": "fake"}, "other": {"kind": "fake", "languages": ["de", "fr"]}}
    client = await make_client(
        engines=engines, aliases={"gpt-*": {}, "mine": {"engine": "fake"}, "*": {"engine": "other"}}
    )

    assert await translate(client, model="mine") == "zh:Hello there"
    assert await translate(client, model="qwen-mt-lite") == "zh:Hello there"
    german = {"source_lang": "fr", "target_lang": "de"}
    assert await translate(client, model="anything", translation_options=german) == "de:Hello there"


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([("system", "You translate."), ("user", "One"), ("assistant", "zh:One"), ("user", "Two")], "Two"),
        ([("user", "One"), ("assistant", "Two"), ("system", "Three"), ("developer", "Four")], "One"),
        ([("system", "One"), ("assistant", "Two"), ("tool", "")], "Two"),
        ([("system", "One"), ("assistant", None)], "One"),
    ],
)
async def test_last_user_message_is_translated(
    client: httpx.AsyncClient, messages: list[tuple[str, str]], text: str
) -> None:
    """Or, without one, the last message with text; the others are not."""
    wire = [{"role": role, "content": content} for role, content in messages]

    assert await translate(client, messages=wire) == f"zh:{text}"


async def test_text_parts_are_joined(client: httpx.AsyncClient) -> None:
    """As AI SDKs send them."""
    parts = [{"type": "text", "text": "Hello "}, {"type": "text", "text": "there"}]

    assert await translate(client, parts) == "zh:Hello there"


async def test_images_in_other_messages_are_ignored(client: httpx.AsyncClient) -> None:
    """Only what is to be translated must be text."""
    image = {"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}

    assert await translate(client, messages=[image, {"role": "user", "content": "Hi"}]) == "zh:Hi"


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([], "messages: "),
        ([{"role": "user", "content": ""}], "messages[0].content is empty"),
        ([{"role": "user", "content": None}], "messages[0].content is empty"),
        ([{"role": "user", "content": []}], "messages[0].content is empty"),
        ([{"role": "user"}], "messages[0].content is empty"),
        ([{"role": "user", "content": "a"}, {"role": "user", "content": ""}], "messages[1].content is empty"),
        ([{"role": "system", "content": ""}], "None of the messages has text"),
        ([{"role": "user", "content": [{"type": "text", "text": ""}]}], "messages[0].content is empty"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "content[0] is of type 'image_url'"),
        (
            [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "input_audio"}]}],
            "messages[0].content[1] is of type 'input_audio'; only text can be translated",
        ),
        ([{"role": "user", "content": 5}], "messages[0].content: "),
        ([{"role": "user", "content": [{"text": "a"}]}], "messages[0].content[0].type: "),
        ([{"role": "user", "content": [{"type": "text", "text": 1}]}], "messages[0].content[0].text: "),
        ([{"content": "a"}], "messages[0].role: "),
        ([{"role": 1, "content": "a"}], "messages[0].role: "),
        (["Hello"], "messages[0]: "),
        ("Hello", "messages: "),
        (None, "messages: "),
    ],
)
async def test_bad_messages_are_refused_by_name(client: httpx.AsyncClient, messages: Any, expected: str) -> None:
    """The answer says which message and why."""
    error = await refusal(client, messages=messages)

    assert expected in error["message"]
    assert error["type"] == "invalid_request_error"
    assert error["param"].startswith("messages")


async def test_strict_roles_refuse_as_qwen_mt_does(make_client: MakeClient) -> None:
    """With its very sentence, which clients look for; user and assistant still pass."""
    client = await make_client(strict_roles=True)
    system = [{"role": "system", "content": "x"}, {"role": "user", "content": "Hi"}]
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}, {"role": "user", "content": "Hi"}]

    error = await refusal(client, messages=system)

    assert (error["message"], error["code"]) == ("Role must be in [user, assistant].", "invalid_parameter_error")
    assert await translate(client, messages=turns) == "zh:Hi"


@pytest.mark.parametrize("text", [" ", "\n\n\t", "\u3000"])
async def test_white_space_comes_back_as_it_is(client: httpx.AsyncClient, text: str) -> None:
    """There is nothing to translate, and nothing wrong."""
    assert await translate(client, text) == text
    assert await translate(client, text, translation_options=None) == text


async def test_document_keeps_its_layout(client: httpx.AsyncClient) -> None:
    """Line breaks, indentation and blank lines stay where they were."""
    assert await translate(client, "  One.\r\n\r\n\tTwo.  Three.\n") == "  zh:One.\r\n\r\n\tzh:Two.  zh:Three.\n"


async def test_text_up_to_the_limit_is_translated(make_client: MakeClient) -> None:
    """One character more is refused with the limit."""
    client = await make_client(max_input_chars=5)

    assert await translate(client, "Hello") == "zh:Hello"
    assert "takes up to 5" in (await refusal(client, "Hello!"))["message"]


@pytest.mark.parametrize(
    "field",
    [
        {"user": "u", "metadata": {"a": "b"}, "store": True, "service_tier": "auto", "reasoning_effort": "low"},
        {"extra_body": {"translation_options": {"source_lang": "de", "target_lang": "fr"}}},
        {"nonsense": [1, {"a": None}], "parallel_tool_calls": True, "prediction": None, "modalities": ["text"]},
        {"stream": None, "stream_options": None, "stop": None, "n": None, "max_tokens": None, "temperature": None},
        {"tools": None, "tool_choice": None, "seed": None, "logit_bias": None, "response_format": None, "top_p": None},
    ],
)
async def test_other_fields_change_nothing(client: httpx.AsyncClient, field: dict[str, Any]) -> None:
    """Fields of OpenAI's, fields of nobody's, nulls, and a literal `extra_body`."""
    assert await translate(client, **field) == "zh:Hello there"


async def test_response_has_every_key_that_openai_requires(client: httpx.AsyncClient) -> None:
    """And the headers that SDKs read."""
    response = await chat(client)
    answer = response.json()

    request_id = response.headers["x-request-id"]
    assert answer == {
        "id": f"chatcmpl-{request_id}",
        "object": "chat.completion",
        "created": answer["created"],
        "model": "qwen-mt-turbo",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "zh:Hello there", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
                "translation": {
                    "source_lang": "en",
                    "source_confidence": None,
                    "target_lang": "zh",
                    "engine": "fake",
                    "engine_version": "1",
                    "confidence": None,
                    "skipped_engines": [],
                    "pivot_lang": None,
                    "moved_segments": [],
                    "terms": {"applied": [], "missing": []},
                    "memory": [],
                    "warnings": [],
                },
            }
        ],
        "usage": {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4},
        "system_fingerprint": "fake-1",
    }
    assert answer["created"] > 1_700_000_000
    assert int(response.headers["openai-processing-ms"]) >= 0
    assert TO_CHINESE["target_lang"] == "Chinese"
