"""Every spelling that real clients send finds its language."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.errors import UnsupportedLanguage
from dragoman.core.languages import LANGUAGES, resolve


def test_table_has_the_92_languages() -> None:
    """The table is Qwen-MT's, with unique codes and names."""
    assert len(LANGUAGES) == 92
    assert len({language.name for language in LANGUAGES.values()}) == 92


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.code)
def test_every_spelling_of_a_language_finds_it(language: object) -> None:
    """Code, name and aliases do, in any case and with any separator."""
    for spelling in (language.code, language.name, *language.aliases):  # type: ignore[attr-defined]
        for variant in (spelling, spelling.upper(), spelling.lower(), f" {spelling} ", spelling.replace("_", "-")):
            assert resolve(variant) is language, variant


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("zh-TW", "zh_tw"),
        ("zh_tw", "zh_tw"),
        ("zh-Hant", "zh_tw"),
        ("zh-Hant-HK", "zh_tw"),
        ("zh-Hans-TW", "zh"),
        ("zh-CN", "zh"),
        ("zh-yue", "yue"),
        ("pt-BR", "pt"),
        ("pt-ao", "pt"),
        ("en-AU", "en"),
        ("de-DE-1996", "de"),
        ("sr-Latn-RS", "sr"),
        ("Simplified Chinese", "zh"),
        ("American English", "en"),
        ("Brazilian Portuguese", "pt"),
        ("Portuguese (Brazilian)", "pt"),
        ("Spanish (Mexico)", "es"),
        ("Swiss High German", "de"),
        ("Norwegian", "nb"),
        ("Norwegian Bokmal", "nb"),
        ("Persian", "fa"),
        ("Filipino", "tl"),
        ("Ta'izzi-Adeni Arabic", "acq"),
        ("Ta’izzi-Adeni Arabic", "acq"),
        ("英语", "en"),
    ],
)
def test_variants_that_clients_send(spelling: str, code: str) -> None:
    """BCP-47 tags, regional names and straight apostrophes are understood."""
    assert resolve(spelling).code == code


@pytest.mark.parametrize("spelling", ["", "auto", "klingon", "english-xx", "xx-YY", "e" * 100_000, "(" * 5000, "-"])
def test_unknown_language_is_refused_with_qwen_mts_sentence(spelling: str) -> None:
    """Clients look for the first sentence; the rest quotes no more than a little of the input."""
    with pytest.raises(UnsupportedLanguage, match="^Current language settings are not supported! ") as caught:
        resolve(spelling, param="translation_options.target_lang")

    assert caught.value.param == "translation_options.target_lang"
    assert len(caught.value.message) < 300


def test_closest_name_is_suggested() -> None:
    """A slip of the pen is answered with the name that was meant."""
    with pytest.raises(UnsupportedLanguage, match="Did you mean 'German'"):
        resolve("Germann")


@given(st.text(max_size=60))
def test_any_text_is_a_language_or_a_refusal(spelling: str) -> None:
    """No text makes the resolver fail otherwise."""
    with suppress(UnsupportedLanguage):
        assert resolve(spelling).code in LANGUAGES
