"""The nouns of a translation, from the wire to the engine and back."""

from dataclasses import dataclass
from typing import Literal

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Source and target language, as codes of the Qwen-MT table (`zh`, `en`, `zh_tw`)."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source}→{self.target}"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: the id of an API key, else the address of the peer."""

    id: str


@dataclass(frozen=True, slots=True)
class Decoding:
    """How an engine searches. `beam_size` None leaves the choice to the engine.

    `top_k` 1 is greedy or beam search; any other value samples from the `top_k` most probable tokens, 0 from all.
    """

    beam_size: int | None = None
    num_hypotheses: int = 1
    top_k: int = 1
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.0

    @property
    def samples(self) -> bool:
        """Whether tokens are drawn at random. A zero temperature or nucleus leaves only the most probable token."""
        return self.top_k != 1 and self.temperature > 0 and self.top_p > 0


@dataclass(frozen=True, slots=True)
class TranslationRequest:
    """What a client asks for, free of any wire format.

    `source` None: detect it. `target` None: the configured default. `max_tokens` None: no limit.
    """

    model: str
    text: str
    source: str | None
    target: str | None
    decoding: Decoding
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A stretch of text and the model token that it came from.

    `model_token` None: the text did not come from the model (white space between segments, for instance).
    A token that completes no character yet (a byte of several) has an empty text.
    """

    text: str
    model_token: str | None = None
    logprob: float | None = None


@dataclass(frozen=True, slots=True)
class Protected:
    """A stretch of a segment that the model does not see: a link, a tag, `{name}`. It comes back once, as it is.

    `position`: the number of source tokens before it. The spaces are those that stood beside it.
    """

    text: str
    position: int
    space_before: bool
    space_after: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence, with the white space around it that belongs to the layout and not to the language.

    The `before + text + after` of a document's segments, joined, are the document. `tokens` are what the model reads,
    as the engine cuts it: the text, but for its `protected` spans. `copied`: there is nothing to translate, the text
    comes back as it is.
    """

    text: str
    before: str = ""
    after: str = ""
    tokens: tuple[Token, ...] = ()
    protected: tuple[Protected, ...] = ()
    copied: bool = False


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One translation of one segment.

    `score`: mean log-probability per token, as the engine reports it. `alignment`: one row per token, one weight per
    token of the segment; given where the segment has protected spans, by engines that can. `ended`: the model ended
    by itself, rather than at a length limit.
    """

    tokens: tuple[Token, ...]
    score: float
    ended: bool
    alignment: tuple[tuple[float, ...], ...] | None = None

    @property
    def text(self) -> str:
        """The translation."""
        return "".join(token.text for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Piece:
    """The next part of one choice's answer, in document order, with the tokens that its text came from."""

    choice: int
    tokens: tuple[Token, ...]

    @property
    def text(self) -> str:
        """What the client reads."""
        return "".join(token.text for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of the model that answered."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of an answer: why each choice ended, and what all of them used."""

    finish_reasons: tuple[FinishReason, ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Detection:
    """The source language, and how sure the detector is, 0 to 1. Confidence 0: undecidable, the fallback was taken."""

    language: str
    confidence: float
