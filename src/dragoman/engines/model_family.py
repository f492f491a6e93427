"""How a family of large language models wants to be asked: prompts, sampling and names of languages, as data.

Each family is a TOML file in `families/`; an operator's own is a path to such a file. Templates have placeholders in
braces: `{text}`, `{source}` and `{target}` (names of languages), `{code}` (of the target), and the sections `{terms}`,
`{examples}` and `{domains}`, which are empty where there is nothing to say.
"""

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from dragoman.core.errors import ConfigurationError
from dragoman.core.languages import LANGUAGES, resolve
from dragoman.core.types import Pair, Segment
from dragoman.ops.validation import first_problem

_FAMILIES = resources.files("dragoman.engines") / "families"
_CHINESE = {"zh", "zh_tw", "yue"}


class Prompts(BaseModel):
    """What is said. `terms` and `examples` have `{lines}`, each line a `term` or `example` with source and target."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str = "{text}"
    terms: str = ""
    term: str = ""
    examples: str = ""
    example: str = ""
    domains: str = ""

    def of(self, segment: Segment, text: str, names: dict[str, str]) -> str:
        """The prompt for a segment whose text, with placeholders, is given."""
        pairs = {each.term.source: each.term.target for each in segment.terms}
        terms = "\n".join(_filled(self.term, {"source": key, "target": value}) for key, value in pairs.items())
        examples = "\n".join(
            _filled(self.example, {"source": each.source, "target": each.target}) for each in segment.examples
        )
        sections = {
            "terms": _filled(self.terms, {"lines": terms}) if terms else "",
            "examples": _filled(self.examples, {"lines": examples}) if examples else "",
            "domains": _filled(self.domains, {"domains": segment.domains}) if segment.domains else "",
        }
        return _filled(self.prompt, names | sections | {"text": text})


class ChatFormat(BaseModel):
    """A conversation as the model itself reads it, where no server writes it: `{system}` and `{text}` are filled in.

    `end`: tokens with which its answers end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str = ""
    user: str
    end: list[str]

    def of(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The text of a conversation of at most one system and one user message."""
        said = {str(message["role"]): str(message["content"]) for message in messages}
        system = _filled(self.system, {"system": said["system"]}) if "system" in said else ""
        return system + _filled(self.user, {"text": said["user"]})


class ModelFamily(Prompts):
    """A family. `content` "codes": the text goes with codes of its languages, as TranslateGemma takes it; "options": it
    goes alone, and the rest in `translation_options`, as Qwen-MT takes it. `cumulative`: each chunk of a stream may
    repeat the text so far.

    `body`: what every request has besides; `chinese`: prompts where Chinese is one of the languages, in which these
    have their `language_names`. With these, a family has no other languages. `chat_format`: for models in this process.
    """

    extends: str | None = None
    system: str | None = None
    content: Literal["text", "codes", "options"] = "text"
    cumulative: bool = False
    placeholder: str = "⟦{number}⟧"
    sampling: dict[str, Any] = {}
    body: dict[str, Any] = {}
    chinese: Prompts | None = None
    language_names: dict[str, str] = {}
    chat_format: ChatFormat | None = None

    @property
    def codes(self) -> list[str]:
        """The languages that models of the family translate."""
        return list(self.language_names) or list(LANGUAGES)

    def pairs(self, languages: Sequence[str]) -> frozenset[Pair]:
        """Between all of these languages, by name or code, or all of the family's."""
        codes = [resolve(each).code for each in languages] or self.codes
        return frozenset(Pair(a, b) for a in codes for b in codes if a != b)

    def messages(self, segment: Segment, text: str, pair: Pair) -> list[dict[str, Any]]:
        """What to send for a segment; `text` is its text, with placeholders."""
        if self.content == "codes":
            part = {"type": "text", "source_lang_code": _tag(pair.source), "target_lang_code": _tag(pair.target)}
            return [{"role": "user", "content": [part | {"text": text}]}]
        if self.content == "options":
            return [{"role": "user", "content": text}]
        in_chinese = self.chinese is not None and bool(_CHINESE & {pair.source, pair.target})
        prompts = self.chinese if self.chinese is not None and in_chinese else self
        source, target = (
            self.language_names[code] if in_chinese else LANGUAGES[code].name for code in (pair.source, pair.target)
        )
        names = {"source": source, "target": target, "code": pair.target}
        system = [{"role": "system", "content": self.system}] if self.system else []
        return [*system, {"role": "user", "content": prompts.of(segment, text, names)}]

    def options(self, segment: Segment, pair: Pair) -> dict[str, Any]:
        """What goes beside the messages: for Qwen-MT, its `translation_options`."""
        if self.content != "options":
            return {}
        terms = {each.term.source: each.term.target for each in segment.terms}
        found = {
            "source_lang": LANGUAGES[pair.source].name,
            "target_lang": LANGUAGES[pair.target].name,
            "terms": [{"source": source, "target": target} for source, target in terms.items()],
            "tm_list": [{"source": each.source, "target": each.target} for each in segment.examples],
            "domains": segment.domains,
        }
        return {"translation_options": {key: value for key, value in found.items() if value}}


def load_family(name_or_path: str) -> ModelFamily:
    """A family that ships with Dragoman, by name, or a file. Raises `ConfigurationError`."""
    shipped = _FAMILIES / f"{name_or_path}.toml"
    path = shipped if "/" not in name_or_path and shipped.is_file() else Path(name_or_path)
    if not path.is_file():
        known = ", ".join(sorted(each.name.removesuffix(".toml") for each in _FAMILIES.iterdir()))
        raise ConfigurationError(f"there is no model family {name_or_path!r}; name a file, or one of: {known}.")
    try:
        family = ModelFamily.model_validate(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML ({error}); correct it.") from error
    except ValidationError as error:
        where, problem = first_problem(error)
        raise ConfigurationError(f"{path}: `{where}` is wrong ({problem}); correct it.") from error
    if family.extends is None:
        return family
    own = {name: getattr(family, name) for name in family.model_fields_set - {"extends"}}
    return load_family(family.extends).model_copy(update=own)


def _filled(template: str, values: dict[str, str]) -> str:
    """A template with its placeholders filled; braces in the values are text."""
    parts = []
    rest = template
    while rest:
        before, brace, after = rest.partition("{")
        name, closing, following = after.partition("}")
        if brace and closing and name in values:
            parts += [before, values[name]]
            rest = following
        else:
            parts += [before, brace]
            rest = after
    return "".join(parts)


def _tag(code: str) -> str:
    """The BCP-47 tag of a code."""
    return {"zh_tw": "zh-TW"}.get(code, code)
