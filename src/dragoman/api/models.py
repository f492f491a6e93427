"""`GET /v1/models`: the model ids that this server answers to."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from dragoman.api.auth import Caller
from dragoman.api.chat_response import ErrorResponse
from dragoman.core.errors import InvalidRequest
from dragoman.core.languages import LANGUAGES
from dragoman.ops.settings import QWEN_MT_MODELS
from dragoman.route import WILDCARD
from dragoman.service import TranslationService

router = APIRouter(tags=["models"], responses={401: {"model": ErrorResponse}})

_CREATED = 1753401600  # the day of Qwen-MT's announcement; clients only need a number


class EngineOfModel(BaseModel):
    """An engine that answers for a model id. `name`: in the configuration; `ready`: whether it can translate now."""

    name: str
    id: str
    version: str
    licence: str
    ready: bool


class Model(BaseModel):
    """A model id, with OpenAI's fields and what it translates: codes of its languages."""

    id: str
    object: Literal["model"] = "model"
    created: int = _CREATED
    owned_by: str = "dragoman"
    engines: list[EngineOfModel]
    languages: list[str]


class ModelList(BaseModel):
    """All model ids."""

    object: Literal["list"] = "list"
    data: list[Model]


class LanguageOfModel(BaseModel):
    """A language that can be translated, and the codes of those into which: directly, and through a third language."""

    code: str
    name: str
    targets: list[str]
    pivoted_targets: list[str]


class LanguageList(BaseModel):
    """All source languages of a model."""

    object: Literal["list"] = "list"
    data: list[LanguageOfModel]


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
    health = await service.health()
    return ModelList(data=[_model(service, name, health) for name in sorted(service.aliases) if name != WILDCARD])


@router.get("/languages", responses={404: {"model": ErrorResponse}})
async def list_languages(request: Request, _: Caller, model: str = QWEN_MT_MODELS[0]) -> LanguageList:
    """The pairs of a model."""
    service: TranslationService = request.app.state.service
    pairs = {(step.is_pivot, pair) for step in service.alias(model).route for pair in step.pairs}
    targets: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for is_pivot, pair in sorted(pairs, key=str):
        targets[pair.source][is_pivot].append(pair.target)
    return LanguageList(
        data=[
            LanguageOfModel(code=code, name=LANGUAGES[code].name, targets=direct, pivoted_targets=pivoted)
            for code, (direct, pivoted) in sorted(targets.items())
        ]
    )


@router.get("/models/{model_id:path}/tokens", responses={status: {"model": ErrorResponse} for status in (400, 404)})
async def list_tokens(request: Request, model_id: str, _: Caller, text: str = "") -> TokenList:
    """A text in a target language as the model writes it, with the ids that `logit_bias` takes."""
    if not text:
        raise InvalidRequest("The text is missing; add it as ?text=.", param="text")
    service: TranslationService = request.app.state.service
    tokens = service.engines[service.alias(model_id).engines[0]].target_tokens(text)
    return TokenList(
        data=[TokenOfModel(id=index, token=token.model_token or "", text=token.text) for index, token in tokens]
    )


@router.get("/models/{model_id:path}", responses={404: {"model": ErrorResponse}})
async def retrieve_model(request: Request, model_id: str, _: Caller) -> Model:
    """One alias, with or without a `vendor/` prefix."""
    service: TranslationService = request.app.state.service
    return _model(service, model_id, await service.health())


def _model(service: TranslationService, model_id: str, health: Mapping[str, bool]) -> Model:
    alias = service.alias(model_id)
    infos = {name: service.engines[name].info for name in alias.engines}
    pairs = {pair for step in alias.route for pair in step.pairs}
    return Model(
        id=model_id,
        engines=[
            EngineOfModel(name=name, id=info.id, version=info.version, licence=info.licence, ready=health[name])
            for name, info in infos.items()
        ],
        languages=sorted({code for pair in pairs for code in (pair.source, pair.target)}),
    )
