"""Fixtures: an empty place, a report that can be read, and sites on loopback."""

import http.server
import io
import os
import shutil
import signal
import socket
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # `local` and `airgap` are run from the root, never installed
    sys.path.insert(0, str(ROOT))

from airgap import golang  # noqa: E402 - needs the path above
from local.downloads import answers  # noqa: E402
from local.place import Place, place  # noqa: E402
from local.process import capture, detached  # noqa: E402
from local.report import Report  # noqa: E402
from local.system import this_machine  # noqa: E402
from tests.local.standins import Shown, Site  # noqa: E402


@pytest.fixture
def where(tmp_path: Path) -> Place:
    """Return a place with empty folders; its root is the real one."""
    return place(
        {
            "CELLWRIGHT_STATE": str(tmp_path / "state"),
            "CELLWRIGHT_CACHE": str(tmp_path / "cache"),
        }
    )


@pytest.fixture
def shown() -> Shown:
    sink = io.StringIO()
    return Shown(Report(sink), sink)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield Site(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the address of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="session")
def tiny_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return a small image whose only program does nothing until it is stopped."""
    folder = tmp_path_factory.mktemp("tiny")
    nowhere = place({"CELLWRIGHT_CACHE": str(folder), "HOME": str(folder)})
    pause = golang.built("pause", nowhere, this_machine(), Report(io.StringIO())) / "pause"
    archive = folder / "tiny.tar"
    with tarfile.open(archive, "w") as packed:
        packed.add(pause, "pause")
    tag = f"cellwright-test-{os.getpid()}/tiny:1"
    capture(["docker", "import", "--change", 'CMD ["/pause"]', archive, tag], timeout=60)
    yield tag
    capture(["docker", "image", "rm", "--force", tag], timeout=60)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a real container registry on loopback."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.fail("docker-registry is missing: apt-get install docker-registry")
    folder = tmp_path_factory.mktemp("registry")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (folder / "config.yml").write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    pid = detached([program, "serve", folder / "config.yml"], folder / "log")
    try:
        deadline = time.monotonic() + 20
        while not answers(f"http://{address}/v2/", ""):
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        yield address
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
