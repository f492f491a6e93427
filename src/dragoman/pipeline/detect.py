"""Finds the source language among those that a route can translate.

The script decides first: kana is Japanese, and text in Latin letters is English when only one served language is
written so. What scripts leave open, py3langid decides (Barbaresi 2021, after Lui & Baldwin 2012).
"""

import threading
from collections import Counter
from collections.abc import Iterable

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from dragoman.core.answer import Detection
from dragoman.core.languages import LANGUAGES
from dragoman.pipeline.script import main_script

_SAMPLE_CHARS = 3000
_LOWEST_CONFIDENCE = 0.5
_FEWEST_LETTERS = 2
_TRADITIONAL_ONLY = frozenset(
    "這個們來時會說國為學過還後開關東車話語請問題點錢愛歡樂電腦網頁檔書買賣貓馬魚鳥風飛龍體實發現應該對"
)
_SIMPLIFIED_ONLY = (
    frozenset("这个们来时会说国为学过还后开关东车话语请问题点钱爱欢乐电脑网页档书买卖猫马鱼鸟风飞龙体实发现应该对")
    - _TRADITIONAL_ONLY
)


class Detector:
    """Detects languages. The statistical model (about 90 MB) is loaded by `prepare`, or when a text first needs it."""

    def __init__(self, fallback: str, served: Iterable[str]) -> None:
        """`fallback`: the code that undecidable text gets, if it is a candidate. `served`: all possible candidates."""
        self._served = frozenset(served)
        scripts = Counter(script for code in self._served for script in LANGUAGES[code].scripts)
        self._fallback = fallback
        self._scripts_suffice = max(scripts.values(), default=0) <= 1
        self._lock = threading.Lock()
        self._identifier: LanguageIdentifier | None = None

    def prepare(self) -> None:
        """Load the statistical model now, if texts in served languages need it. Blocks for most of a second."""
        if not self._scripts_suffice:
            self._loaded()

    def _loaded(self) -> LanguageIdentifier:
        with self._lock:
            if self._identifier is None:
                self._identifier = _identifier(self._served)
            return self._identifier

    @property
    def is_instant(self) -> bool:
        """Whether a short text takes microseconds: the statistical model is not needed, or it is loaded."""
        return self._scripts_suffice or self._identifier is not None

    def detect(self, text: str, candidates: Iterable[str]) -> Detection:
        """The most probable of the candidate codes, of which there is at least one. Blocks, see `is_instant`."""
        codes = sorted(candidates)
        sample = text[:_SAMPLE_CHARS]
        script = main_script(sample)
        written_so = [code for code in codes if script in LANGUAGES[code].scripts] or codes
        if script is None:
            return self._undecided(codes)
        if script == "Hani":
            written_so = _chinese_variant(sample, written_so)
        if len(written_so) == 1:
            return Detection(written_so[0], 1.0)
        return self._identify(sample, written_so)

    def _undecided(self, codes: list[str]) -> Detection:
        return Detection(self._fallback if self._fallback in codes else codes[0], 0.0)

    def _identify(self, sample: str, codes: list[str]) -> Detection:
        if sum(char.isalpha() for char in sample) < _FEWEST_LETTERS:
            return self._undecided(codes)
        scores = {code: score for code, score in self._rank(sample) if code in codes}
        total = sum(scores.values())
        best = max(scores, key=lambda code: scores[code], default=None)
        if best is None or (scores[best] < _LOWEST_CONFIDENCE * total and self._fallback in codes):
            return self._undecided(codes)
        return Detection(best, scores[best] / total)

    def _rank(self, sample: str) -> list[tuple[str, float]]:
        ranked: list[tuple[str, float]] = self._loaded().rank(sample)
        return ranked


def _identifier(served: frozenset[str]) -> LanguageIdentifier:
    """The statistical model with the columns of served languages, which is smaller and faster than all of it."""
    whole = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    known = served.intersection(whole.labels)
    if not known:
        return whole
    whole.set_languages(known)
    return LanguageIdentifier(
        whole.nb_ptc,
        whole.nb_pc,
        whole.nb_classes,
        whole.tk_nextmove,
        whole.tk_output,
        norm_probs=True,
        tk_row=whole.tk_row,
    )


def _chinese_variant(sample: str, codes: list[str]) -> list[str]:
    """Among Chinese by other names, the characters that only one script has decide."""
    if not {"zh", "zh_tw"} <= set(codes):
        return codes
    traditional = sum(char in _TRADITIONAL_ONLY for char in sample)
    simplified = sum(char in _SIMPLIFIED_ONLY for char in sample)
    return ["zh_tw"] if traditional > simplified else ["zh"]
