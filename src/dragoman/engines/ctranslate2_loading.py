"""Loads a CTranslate2 model with the threads that suit a server."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ctranslate2
from pydantic import BaseModel, ConfigDict, Field

from dragoman.ops.processors import usable_processors

# Beyond one for each batch: for those who go first while bulk has all others.
SPARE_TRANSLATORS = 1
# How much the threads that decode are nicer than the event loop, which needs little time, but at once.
_NICENESS = 5


class Options(BaseModel):
    """The keys of an engine's table in `dragoman.toml`. 0 threads: decided from the CPU count."""

    model_config = ConfigDict(extra="forbid")

    model: str
    device: str = "cpu"
    compute_type: str = "int8"
    inter_threads: int = Field(default=0, ge=0)
    intra_threads: int = Field(default=0, ge=0)
    beam_size: int | None = Field(default=None, ge=1, le=32)
    max_batch_segments: int = Field(default=32, ge=1)
    max_batch_tokens: int = Field(default=2048, ge=1)


def load_translator(directory: Path, options: Options) -> ctranslate2.Translator:
    """Load a model. Its threads have a lower priority, which on Linux they inherit from the one that loads it.

    One thread inside a translator is fastest for small models: docs/decisions/0002 has the figures. Raises
    `RuntimeError` and `ValueError`, as CTranslate2 does.
    """

    def load() -> ctranslate2.Translator:
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + _NICENESS)
        return ctranslate2.Translator(
            str(directory),
            device=options.device,
            compute_type=options.compute_type,
            inter_threads=(options.inter_threads or max(1, usable_processors() // intra_threads)) + SPARE_TRANSLATORS,
            intra_threads=intra_threads,
        )

    intra_threads = options.intra_threads or 1
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(load).result()
