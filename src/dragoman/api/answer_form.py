"""How a client wants its answer written: as text, as JSON, or as the arguments of a function."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dragoman.api.answer_template import JSON_OBJECT, Template, compile_template
from dragoman.api.chat_schema import ChatRequest
from dragoman.core.errors import InvalidRequest, UnsupportedParameter
from dragoman.core.types import TranslationRequest
from dragoman.pipeline.formats.recognize import recognize

# Other translations, for a schema that has a place for them.
_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """`template` None: the translation itself. `function`: the name of the one whose arguments the answer is.

    `is_legacy`: the function is called as before there were tools. `wants_json`: a JSON object where the text is none.
    """

    template: Template | None = None
    function: str | None = None
    is_legacy: bool = False
    wants_json: bool = False

    @property
    def hidden_choices(self) -> int:
        """How many choices more than asked for are decoded."""
        return _ALTERNATIVES if self.template and "alternatives" in self.template.roles else 0

    def applied(self, job: TranslationRequest) -> tuple["AnswerForm", TranslationRequest]:
        """The form for this text, and what must be translated for it. Raises `InvalidRequest`."""
        if self.wants_json and (job.format or recognize(job.text)) == "json" and _is_json(job.text):
            if job.stop:
                raise InvalidRequest(
                    "stop would leave half a JSON document; leave it out, or response_format.", param="stop"
                )
            return replace(self, template=None), replace(job, format="json", keep_layout=True)
        if not self.hidden_choices:
            return self, job
        choices = job.decoding.num_hypotheses + self.hidden_choices
        return self, replace(job, decoding=replace(job.decoding, num_hypotheses=choices))


def _is_json(text: str) -> bool:
    """Whether a text is one JSON document, which lines of several are not."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def answer_form(body: ChatRequest) -> AnswerForm:
    """What `tool_choice`, `function_call` and `response_format` ask for. Raises `InvalidRequest`."""
    return _forced_tool(body) or _forced_function(body) or _response_format(body.response_format or {})


def _response_format(asked: Mapping[str, Any]) -> AnswerForm:
    kind = asked.get("type", "text")
    if kind == "text":
        return AnswerForm()
    if kind == "json_object":
        return AnswerForm(JSON_OBJECT, wants_json=True)
    if kind != "json_schema":
        raise UnsupportedParameter(
            f"response_format.type {str(kind)[:40]!r} is unknown; use text, json_object or json_schema.",
            param="response_format",
        )
    described = asked.get("json_schema")
    if not isinstance(described, dict) or not isinstance(described.get("schema"), dict):
        raise InvalidRequest(
            "response_format.json_schema.schema is missing; put the JSON schema there.",
            param="response_format.json_schema.schema",
        )
    return AnswerForm(compile_template(described["schema"], "response_format.json_schema.schema"))


def _forced_tool(body: ChatRequest) -> AnswerForm | None:
    """The function that `tool_choice` wants called; None if it leaves that to the model."""
    choice = body.tool_choice or "auto"
    functions = {name: tool["function"] for tool in body.tools or [] if (name := _function_name(tool))}
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools")
        allowed = allowed if isinstance(allowed, dict) else {}
        tools = allowed.get("tools")
        names = [_function_name(each) for each in tools] if isinstance(tools, list) else []
        functions = {name: function for name, function in functions.items() if name in names}
        choice = allowed.get("mode", "auto")
    if choice in ("none", "auto"):
        return None
    if choice == "required":
        return _first_fillable(list(functions.values()))
    if isinstance(choice, str):
        raise InvalidRequest(
            f"tool_choice {choice[:60]!r} is unknown; use none, auto, required or name a function.", param="tool_choice"
        )
    name = _function_name(choice)
    if name not in functions:
        raise InvalidRequest(
            f"tool_choice names {str(name or choice)[:60]!r}, which is no function of `tools`.", param="tool_choice"
        )
    return _call(functions[name], "tools")


def _function_name(tool: object) -> str | None:
    """The name in `{"function": {"name": …}}`; None for whatever else a client sends there."""
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def _forced_function(body: ChatRequest) -> AnswerForm | None:
    """The same for OpenAI's older fields."""
    if not isinstance(body.function_call, dict) or not body.function_call:
        return None
    name = body.function_call.get("name")
    found = [each for each in body.functions or [] if each.get("name") == name]
    if not found:
        raise InvalidRequest(
            f"function_call names {str(name)[:60]!r}, which is none of `functions`.", param="function_call"
        )
    return replace(_call(found[0], "functions"), is_legacy=True)


def _first_fillable(functions: Sequence[Mapping[str, Any]]) -> AnswerForm:
    if not functions:
        raise InvalidRequest("tool_choice is required, but `tools` has no function.", param="tool_choice")
    refusals = []
    for function in functions:
        try:
            return _call(function, "tools")
        except InvalidRequest as error:
            refusals.append(error)
    raise refusals[0]


def _call(function: Mapping[str, Any], param: str) -> AnswerForm:
    name, parameters = str(function.get("name")), function.get("parameters")
    if not isinstance(parameters, dict) or (not parameters.get("properties") and "$ref" not in parameters):
        raise InvalidRequest(
            f"The function {name[:60]!r} has no parameters, so it cannot be given the translation.", param=param
        )
    return AnswerForm(compile_template(parameters, f"{param}.{name}.parameters"), name)
