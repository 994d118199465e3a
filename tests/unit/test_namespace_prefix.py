"""A fleet with a prefix has no object where one without it could have one."""

from pathlib import Path

import pytest

from cellwright.edge.files import read
from cellwright.plan import plan
from tests.workspaces import demo_in


@pytest.fixture
def prefixed(tmp_path: Path) -> Path:
    root = demo_in(tmp_path)
    file = root / "cells" / "fleet.yaml"
    file.write_text(file.read_text().replace("  rings:", "  namespacePrefix: shop\n  rings:"))
    return root


def test_every_object_is_in_a_namespace_with_the_prefix(prefixed: Path, tmp_path: Path) -> None:
    made = plan(read(prefixed))
    assert made.problems == ()
    manifests = [one for stack in made.stacks.values() for one in stack]
    namespaces = {one.namespace or one.name for one in manifests}
    cells = {f"shop-cell-{name}" for name in ("alpha", "beta", "gamma")}
    assert namespaces == {*cells, "shop-cellwright-directory"}
    plain = plan(read(demo_in(tmp_path / "plain")))
    others = {one.identity for stack in plain.stacks.values() for one in stack}
    assert not others & {one.identity for one in manifests}


def test_routers_find_each_other_and_their_directory(prefixed: Path) -> None:
    made = plan(read(prefixed))
    (table,) = [one for one in made.stacks["fleet"] if one.name == "directory-cells"]
    assert "router-hop.shop-cell-beta.svc.cluster.local" in table.body["data"]["cells"]
    (router,) = [
        one for one in made.stacks["alpha"] if (one.kind, one.name) == ("Deployment", "router")
    ]
    (agent,) = router.body["spec"]["template"]["spec"]["initContainers"]
    names = {one["name"]: one.get("value") for one in agent["env"]}
    assert names["DIRECTORY_NAMESPACE"] == "shop-cellwright-directory"


def test_routers_talk_to_routers_of_their_own_fleet_alone(prefixed: Path) -> None:
    (policy,) = [
        one
        for one in plan(read(prefixed)).stacks["alpha"]
        if (one.kind, one.name) == ("NetworkPolicy", "router")
    ]
    selectors = [
        peer["namespaceSelector"]
        for rule in policy.body["spec"]["egress"]
        for peer in rule.get("to", ())
        if "namespaceSelector" in peer
    ]
    assert [one["matchLabels"] for one in selectors] == [{"cellwright.dev/fleet": "demo"}]
