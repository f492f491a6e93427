"""What a process does when it is told to stop, with real signals."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.chat import body

LONG = "\n".join(f"The cat number {index} sleeps on the old chair near the window." for index in range(400))


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process with the model in the box, and its address."""
    command = [sys.executable, "-m", "dragoman", "serve", "--port", "0"]
    environment = os.environ | getattr(request, "param", {})
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if port := re.search(r"port=(\d+)", line):
                break
        try:
            yield process, f"http://127.0.0.1:{port[1] if port else 0}"
        finally:
            process.kill()


def events(address: str, text: str) -> Iterator[str]:
    """The lines of a stream."""
    options = {"source_lang": "en", "target_lang": "zh"}
    content = body(text, stream=True, translation_options=options)
    with httpx.stream("POST", f"{address}/v1/chat/completions", json=content, timeout=60) as response:
        yield from (line for line in response.iter_lines() if line)


def test_sigterm_ends_what_is_in_progress_and_takes_nothing_new(server: tuple[subprocess.Popen[str], str]) -> None:
    """Readiness and new requests are 503, the stream comes to its end, and the exit code is 0."""
    process, address = server
    lines = events(address, LONG)
    next(lines)
    process.send_signal(signal.SIGTERM)
    while httpx.get(f"{address}/health/ready").status_code == 200:
        pass
    refused = httpx.post(f"{address}/v1/chat/completions", json=body("Hello."))
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "service_unavailable")
    assert httpx.get(f"{address}/health/live").status_code == 200
    assert list(lines)[-1] == "data: [DONE]"
    assert process.wait(10) == 0


def test_second_sigterm_exits_at_once(server: tuple[subprocess.Popen[str], str]) -> None:
    """For who cannot wait."""
    process, address = server
    lines = events(address, LONG * 4)
    next(lines)
    process.send_signal(signal.SIGTERM)
    while httpx.get(f"{address}/health/ready").status_code == 200:
        pass
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 128 + signal.SIGTERM
    with pytest.raises(httpx.HTTPError):
        list(lines)


@pytest.mark.parametrize("server", [{"DRAGOMAN_SHUTDOWN_TIMEOUT_SECONDS": "0"}], indirect=True)
def test_what_is_not_done_in_time_ends_with_an_error(server: tuple[subprocess.Popen[str], str]) -> None:
    """The client is told, and the exit code is 0 all the same."""
    process, address = server
    lines = events(address, LONG)
    next(lines)
    process.send_signal(signal.SIGTERM)
    assert '"code":"service_unavailable"' in list(lines)[-1]
    assert process.wait(10) == 0
