"""From a client's JSON schema to the answer it describes: JSON text with slots for what only the translation brings.

`compile_template` gives each property its role (`answer_roles`), before anything is translated; `render` writes a slot.
What cannot be promised for every translation is refused at once.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any

from jsonschema_rs import Validator

from dragoman.api.answer_roles import Role, problem_with, recognise, spellings_of
from dragoman.api.answer_schema import (
    allows_null,
    branches_of,
    check_answer,
    item_of,
    listed_values,
    types_of,
    unfolded,
    validator_of,
)
from dragoman.core.errors import InvalidRequest

_NOT_PART_OF_A_TRANSLATION = (
    "is no part of a translation, or not of its type; leave it out, or name it as what it is: translation, source, "
    "source_lang, target_lang (strings), confidence (a number), alternatives or translations (arrays of strings)"
)
_LANGUAGES = {"source_lang", "target_lang"}
_dumps = partial(json.dumps, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a value goes that only the translation brings."""

    role: Role
    path: str
    """Of the property, for messages: `translation`, `result.language`."""
    schema: Mapping[str, Any]
    """Of the property, without references."""
    param: str
    """The field of the request that the schema came in, for errors."""
    names: tuple[str, str] = ("source", "target")
    """Only of `pairs`: the properties of an item for source and target."""
    is_source_first: bool = True
    """Only of `pairs`: whether the schema has them in this order."""
    is_nullable: bool = False
    spellings: Mapping[str, str] = field(default_factory=dict)
    """Only of languages: what to write for each code that the schema allows."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known once the translation is done. Languages are codes of `LANGUAGES`; confidence is from 0 to 1."""

    translation: str
    source: str
    source_lang: str
    target_lang: str
    confidence: float | None = None
    alternatives: tuple[str, ...] = ()
    segments: tuple[tuple[str, str], ...] = ()
    """Source and target of each sentence."""


@dataclass(frozen=True, slots=True)
class Template:
    """A JSON document in parts: text, and slots that stand for more of it. No two texts follow each other."""

    parts: tuple[str | Slot, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The slots in document order."""
        return tuple(part for part in self.parts if isinstance(part, Slot))

    @property
    def roles(self) -> frozenset[Role]:
        """What the slots ask for."""
        return frozenset(slot.role for slot in self.slots)


def compile_template(schema: object, param: str) -> Template:
    """The template of a schema; that of `JSON_OBJECT` for one that is missing or names no properties.

    Raises `InvalidRequest` with `param`; the message names the property that cannot be filled and says what to do.
    """
    if not isinstance(schema, dict | None):
        raise InvalidRequest(f"{param} must be the JSON schema of an object.", param=param)
    validator = validator_of(schema or {}, param)
    problems = []
    for branch in branches_of(unfolded(schema or {}, param)):
        try:
            return _proved(_Compilation(param).template(branch), validator, param)
        except InvalidRequest as problem:
            problems.append(problem)
    raise problems[0]


def render(slot: Slot, facts: Facts) -> str:
    """The JSON text of a slot. Raises `InvalidRequest` if the schema has no place for these facts."""
    value: object
    match slot.role:
        case "translation":
            value = facts.translation
        case "source":
            value = facts.source
        case "source_lang" | "target_lang":
            value = _spelling(slot, facts.source_lang if slot.role == "source_lang" else facts.target_lang)
        case "confidence":
            value = _confidence(slot, facts.confidence)
        case "alternatives":
            value = facts.alternatives[: int(slot.schema.get("maxItems", len(facts.alternatives)))]
        case "translations":
            value = [target for _, target in facts.segments]
        case "sources":
            value = [source for source, _ in facts.segments]
        case "pairs":
            value = [_pair(slot, segment) for segment in facts.segments]
    return _dumps(value)


def escaped(text: str) -> str:
    """What stands between the quotes of a JSON string. A text may be escaped piece by piece."""
    return _dumps(text)[1:-1]


def _spelling(slot: Slot, code: str) -> str:
    if code not in slot.spellings:
        raise _refusal(slot.path, f"does not allow the language {code!r}; add it to the schema", slot.param)
    return slot.spellings[code]


def _confidence(slot: Slot, confidence: float | None) -> float | None:
    if confidence is None and not slot.is_nullable:
        problem = "cannot be filled, for the engine gives no confidence; let it be null, or leave it out"
        raise _refusal(slot.path, problem, slot.param)
    return None if confidence is None else round(confidence, 4)


def _pair(slot: Slot, segment: tuple[str, str]) -> dict[str, str]:
    pair = list(zip(slot.names, segment, strict=True))
    return dict(pair if slot.is_source_first else reversed(pair))


def _refusal(path: str, problem: str, param: str) -> InvalidRequest:
    return InvalidRequest(f'The property "{path[:200]}" {problem}.', param=param)


@dataclass(frozen=True, slots=True)
class _Place:
    """A property in its object, which has a name too, unless it is the whole document or an item of an array."""

    name: str
    path: str
    parent: str
    siblings: Collection[str]
    is_required: bool

    def role(self, branch: Mapping[str, Any]) -> Role | None:
        """What the property is for, if this branch of its schema fits that."""
        return recognise(self.name, branch, parent=self.parent, siblings=self.siblings)


class _Compilation:
    """Writes a template, property by property."""

    def __init__(self, param: str) -> None:
        self._param = param
        self._left_out: list[str] = []

    def template(self, branch: dict[str, Any]) -> Template:
        """That of one branch of the whole schema. Raises `InvalidRequest`."""
        if "object" not in types_of(branch):
            raise InvalidRequest(f"{self._param} must be the JSON schema of an object.", param=self._param)
        if not branch.get("properties") and not branch.get("required"):
            return JSON_OBJECT
        template = Template(_joined(self._object("", "", branch)))
        if template.roles.isdisjoint(("translation", "translations", "pairs")):
            problem = f'{self._param} has no place for the translation; add a string property "translation".'
            raise InvalidRequest(" ".join((problem, *self._left_out[:3])), param=self._param)
        return template

    def _object(self, name: str, path: str, branch: Mapping[str, Any]) -> list[str | Slot]:
        """The parts of an object with what can be filled of it; none if that is nothing."""
        parts: list[str | Slot] = []
        for place, schema in self._properties(name, path, branch):
            try:
                value = self._value(place, schema)
            except InvalidRequest as problem:
                if place.is_required:
                    raise
                self._left_out.append(problem.message)
            else:
                parts += [", " if parts else "{", f"{_dumps(place.name)}: ", *value]
        return [*parts, "}"] if parts else []

    def _properties(self, name: str, path: str, branch: Mapping[str, Any]) -> list[tuple[_Place, object]]:
        properties, required = branch.get("properties", {}), frozenset(branch.get("required", ()))
        prefix = f"{path}." if path else ""
        for each in sorted(required.difference(properties)):
            raise _refusal(f"{prefix}{each}", "is required but not described; add it to `properties`", self._param)
        return [
            (_Place(each, f"{prefix}{each}", name, properties, each in required), schema)
            for each, schema in properties.items()
        ]

    def _value(self, place: _Place, schema: object) -> list[str | Slot]:
        """The parts of a property's value: what its schema fixes, what its role brings, its default, or null."""
        branches = branches_of(schema)
        values = listed_values(branches)
        if values is not None and len(values) == 1 and not any(place.role(branch) in _LANGUAGES for branch in branches):
            return [_dumps(values[0])]
        is_nullable = any(allows_null(branch) for branch in branches)
        problems = []
        for branch in branches if values is None else [{**branches[0], "enum": values}]:
            try:
                return self._branch(place, branch, is_nullable=is_nullable)
            except InvalidRequest as problem:
                problems.append(problem)
        if "default" in branches[0] and not any(place.role(branch) for branch in branches):
            return [_dumps(branches[0]["default"])]
        if is_nullable and place.is_required:
            return ["null"]
        raise problems[0]

    def _branch(self, place: _Place, branch: Mapping[str, Any], *, is_nullable: bool) -> list[str | Slot]:
        if "$ref" in branch:
            raise _refusal(place.path, "contains itself; leave it out, or let it be null", self._param)
        role = place.role(branch)
        if role is not None:
            return [self._slot(role, place, branch, is_nullable=is_nullable)]
        parts = self._object(place.name, place.path, branch) if "object" in types_of(branch) else []
        if not parts:
            raise _refusal(place.path, _NOT_PART_OF_A_TRANSLATION, self._param)
        return parts

    def _slot(self, role: Role, place: _Place, branch: Mapping[str, Any], *, is_nullable: bool) -> Slot:
        problem = problem_with(role, branch)
        if problem is not None:
            raise _refusal(place.path, problem, self._param)
        slot = Slot(role, place.path, branch, self._param, is_nullable=is_nullable)
        if role in _LANGUAGES:
            spellings = spellings_of(place.name, branch, self._param)
            if not spellings:
                raise _refusal(place.path, "allows no language; list codes like zh or names like Chinese", self._param)
            return replace(slot, spellings=spellings)
        if role == "pairs":
            names = self._names_in_pair(f"{place.path}[]", item_of(branch))
            is_source_first = next(iter(names)) == "source"
            return replace(slot, names=(names["source"], names["translation"]), is_source_first=is_source_first)
        return slot

    def _names_in_pair(self, path: str, item: Mapping[str, Any]) -> dict[Role, str]:
        """The properties of an item for the source and the translation, in the schema's order."""
        names: dict[Role, str] = {}
        for place, schema in self._properties("", path, item):
            branch = branches_of(schema)[0]
            role = place.role(branch)
            if role in ("source", "translation"):
                names.setdefault(role, place.name)
                problem = problem_with(role, branch)
            else:
                problem = "is not part of a sentence and its translation; leave it out" if place.is_required else None
            if problem is not None:
                raise _refusal(place.path, problem, self._param)
        if not {"source", "translation"} <= names.keys():
            raise _refusal(path, "must have a property for the source and one for the translation", self._param)
        return names


def _joined(parts: Iterable[str | Slot]) -> tuple[str | Slot, ...]:
    """The same with all text between two slots in one part."""
    joined: list[str | Slot] = []
    for is_slot, run in groupby(parts, key=lambda part: isinstance(part, Slot)):
        pieces = list(run)
        joined += pieces if is_slot else ["".join(map(str, pieces))]
    return tuple(joined)


def _proved(template: Template, validator: Validator, param: str) -> Template:
    """The template, if short, empty and long answers are valid: there are keywords that nobody here looks at."""
    languages = {slot.role: next(iter(slot.spellings)) for slot in template.slots if slot.spellings}
    source_lang, target_lang = languages.get("source_lang", "en"), languages.get("target_lang", "en")
    for text, count, confidence in (("Words.", 1, 0.5), ("", 0, 0.0), ('Many "words",\n' * 500, 20, 1.0)):
        facts = Facts(text, text, source_lang, target_lang, confidence, (text,) * count, ((text, text),) * count)
        answer = json.loads("".join(part if isinstance(part, str) else render(part, facts) for part in template.parts))
        check_answer(answer, validator, param)
    return template


JSON_OBJECT = _Compilation("response_format").template(
    {"properties": {name: {"type": "string"} for name in ("translation", "source_lang", "target_lang")}}
)
"""The template for a client that wants any JSON object."""
