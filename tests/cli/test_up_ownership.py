"""What `up` refuses because it may be another fleet's, or another root secret's."""

import json
import re

import pytest

from cellwright.edge.settings import read_settings
from tests.cli.conftest import Program
from tests.cli.standins import World
from tests.cli.ups import Engine


def test_no_new_root_secret_where_a_fleet_stands(
    program: Program, fleet: Engine, world: World
) -> None:
    for file in (program.root / "stacks").iterdir():
        file.unlink()
    world.backend()
    done = program("up", "--yes")
    assert (done.code, fleet.applied) == (1, [])
    assert "CW422" in done.out
    assert not list((program.root / "stacks").iterdir())


def test_another_fleets_namespace_is_refused(program: Program, fleet: Engine) -> None:
    namespace = fleet.object("Namespace", "cell-beta")
    namespace["metadata"]["labels"]["cellwright.dev/fleet-id"] = "f" * 16
    fleet.put(namespace)
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    done = program("up", "--yes")
    assert (done.code, fleet.applied) == (1, [])
    assert "CW421" in done.out
    assert f"belongs to fleet demo (id {'f' * 16})" in done.out


def test_another_cluster_under_the_same_context_is_refused(program: Program, fleet: Engine) -> None:
    system = fleet.object("Namespace", "kube-system")
    system["metadata"]["uid"] = "another"
    fleet.put(system)
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    done = program("up", "--yes")
    assert (done.code, fleet.applied) == (1, [])
    assert "CW420" in done.out


def test_a_stack_of_another_root_secret_is_refused(program: Program, fleet: Engine) -> None:
    other = {"cellwright:rootSecret": {"secure": "A" * 43 + "="}}
    program.write("stacks/Pulumi.beta.yaml", json.dumps({"config": other}))
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    done = program("up", "--yes", "--cell", "beta")
    assert (done.code, fleet.applied) == (1, [])
    assert "stack beta has another cellwright:rootSecret" in done.err


def test_a_stack_of_another_fleet_is_refused(program: Program, fleet: Engine) -> None:
    name = "stacks/Pulumi.beta.yaml"
    number = read_settings(program.root, "beta").fleet_id
    program.edit(name, number, "f" * 16)
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    done = program("up", "--yes", "--cell", "beta")
    assert (done.code, fleet.applied) == (1, [])
    assert "stack beta has another cellwright:rootSecret" in done.err


def rename_cluster(program: Program, name: str) -> None:
    """Give the one cluster another name, in the fleet and in every cell."""
    program.edit("cells/fleet.yaml", "local: {}", f"{name}: {{context: current}}")
    for file in (program.root / "cells").glob("*.yaml"):
        file.write_text(re.sub("cluster: local", f"cluster: {name}", file.read_text()))


@pytest.mark.parametrize("words", [("up", "--yes"), ("up", "--yes", "--all", "--stack", "fleet")])
def test_a_cluster_keeps_its_name(program: Program, fleet: Engine, words: tuple[str, ...]) -> None:
    """The objects of the old name would be deleted: they are those of the new one."""
    rename_cluster(program, "other")
    done = program(*words)
    assert (done.code, fleet.applied) == (1, [])
    assert "CW405 spec.clusters.other: cluster other is the one that stack fleet" in done.out
    assert "CW405" in program("check", "--against", "live").out


@pytest.mark.parametrize("words", [("up", "--yes"), ("up", "--yes", "--stack", "fleet")])
def test_a_fleet_keeps_its_prefix(program: Program, fleet: Engine, words: tuple[str, ...]) -> None:
    program.edit("cells/fleet.yaml", "  rings:", "  namespacePrefix: new\n  rings:")
    done = program(*words)
    assert (done.code, fleet.applied) == (1, [])
    assert "the fleet has its directory in namespace cellwright-directory" in done.out
    assert "take namespacePrefix out" in done.out
    assert "CW405" in program("check", "--against", "live").out
