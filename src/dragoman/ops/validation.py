"""Says in one sentence what pydantic found wrong, for settings, model cards and requests alike."""

import re

from pydantic import ValidationError

# Among the steps of a path, pydantic names the member of a union that it tried: `str`, `list[TextPart]`.
_UNION_MEMBER = re.compile(r"(constrained-)?(str|int|float|bool|list|dict)(\[.*\])?|function-.*")


def first_problem(error: ValidationError) -> tuple[str, str]:
    """The path of the first field at fault (`messages[0].content`) and what is wrong with it.

    Among the members of a union, the one that got furthest into the value is the one that the writer meant.
    """
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    same_field = [problem for problem in problems if problem["loc"][:1] == problems[0]["loc"][:1]]
    problem = max(same_field, key=lambda each: len(each["loc"]))
    message = "there is no such key" if problem["type"] == "extra_forbidden" else problem["msg"]
    return _path(problem["loc"]), message.removeprefix("Value error, ")


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not _UNION_MEMBER.fullmatch(part):
            path += f".{part}" if path else part
    return path
