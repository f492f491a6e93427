"""Penalties, biases and seeds, over a toy model whose probabilities can be worked out by hand."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.core.types import Decoding
from dragoman.engines.controlled_decoding import Vocabulary, adjust, draw, search
from dragoman.engines.paths import Beginning, Logits, Path

SIZE, END, UNKNOWN = 6, 0, 5
MOST = 9
VOCABULARY = Vocabulary(end=END, never=(UNKNOWN,))


class ToyModel:
    """Its logits depend on the sentence and the last two tokens, at random but always alike."""

    def __init__(self, *, sentences_differ: bool = True) -> None:
        self.calls = 0
        self._sentences_differ = sentences_differ

    def row(self, sentence: int, ids: Sequence[int]) -> Logits:
        """The logits after some tokens; the end comes nearer with each."""
        row = (
            np.random.default_rng([sentence * self._sentences_differ, *ids[-2:], 99])
            .normal(size=SIZE)
            .astype(np.float32)
        )
        row[END] += len(ids) / 3 - 1
        return row

    def __call__(self, beginnings: Sequence[Beginning], most_tokens: int | None = None) -> list[Path]:
        """Greedy paths."""
        self.calls += 1
        longest = 9 if most_tokens is None else min(9, max(len(ids) for _, ids in beginnings) + most_tokens)
        return [self._path(sentence, beginning, longest) for sentence, beginning in beginnings]

    def _path(self, sentence: int, beginning: tuple[int, ...], longest: int) -> Path:
        ids: list[int] = []
        rows = []
        while len(ids) < longest and (not ids or ids[-1] != END):
            rows.append(self.row(sentence, ids))
            ids.append(beginning[len(ids)] if len(ids) < len(beginning) else int(rows[-1].argmax()))
        return Path(tuple(ids), np.array(rows), [[1.0]] * len(ids))


def generator(seed: int) -> np.random.Generator:
    """Random numbers."""
    return np.random.default_rng(seed)


def one_by_one(decoding: Decoding, random: np.random.Generator, sentence: int = 0) -> tuple[int, ...]:
    """The same decoding the plain way: a choice from the model's logits at each step."""
    model, ids = ToyModel(), list[int]()
    while len(ids) < MOST and (not ids or ids[-1] != END):
        row = adjust(model.row(sentence, ids), Counter(ids), decoding)
        row[UNKNOWN] = -np.inf
        ids.append(draw(row, decoding, random.random()) if decoding.samples else int(row.argmax()))
    return tuple(ids)


DECODINGS = st.builds(
    Decoding,
    top_k=st.sampled_from([0, 1, 3]),
    top_p=st.sampled_from([0.5, 0.9, 1.0]),
    temperature=st.sampled_from([0.3, 1.0, 1.9]),
    repetition_penalty=st.sampled_from([1.0, 1.5]),
    presence_penalty=st.floats(-2, 2),
    frequency_penalty=st.floats(-2, 2),
    logit_bias=st.lists(st.tuples(st.integers(0, SIZE - 2), st.floats(-5, 5)), max_size=3).map(tuple),
    seed=st.integers(0, 9),
)


@settings(max_examples=60)
@given(DECODINGS)
def test_a_walk_along_paths_chooses_as_a_search_token_by_token(decoding: Decoding) -> None:
    """Whatever is penalised, favoured or drawn, in every sentence of a batch."""
    model = ToyModel()
    found = search(model, [MOST] * 3, decoding, VOCABULARY, lambda sentence, *_: generator(sentence))
    assert [path.ids for [path] in found] == [one_by_one(decoding, generator(i), i) for i in range(3)]
    assert model.calls <= MOST
    [path] = found[1]
    assert np.allclose(path.logits, [model.row(1, path.ids[:place]) for place in range(len(path.ids))])
    assert len(path.attention) == len(path.ids)


def test_log_probabilities_are_those_of_the_softmax() -> None:
    """Of every token at each place, large logits or small."""
    logits = np.log(np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], np.float32)) + np.array([[90.0], [-90.0]], np.float32)
    rows = Path((0, 2), logits, []).log_probabilities()
    assert np.exp(rows) == pytest.approx(np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]), abs=1e-4)


def test_who_asks_for_nothing_is_answered_by_one_call() -> None:
    """The greedy path itself."""
    model = ToyModel()
    decoding = Decoding(presence_penalty=1e-9)
    search(model, [MOST] * 2, decoding, Vocabulary(END, ()), lambda *_: generator(1))
    assert model.calls == 1


def test_penalties_are_openais() -> None:
    """Logit minus count × frequency minus presence, plus the bias, after Keskar's repetition penalty."""
    logits = np.array([1.0, 2.0, -3.0, 0.5], np.float32)
    decoding = Decoding(
        presence_penalty=0.25, frequency_penalty=0.5, logit_bias=((3, -100.0), (0, 2.0)), repetition_penalty=2.0
    )
    adjusted = adjust(logits, Counter({1: 3, 2: 1}), decoding)
    assert adjusted.tolist() == [3.0, 2 / 2 - 3 * 0.5 - 0.25, -3 * 2 - 0.5 - 0.25, -99.5]
    assert logits.tolist() == [1.0, 2.0, -3.0, 0.5]


@pytest.mark.parametrize(
    ("decoding", "probabilities"),
    [
        (Decoding(top_k=0), [0.5, 0.3, 0.2]),
        (Decoding(top_k=0, temperature=0.5), [0.25 / 0.38, 0.09 / 0.38, 0.04 / 0.38]),
        (Decoding(top_k=2), [0.5 / 0.8, 0.3 / 0.8, 0.0]),
        (Decoding(top_k=0, top_p=0.8), [0.5 / 0.8, 0.3 / 0.8, 0.0]),
        (Decoding(top_k=0, top_p=0.81), [0.5, 0.3, 0.2]),
        (Decoding(top_k=0, top_p=0.1), [1.0, 0.0, 0.0]),
    ],
)
def test_tokens_are_drawn_as_often_as_they_are_probable(decoding: Decoding, probabilities: list[float]) -> None:
    """Of numbers spread evenly over [0, 1), each token gets its share."""
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    drawn = Counter(draw(logits, decoding, (index + 0.5) / 1000) for index in range(1000))
    assert [drawn[token] / 1000 for token in range(3)] == pytest.approx(probabilities, abs=0.002)


def test_whole_translations_are_drawn_as_often_as_they_are_probable() -> None:
    """Of 1,000 seeds each of the likeliest comes as often as the product of its tokens' probabilities says."""
    model, decoding, draws = ToyModel(sentences_differ=False), Decoding(top_k=0), 1000
    found = search(model, [MOST] * draws, decoding, Vocabulary(END, ()), lambda sentence, *_: generator(sentence))
    counted = Counter(path.ids for [path] in found)
    for ids, times in counted.most_common(5):
        rows = [model.row(0, ids[:place]) for place in range(len(ids))]
        probability = np.prod([np.exp(row[token]) / np.exp(row).sum() for row, token in zip(rows, ids, strict=True)])
        assert abs(times - draws * probability) < 4 * np.sqrt(draws * probability)


@pytest.mark.parametrize("decoding", [Decoding(num_hypotheses=3), Decoding(num_hypotheses=3, top_k=0, seed=1)])
def test_choices_differ(decoding: Decoding) -> None:
    """By their first tokens where nothing is drawn, else by what is drawn."""
    found = search(ToyModel(), [MOST] * 4, decoding, VOCABULARY, lambda *key: np.random.default_rng(key))
    assert all(len({path.ids for path in choices}) == 3 for choices in found)
    assert UNKNOWN not in {token for choices in found for path in choices for token in path.ids}


def test_a_path_may_be_cut_at_the_longest() -> None:
    """Then it does not end."""
    decoding = Decoding(logit_bias=((END, -100.0),))
    [[path], [shorter]] = search(ToyModel(), [MOST, 3], decoding, VOCABULARY, lambda *_: generator(1))
    assert (len(path.ids), len(shorter.ids)) == (MOST, 3)
    assert END not in path.ids + shorter.ids
