"""A document that is ready to be translated: its passages, each with all that is needed to put it back."""

from dataclasses import dataclass

from dragoman.core.answer import MemoryHit
from dragoman.core.types import Pair, Segment, Token
from dragoman.pipeline.block import Escaping


@dataclass(frozen=True, slots=True)
class Passage:
    """A segment in its document. `escaping`: how its translation is written there. `gap`: what follows that.

    `source` and `answer` are as the document writes them; there is an answer where it is known without a model. A copy
    has nothing to translate.
    """

    segment: Segment
    source: str = ""
    escaping: Escaping = "none"
    answer: tuple[Token, ...] | None = None
    is_copy: bool = False
    gap: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A text that is ready to be translated, or a part of one.

    `start`: how many passages are in the parts before it. `goes_on`: there is another part after it. The segments of
    `memory_hits` are counted from the beginning of the text.
    """

    passages: tuple[Passage, ...]
    pair: Pair
    memory_hits: tuple[MemoryHit, ...] = ()
    ignores_domains: bool = False
    has_no_text: bool = False
    start: int = 0
    goes_on: bool = False

    @property
    def prompt_tokens(self) -> int:
        """Source tokens, as the model counts."""
        return sum(token.model_token is not None for each in self.passages for token in each.segment.tokens)

    def estimated_tokens(self, chars: int) -> int:
        """Source tokens of a text of so many characters, of which this is the first part; exact, if it is all."""
        if not self.goes_on:
            return self.prompt_tokens
        here = sum(len(each.segment.before) + len(each.source) + len(each.gap) for each in self.passages)
        return self.prompt_tokens * chars // max(here, 1)
