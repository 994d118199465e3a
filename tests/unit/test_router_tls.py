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


def addressed(one: Cell, port: int, node_port: int | None = None) -> Cell:
    """Return a cell whose routers are reached from other clusters."""
    router = replace(
        one.router, host="a.example.com", port=port, is_addressed=True, hop_node_port=node_port
    )
    return replace(one, router=router)


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
        for word in ("8443", "https", "router-tls", "router.pem", "TLS_DIRECTORY"):
            text = manifest.text.replace("ssl_fc,iif(https,http)", "").replace("str https http", "")
            assert word not in text, manifest.kind


def test_a_secret_opens_the_port() -> None:
    found = manifests(with_tls("router-tls"))
    http, https = spec(found, "Service")["ports"]
    assert (http["port"], https["port"], https["targetPort"]) == (80, 443, "https")
    assert "nodePort" not in https
    ingress, _ = spec(found, "NetworkPolicy")["ingress"]
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


def test_other_cells_routers_have_a_port_and_a_service_of_their_own() -> None:
    found = rendered(fleet([with_tls(None)], []), TEMPLATES, "alpha").manifests
    (hop,) = [
        one.body["spec"] for one in found if (one.kind, one.name) == ("Service", "router-hop")
    ]
    assert (hop["type"], hop["ports"][0]["port"]) == ("ClusterIP", 8444)
    (clients,) = [
        one.body["spec"] for one in found if (one.kind, one.name) == ("Service", "router")
    ]
    assert [one["port"] for one in clients["ports"]] == [80]


@pytest.mark.parametrize(
    ("kind", "port", "node_port", "expected"),
    [
        ("LoadBalancer", 8444, None, {"port": 8444, "targetPort": "hop"}),
        ("NodePort", 31999, 31999, {"port": 8444, "targetPort": "hop", "nodePort": 31999}),
        ("NodePort", 443, None, None),  # something of the user's own leads to the routers
    ],
)
def test_other_clusters_reach_it_where_the_cell_says_its_address(
    kind: str, port: int, node_port: int | None, expected: dict[str, Any] | None
) -> None:
    cell_ = addressed(with_tls(None), port, node_port)
    ports = spec(manifests(cell_, kind), "Service")["ports"]
    hops = [one for one in ports if one["name"] == "hop"]
    assert hops == ([{"name": "hop", "protocol": "TCP", **expected}] if expected else [])
    found = rendered(fleet([cell_], [], routers_type=kind), TEMPLATES, "alpha").manifests
    (quota,) = [one.body["spec"] for one in found if one.kind == "ResourceQuota"]
    assert quota["hard"]["services.nodeports"] == str(len(ports))


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
