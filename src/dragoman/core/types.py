"""The nouns of a translation, from the wire to the engine and back."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

Format = Literal["text", "html", "xml", "markdown", "srt", "vtt", "json", "po"]
"""What a document is written in."""

FORMATS: tuple[Format, ...] = get_args(Format)

SpanRole = Literal["atom", "open", "close"]


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
    `must_include_terms`: search only translations with the targets of all terms; for engines with that ability.
    The others are for engines with the ability `scores`: OpenAI's penalties, biases of target token ids, a `seed` that
    makes sampling repeatable, and with `top_logprobs` not None tokens with log-probabilities and so many alternatives.
    """

    beam_size: int | None = None
    num_hypotheses: int = 1
    top_k: int = 1
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.0
    must_include_terms: bool = False
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: tuple[tuple[int, float], ...] = ()
    seed: int | None = None
    top_logprobs: int | None = None

    @property
    def is_controlled(self) -> bool:
        """Whether each choice of a token must be ours."""
        draws_ours = self.samples and (self.seed is not None or self.num_hypotheses > 1)
        return self.is_steered or draws_ours

    @property
    def is_steered(self) -> bool:
        """Whether the client leads the model where it would not go by itself."""
        return bool(self.presence_penalty or self.frequency_penalty or self.logit_bias)

    @property
    def is_repeatable(self) -> bool:
        """Whether the same text gets the same translation each time."""
        return not self.samples or self.seed is not None

    @property
    def samples(self) -> bool:
        """Whether tokens are drawn at random. A zero temperature or nucleus leaves only the most probable token."""
        return self.top_k != 1 and self.temperature > 0 and self.top_p > 0


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase and the translation that it must get. An equal target: it is not translated."""

    source: str
    target: str

    @property
    def is_case_sensitive(self) -> bool:
        """Whether only this spelling is the term: it has capitals inside, as `iPhone` or `US`."""
        return any(char.isupper() and before.isalpha() for before, char in pairwise(self.source))

    @property
    def key(self) -> str:
        """Two terms with one key are found at the same places."""
        return self.source if self.is_case_sensitive else self.source.casefold()


@dataclass(frozen=True, slots=True)
class Example:
    """A text and its translation, from a translation memory or from an earlier turn of the conversation."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class TranslationRequest:
    """What a client asks for, free of any wire format.

    `source` None: detect it. `target` None: the configured default. `max_tokens` None: no limit. `format` None:
    recognise it. `turns`: earlier questions and answers, which count as memory where the answer is in the target
    language. `domains`: what the text is about, and its style, for engines that take instructions. `timeout_seconds`
    None: as long as the server allows. `keep_layout`: an answer that is cut has the layout of the whole document.
    `require_engine`: no other engine of the model's route may answer.
    """

    model: str
    text: str
    source: str | None
    target: str | None
    decoding: Decoding
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    format: Format | None = None
    terms: tuple[Term, ...] = ()
    memory: tuple[Example, ...] = ()
    turns: tuple[Example, ...] = ()
    domains: str = ""
    principal: Principal = Principal("")
    timeout_seconds: float | None = None
    use_cache: bool = True
    keep_layout: bool = False
    require_engine: str | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that might have stood in the place of another, and its log-probability there."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Token:
    """A stretch of text and the model token that it came from.

    `model_token` None: the text did not come from the model (white space between segments, for instance).
    A token that completes no character yet (a byte of several) has an empty text. `alternatives`: most probable first.
    """

    text: str
    model_token: str | None = None
    logprob: float | None = None
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Protected:
    """A stretch of a segment that the model does not see: a link, a tag, `{name}`. It comes back once, as it is.

    `position`: the number of source tokens before it. The spaces are those that stood beside it. An opening and a
    closing one of the same `pair` will enclose the translation of what they enclosed. `placeholder`: the token that the
    model reads in its place, at `position`, and may write where it belongs.
    """

    text: str
    position: int
    space_before: bool
    space_after: bool
    role: SpanRole = "atom"
    pair: int = 0
    placeholder: str | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A term in a segment: the source tokens from `start` to before `end`."""

    term: Term
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence, with the layout around it: white space and markup that are no language.

    The `before + text + after` of a document's segments, joined, are the document. `tokens` are what the model reads,
    as the engine cuts it: the text, but for its `protected` spans. `terms` must be in the translation, in order of
    their source; `examples` and `domains` are for engines that can use them.
    """

    text: str
    before: str = ""
    after: str = ""
    tokens: tuple[Token, ...] = ()
    protected: tuple[Protected, ...] = ()
    terms: tuple[Occurrence, ...] = ()
    examples: tuple[Example, ...] = ()
    domains: str = ""

    @property
    def content(self) -> tuple[object, ...]:
        """What the translation depends on: all but the layout around it."""
        return (self.text, self.protected, self.terms, self.examples, self.domains)

    @property
    def needs_alignment(self) -> bool:
        """Whether something of the source must be found again in the translation."""
        return bool(self.protected or self.terms)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One translation of one segment.

    `score`: mean log-probability per token, as the engine reports it. `alignment`: one row per token, one weight per
    token of the segment; given where the segment needs it, by engines that can. `ended`: the model ended
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
