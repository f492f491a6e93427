"""From segments to the text of a prompt, and from a language model's answer to tokens.

What a model writes besides the translation (thoughts, fences, quotes, a label) is taken off here.
"""

import re
from collections.abc import Sequence

from dragoman.core.types import Segment, Token
from dragoman.engines.model_family import ModelFamily

# Another draw is what such a model has for a wider beam, with which the pipeline asks again.
AGAIN_TEMPERATURE = 0.7
_MOST_PLACEHOLDERS = 16
_TOKENS_PER_SOURCE_TOKEN, _FEWEST_TOKENS = 8, 64
# Words with the white space before them; a character where words are not spaced.
_TOKEN = re.compile(
    r"\s*[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|\s*[^\s\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]+|\s+\Z"
)
_THOUGHT = re.compile(r"\A\s*<think>.*?(?:</think>\s*|\Z)", re.DOTALL)
_FENCE = re.compile(r"\A```\w*\n(.*?)\n?```\s*\Z", re.DOTALL)
_LABELS = ("here is the translation", "translation", "translated text", "译文", "翻译")
_LABEL = re.compile(rf"\A(?:{'|'.join(_LABELS)})\s*[:：]\s*", re.IGNORECASE)
_QUOTES = ('""', "“”", "「」", "«»", "''")


class PromptedText:
    """The texts of a family of models, with its placeholders."""

    def __init__(self, family: ModelFamily) -> None:
        self._begin, self._longest = family.placeholder[0], len(family.placeholder)
        self.placeholders = tuple(family.placeholder.replace("{number}", str(n)) for n in range(_MOST_PLACEHOLDERS))
        self._placeholder = re.compile("(" + "|".join(map(re.escape, self.placeholders)) + ")")

    def tokens(self, text: str) -> list[Token]:
        """Words, and placeholders without a text."""
        return [
            token
            for part in self._placeholder.split(text)
            for token in ([Token("", part)] if self._placeholder.fullmatch(part) else words(part))
        ]

    def unfinished(self, text: str) -> int:
        """Characters at the end that white space or a placeholder may begin with, which must come whole."""
        place = text.rfind(self._begin, max(0, len(text) - self._longest))
        stripped = len(text) - len(text.rstrip())
        return len(text) - place if place >= 0 and not self._placeholder.fullmatch(text[place:]) else stripped


def words(text: str) -> tuple[Token, ...]:
    """Words and characters as tokens, where a model's own are not known."""
    return tuple(Token(each, each) for each in _TOKEN.findall(text))


def most_tokens(segments: Sequence[Segment]) -> int:
    """How long an answer may be to any of these."""
    return _FEWEST_TOKENS + _TOKENS_PER_SOURCE_TOKEN * max(len(segment.tokens) for segment in segments)


def text_of(segment: Segment) -> str:
    """What the model reads: the text, with placeholders for what it must not change."""
    return "".join(token.text or token.model_token or "" for token in segment.tokens).strip()


def may_be_chatter(beginning: str) -> bool:
    """Whether an answer that begins so may begin with what is no translation; such a one is read to its end."""
    text = beginning.lstrip().lower()
    marks = ("<think>", "```", *_LABELS, *(pair[0] for pair in _QUOTES))
    return not text or any(text.startswith(mark) or mark.startswith(text) for mark in marks)


def cleaned(text: str, source: str) -> str:
    """An answer without thoughts, fences, labels, and quotes that the source has not."""
    text = _THOUGHT.sub("", text).strip()
    fenced = _FENCE.match(text)
    text = fenced[1] if fenced and not source.startswith("```") else text
    if not _LABEL.match(source):
        text = _LABEL.sub("", text)
    quoted = len(text) > 1 and text[0] + text[-1] in _QUOTES and not source.startswith(tuple(q[0] for q in _QUOTES))
    return (text[1:-1] if quoted else text).strip()
