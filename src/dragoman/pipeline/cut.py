"""Ends an answer early: at a stop string, wherever segments and stream pieces fall, or at a number of tokens."""

from collections.abc import Sequence
from dataclasses import replace

from dragoman.core.answer import FinishReason
from dragoman.core.types import Token


class AnswerCutter:
    """Follows the answer of one choice. `finish_reason` is None until something cut it.

    With `keep_layout`, what no model wrote is released after the cut, too.
    """

    def __init__(self, stop: Sequence[str], max_tokens: int | None, *, keep_layout: bool = False) -> None:
        self._keep_layout = keep_layout
        self._stop = [each for each in stop if each]
        self._left = max_tokens
        self._held: list[Token] = []
        self.finish_reason: FinishReason | None = None
        self.completion_tokens = 0

    def feed(self, tokens: Sequence[Token]) -> list[Token]:
        """What may be released now that these tokens were produced. Text that may begin a stop string is held back."""
        if self.finish_reason is not None:
            return [token for token in tokens if token.model_token is None] if self._keep_layout else []
        self._held += self._within_limit(tokens)
        text = "".join(token.text for token in self._held)
        found = [(at + len(each), at) for each in self._stop if (at := text.find(each)) >= 0]
        if found:  # the one that was complete first counts, so that the answer does not depend on how it was parted
            self.finish_reason = "stop"
            return self._release(_first(self._held, min(found)[1]))
        if self.finish_reason is not None:
            return self._release(self._held)
        safe = _whole(self._held, len(text) - self._possible_beginning(text))
        released, self._held = self._held[:safe], self._held[safe:]
        return self._count(released)

    def end(self) -> list[Token]:
        """What is still held, now that nothing follows."""
        return self._release(self._held)

    def _within_limit(self, tokens: Sequence[Token]) -> list[Token]:
        if self._left is None:
            return list(tokens)
        kept: list[Token] = []
        for token in tokens:
            if token.model_token is not None and self._left == 0:
                self.finish_reason = "length"
                break
            self._left -= token.model_token is not None
            kept.append(token)
        return kept

    def _possible_beginning(self, text: str) -> int:
        """The length of the longest end of the text that a stop string begins with."""
        return max(
            (
                size
                for each in self._stop
                for size in range(1, min(len(each), len(text) + 1))
                if text.endswith(each[:size])
            ),
            default=0,
        )

    def _release(self, tokens: list[Token]) -> list[Token]:
        self._held = []
        return self._count(tokens)

    def _count(self, tokens: list[Token]) -> list[Token]:
        self.completion_tokens += sum(token.model_token is not None for token in tokens)
        return tokens


def _whole(tokens: list[Token], chars: int) -> int:
    """How many tokens lie wholly within the first `chars` characters."""
    end = 0
    for count, token in enumerate(tokens):
        end += len(token.text)
        if end > chars:
            return count
    return len(tokens)


def _first(tokens: list[Token], chars: int) -> list[Token]:
    """The tokens of the first `chars` characters, the last of them cut if need be."""
    count = _whole(tokens, chars)
    rest = chars - sum(len(token.text) for token in tokens[:count])
    if rest == 0:
        return tokens[:count]
    last = tokens[count]
    return [*tokens[:count], replace(last, text=last.text[:rest])]
