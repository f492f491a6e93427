"""Runs any CTranslate2 translation model that has a card.

What was measured on CTranslate2 4.8 and is guarded here: its default limits truncate silently; positions past the
model's table raise; sampling with a beam crashes the process; `top_k` beyond the vocabulary, `top_p` 0 and more
hypotheses than beams raise; callbacks need beam 1; `max_decoding_length` counts the target prefix.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from dragoman.core.engine import Batch, BatchPolicy, EngineInfo, Hypotheses, OnToken
from dragoman.core.errors import ConfigurationError
from dragoman.core.languages import has_spaces
from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Token
from dragoman.engines.constrained_decoding import Beginning
from dragoman.engines.constrained_decoding import Path as TokenPath
from dragoman.engines.constrained_decoding import search as search_with_constraints
from dragoman.engines.ctranslate2_loading import SPARE_TRANSLATORS, Options, load_translator
from dragoman.engines.model_card import CARD, TEXT, ModelCard, find_model, load_card, read_vocabulary
from dragoman.engines.term_annotation import Annotated, annotate
from dragoman.engines.tokenizers import GrowingHypothesis, load_tokenizers

_LOWEST_TEMPERATURE = 0.01
_REPETITION_PENALTIES = (0.01, 100.0)
# After a full stop, a word is tokenised as within a sentence, without a mark of its beginning.
_MID_SENTENCE = "。"
_OnStep = Callable[[Any], bool]


def create(options: Mapping[str, object]) -> "CTranslate2Engine":
    """Load the model that the options name. Raises `ConfigurationError` with what to do, `ValidationError`."""
    parsed = Options.model_validate(options)
    directory = find_model(parsed.model)
    return CTranslate2Engine(load_card(directory), directory, parsed)


class CTranslate2Engine:
    """One loaded model."""

    def __init__(self, card: ModelCard, directory: Path, options: Options) -> None:
        config_path = directory / "config.json"
        try:
            self._translator = load_translator(directory, options)
            config = json.loads(config_path.read_text("utf-8")) if config_path.is_file() else {}
        except (RuntimeError, ValueError) as error:
            raise ConfigurationError(
                f"{directory / ('model.bin' if config_path.is_file() else 'config.json')} cannot be loaded ({error}); "
                "copy the whole model directory again, or correct `device` and `compute_type`."
            ) from error
        self._card = card
        self._target_ids = read_vocabulary(directory, "target")[1]
        self._target_pieces = list(self._target_ids)
        self._beam_size = options.beam_size or card.beam_size
        self._end = str(config.get("eos_token") or "</s>")
        specials = {str(config.get(key)) for key in ("bos_token", "unk_token", "decoder_start_token")}
        silent = frozenset({*card.languages.values(), *card.marks, *specials, self._end, "<pad>"})
        self._source, self._target = load_tokenizers(card, directory, silent)
        self._check_limits(directory)
        translators = self._translator.num_translators
        self._executor = ThreadPoolExecutor(translators, thread_name_prefix=f"engine-{card.id}")
        self._info = EngineInfo(
            id=card.id,
            version=card.version,
            licence=card.licence,
            pairs=card.all_pairs(),
            max_source_tokens=card.max_source_tokens,
            batch_policy=BatchPolicy(
                options.max_batch_segments, options.max_batch_tokens, translators - SPARE_TRANSLATORS
            ),
            abilities=frozenset({"constraints", "terms"} if card.terms else {"constraints"}),
            placeholders=tuple(card.placeholders),
        )

    def _check_limits(self, directory: Path) -> None:
        """Score the longest source and target that the card allows: past its positions, the model raises."""
        pair = next(iter(self._card.all_pairs()))
        source = self._card.frame(self._card.source_tokens, pair, ["<unk>"] * self._longest_source)
        target = [*self._card.frame(self._card.target_prefix, pair, []), *["<unk>"] * self._card.max_target_tokens]
        try:
            self._translator.score_batch([source], [target], max_input_length=0)
        except RuntimeError as error:
            raise ConfigurationError(
                f"{directory / CARD}: the model takes fewer tokens than `max_source_tokens` and `max_target_tokens` "
                f"allow ({error}); lower them."
            ) from error

    @property
    def info(self) -> EngineInfo:
        """What the card says."""
        return self._info

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """Cut source text into the model's pieces."""
        return self._source.tokenize(text)

    @property
    def _longest_source(self) -> int:
        """Pieces of a text and the translations of its terms."""
        return self._card.max_source_tokens * (2 if self._card.terms else 1)

    def _source_tokens(self, segment: Segment, pair: Pair) -> list[str]:
        """Exactly what CTranslate2 is given; the model's own `config.json` may add an end token to it."""
        return self._card.frame(self._card.source_tokens, pair, self._annotated(segment, pair).pieces)

    def _annotated(self, segment: Segment, pair: Pair) -> Annotated:
        """The pieces of a segment, with what its terms mean if the model reads that."""
        pieces = [token.model_token for token in segment.tokens if token.model_token is not None]
        if self._card.terms is None:
            return Annotated(pieces, list(range(len(pieces))))
        meanings = [self._constraint(each.term.target, pair) for each in segment.terms]
        written = [[self._target_pieces[index] for index in meaning] for meaning in meanings]
        return annotate(pieces, segment.terms, written, self._card.terms, self._longest_source)

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Decode on the engine's threads. With beam 1, a cancelled call stops at the next step."""
        loop = asyncio.get_running_loop()
        cancelled = threading.Event()
        emit = self._emitter(batch, on_token, loop) if on_token else None

        def on_step(step: Any) -> bool:  # pragma: no cover # on CTranslate2's threads
            stops = cancelled.is_set() or batch.is_abandoned(step.batch_id)
            if emit and not stops:
                emit(step)
            return stops

        search = self._search_options(batch.decoding)
        callback = on_step if search["beam_size"] == 1 else None
        try:
            return await loop.run_in_executor(self._executor, self._decode, batch, search, callback)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def _emitter(self, batch: Batch, on_token: OnToken, loop: asyncio.AbstractEventLoop) -> Callable[[Any], None]:
        # CTranslate2 drops the callback on its own thread; one that held the engine might free it there, and deadlock.
        end, prefix_length = self._end, len(self._card.target_prefix)  # the first steps repeat the prefix
        growing = [GrowingHypothesis(self._target.detokenizer()) for _ in batch.segments]

        def emit(step: Any) -> None:  # pragma: no cover # on CTranslate2's threads
            index: int = step.batch_id
            ended = step.token == end
            if not ended and step.step >= prefix_length:
                loop.call_soon_threadsafe(on_token, index, growing[index].add(step.token, step.log_prob))
            if step.is_last:
                loop.call_soon_threadsafe(on_token, index, growing[index].hypothesis(ended=ended))

        return emit

    def _search_options(self, decoding: Decoding) -> dict[str, Any]:
        """Arguments of `translate_batch`, clamped to what CTranslate2 accepts."""
        low, high = _REPETITION_PENALTIES
        options: dict[str, Any] = {
            "num_hypotheses": decoding.num_hypotheses,
            "repetition_penalty": min(max(decoding.repetition_penalty, low), high),
        }
        if not decoding.samples:
            beam_size = decoding.beam_size or self._beam_size
            return options | {"beam_size": max(beam_size, decoding.num_hypotheses)}
        return options | {
            "beam_size": 1,
            "sampling_topk": 0 if decoding.top_k >= len(self._target_ids) else decoding.top_k,
            "sampling_topp": min(decoding.top_p, 1.0),
            "sampling_temperature": max(decoding.temperature, _LOWEST_TEMPERATURE),
        }

    def _decode(self, batch: Batch, search: dict[str, Any], on_step: _OnStep | None) -> list[Hypotheses]:
        if batch.decoding.must_include_terms:
            return self._decode_with_terms(batch)
        prefix = self._card.frame(self._card.target_prefix, batch.pair, [])
        results = self._translator.translate_batch(
            [self._source_tokens(segment, batch.pair) for segment in batch.segments],
            target_prefix=[prefix] * len(batch.segments) if prefix else None,
            max_input_length=0,
            max_decoding_length=self._card.max_target_tokens + len(prefix),
            min_decoding_length=0,
            disable_unk=True,
            return_end_token=True,
            return_scores=True,
            return_attention=any(segment.needs_alignment for segment in batch.segments),
            callback=on_step,
            **search,
        )
        return [
            tuple(
                self._hypothesis(pieces[len(prefix) :], score, attention[len(prefix) :], segment, batch.pair)
                for pieces, score, attention in zip(
                    result.hypotheses, result.scores, result.attention or [[]] * len(result.scores), strict=True
                )
            )
            for result, segment in zip(results, batch.segments, strict=True)
        ]

    def _decode_with_terms(self, batch: Batch) -> list[Hypotheses]:
        """Good translations that have the targets of all terms that the model can write."""
        sources = [self._source_tokens(segment, batch.pair) for segment in batch.segments]
        prefix = self._card.frame(self._card.target_prefix, batch.pair, [])
        wanted = [[self._constraint(term.term.target, batch.pair) for term in each.terms] for each in batch.segments]
        paths = search_with_constraints(
            lambda beginnings: self._extend(sources, prefix, beginnings),
            [[constraint for constraint in constraints if constraint] for constraints in wanted],
        )
        return [
            (self._hypothesis(self._pieces(path), path.score, path.attention, segment, batch.pair),)
            for path, segment in zip(paths, batch.segments, strict=True)
        ]

    def _pieces(self, path: TokenPath) -> list[str]:
        return [self._target_pieces[index] for index in path.ids]

    def _extend(
        self, sources: Sequence[list[str]], prefix: list[str], beginnings: Sequence[Beginning]
    ) -> list[TokenPath]:
        """Greedy translations with these beginnings, with all their logits."""
        results = self._translator.translate_batch(
            [sources[index] for index, _ in beginnings],
            target_prefix=[[*prefix, *(self._target_pieces[each] for each in ids)] for _, ids in beginnings],
            max_input_length=0,
            max_decoding_length=self._card.max_target_tokens + len(prefix),
            min_decoding_length=0,
            beam_size=1,
            disable_unk=True,
            return_end_token=True,
            return_logits_vocab=True,
            return_attention=True,
        )
        paths = []
        for result in results:
            ids = tuple(self._target_ids[piece] for piece in result.hypotheses[0][len(prefix) :])
            logits = np.array([np.asarray(view) for view in result.logits[0][len(prefix) :]], dtype=np.float32)
            paths.append(TokenPath(ids, logits, result.attention[0][len(prefix) :]))
        return paths

    def _constraint(self, text: str, pair: Pair) -> tuple[int, ...]:
        """The ids of a text within a sentence; none if the vocabulary cannot write it."""
        spaced = has_spaces(pair.target)
        anchor = () if spaced else self._target.tokenize(_MID_SENTENCE)
        tokens = self._target.tokenize(text if spaced else _MID_SENTENCE + text)[len(anchor) :]
        ids = [self._target_ids.get(token.model_token or "") for token in tokens]
        known = tuple(index for index in ids if index is not None)
        return known if len(known) == len(ids) else ()

    def _hypothesis(
        self, pieces: list[str], score: float, attention: list[list[float]], segment: Segment, pair: Pair
    ) -> Hypothesis:
        ended = bool(pieces) and pieces[-1] == self._end
        detokenizer = self._target.detokenizer()
        tokens = tuple(Token(detokenizer.feed(piece), piece) for piece in (pieces[:-1] if ended else pieces))
        first = self._card.source_tokens.index(TEXT)  # the columns before it are tags
        columns = [first + column for column in self._annotated(segment, pair).columns] if attention else []
        alignment = tuple(tuple(row[column] for column in columns) for row in attention[: len(tokens)])
        return Hypothesis(tokens=tokens, score=score, ended=ended, alignment=alignment or None)

    async def health(self) -> bool:
        """Whether the model is in memory."""
        return bool(self._translator.model_is_loaded)

    async def aclose(self) -> None:
        """Wait for the threads, then unload."""
        await asyncio.to_thread(self._executor.shutdown)
        await asyncio.to_thread(self._translator.unload_model)
