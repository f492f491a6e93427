"""Whole paths of a CTranslate2 model, with the logits at each token, for the searches that need them.

Measured on CTranslate2 4.8: logits come with beam 1 only, for all tokens of the path, its prefix included, and are the
model's own, without penalties. `max_decoding_length` counts the prefix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from secrets import randbits
from zlib import crc32

import ctranslate2
import numpy as np

from dragoman.core.types import Decoding
from dragoman.engines import constrained_decoding, controlled_decoding
from dragoman.engines.paths import Beginning, Path

_SEED_BITS = 64
_TOKENS_PER_SOURCE, _FEWEST_TOKENS = 3, 20


@dataclass(frozen=True, slots=True)
class PathFinder:
    """Finds paths for the sources of one batch. `prefix`: target tokens that are given, such as a language tag."""

    translator: ctranslate2.Translator
    target_ids: dict[str, int]
    target_pieces: Sequence[str]
    sources: Sequence[list[str]]
    prefix: Sequence[str]
    most_tokens: int

    def extend(self, beginnings: Sequence[Beginning], most_tokens: int | None = None) -> list[Path]:
        """Go on greedily; see `paths.Extend`."""
        begun = max((len(ids) for _, ids in beginnings), default=0)
        longest = self.most_tokens if most_tokens is None else min(begun + most_tokens, self.most_tokens)
        results = self.translator.translate_batch(
            [self.sources[index] for index, _ in beginnings],
            target_prefix=[[*self.prefix, *(self.target_pieces[each] for each in ids)] for _, ids in beginnings],
            max_input_length=0,
            max_decoding_length=longest + len(self.prefix),
            min_decoding_length=0,
            beam_size=1,
            disable_unk=True,
            return_end_token=True,
            return_logits_vocab=True,
            return_attention=True,
        )
        return [self._path(result) for result in results]

    def _path(self, result: ctranslate2.TranslationResult) -> Path:
        given = len(self.prefix)
        ids = tuple(self.target_ids[piece] for piece in result.hypotheses[0][given:])
        logits = np.array([np.asarray(view) for view in result.logits[0][given:]], dtype=np.float32)
        return Path(ids, logits, result.attention[0][given:])

    def _text(self, ids: tuple[int, ...]) -> str:
        """What ids write; one text may have several spellings."""
        return "".join(self.target_pieces[index] for index in ids).replace("▁", " ").strip()

    def along(self, hypotheses: Sequence[tuple[int, Sequence[str]]]) -> list[Path]:
        """The paths of translations that are known, each the index of its source and its pieces, end included."""
        wanted = [(index, tuple(self.target_ids[piece] for piece in pieces)) for index, pieces in hypotheses]
        begun = [(index, ids[:-1]) for index, ids in wanted]
        paths = self.extend(begun, most_tokens=1)
        return [
            Path(ids, path.logits[: len(ids)], path.attention[: len(ids)])
            for (_, ids), path in zip(wanted, paths, strict=True)
        ]

    def greedy(self) -> list[Path]:
        """The greedy path of each source."""
        return self.extend([(index, ()) for index in range(len(self.sources))])

    def with_constraints(self, constraints: Sequence[Sequence[tuple[int, ...]]]) -> list[Path]:
        """For each source a good translation with the token sequences that it must have."""
        return constrained_decoding.search(
            self.extend, [[constraint for constraint in each if constraint] for each in constraints]
        )

    def controlled(self, decoding: Decoding, end: int, never: tuple[int, ...]) -> list[list[Path]]:
        """For each source its translations under penalties, biases and a seed."""
        texts = [crc32(" ".join(source).encode()) for source in self.sources]
        seed = randbits(_SEED_BITS) if decoding.seed is None else decoding.seed % (1 << _SEED_BITS)

        def new_generator(sentence: int, choice: int, attempt: int) -> np.random.Generator:
            # By its text, not its place: whatever else is in the batch, the same numbers are drawn.
            return np.random.default_rng([seed, texts[sentence], choice, attempt])

        # What a high temperature draws may never end, and each of its tokens costs a call.
        longest = [min(self.most_tokens, _TOKENS_PER_SOURCE * len(each) + _FEWEST_TOKENS) for each in self.sources]
        vocabulary = controlled_decoding.Vocabulary(end, never, self._text)
        return controlled_decoding.search(self.extend, longest, decoding, vocabulary, new_generator)
