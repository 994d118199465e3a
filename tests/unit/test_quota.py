"""The quota of a cell's CPU and memory: room for all that is rendered, twice over."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cellwright.edge.files import read
from cellwright.manifest import Manifest
from cellwright.plan import Plan, plan
from cellwright.quantity import amount
from cellwright.quota import SPARE, loosened
from tests.workspaces import demo_in

LIMITED = "{cpu: 150m, memory: 96Mi, cpuLimit: '1.5', memoryLimit: 300M}"


def planned(folder: Path, quota: str, **resources: str) -> Plan:
    """Return the plan of the demo with a quota, and other resources for parts of size small."""
    path = demo_in(folder) / "cells/fleet.yaml"
    text = path.read_text("utf-8").replace("  routing:\n", f"  quota: {quota}\n  routing:\n")
    start = text.index("    large:")
    for part, value in resources.items():
        at = text.index("resources: {", text.index(f"      {part}:\n"))
        end = text.index("}", at) + 1
        assert end < start
        text = f"{text[:at]}resources: {value}{text[end:]}"
        start = text.index("    large:")
    path.write_text(text, "utf-8")
    return plan(read(folder))


def named(manifests: tuple[Manifest, ...], kind: str, name: str) -> Manifest:
    (found,) = [one for one in manifests if (one.kind, one.name) == (kind, name)]
    return found


def hard(manifests: tuple[Manifest, ...]) -> dict[str, str]:
    found: dict[str, str] = named(manifests, "ResourceQuota", "compute").body["spec"]["hard"]
    return found


def counted(spec: Any, kind: str, resource: str) -> Decimal:
    """Return what Kubernetes counts of one pod: its containers, and init containers that stay."""
    staying = [one for one in spec.get("initContainers", ()) if one.get("restartPolicy")]
    assert staying == spec.get("initContainers", []), "others would count by the largest"
    containers = (*spec["containers"], *staying)
    found = [amount(one["resources"][kind].get(resource)) for one in containers]
    return sum((one for one in found if one is not None), Decimal(0))


def pods_of(manifests: tuple[Manifest, ...]) -> Iterator[tuple[Any, int]]:
    """Yield the pods of every workload, and how many there may be."""
    most = {
        one.body["spec"]["scaleTargetRef"]["name"]: one.body["spec"]["maxReplicas"]
        for one in manifests
        if one.kind == "HorizontalPodAutoscaler"
    }
    for one in manifests:
        template = (one.body.get("spec") or {}).get("template")
        if template:
            number = most.get(one.name, one.body["spec"].get("replicas", 1))
            yield template["spec"], number


def total(manifests: tuple[Manifest, ...], key: str) -> Decimal:
    kind, resource = key.split(".")
    (limits,) = named(manifests, "LimitRange", "cell").body["spec"]["limits"]
    default = limits["defaultRequest" if kind == "requests" else "default"].get(resource)
    declared = sum(counted(spec, kind, resource) * number for spec, number in pods_of(manifests))
    return 2 * declared + SPARE * (amount(default) or 0)


def test_there_is_none_unless_it_is_asked_for(tmp_path: Path) -> None:
    manifests = plan(read(demo_in(tmp_path))).stacks["alpha"]
    assert [one.name for one in manifests if one.kind == "ResourceQuota"] == ["cell"]


@pytest.mark.parametrize("scale", ["replicas: 1", "replicas: 7", "autoscale: {min: 1, max: 13}"])
@pytest.mark.parametrize("limited", [(), ("app",), ("postgres", "app", "router")])
def test_it_is_what_all_pods_ask_for_twice_over(
    limited: tuple[str, ...], scale: str, tmp_path: Path
) -> None:
    planned(tmp_path, "{}", **dict.fromkeys(limited, LIMITED))
    fleet = tmp_path / "cells/fleet.yaml"
    text = fleet.read_text("utf-8").replace("app:\n        replicas: 1", f"app:\n        {scale}")
    fleet.write_text(text, "utf-8")
    made = plan(read(tmp_path))
    for cell in ("alpha", "beta"):
        manifests = made.stacks[cell]
        quota = hard(manifests)
        assert {key: amount(value) for key, value in quota.items()} == {
            key: total(manifests, key) for key in quota
        }
        whole = {"requests.cpu", "requests.memory", "limits.memory"}
        assert quota.keys() == (whole | {"limits.cpu"} if len(limited) == 3 else whole)


def test_pods_that_it_counts_are_those_of_the_other_quota(tmp_path: Path) -> None:
    manifests = planned(tmp_path, "{}").stacks["alpha"]
    declared = sum(number for _, number in pods_of(manifests))
    pods = named(manifests, "ResourceQuota", "cell").body["spec"]["hard"]["pods"]
    assert int(pods) == 2 * declared + SPARE


def test_there_is_room_for_more_where_it_is_asked_for(tmp_path: Path) -> None:
    extra = "{extra: {cpu: 500m, memory: 1Gi, cpuLimit: '3', memoryLimit: 2Gi}}"
    manifests = planned(tmp_path, extra, **dict.fromkeys(("postgres", "app", "router"), LIMITED))
    manifests = manifests.stacks["alpha"]
    found = {
        key: amount(value) - total(manifests, key)  # type: ignore[operator]
        for key, value in hard(manifests).items()
    }
    assert found == {
        "requests.cpu": Decimal("0.5"),
        "requests.memory": 2**30,
        "limits.cpu": 3,
        "limits.memory": 2**31,
    }


def test_containers_get_a_cpu_limit_of_themselves_only_where_they_need_one(tmp_path: Path) -> None:
    def default(made: Plan) -> Any:
        (limits,) = named(made.stacks["alpha"], "LimitRange", "cell").body["spec"]["limits"]
        return limits["default"]

    assert default(planned(tmp_path / "a", "{}")) == {"memory": "256Mi"}
    limited = dict.fromkeys(("postgres", "app", "router"), LIMITED)
    assert default(planned(tmp_path / "b", "{}", **limited)) == {"memory": "256Mi", "cpu": "500m"}


def test_it_is_written_as_the_api_server_writes_it(tmp_path: Path) -> None:
    sizes = dict.fromkeys(("postgres", "app", "router"), "{cpu: '0.5', memory: 1.001Gi}")
    quota = hard(planned(tmp_path, "{}", **sizes).stacks["alpha"])
    assert quota["requests.cpu"] == "5070m"
    exact = 10 * Decimal("1.001") * 2**30 + (SPARE * 32 + 2 * 32) * 2**20
    assert quota["requests.memory"] == str(int(exact) + 1), "whole bytes, and not too few"
    sizes = dict.fromkeys(("postgres", "app", "router"), "{cpu: '0.993', memory: 992Mi}")
    quota = hard(planned(tmp_path / "b", "{}", **sizes).stacks["alpha"])
    assert quota["requests.cpu"] == "10"
    assert quota["requests.memory"] == "10176Mi"


def test_it_comes_after_everything_else(tmp_path: Path) -> None:
    """Else a smaller one would stand between old pods and new ones."""
    manifests = planned(tmp_path, "{}").stacks["alpha"]
    assert manifests[-1].name == "compute"


def quota(**limits: str) -> dict[str, Any]:
    return {"spec": {"hard": {key.replace("_", "."): value for key, value in limits.items()}}}


def test_what_is_there_is_only_made_looser() -> None:
    live = quota(requests_cpu="1", requests_memory="1Gi", limits_memory="2Gi", limits_cpu="4")
    declared = quota(requests_cpu="1500m", requests_memory="512Mi", limits_memory="2048Mi")
    assert loosened(declared, live) == {"requests.cpu": "1500m", "limits.cpu": None}
    assert loosened(live, live) == {}
    assert loosened(live, declared) == {"requests.memory": "1Gi"}, "no limit is added yet"
    assert loosened({}, quota(requests_cpu="1")) == {"requests.cpu": None}
