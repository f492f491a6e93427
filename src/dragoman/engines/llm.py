"""A large language model in this process, run by CTranslate2, with the prompts of its family.

Its directory is as CTranslate2 converts it, with the `tokenizer.json` of its checkpoint and a card, `llm.toml`, which
`dragoman models pull` writes.
"""

import asyncio
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ctranslate2
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tokenizers import Tokenizer

from dragoman.core.engine import Batch, BatchPolicy, EngineInfo, Hypotheses, OnToken, stream_at_once
from dragoman.core.errors import ConfigurationError
from dragoman.core.types import Decoding, Hypothesis, Segment, Token
from dragoman.engines.model_family import ChatFormat, ModelFamily, load_family
from dragoman.engines.prompted_text import AGAIN_TEMPERATURE, PromptedText, cleaned, most_tokens, text_of, words
from dragoman.ops.processors import usable_processors
from dragoman.ops.validation import first_problem

CARD, TOKENIZER = "llm.toml", "tokenizer.json"


class Options(BaseModel):
    """`model`: a directory. `family`, `languages`: how it is asked, and for what, if not as its card says.

    `intra_threads` 0: all processors, for one batch at a time.
    """

    model_config = ConfigDict(extra="forbid")

    model: str
    family: str | None = None
    languages: list[str] = []
    device: str = "cpu"
    compute_type: str = "default"
    intra_threads: int = Field(default=0, ge=0)
    max_batch_segments: int = Field(default=4, ge=1)
    max_source_tokens: int = Field(default=512, ge=16)


class LanguageModelCard(BaseModel):
    """What `llm.toml` says."""

    model_config = ConfigDict(extra="forbid")

    id: str
    version: str
    licence: str
    attribution: str = ""
    family: str = "chat"


def create(options: Mapping[str, object]) -> "LanguageModel":
    """Load the model that the options name. Raises `ConfigurationError`, `ValidationError`."""
    parsed = Options.model_validate(options)
    directory = Path(parsed.model)
    card = load_card(directory)
    family = load_family(parsed.family or card.family)
    if family.chat_format is None:
        raise ConfigurationError(f"the family {parsed.family or card.family!r} has no `chat_format`; choose another.")
    try:
        generator = ctranslate2.Generator(
            str(directory),
            device=parsed.device,
            compute_type=parsed.compute_type,
            intra_threads=parsed.intra_threads or usable_processors(),
        )
        tokenizer = Tokenizer.from_file(str(directory / TOKENIZER))
    except Exception as error:  # `tokenizers` raises nothing narrower
        raise ConfigurationError(
            f"{directory} cannot be loaded ({error}); pull or copy the whole model again."
        ) from error
    return LanguageModel(parsed, card, family, family.chat_format, generator, tokenizer)


def load_card(directory: Path) -> LanguageModelCard:
    """Read `llm.toml`. Raises `ConfigurationError`."""
    path = directory / CARD
    try:
        return LanguageModelCard.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as error:
        where, problem = first_problem(error)
        raise ConfigurationError(f"{path}: `{where}` is wrong ({problem}); correct it.") from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); pull the model, or write its card.") from error


class LanguageModel:
    """One loaded model."""

    def __init__(  # noqa: PLR0917 # the factory's parts
        self,
        options: Options,
        card: LanguageModelCard,
        family: ModelFamily,
        chat_format: ChatFormat,
        generator: Any,
        tokenizer: Tokenizer,
    ) -> None:
        self._family, self._format = family, chat_format
        self._generator, self._tokenizer = generator, tokenizer
        self._writing = PromptedText(family)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"engine-{card.id}")
        self._info = EngineInfo(
            id=card.id,
            version=card.version,
            licence=card.licence,
            pairs=family.pairs(options.languages),
            max_source_tokens=options.max_source_tokens,
            batch_policy=BatchPolicy(max_segments=options.max_batch_segments),
            abilities=frozenset({"terms", "examples", "domains"}),
            placeholders=self._writing.placeholders,
        )

    @property
    def info(self) -> EngineInfo:
        """What the card and the family say."""
        return self._info

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """Words and characters: a prompt is cut as a whole."""
        return words(text)

    def target_tokens(self, text: str) -> Sequence[tuple[int, Token]]:  # noqa: ARG002 # as the contract has it
        """Ids mean nothing here: log-probabilities and biases are not taken."""
        return ()

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Answer all prompts together, on the engine's thread. A stream comes all at once."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._executor, self._answers, batch)
        stream_at_once(found, on_token)
        return found

    def _answers(self, batch: Batch) -> list[Hypotheses]:
        prompts = [self._prompt(segment, batch) for segment in batch.segments]
        results = self._generator.generate_batch(
            [self._tokenizer.encode(prompt, add_special_tokens=False).tokens for prompt in prompts],
            include_prompt_in_result=False,
            end_token=self._format.end,
            return_end_token=True,
            max_length=most_tokens(batch.segments),
            **self._search(batch.decoding),
        )
        return [
            tuple(self._hypothesis(ids, segment) for ids in result.sequences_ids)
            for result, segment in zip(results, batch.segments, strict=True)
        ]

    def _prompt(self, segment: Segment, batch: Batch) -> str:
        return self._format.of(self._family.messages(segment, text_of(segment), batch.pair))

    @staticmethod
    def _search(decoding: Decoding) -> dict[str, Any]:
        """Greedy, unless the client samples, wants several, or the pipeline asks again."""
        options: dict[str, Any] = {"repetition_penalty": decoding.repetition_penalty}
        again = (decoding.beam_size or 1) > 1
        if not decoding.samples and not again:
            return options | {"num_hypotheses": decoding.num_hypotheses, "beam_size": decoding.num_hypotheses}
        return options | {
            "num_hypotheses": decoding.num_hypotheses,
            "sampling_topk": 0 if again else decoding.top_k,
            "sampling_topp": min(decoding.top_p, 1.0),
            "sampling_temperature": AGAIN_TEMPERATURE if again else max(decoding.temperature, 0.01),
        }

    def _hypothesis(self, ids: list[int], segment: Segment) -> Hypothesis:
        ended = bool(ids) and self._tokenizer.id_to_token(ids[-1]) in self._format.end
        text = self._tokenizer.decode(ids, skip_special_tokens=True)
        return Hypothesis(tuple(self._writing.tokens(cleaned(text, text_of(segment)))), score=0.0, ended=ended)

    async def health(self) -> bool:
        """Whether the model is in memory."""
        return bool(self._generator.model_is_loaded)

    async def aclose(self) -> None:
        """Wait for the thread, then unload."""
        await asyncio.to_thread(self._executor.shutdown)
        await asyncio.to_thread(self._generator.unload_model)
