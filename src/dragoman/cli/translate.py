"""`dragoman translate`: the server's own pipeline, in this process."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from dragoman.app import create_service
from dragoman.cli.serve import ConfigOption
from dragoman.core.answer import Piece
from dragoman.core.errors import InvalidRequest
from dragoman.core.languages import resolve
from dragoman.core.types import Decoding, Format, Term, TranslationRequest
from dragoman.ops.metrics import Metrics
from dragoman.ops.settings import QWEN_MT_MODELS, Settings, load_settings
from dragoman.service import TranslationService


def translate(
    text: Annotated[
        str | None, typer.Argument(help="What to translate; standard input where nothing is given.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="Target language, by name or code.")] = None,
    source: Annotated[str | None, typer.Option("--from", help="Source language; detected where none is given.")] = None,
    file: Annotated[
        list[Path] | None, typer.Option("--file", "-f", help="A text file to translate; may be given several times.")
    ] = None,
    document_format: Annotated[
        Format | None, typer.Option("--format", help="What the text is written in; recognised where nothing is given.")
    ] = None,
    term: Annotated[
        list[str] | None, typer.Option(help="SOURCE=TARGET: how a word must be translated; may be given several times.")
    ] = None,
    model: Annotated[str, typer.Option(help="Model id.")] = QWEN_MT_MODELS[0],
    config: ConfigOption = None,
) -> None:
    """Translate a text, files or standard input."""
    request = TranslationRequest(
        model=model,
        text="",
        source=resolve(source).code if source else None,
        target=resolve(to).code if to else None,
        decoding=Decoding(),
        format=document_format,
        terms=tuple(_term(each) for each in term or []),
    )
    if text is not None and file:
        raise InvalidRequest("give a text or files, not both.")
    texts = [f"{text}\n"] if text is not None else [_read(path) for path in file or [Path("-")]]
    asyncio.run(_translate(texts, request, load_settings(config)))


def _term(argument: str) -> Term:
    source, _, target = (part.strip() for part in argument.partition("="))
    if not source or not target:
        raise InvalidRequest(f"--term {argument!r}: write SOURCE=TARGET.")
    return Term(source, target)


def _read(path: Path) -> str:
    """The text of a file, `-` for standard input, with its line breaks as they are."""
    try:
        return (sys.stdin.buffer.read() if path == Path("-") else path.read_bytes()).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"cannot read {path}: {error}.") from error


async def _translate(texts: list[str], request: TranslationRequest, settings: Settings) -> None:
    service = create_service(settings, Metrics())
    try:
        for text in texts:
            translated = await _translate_one(service, replace(request, text=text))
            typer.echo(translated.encode(), nl=False)  # bytes: line breaks stay as they are
    finally:
        await service.aclose()


async def _translate_one(service: TranslationService, request: TranslationRequest) -> str:
    console = Console(stderr=True)
    parts = []
    async with service.open(request) as translation:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task(str(translation.pair), total=translation.segment_count)
            async for event in translation.events:
                if isinstance(event, Piece):
                    parts.append(event.text)
                    progress.advance(task, any(token.model_token is not None for token in event.tokens))
                else:
                    for warning in event.reports[0].warnings:
                        console.print(f"segment {warning.segment}: {warning.code}", style="yellow")
    return "".join(parts)
