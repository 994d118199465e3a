"""What runs is confined, and may talk to nothing but what it needs.

Source of what `restricted` asks: Kubernetes' Pod Security Standards. The API server's own verdict
is in the end-to-end tests.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from cellwright.edge.files import read
from cellwright.fleet_secrets import named_in
from cellwright.manifest import Manifest
from cellwright.plan import plan
from tests.fleets import ROOT

STACKS = plan(read(ROOT)).stacks
ALPHA = STACKS["alpha"]
VOLUMES = {"configMap", "emptyDir", "projected", "secret", "persistentVolumeClaim"}


def pods() -> Iterator[tuple[str, Any]]:
    for one in ALPHA:
        template = (one.body.get("spec") or {}).get("template")
        if template:
            yield f"{one.kind}/{template['metadata']['labels']['app.kubernetes.io/name']}", template


def of_kind(kind: str) -> list[Manifest]:
    return [one for one in ALPHA if one.kind == kind]


PODS = dict(pods())


def test_all_workloads_are_looked_at() -> None:
    assert set(PODS) == {
        "Deployment/app",
        "Deployment/placement",
        "Deployment/router",
        "Job/app-migrate",
        "StatefulSet/postgres",
    }


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_restricted(name: str) -> None:
    spec = PODS[name]["spec"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & spec.keys()
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert all(len(one) == 2 and (one.keys() - {"name"}) <= VOLUMES for one in spec["volumes"])
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not any("hostPort" in port for port in container.get("ports", ()))
        resources = container["resources"]
        assert {"cpu", "memory"} == resources["requests"].keys()
        assert "memory" in resources["limits"]
        if "job" not in name.lower():
            assert "livenessProbe" in container


def keys_of(secret: str) -> set[str]:
    (found,) = (one.body["stringData"] for one in of_kind("Secret") if one.name == secret)
    return set(found)


@pytest.mark.parametrize("name", PODS)
def test_secrets_come_as_files(name: str) -> None:
    """None is in an environment; what a role is called is no secret."""
    spec = PODS[name]["spec"]
    named = {
        (one["valueFrom"]["secretKeyRef"]["name"], one["valueFrom"]["secretKeyRef"]["key"])
        for container in (*spec["containers"], *spec.get("initContainers", ()))
        for one in container.get("env", ())
        if "secretKeyRef" in one.get("valueFrom", ())
    }
    assert {key for _, key in named} <= {"username"}


def test_the_app_is_given_its_own_login_and_the_routers_key_alone() -> None:
    def mounted(name: str) -> dict[str, str]:
        spec = PODS[name]["spec"]
        assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsGroup"]
        (volume,) = (one["projected"] for one in spec["volumes"] if one["name"] == "secrets")
        assert volume["defaultMode"] == 0o440
        return {
            item["path"]: one["secret"]["name"]
            for one in volume["sources"]
            for item in one["secret"]["items"]
        }

    assert mounted("Deployment/app") == {"password": "postgres-app", "router-key": "app"}
    assert mounted("Job/app-migrate") == {"password": "postgres-owner"}
    assert keys_of("app") == {"router-key", "app-ca.crt", "app-ca.key"}
    own = {"ca.crt", "router-ca.crt", "router-ca.key"}
    assert keys_of("router") == {*own, "app-key", "app-key.cfg", "directory-keys"}


@pytest.mark.parametrize(
    ("name", "issues", "serves"),
    [("Deployment/app", "certificate", "app"), ("Deployment/router", "agent", "haproxy")],
)
def test_who_serves_requests_can_issue_no_certificate(name: str, issues: str, serves: str) -> None:
    """It reads the one that the container beside it writes into the pod's memory."""
    spec = PODS[name]["spec"]
    (beside,), (server,) = spec["initContainers"], spec["containers"]
    assert (beside["name"], server["name"]) == (issues, serves)
    mounts = {
        container["name"]: {
            one["name"]: one.get("readOnly", False) for one in container["volumeMounts"]
        }
        for container in (beside, server)
    }
    assert mounts[issues]["authority"] is True
    assert mounts[issues]["certificate"] is False
    assert mounts[serves]["certificate"] is True
    volumes = {one["name"]: one for one in spec["volumes"]}
    assert volumes["certificate"]["emptyDir"]["medium"] == "Memory"
    others = {volume for volume in mounts[serves] if "ca.key" in str(volumes[volume])}
    assert others == set()


def test_the_placement_is_given_its_own_login_and_the_directorys_key_alone() -> None:
    spec = PODS["Deployment/placement"]["spec"]
    secrets = {one["name"]: one["secret"] for one in spec["volumes"] if "secret" in one}
    assert {name: (one["secretName"], one["items"]) for name, one in secrets.items()} == {
        "password": ("postgres-placement", [{"key": "passwords", "path": "password"}]),
        "directory-key": ("placement", [{"key": "directory-key", "path": "directory-key"}]),
    }
    assert keys_of("placement") == {"directory-key"}


def test_rows_are_placed_before_the_app_asks_for_them_and_after_the_migration() -> None:
    (migration,) = of_kind("Job")
    deployments = {one.name: one for one in of_kind("Deployment")}
    assert migration.rank <= deployments["placement"].after
    assert deployments["placement"].rank <= deployments["app"].after


def test_each_cell_has_a_key_of_its_own_between_router_and_app() -> None:
    def keys(stack: str) -> list[str]:
        found = {one.name: one.body for one in STACKS[stack] if one.kind == "Secret"}
        router, app = found["router"]["stringData"], found["app"]["stringData"]
        return [
            *named_in(router["ca.crt"]),
            *named_in(router["app-key.cfg"]),
            *named_in(app["router-key"]),
        ]

    for cell in ("alpha", "beta"):
        name = f"cell/{cell}/app-key"
        assert keys(cell) == ["fleet/ca.crt", name, f"{name}*"]


@pytest.mark.parametrize("name", PODS)
def test_no_pod_gets_a_token_that_it_does_not_ask_for(name: str) -> None:
    spec = PODS[name]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    sources = [
        source
        for volume in spec["volumes"]
        for source in volume.get("projected", {}).get("sources", ())
        if "serviceAccountToken" in source
    ]
    assert bool(sources) == (name in ("Deployment/router", "Deployment/placement"))
    mounting = [
        container["name"]
        for container in (*spec["containers"], *spec.get("initContainers", ()))
        for mount in container["volumeMounts"]
        if mount["name"] == "token"
    ]
    reading = {"Deployment/router": ["agent"], "Deployment/placement": ["placement"]}
    assert mounting == reading.get(name, []), "HAProxy, which clients reach, has none"


def test_service_accounts_give_no_tokens_by_themselves() -> None:
    accounts = of_kind("ServiceAccount")
    assert {one.name for one in accounts} == {"app", "placement", "postgres", "router"}
    assert all(one.body["automountServiceAccountToken"] is False for one in accounts)


def test_every_namespace_is_restricted() -> None:
    found = [one for stack in STACKS.values() for one in stack if one.kind == "Namespace"]
    assert len(found) == 4
    for one in found:
        assert one.body["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_only_right_is_to_read_the_directory() -> None:
    (role,) = [one for stack in STACKS.values() for one in stack if one.kind.endswith("Role")]
    assert (role.kind, role.namespace) == ("Role", "cellwright-directory")
    assert role.body["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}
    ]
    bindings = {one.name: one.body["subjects"] for one in of_kind("RoleBinding")}
    assert bindings == {
        f"{name}-alpha": [{"kind": "ServiceAccount", "name": name, "namespace": "cell-alpha"}]
        for name in ("placement", "router")
    }


# Flows: (from, to, port); ANY stands for everyone.

ANY = "anyone"
ANYWHERE = ("0.0.0.0/0", "::/0")
"""Networks whose exceptions tests/unit/test_egress.py looks at."""


def _names(selector: Any) -> list[str]:
    if selector == {}:
        return [ANY]
    labels = selector.get("matchLabels", {})
    if "k8s-app" in labels:
        return [labels["k8s-app"]]
    listed = [labels["app.kubernetes.io/name"]] if labels else []
    for one in selector.get("matchExpressions", ()):
        assert (one["key"], one["operator"]) == ("app.kubernetes.io/name", "In")
        listed += one["values"]
    return listed


def _peers(rule: Any, key: str) -> list[str]:
    if key not in rule:
        return [ANY]
    found = []
    for peer in rule[key]:
        if "ipBlock" in peer:
            found.append(peer["ipBlock"]["cidr"])
            continue
        others = "cell " if "cellwright.dev/cell" in str(peer.get("namespaceSelector")) else ""
        found += [others + name for name in _names(peer["podSelector"])]
    return found


def flows(direction: str, key: str) -> set[tuple[str, str, int]]:
    found = set()
    for policy in of_kind("NetworkPolicy"):
        spec = policy.body["spec"]
        for rule in spec.get(direction.lower(), ()):
            assert direction in spec["policyTypes"]
            for own in _names(spec["podSelector"]):
                for peer in _peers(rule, key):
                    found |= {(own, peer, port["port"]) for port in rule["ports"]}
    return found


def test_nothing_is_allowed_that_is_not_listed() -> None:
    (deny,) = [one for one in of_kind("NetworkPolicy") if one.name == "default-deny"]
    assert deny.body["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_who_may_be_called_by_whom() -> None:
    assert flows("Ingress", "from") == {
        ("postgres", "app", 5432),
        ("postgres", "app-migrate", 5432),
        ("postgres", "placement", 5432),
        ("app", "router", 8080),
        ("router", "cell router", 8444),
        ("placement", ANY, 8405),
        ("router", ANY, 8080),
        ("router", ANY, 8405),  # the API server passes on what `directory wait` asks
    }


def test_who_may_call_whom() -> None:
    dns = {(name, "kube-dns", 53) for name in ("app", "app-migrate", "placement", "router")}
    assert flows("Egress", "to") == dns | {
        ("app", "postgres", 5432),
        ("app-migrate", "postgres", 5432),
        ("placement", "postgres", 5432),
        *(("placement", network, port) for network in ANYWHERE for port in (443, 6443)),
        ("router", "app", 8080),
        ("router", "cell router", 8444),
        *(("router", network, port) for network in ANYWHERE for port in (443, 6443)),
    }


def test_every_service_and_budget_finds_its_pods() -> None:
    known = {template["metadata"]["labels"]["app.kubernetes.io/name"] for template in PODS.values()}
    for one in (*of_kind("Service"), *of_kind("PodDisruptionBudget")):
        selector = one.body["spec"]["selector"]
        labels = selector.get("matchLabels", selector)
        assert labels.keys() == {"app.kubernetes.io/name"}
        assert set(labels.values()) <= known
