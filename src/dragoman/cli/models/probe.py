"""`dragoman models test`."""

import asyncio
import json
import time
from collections.abc import Collection
from dataclasses import replace
from importlib import resources
from typing import Annotated

import typer

from dragoman.app import create_service
from dragoman.cli.serve import ConfigOption
from dragoman.core.answer import Outcome, Piece
from dragoman.core.errors import InvalidRequest, ModelUnavailable
from dragoman.core.languages import resolve
from dragoman.core.types import Decoding, Pair, TranslationRequest
from dragoman.ops.metrics import Metrics
from dragoman.ops.settings import QWEN_MT_MODELS, load_settings
from dragoman.service import TranslationService

_TIMED_RUNS = 5


def probe(
    name: Annotated[str, typer.Argument(help="An engine that is here.")],
    to: Annotated[str | None, typer.Option("--to", help="Target language; one that the model has.")] = None,
    source: Annotated[str | None, typer.Option("--from", help="Source language; one that the model has.")] = None,
    text: Annotated[str | None, typer.Option(help="What to translate; a few everyday sentences.")] = None,
    config: ConfigOption = None,
) -> None:
    """Load a model, translate a few sentences, and say how long that takes."""
    settings = load_settings(config)
    if name not in settings.engines:
        raise ModelUnavailable(f"there is no engine {name!r}; see dragoman models list.")
    settings = load_settings(config, default_engine=[name], aliases={})
    started = time.perf_counter()
    service = create_service(settings, Metrics())
    typer.echo(f"loaded in {time.perf_counter() - started:.2f} s")
    pairs = service.engines[name].info.pairs
    probes: dict[str, str] = json.loads(resources.files(__package__).joinpath("probes.json").read_text("utf-8"))
    pair = _pair(pairs, source and resolve(source).code, to and resolve(to).code, probes if text is None else None)
    request = TranslationRequest(
        model=QWEN_MT_MODELS[0],
        text=text or probes[pair.source],
        source=pair.source,
        target=pair.target,
        decoding=Decoding(),
        use_cache=False,
    )
    asyncio.run(_measure(service, request, pair))


def _pair(pairs: Collection[Pair], source: str | None, target: str | None, probes: Collection[str] | None) -> Pair:
    """The first pair as wanted that has a probe, English first."""
    found = [
        pair
        for pair in pairs
        if source in {None, pair.source} and target in {None, pair.target} and (probes is None or pair.source in probes)
    ]
    if not found:
        raise InvalidRequest("the model does not translate so, or no probe is known; give --from, --to and --text.")
    return min(found, key=lambda pair: (pair.source != "en", pair.target != "en", str(pair)))


async def _measure(service: TranslationService, request: TranslationRequest, pair: Pair) -> None:
    try:
        answer, outcome, _ = await _translate(service, request)
        typer.echo(f"{pair}: {answer}")
        runs = [await _translate(service, replace(request)) for _ in range(_TIMED_RUNS)]
        seconds = min(seconds for _, _, seconds in runs)
        tokens = outcome.usage.prompt_tokens
        typer.echo(
            f"{seconds * 1000:.0f} ms for {tokens} source tokens ({tokens / seconds:.0f} tokens/s), one at a time"
        )
    finally:
        await service.aclose()


async def _translate(service: TranslationService, request: TranslationRequest) -> tuple[str, Outcome, float]:
    started = time.perf_counter()
    parts: list[str] = []
    async with service.open(request) as translation:
        async for event in translation.events:
            if isinstance(event, Piece):
                parts.append(event.text)
            else:
                outcome = event
    return "".join(parts), outcome, time.perf_counter() - started
