"""Runs the OpenAI Python SDK's own tests, unmodified, from its source distribution, against our server.

Used by `make conformance`. Exits 1 when a test that must pass does not; lists the others with the reason.
"""

import os
import re
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "conformance"
FILES = ("tests/api_resources/chat/test_completions.py", "tests/api_resources/test_models.py")
START_SECONDS = 30

# Why the rest may fail: the first pattern that matches a test's name explains it.
REASONS = (
    (r"test_models.*delete", "models are configured, not deleted by clients"),
    (r"retrieve|update|list|delete", "stored completions are not offered: nothing of a user's is kept"),
)


def main() -> int:
    """Run the tests and say what passed."""
    sources = _sources()
    results = _run_tests(sources)
    required = {name: passed for name, passed in results.items() if _must_pass(name)}
    others = {name: passed for name, passed in results.items() if name not in required}
    print(f"required: {sum(required.values())} of {len(required)} pass")
    for name in sorted(name for name, passed in required.items() if not passed):
        print(f"  FAILED {name}")
    print(f"others: {sum(others.values())} of {len(others)} pass; those that do not, and why:")
    for (test, reason), count in Counter((_test(n), _reason(n)) for n, passed in others.items() if not passed).items():
        print(f"  {count} × {test}: {reason}")
    print(f"{sum(required.values())} passed, {sum(not passed for passed in required.values())} failed")
    return 0 if required and all(required.values()) else 1


def _must_pass(name: str) -> bool:
    of_models = "test_models" in name
    wanted = r"test_\w+_(retrieve|list)\[" if of_models else r"test_\w+_create(_with_all_params)?_overload_\d\["
    return re.search(wanted, name) is not None


def _test(name: str) -> str:
    """`test_method_create` of `…TestCompletions.test_method_create[strict]`."""
    return re.sub(r".*[.]|\[.*", "", name)


def _reason(name: str) -> str:
    return next(reason for pattern, reason in (*REASONS, (r".*", "not offered")) if re.search(pattern, name))


def _sources() -> Path:
    """The unpacked source distribution of the pinned SDK."""
    version = re.search(r"^openai==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    if version is None:
        raise SystemExit("constraints.txt does not pin openai")
    archive = CACHE / f"openai-{version[1]}.tar.gz"
    if not archive.is_file():
        download = ["pip", "download", "--quiet", "--no-deps", "--no-binary", "openai", f"openai=={version[1]}"]
        subprocess.run([sys.executable, "-m", *download, "--dest", str(CACHE)], check=True)
    with tarfile.open(archive) as tar:
        tar.extractall(CACHE, filter="data")
    return CACHE / f"openai-{version[1]}"


def _run_tests(sources: Path) -> dict[str, bool]:
    """Serve, run the SDK's tests, and give each test's name and whether it passed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = CACHE / "dragoman.toml"
    config.write_text('[aliases."*"]\n')
    command = [sys.executable, "-m", "dragoman", "serve", "--port", str(port), "--config", str(config)]
    report = CACHE / "report.xml"
    with subprocess.Popen(command, stderr=(CACHE / "server.log").open("w")) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/health/ready")
            pytest = ["pytest", "-o", "addopts=", "-p", "no:cacheprovider", "-q", "--no-header", "--tb=no", "-r", "N"]
            subprocess.run(
                [sys.executable, "-m", *pytest, f"--junitxml={report}", *FILES],
                cwd=sources,
                env=os.environ | {"TEST_API_BASE_URL": f"http://127.0.0.1:{port}/v1"},
                stdout=(CACHE / "pytest.log").open("w"),
                check=False,
            )
        finally:
            server.terminate()
    cases = ET.parse(report).iter("testcase")  # noqa: S314 # pytest wrote it a moment ago
    return {f"{case.get('classname')}.{case.get('name')}": case.find("failure") is None for case in cases}


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit(f"the server did not start; see {CACHE / 'server.log'}") from None
            time.sleep(0.1)


if __name__ == "__main__":
    CACHE.mkdir(parents=True, exist_ok=True)
    sys.exit(main())
