"""Tells writing systems apart, by ISO 15924 codes. Japanese text is `Jpan`; its kana alone are `Kana`."""

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
