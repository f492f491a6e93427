"""Requests generated from our own OpenAPI description."""

from collections import Counter
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.core.result import Ok

from tests.conftest import fake_app

GENERATED = settings(
    max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


# The others ask that every valid request is accepted, which rules across fields prevent, and for keys, which are off.
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def wildcard_app() -> FastAPI:
    """A server that answers to every model id."""
    return fake_app(aliases={"*": {}})


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_chat_route_keeps_its_description(wildcard_app: FastAPI, mode: GenerationMode) -> None:
    """No 5xx and no answer that violates the schema; of the valid requests, some reach 200.

    The fake engine has no scores and the model no other engines, so most combinations of parameters are refused.
    """
    operation = schemathesis.openapi.from_asgi("/openapi.json", wildcard_app)["/v1/chat/completions"]["POST"]
    statuses: Counter[int] = Counter()

    @GENERATED
    @given(case=operation.as_strategy(generation_mode=mode))
    def fuzz(case: Any) -> None:
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        statuses[response.status_code] += 1

    fuzz()

    assert not any(status >= 500 for status in statuses)
    assert mode is GenerationMode.NEGATIVE or statuses[200] >= sum(statuses.values()) / 6, statuses


def test_other_routes_keep_their_descriptions(wildcard_app: FastAPI) -> None:
    """Models, health, metrics."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", wildcard_app)
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]

    for operation in operations:
        if operation.method == "get":
            case = operation.Case(path_parameters={"model_id": "qwen/qwen-mt-plus"} if "{" in operation.path else {})
            case.call_and_validate(checks=CHECKS)

    assert len(operations) == 9
