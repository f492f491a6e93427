"""`GET /v1/models`: the model ids that this server answers to."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from dragoman.api.auth import Caller
from dragoman.api.chat_response import ErrorResponse
from dragoman.core.errors import InvalidRequest
from dragoman.service import WILDCARD, TranslationService

router = APIRouter(tags=["models"], responses={401: {"model": ErrorResponse}})

_CREATED = 1753401600  # the day of Qwen-MT's announcement; clients only need a number


class Model(BaseModel):
    """A model id."""

    id: str
    object: Literal["model"] = "model"
    created: int = _CREATED
    owned_by: str = "dragoman"


class ModelList(BaseModel):
    """All model ids."""

    object: Literal["list"] = "list"
    data: list[Model]


class TokenOfModel(BaseModel):
    """A token of a model. `token` is its name in the vocabulary, `text` what it stands for."""

    id: int
    token: str
    text: str


class TokenList(BaseModel):
    """The tokens of a text."""

    object: Literal["list"] = "list"
    data: list[TokenOfModel]


@router.get("/models")
async def list_models(request: Request, _: Caller) -> ModelList:
    """The aliases of this server, but for the wildcard."""
    service: TranslationService = request.app.state.service
    return ModelList(data=[Model(id=model) for model in sorted(service.aliases) if model != WILDCARD])


@router.get("/models/{model_id:path}/tokens", responses={status: {"model": ErrorResponse} for status in (400, 404)})
async def list_tokens(request: Request, model_id: str, _: Caller, text: str = "") -> TokenList:
    """A text in a target language as the model writes it, with the ids that `logit_bias` takes."""
    if not text:
        raise InvalidRequest("The text is missing; add it as ?text=.", param="text")
    service: TranslationService = request.app.state.service
    tokens = service.engines[service.alias(model_id).engine].target_tokens(text)
    return TokenList(
        data=[TokenOfModel(id=index, token=token.model_token or "", text=token.text) for index, token in tokens]
    )


@router.get("/models/{model_id:path}", responses={404: {"model": ErrorResponse}})
async def retrieve_model(request: Request, model_id: str, _: Caller) -> Model:
    """One alias, with or without a `vendor/` prefix."""
    service: TranslationService = request.app.state.service
    service.alias(model_id)
    return Model(id=model_id)
