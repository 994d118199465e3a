"""What a definition makes of TLS: with a Secret all that belongs to it, without one nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cellwright.edge.files import read
from cellwright.loading import load
from cellwright.manifest import Manifest
from cellwright.model import Cell
from cellwright.template import Templates
from tests.fleets import ROOT, cell, fleet
from tests.manifests import rendered
from tests.workspaces import CASES, build

TEMPLATES = Templates(
    {name: text for name, text in read(ROOT).templates.items() if not name.startswith("shipped/")}
)


def with_tls(secret: str | None, node_port: int | None = None) -> Cell:
    plain = cell("alpha", 1)
    router = replace(plain.router, node_port=None, tls_secret=secret, tls_node_port=node_port)
    return replace(plain, router=router)


def manifests(one: Cell, routers_type: str = "ClusterIP") -> dict[str, Manifest]:
    """Return what belongs to the router, by kind."""
    found = rendered(fleet([one], [], routers_type=routers_type), TEMPLATES, "alpha")
    assert found.problems == ()
    return {
        manifest.kind: manifest
        for manifest in found.manifests
        if manifest.body["metadata"]["name"] == "router"
    }


def spec(found: dict[str, Manifest], kind: str) -> Any:
    return found[kind].body["spec"]


def test_a_cell_without_a_secret_has_nothing_of_it() -> None:
    for manifest in manifests(with_tls(None)).values():
        for word in ("8443", "https", "tls", "certificate", "ssl-default"):
            text = manifest.text.replace("ssl_fc,iif(https,http)", "").replace("str https http", "")
            assert word not in text, manifest.kind


def test_a_secret_opens_the_port() -> None:
    found = manifests(with_tls("router-tls"))
    http, https = spec(found, "Service")["ports"]
    assert (http["port"], https["port"], https["targetPort"]) == (80, 443, "https")
    assert "nodePort" not in https
    (ingress,) = spec(found, "NetworkPolicy")["ingress"]
    assert {"protocol": "TCP", "port": 8443} in ingress["ports"]
    (haproxy,) = spec(found, "Deployment")["template"]["spec"]["containers"]
    ports = {one["name"]: one["containerPort"] for one in haproxy["ports"]}
    assert ports["https"] == 8443
    assert haproxy["readinessProbe"]["httpGet"]["port"] == "health"


def test_only_the_agent_reads_the_secret() -> None:
    pod = spec(manifests(with_tls("router-tls")), "Deployment")["template"]["spec"]
    volumes = {one["name"]: one for one in pod["volumes"]}
    assert volumes["tls"]["secret"]["secretName"] == "router-tls"
    assert volumes["tls"]["secret"]["defaultMode"] == 0o440
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsUser"] == 10002
    assert volumes["certificate"]["emptyDir"]["medium"] == "Memory"
    (agent,), (haproxy,) = pod["initContainers"], pod["containers"]
    mounts = [
        {one["name"]: one.get("readOnly", False) for one in container["volumeMounts"]}
        for container in (agent, haproxy)
    ]
    assert mounts[0]["tls"] is True
    assert mounts[0]["certificate"] is False
    assert "tls" not in mounts[1]
    assert mounts[1]["certificate"] is True


def test_a_port_of_the_nodes_is_said() -> None:
    found = manifests(with_tls("router-tls", 31081), "NodePort")
    assert spec(found, "Service")["ports"][1]["nodePort"] == 31081


@pytest.mark.parametrize("in_size", [False, True])
def test_the_secret_of_a_size_is_that_of_its_cells(tmp_path: Path, in_size: bool) -> None:
    """In the cases' fleet, whose routers have ports on every node."""
    workspace = build(tmp_path / "workspace", CASES / "valid" / "tls")
    if in_size:
        file = workspace / "cells" / "fleet.yaml"
        text = file.read_text()
        router = "router:\n        replicas: 1\n"
        assert router in text
        file.write_text(text.replace(router, f"{router}        tls: {{secret: of-the-size}}\n"))
    found, problems = load(read(workspace))
    assert found is not None, problems
    routers = {name: one.router for name, one in found.cells.items()}
    assert routers["gamma"].tls_secret == "router-tls.example"
    assert routers["gamma"].tls_node_port == 31083
    assert routers["alpha"].tls_secret == ("of-the-size" if in_size else None)
    assert routers["alpha"].tls_node_port == (31081 if in_size else None)
