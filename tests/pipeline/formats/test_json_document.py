"""Words in JSON are found, and nothing else, however damaged the document is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.pipeline.block import escape
from dragoman.pipeline.formats.json_document import is_code, looks_like, parse
from tests.pipeline.formats.laws import check_laws, texts

SPECIMENS = [
    *['"', "\\", "{", "}", "[", "]", ":", ",", "\n", "//", "/*", "*/", "'", '"a": ', '"Hello"', '"Hello there. "', "1"],
    *["\\n", "\\u00e9", "\\ud83d", "\\ude00", "\\q", " ", "null", '"{n, plural, one {# item} other {# items}}"', "{#}"],
]
TEXTS = st.lists(st.sampled_from(SPECIMENS), max_size=16).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("Hello there."),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{"title": "Save", "n": 1, "ok": true, "tags": ["save", null, "Sign in"]}', ["Save", "save", "Sign in"]),
        ('{"a": {"b": [{"c": "Deep down"}]}, "d" : "After"}', ["Deep down", "After"]),
        ('{"a": "One"}\n{"a": "Two"}\r\n"Three"', ["One", "Two", "Three"]),
        (r'["Say \"hi\" \\ \/ there", "\u00dcber \ud83d\ude00"]', ['Say "hi" \\ / there', "Über 😀"]),
        (r'["  Hello\nthere. \n", "1. Open\n- it"]', ["Hello", "there.", "Open", "it"]),
        (
            r'["Half \ud83d a \ude00 pair", "a \q \u12 b\u0007"]',
            [r"Half ⟨\ud83d⟩ a ⟨\ude00⟩ pair", r"a ⟨\q⟩ ⟨\u⟩12 b⟨\u0007⟩"],
        ),
        ('["<b>Hi</b> {name}", "**Note**"]', ["<b>Hi</b> {name}", "**Note**"]),
        ("[]", []),
        ("", []),
    ],
)
def test_values_with_words_are_blocks(document: str, expected: list[str]) -> None:
    """Keys, numbers and literals are not, and escapes are what they stand for."""
    blocks = parse(document)

    check_laws(document, blocks)
    assert texts(blocks) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{"a": "One", "b": "Two', ["One"]),
        ('{"a": "One", "b', ["One"]),
        ('{"a": "One", "b"', ["One"]),
        ('{"a": "One",}, ]', ["One"]),
        ('{"a": "One" "b": "Two"}', ["One", "Two"]),
        ('{"a": "not closed,\n "b": "Two"}', ["Two"]),
        ('{// see "this"\n"a": /* and "that" */ "One", "b" /* c */: "Two"} /* "x"', ["One", "Two"]),
        ('{\'a\': \'the "One"\', b: "Two"}\n\'"Three"\n["Four"]', ["Two", "Four"]),
        ('"a": "One",\n"b": "Two"', ["One", "Two"]),
        ("]}]", []),
    ],
)
def test_damaged_documents_keep_what_is_safe(document: str, expected: list[str]) -> None:
    """A string that is not closed spoils its line, and no key is ever taken for text."""
    blocks = parse(document)

    check_laws(document, blocks)
    assert texts(blocks) == expected


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "12:30",
            "→ 100%",
            "https://x.y/a-b?c=d",
            "me@x.org",
            "mailto:me@x.org",
            "/usr/bin",
            "./a.js",
        ],
        *["C:\\a\\b", "images/logo.png", "text/html", "text/html; charset=utf-8", "snake_case", "UPPER_CASE", "_blank"],
        *[
            "kebab-case",
            "camelCase",
            "DataTable",
            "app.title",
            "logo.svg",
            "common:save",
            "#fff",
            "rgb(0, 0, 0)",
            "en-US",
        ],
        *[
            "zh-Hans-CN",
            "pt_BR",
            "2024-01-01T00:00:00Z",
            "6f1ed002-ab55-4e1b-8f7a-c0ffee123456",
            "v1.2",
            "utf8",
            "$var",
        ],
        *["src/**/*.ts", "/users/{id}", "--flag", '{"a": "b c"}', "x" * 70, "user.name", "?page=2"],
    ],
)
def test_code_is_no_text(text: str) -> None:
    """Links, paths, identifiers, codes and data are left alone."""
    assert is_code(text)


@pytest.mark.parametrize(
    "text",
    [
        *["Save", "save", "SAVE", "en", "Sign-in", "Yes/No", "Q&A", "Loading...", "Name:", "Save?", "Hello!", "don't"],
        *[
            "item(s)",
            "中文",
            "中文/英文",
            "https://x.com是一个网站",
            "café-crème",
            "a b",
            "See /usr/bin",
            "<p>" + "x" * 70,
        ],
        *["**Warning**", "{name}!", "Donaudampfschifffahrt", "1 item", "E-mail", "Über"],
    ],
)
def test_words_are_text(text: str) -> None:
    """A plain word is text, in whatever case it is written."""
    assert not is_code(text)


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_a_translation_leaves_the_structure_alone(value: Any, indent: int | None, ascii_only: bool) -> None:  # noqa: FBT001
    """Whatever the model writes for the texts, keys and types stay what they are."""
    document = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    blocks = parse(document)
    written = "".join(block.raw if block.text is None else escape('\n"\\\x01 {é', "json") for block in blocks)

    check_laws(document, blocks)
    assert _shape(json.loads(written)) == _shape(json.loads(document))


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items()}
    return [_shape(each) for each in value] if isinstance(value, list) else type(value)


@given(st.text() | TEXTS)
def test_no_text_breaks_the_laws(text: str) -> None:
    """Valid, damaged, or no JSON at all; and no half of a surrogate pair gets out."""
    blocks = parse(text)

    check_laws(text, blocks)
    "".join(texts(blocks)).encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": "b"}', True),
        (' \ufeff[{"a": 1}] \n'.lstrip(), True),
        ('["a"]', True),
        ('{"a": 1}\n\n{"b": 2}\n', True),
        ('{"a": 1}\nThen {"b": 2}', False),
        ("[1]", False),
        ("[1, 2]\n[3]", False),
        ("{name}", False),
        ("{}", False),
        ('"Hello"', False),
        ('["a", "b"', False),
        ('[He said "no"]', False),
        ("[" * 100_000 + '"' + "]" * 100_000, True),
        ("", False),
    ],
)
def test_json_is_told_from_prose(text: str, expected: bool) -> None:  # noqa: FBT001
    """Only an object or array with a string in it is taken for JSON."""
    assert looks_like(text) == expected


@pytest.mark.parametrize(
    "piece", ["[", "{", '"', '"\\', "'", "'\\", "/*", '"a"', '["A",', '{"A":', " ", '\\"', "\\u", "-", "aA"]
)
def test_long_texts_are_read_at_once(piece: str) -> None:
    """Deep nesting does not recurse, and a reader in quadratic time would run into the time limit of the tests."""
    for text in (piece * (40_000 // len(piece)), '["' + piece * (20_000 // len(piece)) + '"]'):
        check_laws(text, parse(text))
        looks_like(text)
