"""Writes a translation into a template, as it comes: a transformation of pieces."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field, replace

from dragoman.api.answer_template import Facts, Slot, Template, escaped, render
from dragoman.core.answer import Outcome, Piece, Report
from dragoman.core.types import Token
from dragoman.route import Translation

_KNOWN_AT_ONCE = frozenset({"source", "source_lang", "target_lang"})


@dataclass(slots=True)
class _Choice:
    """What has come of one choice, and how many parts of the template are written."""

    tokens: list[Token] = field(default_factory=list)
    segments: dict[int, str] = field(default_factory=lambda: defaultdict(str))
    written: int = 0
    is_in_translation: bool = False


def filled(translation: Translation, source: str, template: Template, choices: int) -> Translation:
    """A translation whose first `choices` are written as JSON; the others are their alternatives.

    A translation that the template has first is written while it comes; what stands after it waits for the end. Raises
    `InvalidRequest` where the languages, or later the rest, do not fit the schema.
    """
    filler = _Filler(translation, source, template, choices)
    filler.check()
    beginning = list(filler.begin())
    return replace(translation, events=_events(translation, filler, beginning, choices))


async def _events(
    translation: Translation, filler: "_Filler", beginning: list[Piece], choices: int
) -> AsyncGenerator[Piece | Outcome]:
    for piece in beginning:
        yield piece
    async for event in translation.events:
        if isinstance(event, Outcome):
            for piece in filler.end(event):
                yield piece
            yield replace(event, finish_reasons=event.finish_reasons[:choices], reports=event.reports[:choices])
        else:
            for piece in filler.add(event):
                yield piece


class _Filler:
    """The state of all choices."""

    def __init__(self, translation: Translation, source: str, template: Template, choices: int) -> None:
        self._translation = translation
        self._facts = Facts("", source, translation.pair.source, translation.pair.target)
        self._template = template
        self._shown = choices
        self._choices: dict[int, _Choice] = defaultdict(_Choice)

    def check(self) -> None:
        """Refuse at once what could not be written in the end."""
        for slot in self._template.slots:
            if slot.role == "confidence" and self._translation.calibration is None:
                render(slot, self._facts)

    def begin(self) -> Iterator[Piece]:
        """What can be written before the translation has come."""
        for number in range(self._shown):
            yield from self._write(number, self._facts, is_done=False)

    def add(self, piece: Piece) -> Iterator[Piece]:
        """Take a piece of the translation."""
        choice = self._choices[piece.choice]
        choice.tokens += piece.tokens
        if piece.segment is not None:
            choice.segments[piece.segment] += piece.text
        if choice.is_in_translation:
            yield Piece(piece.choice, _escaped(piece.tokens), piece.segment)

    def end(self, outcome: Outcome) -> Iterator[Piece]:
        """All that is left."""
        texts = ["".join(token.text for token in self._choices[n].tokens) for n in range(len(outcome.reports))]
        for number in range(self._shown):
            segments = self._choices[number].segments
            facts = replace(
                self._facts,
                translation=texts[number],
                confidence=self._confidence(outcome.reports[number]),
                alternatives=tuple(dict.fromkeys(text for text in texts if text != texts[number])),
                segments=tuple(
                    (text, segments[index].strip()) for index, text in enumerate(outcome.sources) if index in segments
                ),
            )
            yield from self._write(number, facts, is_done=True)

    def _confidence(self, report: Report) -> float | None:
        """That of the answer; 1 where it is the text itself, which was in the target language."""
        confidence = self._translation.confidence(report)
        return 1.0 if confidence is None and self._translation.calibration is not None else confidence

    def _write(self, number: int, facts: Facts, *, is_done: bool) -> Iterator[Piece]:
        """One piece of as many parts as can be written now; a translation stays open until all is done."""
        choice = self._choices[number]
        tokens: list[Token] = []
        for part in self._template.parts[choice.written :]:
            if not isinstance(part, Slot):
                tokens.append(Token(part))
            elif part.role == "translation":
                if not choice.is_in_translation:
                    tokens += [Token('"'), *_escaped(choice.tokens)]
                choice.is_in_translation = not is_done
                if not is_done:
                    break
                tokens.append(Token('"'))
            elif is_done or part.role in _KNOWN_AT_ONCE:
                tokens.append(Token(render(part, facts)))
            else:
                break
            choice.written += 1
        yield Piece(number, tuple(tokens))


def _escaped(tokens: Sequence[Token]) -> tuple[Token, ...]:
    return tuple(
        replace(
            token,
            text=escaped(token.text),
            alternatives=tuple(replace(each, text=escaped(each.text)) for each in token.alternatives),
        )
        for token in tokens
    )
