"""For orchestrators and Prometheus: alive, ready, and how it goes."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from dragoman import __version__
from dragoman.ops.metrics import Metrics
from dragoman.service import TranslationService

router = APIRouter(tags=["operations"])


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Health(BaseModel):
    """Whether each engine can translate."""

    status: Literal["ok", "unavailable"]
    version: str
    engines: dict[str, bool]


@router.get("/health/live")
async def live() -> Liveness:
    """200 as long as the process answers: restart it when it does not."""
    return Liveness()


@router.get("/health/ready", responses={503: {"model": Health}})
@router.get("/health", responses={503: {"model": Health}})
async def ready(request: Request, response: Response) -> Health:
    """200 when each model has an engine that can translate, else, and before the server stops, 503."""
    service: TranslationService = request.app.state.service
    engines = await service.health()
    well = service.is_ready(engines)
    response.status_code = 200 if well else 503
    return Health(status="ok" if well else "unavailable", version=__version__, engines=engines)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """The text format of Prometheus. Reads files of the operating system, so it runs on a thread."""
    collected: Metrics = request.app.state.metrics
    return Response(collected.render(), media_type="text/plain; version=0.0.4; charset=utf-8")
