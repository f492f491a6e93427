"""A client's JSON schema without its detours: references, `allOf` and alternatives, for those who only want to fill it.

Schemas come from strangers: nothing is fetched, and none takes long, however its references multiply.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import unquote

import jsonschema_rs

from dragoman.core.errors import InvalidRequest

Shape = Literal["string", "number", "strings", "objects"]
"""What can be filled, of a type: `strings` and `objects` are arrays of them."""

# With its references written out; a validator takes a few milliseconds for a schema of this size.
_MOST_VALUES = 5000
_DEEPEST = 100
# Enough for any honest pattern on the short texts that are checked.
_MOST_BACKTRACKS = 10_000
# For what only references make a schema; the rest is checked with the whole.
_ANY_SCHEMA = jsonschema_rs.Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"}, offline=True)
_ANY_TYPE = ("string", "number", "array", "object", "null")


def validator_of(schema: dict[str, Any], param: str) -> jsonschema_rs.Validator:
    """A validator that fetches nothing, whatever `$ref` or `$schema` say.

    Raises `InvalidRequest` with `param` if this is no JSON schema of draft 2020-12; drafts 6 and 7 mostly are.
    """
    limits = jsonschema_rs.FancyRegexOptions(backtrack_limit=_MOST_BACKTRACKS)
    try:
        return jsonschema_rs.Draft202012Validator(schema, offline=True, pattern_options=limits)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        reason = error.message if isinstance(error, jsonschema_rs.ValidationError) else str(error)
        raise InvalidRequest(f"{param} is not a valid JSON schema: {reason[:200]}.", param=param) from error


def check_answer(answer: object, validator: jsonschema_rs.Validator, param: str) -> None:
    """Raise `InvalidRequest` with `param`, which names the place and the keyword, if a schema forbids an answer."""
    error = next(validator.iter_errors(answer), None)
    if error is not None:
        path = ".".join(map(str, error.instance_path))
        subject = f'The property "{path[:200]}"' if path else "The answer"
        raise InvalidRequest(
            f'{subject} cannot be filled so that "{error.schema_path[-1]}" of the schema holds; leave that out.',
            param=param,
        )


def unfolded(schema: dict[str, Any], param: str) -> dict[str, Any]:
    """The schema with each local `$ref` replaced by its target, as a member of `allOf`; a `$ref` left is recursive.

    Raises `InvalidRequest` with `param` for other references, and for a schema that grows too large by this. A
    validator would walk all of it: a page of definitions that use each other twice keeps one busy for hours.
    """
    unfolding: dict[str, Any] = _Unfolding(schema, param).unfold(schema, ("#",), 0)
    return unfolding


class _Unfolding:
    def __init__(self, root: dict[str, Any], param: str) -> None:
        self._root = root
        self._param = param
        self._values = 0

    def unfold(self, node: Any, refs: tuple[str, ...], depth: int) -> Any:
        """A value of the schema, reached through `refs`."""
        self._values += 1
        if self._values > _MOST_VALUES or depth > _DEEPEST:
            raise InvalidRequest(f"{self._param} is too large with its references; simplify it.", param=self._param)
        if isinstance(node, list):
            return [self.unfold(each, refs, depth + 1) for each in node]
        if not isinstance(node, dict):
            return node
        self._refuse_other_references(node)
        skipped = ("$defs", "definitions") if node is self._root else ()
        members = {key: self.unfold(each, refs, depth + 1) for key, each in node.items() if key not in skipped}
        ref = node.get("$ref")
        if isinstance(ref, str) and ref not in refs:
            del members["$ref"]
            target = self.unfold(self._target(ref), (*refs, ref), depth + 1)
            members["allOf"] = [target, *members.get("allOf", [])]
        return members

    def _refuse_other_references(self, node: Mapping[str, Any]) -> None:
        """Those that would be resolved otherwise than here."""
        nested = () if node is self._root else ("$id",)
        for keyword in ("$dynamicRef", "$recursiveRef", *nested):
            if isinstance(node.get(keyword), str):
                raise InvalidRequest(f"{self._param}: {keyword} is not supported; use $ref.", param=self._param)

    def _target(self, ref: str) -> Any:
        start, *steps = unquote(ref).split("/")
        node: Any = self._root if start == "#" else None
        try:
            for step in steps:
                key = step.replace("~1", "/").replace("~0", "~")
                node = node[int(key) if isinstance(node, list) else key]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise self._no_schema_at(ref) from error
        if not _ANY_SCHEMA.is_valid(node):
            raise self._no_schema_at(ref)
        return node

    def _no_schema_at(self, ref: str) -> InvalidRequest:
        return InvalidRequest(
            f"{self._param}: {ref[:100]!r} refers to no schema in it; use `#/$defs/...`.", param=self._param
        )


def branches_of(schema: object) -> list[dict[str, Any]]:
    """The alternatives of an unfolded schema, each with its `allOf` merged; mostly there is one.

    `true` and what is missing allow any type, `false` none.
    """
    flat = _without_all_of(schema)
    for keyword in ("anyOf", "oneOf"):
        if keyword in flat:
            options = flat.pop(keyword)
            return [_merged(flat, branch) for option in options for branch in branches_of(option)]
    return [flat]


def _without_all_of(schema: object) -> dict[str, Any]:
    if not isinstance(schema, dict):
        return {"type": []} if schema is False else {}
    flat = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema.get("allOf", ()):
        flat = _merged(flat, _without_all_of(part))
    return flat


def _merged(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    """Both in one. Where they differ the outer one counts, so what comes of it must be validated."""
    merged = {**inner, **outer}
    if "properties" in inner and "properties" in outer:
        merged["properties"] = {**inner["properties"], **outer["properties"]}
    if "required" in inner and "required" in outer:
        merged["required"] = [*inner["required"], *outer["required"]]
    return merged


def types_of(branch: Mapping[str, Any]) -> Sequence[str]:
    """The types that a branch declares, or else those that it may have; none if it would never end."""
    if "$ref" in branch:
        return ()
    declared = branch.get("type")
    if declared is not None:
        return (declared,) if isinstance(declared, str) else tuple(declared)
    if "properties" in branch:
        return ("object",)
    return ("array",) if "items" in branch else _ANY_TYPE


def listed_values(branches: Sequence[Mapping[str, Any]]) -> list[Any] | None:
    """All values that are allowed, if the branches list them: by `const`, `enum` and the type null."""
    values: list[Any] = []
    for branch in branches:
        if "const" in branch:
            values.append(branch["const"])
        elif "enum" in branch:
            values += branch["enum"]
        elif branch.get("type") == "null":
            values.append(None)
        else:
            return None
    return values


def allows_null(branch: Mapping[str, Any]) -> bool:
    """Whether a branch takes JSON's null."""
    values = listed_values([branch])
    return "null" in types_of(branch) if values is None else None in values


def shapes_of(branch: Mapping[str, Any]) -> list[Shape]:
    """What a branch may have of what can be filled; an object has no shape, but properties."""
    types = types_of(branch)
    shapes: list[Shape] = []
    if "string" in types:
        shapes.append("string")
    if "number" in types:
        shapes.append("number")
    item = item_of(branch)
    if "array" in types and "properties" in item:
        shapes.append("objects")
    elif "array" in types and "string" in types_of(item):
        shapes.append("strings")
    return shapes


def item_of(branch: Mapping[str, Any]) -> dict[str, Any]:
    """What an array holds: the first branch of its items."""
    return branches_of(branch.get("items"))[0]
