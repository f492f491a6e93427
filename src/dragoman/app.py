"""The composition root: the one file that knows every part, and makes a server of them."""

import gc
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from itertools import product

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from dragoman import __version__
from dragoman.accounts.keys import Keys
from dragoman.api import chat, health, models
from dragoman.api.errors import install_error_handlers
from dragoman.api.middleware import BodyLimit, RequestContext
from dragoman.api.openapi import describe
from dragoman.core.engine import Engine
from dragoman.core.errors import ConfigurationError
from dragoman.engines.pivot import PivotEngine, pivoted
from dragoman.engines.registry import create_engine
from dragoman.engines.traditional_chinese import with_traditional_chinese
from dragoman.ops.metrics import Metrics
from dragoman.ops.settings import AliasSettings, Settings
from dragoman.pipeline.detect import Detector
from dragoman.route import Alias, Step
from dragoman.scheduling.admission import Admission
from dragoman.scheduling.cache import CACHES, Cache, MemoryCache
from dragoman.service import Defaults, TranslationService

# How long a thread that prepares a long text may keep the interpreter from the event loop.
_SWITCH_SECONDS = 0.0002


def create_service(settings: Settings, metrics: Metrics) -> TranslationService:
    """Load the engines that aliases name and put the service together. Blocks. Raises `ConfigurationError`."""
    names = sorted({step.name for alias in settings.aliases.values() for step in alias.engine})
    engines: dict[str, Engine] = {
        name: with_traditional_chinese(create_engine(settings.engines[name].kind, settings.engines[name].options))
        for name in names
    }
    served = {code for engine in engines.values() for pair in engine.info.pairs for code in (pair.source, pair.target)}
    routes = {model: _route(alias, engines, settings.pivot_languages) for model, alias in settings.aliases.items()}
    return TranslationService(
        engines=engines,
        aliases={
            model: Alias(routes[model], alias.stream == "cumulative", alias.stream_tokens)
            for model, alias in settings.aliases.items()
        },
        detector=Detector(settings.detect_fallback, served),
        admission=Admission(settings.max_concurrent_requests, settings.max_queued_tokens),
        defaults=Defaults(
            settings.default_target,
            settings.default_target_alternative,
            settings.max_input_chars,
            settings.request_timeout_seconds,
        ),
        metrics=metrics,
        cache=create_cache(settings),
    )


def _route(alias: AliasSettings, engines: dict[str, Engine], pivots: Sequence[str]) -> tuple[Step, ...]:
    """The engines of an alias in order, then two at a time through a pivot. Adds the latter to `engines`."""
    steps = [
        Step(
            step.name,
            frozenset(pair for pair in engines[step.name].info.pairs if step.takes(pair.source, pair.target)),
            tuple(step.domains),
            step.budget_seconds,
        )
        for step in alias.engine
    ]
    empty = [step.engine for step in steps if not step.pairs]
    if empty:
        raise ConfigurationError(
            f"the engine {empty[0]!r} has none of the `pairs` for which an alias names it; correct them."
        )
    legs = [step for step in steps if not step.domains]
    for via in pivots:
        for first, second in product(legs, legs):
            pairs = pivoted(first.pairs, second.pairs, via) - first.pairs - second.pairs
            if pairs:
                name = f"{first.engine}-{via}-{second.engine}"
                engines.setdefault(name, PivotEngine(engines[first.engine], engines[second.engine], via))
                steps.append(Step(name, pairs, is_pivot=True))
    return tuple(steps)


def create_cache(settings: Settings) -> Cache | None:
    """The cache that the settings name. Raises `ConfigurationError`."""
    if isinstance(settings.cache, bool):
        return MemoryCache(settings.cache_megabytes << 20) if settings.cache else None
    scheme = settings.cache.partition("://")[0]
    found = entry_points(group=CACHES, name=scheme)
    if not found:
        raise ConfigurationError("`cache` must be true, false or redis://HOST:PORT.")
    try:
        cache: Cache = found[scheme].load()(settings.cache)
    except ImportError as error:
        raise ConfigurationError(f"`cache` needs an extra: pip install 'dragoman[{scheme}]'.") from error
    except ValueError as error:
        raise ConfigurationError(f"`cache` is not a good address ({error}).") from error
    return cache


def create_app(settings: Settings) -> FastAPI:
    """Make the ASGI application. Blocks while models load. Raises `ConfigurationError`."""
    settings.check_exposure()
    metrics = Metrics()
    service = create_service(settings, metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        sys.setswitchinterval(_SWITCH_SECONDS)
        gc.freeze()  # what is loaded by now stays: collections need not look at it
        gc.set_threshold(10_000)  # a request makes thousands of objects and hardly a cycle
        yield
        await service.aclose()

    # The interactive pages would load scripts from the internet; /openapi.json is enough for tools.
    app = FastAPI(title="Dragoman", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.service = service
    app.state.metrics = metrics
    app.state.keys = Keys(settings.all_api_keys())
    app.state.chat_options = chat.ChatOptions(settings.strict_roles, settings.heartbeat_seconds)
    for prefix in ("/v1", "/compatible-mode/v1"):
        app.router.routes.append(Route(f"{prefix}/chat/completions", chat.create_chat_completion, methods=["POST"]))
        app.include_router(models.router, prefix=prefix, include_in_schema=prefix == "/v1")
    app.include_router(health.router)
    install_error_handlers(app)
    describe(app)

    # The last one added is the first to see a request.
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(
        CORSMiddleware,
        allow_origin_regex=settings.cors_origin_regex,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=["x-request-id", "openai-processing-ms", "retry-after"],
    )
    app.add_middleware(RequestContext, metrics=metrics)
    return app
