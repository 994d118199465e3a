"""The real Prometheus, with the project's rules and the project's relabeling, on loopback."""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.postgres.containers import until

MONITORING = Path(__file__).parents[2] / "monitoring"
ALERTS = MONITORING / "alerts.yaml"
SCRAPE = MONITORING / "scrape.yaml"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running server."""

    url: str

    def ask(self, path: str, **query: str) -> Any:
        """Return the data of the HTTP API's answer, which must be a success without a warning."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=query).json()
        assert answer["status"] == "success", f"{query}: {answer}"
        assert "warnings" not in answer, f"{query}: {answer}"
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression has now."""
        found: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def active(self) -> set[str]:
        """Return the names of the alerts whose expression holds, whether for long or not."""
        return {one["labels"]["alertname"] for one in self.ask("alerts")["alerts"]}


@dataclass(frozen=True, slots=True)
class Target:
    """A port of a pod, as Kubernetes' service discovery would tell of it."""

    address: str
    port_name: str
    cell: str
    pod: str
    name: str = "router"

    def static(self) -> dict[str, Any]:
        pod = "__meta_kubernetes_pod_"
        labels = {
            f"{pod}container_port_name": self.port_name,
            f"{pod}phase": "Running",
            f"{pod}label_cellwright_dev_cell": self.cell,
            f"{pod}name": self.pod,
        }
        return {"targets": [self.address], "labels": labels}


def configuration(targets: Iterable[Target]) -> dict[str, Any]:
    """Return the example of the project with every job given the targets that it selects.

    Debian's Prometheus has no discovery in Kubernetes; what that would find is written down.
    """
    found: dict[str, Any] = yaml.safe_load(SCRAPE.read_text())
    found["rule_files"] = [str(SCRAPE.parent / name) for name in found["rule_files"]]
    found["global"] = {"evaluation_interval": "1s"}
    for job in found["scrape_configs"]:
        ((selector,),) = (one["selectors"] for one in job.pop("kubernetes_sd_configs"))
        job["scrape_interval"] = job["scrape_timeout"] = "1s"
        job["static_configs"] = [
            target.static()
            for target in targets
            if f"app.kubernetes.io/name={target.name}," in selector["label"]
        ]
    return found


@contextmanager
def running(
    program: Path, address: str, folder: Path, targets: list[Target]
) -> Iterator[Prometheus]:
    """Start the server, for the time of a `with`."""
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(configuration(targets)))
    log = folder / "log"
    server = Prometheus(f"http://{address}:9090")
    argv = [str(program), f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*argv, f"--web.listen-address={address}:9090"], stdout=sink, stderr=sink
        )
    try:
        until(lambda: process.poll() is not None or _ready(server), "Prometheus is ready")
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _ready(server: Prometheus) -> bool:
    try:
        return httpx.get(f"{server.url}/-/ready").status_code == 200
    except httpx.TransportError:
        return False
