"""Tells writing systems apart, by ISO 15924 codes. Japanese text is `Jpan`; its kana alone are `Kana`."""

import re
import unicodedata
from collections import Counter

_KANA_SHARE = 0.1
# First letters of Unicode character names, which the standard library has where scripts it has not.
_SCRIPTS_BY_NAME = {
    "LATIN": "Latn", "CYRILLIC": "Cyrl", "GREEK": "Grek", "ARABIC": "Arab", "HEBREW": "Hebr", "DEVANAGARI": "Deva",
    "BENGALI": "Beng", "GUJARATI": "Gujr", "ORIYA": "Orya", "TAMIL": "Taml", "TELUGU": "Telu", "KANNADA": "Knda",
    "SINHALA": "Sinh", "THAI": "Thai", "LAO": "Laoo", "MYANMAR": "Mymr", "KHMER": "Khmr", "GEORGIAN": "Geor",
    "ARMENIAN": "Armn", "HANGUL": "Kore", "HIRAGANA": "Kana", "KATAKANA": "Kana", "CJK": "Hani",
    "IDEOGRAPHIC": "Hani",
}  # fmt: skip
# Thai, Lao, Burmese, Khmer, kana and Han.
_UNSPACED = re.compile(r"[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3040-\u30FF\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF]")
_APOSTROPHES = "'’"
_WRITTEN_WITHOUT_SPACES = {"Hani", "Kana", "Thai", "Laoo", "Mymr", "Khmr"}


def main_script(sample: str) -> str | None:
    """The script of most of the text, counting words where words have spaces between them, else characters."""
    counts: Counter[str] = Counter()
    previous = None
    for char in sample:
        script = script_of(char)
        if script is not None and (script != previous or script in _WRITTEN_WITHOUT_SPACES):
            counts[script] += 1
        previous = script
    if counts["Kana"] > _KANA_SHARE * (counts["Kana"] + counts["Hani"]):
        counts["Jpan"] = counts["Kana"] + counts["Hani"]
        del counts["Hani"]
    del counts["Kana"]
    return counts.most_common(1)[0][0] if counts else None


def script_of(char: str) -> str | None:
    """The writing system of a letter."""
    if char.isascii():
        return "Latn" if char.isalpha() else None
    if not char.isalpha():
        return None
    return _SCRIPTS_BY_NAME.get(unicodedata.name(char, "").split(" ", 1)[0].removesuffix("-").split("-", 1)[0])


def is_unspaced(char: str) -> bool:
    """Whether a character is of a script that puts no spaces between words."""
    return _UNSPACED.match(char) is not None


def joined(before: str, after: str) -> bool:
    """Whether two texts meet within a word, as far as spaces tell."""
    return _is_part_of_word(before[-1:]) and _is_part_of_word(after[:1])


def _is_part_of_word(char: str) -> bool:
    return bool(char) and (unicodedata.category(char)[0] in "LMN" or char in _APOSTROPHES) and not is_unspaced(char)
