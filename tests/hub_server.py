"""A server on loopback in the shape of the Hugging Face hub, with faults on demand."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LARGE_BYTES = 1000  # from here on, a file is kept outside git, as the hub keeps large ones


@dataclass
class Hub:
    """What it holds, how it fails, and what it was asked for.

    `broken`: files, and after how many bytes the next answer breaks off; then the hub is down until `is_down` is unset.
    `is_strange`: it answers something else.
    `damaged`: files that come with other bytes than the hub describes. `ranges`: what was asked of each file.
    """

    repositories: dict[str, Path]
    licence: str | None = "cc-by-4.0"
    gated: bool = False
    is_down: bool = False
    is_strange: bool = False
    broken: dict[str, int] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    ranges: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    def describe(self, repository: str) -> dict[str, Any]:
        """The answer of `/api/models/{id}`."""
        card = {"license": self.licence} if self.licence else {}
        files = [self._file(path) for path in sorted(self.repositories[repository].iterdir())]
        return {"id": repository, "sha": COMMIT, "cardData": card, "gated": "auto" if self.gated else False} | {
            "siblings": files
        }

    def _file(self, path: Path) -> dict[str, Any]:
        content = path.read_bytes()
        row: dict[str, Any] = {"rfilename": path.name, "size": len(content), "blobId": git_sha1(content)}
        if len(content) >= _LARGE_BYTES:
            row["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        return row

    def tree(self, repository: str) -> list[dict[str, Any]]:
        """The answer of `/api/models/{id}/tree/{revision}`."""
        return [
            {"type": "file", "oid": row["blobId"], "size": row["size"], "path": row["rfilename"]}
            | ({"lfs": {"oid": row["lfs"]["sha256"], "size": row["size"], "pointerSize": 134}} if "lfs" in row else {})
            for row in self.describe(repository)["siblings"]
        ]


def git_sha1(content: bytes) -> str:
    """The name that git gives to a blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if self.hub.is_down:
            self._refuse(503, "Down")
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/[^/]+", path):
            self._json(match[1], Hub.tree)
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/[^/]+)?", path):
            self._json(match[1], Hub.describe)
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
            self._file(match[1], match[2])
        else:
            self._refuse(404, "EntryNotFound")

    def _json(self, repository: str, answer: Any) -> None:
        if repository not in self.hub.repositories:
            self._refuse(404, "RepoNotFound")
            return
        body = b'{"hello": 1}' if self.hub.is_strange else json.dumps(answer(self.hub, repository)).encode()
        self._begin(200, len(body), {"Content-Type": "application/json", "X-Repo-Commit": COMMIT})
        self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self._begin(status, 0, {"X-Error-Code": code, "X-Error-Message": code})

    def _begin(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _file(self, repository: str, name: str) -> None:
        if self.hub.gated:
            self._refuse(403, "GatedRepo")
            return
        content = (self.hub.repositories[repository] / name).read_bytes()
        digest = hashlib.sha256(content).hexdigest() if len(content) >= _LARGE_BYTES else git_sha1(content)
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if self.command == "HEAD":
            self._begin(200, len(content), headers)
            return
        if name in self.hub.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        wanted = self.headers.get("Range")
        self.hub.ranges.append((name, wanted))
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._begin(206 if wanted else 200, len(content) - start, headers)
        if name in self.hub.broken:
            self.wfile.write(content[start : start + self.hub.broken.pop(name)])
            self.close_connection = self.hub.is_down = True
        else:
            self.wfile.write(content[start:])


@contextmanager
def serve_hub(repositories: dict[str, Path]) -> Iterator[Hub]:
    """Serve directories as repositories, by their ids."""
    hub = Hub(repositories)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
