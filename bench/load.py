"""A load generator in a process of its own: many connections, one event loop, as little work as a client can do.

    python bench/load.py --port 8000 --clients 64 < requests > results

Each line of standard input is the JSON body of a request. Closed loop: each client sends its next request when it has
the answer to the last. Open loop, with `--rate`: requests are sent at that rate, by exponentially distributed gaps,
whether or not earlier ones were answered, each over a connection that is free or new. The result is one JSON object.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import cast

import uvloop

MOST_CONNECTIONS = 4000


class Connection(asyncio.Protocol):
    """Sends one request at a time and knows when its answer is complete."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answered: asyncio.Future[int] | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Collect until the headers and as many bytes as they say are there."""
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        headers = bytes(self._received[:head]).lower()
        length = headers.partition(b"content-length:")[2].partition(b"\r")[0]
        is_whole = len(self._received) >= head + 4 + int(length) if length else self._received.endswith(b"0\r\n\r\n")
        if is_whole and self._answered and not self._answered.done():
            self._answered.set_result(int(self._received[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 # the signature is asyncio's
        """Whoever waits gets status 0."""
        self.is_open = False
        if self._answered and not self._answered.done():
            self._answered.set_result(0)

    async def post(self, request: bytes) -> int:
        """The status of the answer; 0 if the connection broke."""
        self._received.clear()
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered


async def connect(port: int) -> Connection:
    """A connection to the server on this machine."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


def framed(path: str, body: bytes) -> bytes:
    """A request as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Results:
    """Statuses and latencies of all requests."""

    def __init__(self) -> None:
        self._latencies: dict[int, list[float]] = {}
        self.started = time.perf_counter()

    async def post(self, connection: Connection, request: bytes) -> None:
        """Send a request and note its answer."""
        sent = time.perf_counter()
        status = await connection.post(request)
        self._latencies.setdefault(status, []).append((time.perf_counter() - sent) * 1000)

    def as_json(self) -> str:
        """Seconds of all, and milliseconds of each request by status."""
        seconds = time.perf_counter() - self.started
        return json.dumps(
            {"seconds": seconds, "milliseconds": {str(key): each for key, each in self._latencies.items()}}
        )


async def closed_loop(port: int, requests: list[bytes], clients: int) -> Results:
    """All requests once, by so many clients."""
    connections = [await connect(port) for _ in range(clients)]
    left = iter(requests)
    results = Results()

    async def work(connection: Connection) -> None:
        for request in left:
            await results.post(connection, request)

    await asyncio.gather(*(work(connection) for connection in connections))
    return results


async def open_loop(port: int, requests: list[bytes], rate: float, seconds: float, seed: int = 1) -> Results:
    """Requests at a rate, for a time, again from the first when all were sent; then waits for the last answers."""
    free: deque[Connection] = deque([await connect(port) for _ in range(32)])
    chooser = random.Random(seed)
    results = Results()
    pending: set[asyncio.Task[None]] = set()

    async def send(request: bytes) -> None:
        connection = free.popleft() if free else await connect(port)
        await results.post(connection, request)
        if connection.is_open:
            free.append(connection)

    due = time.perf_counter()
    for request in endless(requests):
        if due - results.started > seconds:
            break
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if len(pending) < MOST_CONNECTIONS:
            task = asyncio.create_task(send(request))
            pending.add(task)
            task.add_done_callback(pending.discard)
        due += chooser.expovariate(rate)
    await asyncio.gather(*pending)
    return results


def endless(requests: list[bytes]) -> Iterator[bytes]:
    """Again and again."""
    while True:
        yield from requests


def main() -> None:
    """Read requests, send them, print what came."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--path", default="/v1/chat/completions")
    arguments.add_argument("--clients", type=int, default=1)
    arguments.add_argument(
        "--rate", type=float, default=0, help="requests a second, sent without waiting; 0: closed loop"
    )
    arguments.add_argument("--seconds", type=float, default=60, help="of the open loop")
    options = arguments.parse_args()
    requests = [framed(options.path, line.rstrip(b"\n")) for line in sys.stdin.buffer]
    job = (
        open_loop(options.port, requests, options.rate, options.seconds)
        if options.rate
        else closed_loop(options.port, requests, options.clients)
    )
    print(uvloop.run(job).as_json())


if __name__ == "__main__":
    main()
