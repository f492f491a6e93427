"""Runs any CTranslate2 translation model that has a card.

What was measured on CTranslate2 4.8 and is guarded here: its default limits truncate silently; positions past the
model's table raise; sampling with a beam crashes the process; `top_k` beyond the vocabulary, `top_p` 0 and more
hypotheses than beams raise; callbacks need beam 1; `max_decoding_length` counts the target prefix; with a `vmap.txt`,
callbacks are told other tokens than those chosen, so that beam 1 does without.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from dragoman.core.engine import Batch, BatchPolicy, EngineInfo, Hypotheses, OnToken
from dragoman.core.errors import ConfigurationError
from dragoman.core.languages import has_spaces
from dragoman.core.types import Decoding, Hypothesis, Pair, Segment, Token
from dragoman.engines.ctranslate2_loading import SPARE_TRANSLATORS, Options, load_translator
from dragoman.engines.ctranslate2_paths import PathFinder
from dragoman.engines.model_card import CARD, TEXT, ModelCard, find_model, load_card, read_vocabulary
from dragoman.engines.paths import Path as TokenPath
from dragoman.engines.term_annotation import Annotated, annotate
from dragoman.engines.tokenizers import GrowingHypothesis, load_tokenizers
from dragoman.engines.writing import Writer, Written

_LOWEST_TEMPERATURE = 0.01
_REPETITION_PENALTIES = (0.01, 100.0)
# After a full stop, a word is tokenised as within a sentence, without a mark of its beginning.
_MID_SENTENCE = "。"
_GREEDY: dict[str, Any] = {"num_hypotheses": 1, "repetition_penalty": 1.0, "beam_size": 1}
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
        self._unknown = str(config.get("unk_token") or "<unk>")
        specials = {str(config.get(key)) for key in ("bos_token", "unk_token", "decoder_start_token")}
        silent = frozenset({*card.languages.values(), *card.marks, *specials, self._end, "<pad>"})
        self._source, self._target = load_tokenizers(card, directory, silent)
        self._writer = Writer(self._target, self._target_pieces, self._target_ids)
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
            abilities=frozenset({"constraints", "scores", *(("terms",) if card.terms else ())}),
            placeholders=tuple(card.placeholders),
            vocabulary_size=len(self._target_ids),
            calibrations=card.calibrations,
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

    def target_tokens(self, text: str) -> list[tuple[int, Token]]:
        """A text as the model writes it."""
        return self._writer.encoded(text)

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
        paths = self._paths(batch)
        if batch.decoding.must_include_terms:
            wanted = [[self._constraint(each.term.target, batch.pair) for each in one.terms] for one in batch.segments]
            return self._of_paths([[path] for path in paths.with_constraints(wanted)], batch)
        if batch.decoding.is_controlled:
            end, unknown = self._target_ids[self._end], self._target_ids.get(self._unknown)
            never = () if unknown is None else (unknown,)
            return self._of_paths(paths.controlled(batch.decoding, end, never), batch)
        if batch.decoding.top_logprobs is not None and search == _GREEDY:  # no second call is needed
            return self._of_paths([[path] for path in paths.greedy()], batch)
        given = len(paths.prefix)
        results = self._translator.translate_batch(
            paths.sources,
            target_prefix=[paths.prefix] * len(batch.segments) if given else None,
            max_input_length=0,
            max_decoding_length=self._card.max_target_tokens + given,
            min_decoding_length=0,
            disable_unk=True,
            return_end_token=True,
            return_scores=True,
            return_attention=any(segment.needs_alignment for segment in batch.segments),
            use_vmap=on_step is None,
            callback=on_step,
            **search,
        )
        if batch.decoding.top_logprobs is not None:
            scored = self._of_paths(self._along(paths, [result.hypotheses for result in results]), batch)
            # A vocabulary map makes every token more probable; the score must not depend on whether they are shown.
            return [
                tuple(
                    replace(each, score=_without_prefix(score, len(pieces), given))
                    for each, pieces, score in zip(found, result.hypotheses, result.scores, strict=True)
                )
                for found, result in zip(scored, results, strict=True)
            ]
        return [
            tuple(
                self._hypothesis(_written(pieces, score, attention, given), segment, batch.pair)
                for pieces, score, attention in zip(
                    result.hypotheses, result.scores, result.attention or [[]] * len(result.scores), strict=True
                )
            )
            for result, segment in zip(results, batch.segments, strict=True)
        ]

    def _paths(self, batch: Batch) -> PathFinder:
        return PathFinder(
            self._translator,
            self._target_ids,
            self._target_pieces,
            sources=[self._source_tokens(segment, batch.pair) for segment in batch.segments],
            prefix=self._card.frame(self._card.target_prefix, batch.pair, []),
            most_tokens=self._card.max_target_tokens,
        )

    def _along(self, paths: PathFinder, hypotheses: Sequence[Sequence[list[str]]]) -> list[list[TokenPath]]:
        """The same hypotheses with logits, which a beam does not give."""
        given = len(paths.prefix)
        flat = [(index, pieces[given:]) for index, each in enumerate(hypotheses) for pieces in each]
        found = iter(paths.along(flat))
        return [[next(found) for _ in each] for each in hypotheses]

    def _of_paths(self, paths: Sequence[Sequence[TokenPath]], batch: Batch) -> list[Hypotheses]:
        top = batch.decoding.top_logprobs
        return [
            tuple(self._hypothesis(self._written(path), segment, batch.pair, top) for path in found)
            for found, segment in zip(paths, batch.segments, strict=True)
        ]

    def _written(self, path: TokenPath) -> Written:
        pieces = [self._target_pieces[index] for index in path.ids]
        rows = path.log_probabilities()
        score = float(rows[range(len(path.ids)), path.ids].mean())
        return Written(pieces, score, path.attention, rows)

    def _constraint(self, text: str, pair: Pair) -> tuple[int, ...]:
        """The ids of a text within a sentence; none if the vocabulary cannot write it."""
        spaced = has_spaces(pair.target)
        anchor = () if spaced else self._target.tokenize(_MID_SENTENCE)
        tokens = self._target.tokenize(text if spaced else _MID_SENTENCE + text)[len(anchor) :]
        ids = [self._target_ids.get(token.model_token or "") for token in tokens]
        known = tuple(index for index in ids if index is not None)
        return known if len(known) == len(ids) else ()

    def _hypothesis(self, written: Written, segment: Segment, pair: Pair, top: int | None = None) -> Hypothesis:
        ended = bool(written.pieces) and written.pieces[-1] == self._end
        tokens = self._writer.tokens(written.pieces[:-1] if ended else written.pieces, written.log_probabilities, top)
        first = self._card.source_tokens.index(TEXT)  # the columns before it are tags
        columns = [first + column for column in self._annotated(segment, pair).columns] if written.attention else []
        alignment = tuple(tuple(row[column] for column in columns) for row in written.attention[: len(tokens)])
        return Hypothesis(tokens=tokens, score=written.score, ended=ended, alignment=alignment or None)

    async def health(self) -> bool:
        """Whether the model is in memory."""
        return bool(self._translator.model_is_loaded)

    async def aclose(self) -> None:
        """Wait for the threads, then unload."""
        await asyncio.to_thread(self._executor.shutdown)
        await asyncio.to_thread(self._translator.unload_model)


def _written(pieces: list[str], score: float, attention: list[list[float]], given: int) -> Written:
    """What follows the prefix of `given` pieces."""
    return Written(pieces[given:], _without_prefix(score, len(pieces), given), attention[given:])


def _without_prefix(score: float, pieces: int, given: int) -> float:
    """The mean score of what follows the prefix of `given` pieces, over which CTranslate2 spreads it, too."""
    return score * pieces / max(1, pieces - given)
