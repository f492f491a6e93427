"""Language detection among served languages."""

import pytest

from dragoman.core.answer import Detection
from dragoman.core.languages import LANGUAGES
from dragoman.pipeline.detect import Detector

DETECTOR = Detector(fallback="en", served=LANGUAGES)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Hello", "en"),
        ("你好", "zh"),
        ("我用 Visual Studio Code 写代码", "zh"),
        ("I ate 包子 yesterday at home", "en"),
        ("這是什麼東西", "zh"),
    ],
)
def test_script_decides_between_english_and_chinese(text: str, code: str) -> None:
    """Even for one word, and whichever script most of a mixed text is in."""
    assert DETECTOR.detect(text, {"en", "zh"}) == Detection(code, 1.0)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Bonjour tout le monde, comment allez-vous ?", "fr"),
        ("Guten Morgen, wie geht es dir heute?", "de"),
        ("Привет, как дела? Что делаешь сегодня вечером?", "ru"),
        ("これは本です", "ja"),
        ("안녕하세요 world", "ko"),
        ("這是什麼東西", "zh_tw"),
        ("这是什么东西", "zh"),
        ("Ελληνικά", "el"),
    ],
)
def test_statistics_decide_within_a_script(text: str, code: str) -> None:
    """Among all 92 languages."""
    assert DETECTOR.detect(text, LANGUAGES).language == code


def test_restricting_candidates_changes_the_answer() -> None:
    """Only a language that can be translated is ever detected."""
    text = "Guten Morgen, wie geht es dir heute?"

    assert DETECTOR.detect(text, {"nl", "fr"}).language in {"nl", "fr"}


@pytest.mark.parametrize("text", ["", "123", "!!!", "😀", "\ud800"])
@pytest.mark.parametrize(("fallback", "code"), [("en", "en"), ("zh", "zh"), ("ja", "en")])
def test_undecidable_text_gets_the_fallback_and_says_so(text: str, fallback: str, code: str) -> None:
    """With confidence 0; a fallback that is no candidate gives way to one that is."""
    assert Detector(fallback, ["en", "zh"]).detect(text, {"en", "zh"}) == Detection(code, 0.0)


def test_short_text_in_a_shared_script_says_that_it_is_a_guess() -> None:
    """A word that many languages have is not claimed to be of one."""
    assert DETECTOR.detect("OK", {"en", "de", "fr"}).confidence < 0.9


def test_model_is_loaded_only_where_scripts_do_not_suffice() -> None:
    """English and Chinese need none; English and French do, from the first text on."""
    scripts, statistics = Detector("en", ["en", "zh"]), Detector("en", ["en", "fr"])

    assert (scripts.is_instant, statistics.is_instant) == (True, False)
    statistics.detect("Bonjour tout le monde", {"en", "fr"})
    assert statistics.is_instant
