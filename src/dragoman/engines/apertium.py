"""Asks Apertium, a rule-based translator, where it is installed: https://apertium.org.

It is a program of its own, started for each batch. Sentences go in with empty lines between them, which it keeps.
"""

import asyncio
import shutil
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from contextlib import suppress

from pydantic import BaseModel, ConfigDict, Field

from dragoman.core.engine import Batch, BatchPolicy, EngineInfo, Hypotheses, OnToken, stream_at_once
from dragoman.core.errors import ConfigurationError, UnsupportedLanguage, UpstreamFailed
from dragoman.core.languages import resolve
from dragoman.core.types import Hypothesis, Pair, Token
from dragoman.engines.prompted_text import words
from dragoman.ops.processors import usable_processors

_BETWEEN = "\n\n"
_LIST_SECONDS = 20


class Options(BaseModel):
    """`program`: its name or path."""

    model_config = ConfigDict(extra="forbid")

    program: str = "apertium"
    max_batch_segments: int = Field(default=32, ge=1)
    max_source_tokens: int = Field(default=512, ge=16)


def create(options: Mapping[str, object]) -> "Apertium":
    """Ask the program for its directions. Blocks. Raises `ConfigurationError`, `ValidationError`."""
    parsed = Options.model_validate(options)
    if shutil.which(parsed.program) is None:
        raise ConfigurationError(
            f"the program {parsed.program!r} is not installed; on Debian: apt install apertium apertium-eng-spa."
        )
    done = subprocess.run(  # noqa: S603 # the operator's own program
        [parsed.program, "-l"], capture_output=True, text=True, check=False, timeout=_LIST_SECONDS
    )
    directions = {pair: line for line in done.stdout.split() if (pair := _pair(line)) is not None}
    if not directions:
        raise ConfigurationError(f"{parsed.program} knows no pair; install one, such as apertium-eng-spa.")
    return Apertium(parsed, directions)


def _pair(direction: str) -> Pair | None:
    """The languages of a direction such as `eng-spa`; None for variants and languages that are not in our table."""
    source, _, target = direction.partition("-")
    with suppress(UnsupportedLanguage):
        return Pair(resolve(source).code, resolve(target).code) if "_" not in direction else None
    return None


class Apertium:
    """All installed pairs."""

    def __init__(self, options: Options, directions: Mapping[Pair, str]) -> None:
        self._program = options.program
        self._directions = directions
        self._info = EngineInfo(
            id="apertium",
            version="-".join(sorted(directions.values())),
            licence="GPL-2.0-or-later, as a program of its own",
            pairs=frozenset(directions),
            max_source_tokens=options.max_source_tokens,
            batch_policy=BatchPolicy(max_segments=options.max_batch_segments, max_batches=usable_processors()),
        )

    @property
    def info(self) -> EngineInfo:
        """What is installed."""
        return self._info

    def tokenize(self, text: str) -> tuple[Token, ...]:
        """Words and characters."""
        return words(text)

    def target_tokens(self, text: str) -> Sequence[tuple[int, Token]]:  # noqa: ARG002 # as the contract has it
        """It has no vocabulary of ids."""
        return ()

    async def translate(self, batch: Batch, on_token: OnToken | None = None) -> Sequence[Hypotheses]:
        """Translate all segments in one call. A stream comes all at once. Raises `UpstreamFailed`."""
        texts = ["".join(token.text for token in segment.tokens) for segment in batch.segments]
        sources = [" ".join(text.split()) for text in texts]
        direction = self._directions[batch.pair]
        written = (await self._run(direction, _BETWEEN.join(sources))).split(_BETWEEN)
        if len(written) != len(sources):
            written = [await self._run(direction, source) for source in sources]
        found: list[Hypotheses] = [(Hypothesis(words(text.strip()), score=0.0, ended=True),) for text in written]
        stream_at_once(found, on_token)
        return found

    async def _run(self, direction: str, text: str) -> str:
        process = await asyncio.create_subprocess_exec(
            self._program, "-u", direction, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        try:
            output, _ = await process.communicate(f"{text}\n".encode())
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise UpstreamFailed("Apertium could not translate the text.")
        return output.decode("utf-8", "replace").removesuffix("\n")

    async def health(self) -> bool:
        """Whether the program is still there."""
        return await asyncio.to_thread(shutil.which, self._program) is not None

    async def aclose(self) -> None:
        """Nothing is kept."""
