"""Puts protected spans back into a translation, each once, where the model's attention says that they belong.

The place of a span is between the source words beside it; their alignments give the place in the translation. Pairs of
tags are put around the translation of what they enclosed, and nest as they did.
"""

from collections import Counter, deque
from collections.abc import Collection
from dataclasses import replace

from dragoman.core.languages import has_spaces
from dragoman.core.types import Hypothesis, Pair, Protected, Segment, Token
from dragoman.pipeline.alignment import strongest, translated_from
from dragoman.pipeline.nest import in_order
from dragoman.pipeline.script import joined

_OPENING_MARKS = "([{<“‘「『（《【\"'"
# A line breaks after a comma rather than in its middle, if the comma is at most so many tokens farther.
_WORTH_OF_MARK = 3
_BRACKETS, _STARS = "<[!]", "*~"
_CLOSING_MARKS = ".,;:!?)]}>”’。，、；：！？」』）》】\"'"


def restore(hypothesis: Hypothesis, segment: Segment, pair: Pair) -> Hypothesis:
    """A hypothesis with the protected spans of its segment. Without alignment they keep their share of the length."""
    spaced = has_spaces(pair.target)
    source_spaced = has_spaces(pair.source)
    placed = deque(_placed(hypothesis, segment))
    tokens: list[Token] = []
    opened = False  # whether nothing stands between an opening mark and here
    for index in range(len(hypothesis.tokens) + 1):
        while placed and placed[0][0] == index:
            following = "".join(token.text for token in hypothesis.tokens[index:])
            protected = segment.protected[placed.popleft()[1]]
            spaces = _wanted_spaces(tokens, protected, following, spaced=spaced, source_spaced=source_spaced)
            tokens.append(_inserted(tokens, protected, following, spaces, opened=opened))
            opened = protected.role == "open"
        if index < len(hypothesis.tokens):
            tokens.append(_apart(tokens, hypothesis.tokens[index], opened=opened))
            opened = opened and not tokens[-1].text
    return Hypothesis(tuple(tokens), hypothesis.score, hypothesis.ended)


def is_guess(hypothesis: Hypothesis, segment: Segment) -> bool:
    """Whether nothing tells where a span among words belongs: neither attention nor a placeholder."""
    written = _written(hypothesis, segment)
    return hypothesis.alignment is None and any(
        0 < protected.position < len(segment.tokens) and index not in written
        for index, protected in enumerate(segment.protected)
    )


def _wanted_spaces(
    tokens: list[Token], protected: Protected, following: str, *, spaced: bool, source_spaced: bool
) -> tuple[bool, bool]:
    """Whether there should be a space before and after a span, as in the source or as among words."""
    before = _last_char(tokens)
    opens, closes = protected.role == "open", protected.role == "close"
    if not spaced and (opens or closes):
        inner = following.lstrip()[:1] if opens else before
        plain = protected.text[0] in _BRACKETS or (protected.text[0] in _STARS and inner.isalnum())
        if plain and not joined(before, following.lstrip()):
            return False, False  # a tag needs no space among words that have none; `_` and a mark at a full stop do
    if not spaced and source_spaced:  # a link among Chinese words has a space on both sides or on none
        wants = protected.space_before or protected.space_after
        before_wants = wants and not closes and (before.isalnum() or before.isascii())
        return before_wants, wants and not opens and following[:1].isalnum()
    if source_spaced:
        return protected.space_before or (opens and following[:1] == " "), protected.space_after
    return (before.isalnum() and not closes) or (opens and following[:1] == " "), following[:1].isalnum() and not opens


def _inserted(
    tokens: list[Token], protected: Protected, following: str, spaces: tuple[bool, bool], *, opened: bool
) -> Token:
    """A span with the spaces that are still missing."""
    before = _last_char(tokens)
    if protected.text.isspace() and (not before or before.isspace() or not following.strip()):
        return Token("")  # an empty line would end a subtitle
    if protected.text.isspace():
        return Token(protected.text)
    left = spaces[0] and not opened and before and not before.isspace() and before not in _OPENING_MARKS
    touches = following and not following[0].isspace() and following[0] not in _CLOSING_MARKS
    right = spaces[1] and touches and not protected.text[-1].isspace()
    return Token(" " * bool(left) + protected.text + " " * bool(right))


def _last_char(tokens: list[Token]) -> str:
    return next((token.text[-1] for token in reversed(tokens) if token.text), "")


def _apart(tokens: list[Token], token: Token, *, opened: bool) -> Token:
    """The token, without a space that would double one before it or stand behind an opening mark."""
    last = tokens[-1] if tokens else Token("")
    unwanted = opened or (last.model_token is None and last.text[-1:].isspace())
    return replace(token, text=token.text[1:]) if unwanted and token.text[:1] == " " else token


def _placed(hypothesis: Hypothesis, segment: Segment) -> list[tuple[int, int]]:
    """The index of the target token before which a span goes, and its own, in the order of the translation."""
    target = _Target(hypothesis, segment)
    written = _written(hypothesis, segment)
    places = [
        written[index] if index in written else target.place_of(protected)
        for index, protected in enumerate(segment.protected)
    ]
    pairs = _pairs(segment.protected)
    size = len(hypothesis.tokens)
    enclosed: list[tuple[int, int, range]] = []
    for opening, closing in sorted((a, b) for a, b in pairs if a is not None and b is not None):
        if opening in written and closing in written:
            places[opening], places[closing] = sorted((written[opening], written[closing]))
            continue
        start, end = (segment.protected[index].position for index in (opening, closing))
        if (start, end) == (0, len(segment.tokens)):
            places[opening], places[closing] = 0, size
            continue
        # Words in another pair are that pair's, unless this one is within it; then there are no others.
        others = {at for first, last, words in enclosed if last < opening for at in words}
        outer = [words for first, last, words in enclosed if first < opening and closing < last]
        others |= set(range(size)) - set(outer[-1]) if outer else set()
        inside = target.translated_from(start, end, others) if start < end else None
        if start < end and inside is None:
            inside = target.nearest_word(places[opening], others)
        if inside is not None:
            words = target.whole_words(inside, others)
            if end == len(segment.tokens) and words.stop >= target.end_of_words():
                words = range(words.start, size)  # the final mark was within
            places[opening], places[closing] = words.start, words.stop
            enclosed.append((opening, closing, words))
    return in_order(places, pairs, size)


def _written(hypothesis: Hypothesis, segment: Segment) -> dict[int, int]:
    """Where the model wrote the placeholders of spans, for those that it wrote once."""
    counts = Counter(token.model_token for token in hypothesis.tokens)
    places = {token.model_token: index for index, token in enumerate(hypothesis.tokens)}
    return {
        index: places[protected.placeholder]
        for index, protected in enumerate(segment.protected)
        if protected.placeholder is not None and counts[protected.placeholder] == 1
    }


class _Target:
    """The target tokens of a hypothesis and the source tokens that they align with."""

    def __init__(self, hypothesis: Hypothesis, segment: Segment) -> None:
        self._texts = [token.text for token in hypothesis.tokens]
        self._source_words = [any(char.isalnum() for char in token.text) for token in segment.tokens]
        self._rows = hypothesis.alignment or ()
        # Source token and weight for each target token that has a letter or digit; punctuation aligns with anything.
        self._links = {
            index: (strongest(row), max(row))
            for index, (row, text) in enumerate(zip(self._rows, self._texts, strict=False))
            if row and any(char.isalnum() for char in text)
        }

    def translated_from(self, start: int, end: int, taken: Collection[int]) -> range | None:
        """Target tokens that came from source tokens, but for those that are taken."""
        return translated_from(self._rows, self._texts, start, end, taken)

    def place_of(self, protected: Protected) -> int:
        """The place of a span; a line break is never at an end."""
        place = self.place(protected.position)
        return self.within(place) if protected.text.isspace() else place

    def place(self, position: int) -> int:
        """The place of a span that lay before the source token at `position`."""
        if not any(self._source_words[:position]):
            return 0
        if not any(self._source_words[position:]):
            return self.end_of_words()
        for reach in range(len(self._source_words)):
            before, after = position - 1 - reach, position + reach
            near = [
                (weight, index + (source == before))
                for index, (source, weight) in self._links.items()
                if source in (before, after)
            ]
            if near:
                return self.word_border(max(near)[1])
        return self.word_border(round(position * len(self._texts) / max(1, len(self._source_words))))

    def word_border(self, index: int) -> int:
        """The next place that does not part a word."""
        while not self._is_border(index):
            index += 1
        return index

    def whole_words(self, run: range, taken: Collection[int]) -> range:
        """A run and the rest of its words, as far as nothing is taken."""
        start, end = run.start, run.stop
        while not self._is_border(start) and start - 1 not in taken:
            start -= 1
        while not self._is_border(end) and end not in taken:
            end += 1
        return range(start, end)

    def _is_border(self, index: int) -> bool:
        if index <= 0 or index >= len(self._texts):
            return True
        return self._texts[index] != "" and not joined("".join(self._texts[:index]), self._texts[index])

    def nearest_word(self, index: int, taken: Collection[int]) -> range | None:
        """The token with a letter or digit that is nearest to a place, but for those that are taken."""
        words = [at for at, text in enumerate(self._texts) if at not in taken and any(c.isalnum() for c in text)]
        nearest = min(words, key=lambda at: abs(at - index), default=None)
        return None if nearest is None else range(nearest, nearest + 1)

    def within(self, index: int) -> int:
        """The nearest place between two words: a line does not break at its end."""
        words = [at for at, text in enumerate(self._texts) if any(char.isalnum() for char in text)]
        inner = [at for at in words[1:] if self.word_border(at) == at]
        after_mark = {at for at in inner if not self._texts[at - 1][-1:].isalnum()}
        return min(inner, key=lambda at: abs(at - index) - _WORTH_OF_MARK * (at in after_mark), default=index)

    def end_of_words(self) -> int:
        """The place after the last token with a letter or digit."""
        words = [index for index, text in enumerate(self._texts) if any(char.isalnum() for char in text)]
        return words[-1] + 1 if words else len(self._texts)


def _pairs(spans: tuple[Protected, ...]) -> list[tuple[int | None, int | None]]:
    """Opening and closing spans that belong together; None for a half that is in another sentence."""
    opened: dict[int, int] = {}
    pairs: list[tuple[int | None, int | None]] = []
    for index, span in enumerate(spans):
        if span.role == "open":
            opened[span.pair] = index
        elif span.role == "close":
            pairs.append((opened.pop(span.pair, None), index))
    return pairs + [(opening, None) for opening in opened.values()]
