"""Which languages a text is translated between: as the client says, else by detection and the server's defaults."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from dragoman.core.answer import Detection
from dragoman.core.errors import UnsupportedLanguage
from dragoman.core.languages import LANGUAGES
from dragoman.core.types import Pair
from dragoman.pipeline.detect import Detector
from dragoman.pipeline.script import main_script

# From so many letters on, and so sure, a text is in a language without a direct way: one that can go through another,
# or one that cannot be translated.
_CLEAR, _CLEAR_REFUSAL = (10, 0.9), (25, 0.99)
_SAMPLE_CHARS = 200
_MOST_PAIRS_NAMED = 20


@dataclass(frozen=True)
class Ways:
    """Pairs that can be translated: directly, and, less likely meant, through a third language."""

    direct: frozenset[Pair]
    pivoted: frozenset[Pair] = frozenset()

    @cached_property
    def sources(self) -> frozenset[str]:
        """All source languages."""
        return frozenset(pair.source for pair in self.direct | self.pivoted)

    @cached_property
    def into(self) -> Mapping[str, frozenset[str]]:
        """The languages with a direct way into each target."""
        found: dict[str, set[str]] = defaultdict(set)
        for pair in self.direct:
            found[pair.target].add(pair.source)
        return {target: frozenset(sources) for target, sources in found.items()}


@dataclass(frozen=True, slots=True)
class PairChooser:
    """Settles the languages of requests. `default_alternative` is the target of text in the default target."""

    detector: Detector
    default_target: str
    default_alternative: str

    def choose(self, text: str, source: str | None, target: str | None, ways: Ways) -> tuple[Pair, Detection | None]:
        """The pair, and the detection if no source was named. Raises `UnsupportedLanguage` if there is no way."""
        detection = None
        if source is None:
            detection = self._detect(text, target, ways)
            source = detection.language
        pair = Pair(source, target or self._target_for(source))
        if pair.source != pair.target and pair not in ways.direct and pair not in ways.pivoted:
            seems = "" if detection is None else f"The text seems to be {LANGUAGES[source].name}. "
            raise UnsupportedLanguage(seems + _no_such_pair(pair, ways.direct), param="translation_options")
        return pair, detection

    def _detect(self, text: str, target: str | None, ways: Ways) -> Detection:
        """The language among those with a direct way; another source, if the text clearly is in it.

        Text may be in the target already. Where no target was named or none such is known, any source is possible: the
        pair is refused later. Raises `UnsupportedLanguage` for a script that no language here is written in.
        """
        direct = ways.into.get(target or "")
        possible = direct | {str(target)} if direct else ways.sources
        everything = ways.sources | possible
        script = main_script(text[:_SAMPLE_CHARS])
        if script is not None and not _is_written(script, everything):
            raise UnsupportedLanguage(
                "The text is in a script that no language of this model is written in; "
                "name its language in `source_lang` if that is wrong.",
                param="translation_options",
            )
        if script is not None and not _is_written(script, possible):
            return self.detector.detect(text, everything)
        if everything != possible:
            found = self.detector.detect(text, everything)
            letters = sum(map(str.isalpha, text[:_SAMPLE_CHARS]))
            enough, sure = _CLEAR if Pair(found.language, str(target)) in ways.pivoted else _CLEAR_REFUSAL
            if found.language not in possible and letters >= enough and found.confidence >= sure:
                return found
        return self.detector.detect(text, possible)

    def _target_for(self, source: str) -> str:
        return self.default_alternative if source == self.default_target else self.default_target


def _is_written(script: str, codes: Collection[str]) -> bool:
    """Whether one of the languages is written so; Han characters may be Japanese, too."""
    scripts = {each for code in codes for each in LANGUAGES[code].scripts}
    return script in scripts or (script == "Hani" and "Jpan" in scripts)


def _no_such_pair(pair: Pair, pairs: Collection[Pair]) -> str:
    """The pairs that are there, those of the same target or source first."""
    near = sorted(pairs, key=lambda each: (each.target != pair.target, each.source != pair.source, str(each)))
    named = ", ".join(str(each) for each in near[:_MOST_PAIRS_NAMED])
    more = f" and {len(near) - _MOST_PAIRS_NAMED} more" if len(near) > _MOST_PAIRS_NAMED else ""
    return f"This model has no {pair}; it translates {named}{more}."
