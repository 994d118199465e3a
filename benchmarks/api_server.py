"""A Kubernetes API server and its etcd, and nothing else: no kubelet, no controller, no pod.

What is asked of it, and what it answers, is real; what only controllers do does not happen. As with
envtest, the programs are those of a folder: `kube-apiserver` and `etcd`.
"""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

DEADLINE_S = 120
FIELD_MANAGER = "pulumi-kubernetes-benchmark"
TOKEN = "benchmark"  # noqa: S105 - of a server on loopback that lives for one run
_HOST = "127.0.0.1"
_PLURALS = {"NetworkPolicy": "networkpolicies"}


class ApiServer:
    """A server that answers; `kubeconfig` is a file that names it."""

    def __init__(self, port: int, certificates: Path, kubeconfig: Path) -> None:
        self._port, self.kubeconfig = port, kubeconfig
        self._context = ssl.create_default_context(cafile=str(certificates / "apiserver.crt"))
        self._connections = threading.local()

    def request(self, method: str, path: str, body: Any = None, kind: str = "") -> Any:
        """Return what the server answers; ends the program if it refuses."""
        connection = getattr(self._connections, "one", None)
        if connection is None:
            connection = HTTPSConnection(_HOST, self._port, context=self._context, timeout=60)
            self._connections.one = connection
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind or "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {text.decode()[:1000]}")
        return json.loads(text)

    def apply(self, bodies: Iterable[Mapping[str, Any]]) -> None:
        """Apply objects as Pulumi's provider does, several at once; namespaces go first."""
        ordered = sorted(bodies, key=lambda body: body["kind"] != "Namespace")
        ends = sum(body["kind"] == "Namespace" for body in ordered)
        with ThreadPoolExecutor(8) as pool:
            for some in (ordered[:ends], ordered[ends:]):
                list(pool.map(self._apply, some))

    def _apply(self, body: Mapping[str, Any]) -> None:
        query = f"?fieldManager={FIELD_MANAGER}&force=true"
        self.request("PATCH", path_of(body) + query, body, "application/apply-patch+yaml")


def path_of(body: Mapping[str, Any]) -> str:
    """Return where the API has an object."""
    version, kind, metadata = body["apiVersion"], body["kind"], body["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    where = f"/namespaces/{metadata['namespace']}" if metadata.get("namespace") else ""
    plural = _PLURALS.get(kind, f"{kind.lower()}s")
    return f"{root}{where}/{plural}/{metadata['name']}"


@contextmanager
def api_server(programs: Path, folder: Path) -> Iterator[ApiServer]:
    """Run a server with an empty store, which is kept in a folder."""
    folder.mkdir()
    store, peers, port = _free(), _free(), _free()
    etcd = [
        str(programs / "etcd"),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://{_HOST}:{store}",
        f"--advertise-client-urls=http://{_HOST}:{store}",
        f"--listen-peer-urls=http://{_HOST}:{peers}",
        "--unsafe-no-fsync",
        "--log-level=error",
    ]
    key = folder / "key.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    tokens = folder / "tokens.csv"
    tokens.write_text(f'{TOKEN},benchmark,benchmark,"system:masters"\n')
    certificates = folder / "certificates"
    server = [
        str(programs / "kube-apiserver"),
        f"--etcd-servers=http://{_HOST}:{store}",
        f"--bind-address={_HOST}",
        f"--secure-port={port}",
        f"--cert-dir={certificates}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        f"--service-account-issuer=https://{_HOST}",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.96.0.0/16",
    ]
    with (folder / "log").open("wb") as log, _running(etcd, log), _running(server, log):
        _wait_until_ready(port, folder / "log")
        yield ApiServer(port, certificates, _kubeconfig(folder, port, certificates))


def _kubeconfig(folder: Path, port: int, certificates: Path) -> Path:
    cluster = {
        "server": f"https://{_HOST}:{port}",
        "certificate-authority": str(certificates / "apiserver.crt"),
    }
    text = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "benchmark",
            "clusters": [{"name": "benchmark", "cluster": cluster}],
            "users": [{"name": "benchmark", "user": {"token": TOKEN}}],
            "contexts": [
                {"name": "benchmark", "context": {"cluster": "benchmark", "user": "benchmark"}}
            ],
        }
    )
    file = folder / "kubeconfig"
    file.write_text(text)
    return file


@contextmanager
def _running(command: list[str], log: Any) -> Iterator[None]:
    process = subprocess.Popen(
        command, stdout=log, stderr=log, env={**os.environ, "GOMAXPROCS": "2"}
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(port: int, log: Path) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(
                f"https://{_HOST}:{port}/readyz", timeout=5, context=context
            ):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    sys.exit(f"the API server is not ready after {DEADLINE_S} s\n{log.read_text()[-2000:]}")


def _free() -> int:
    with socket.socket() as one:
        one.bind((_HOST, 0))
        return int(one.getsockname()[1])
