"""What routers are told, whether they serve it, and how it came about: on the demo fleet."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.end_to_end.workspace import Workspace

NEWEST = "jsonpath={.items[*].metadata.resourceVersion}"
IDENTITY = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")


@pytest.fixture(scope="module")
def versioned(fleet: Workspace, routers: dict[str, str]) -> Iterator[Workspace]:
    """The fleet with the definitions under git; without it again afterwards."""
    assert routers
    fleet.must("cellwright", "up", "--yes", timeout=900)
    fleet.must("git", "init", "--quiet")
    commit(fleet, "The demo")
    yield fleet
    set_state(fleet, "active")
    fleet.must("rm", "--recursive", "--force", ".git")
    fleet.up("fleet")


def commit(fleet: Workspace, subject: str) -> None:
    fleet.must("git", "add", "cells", "organizations")
    fleet.must("git", *IDENTITY, "commit", "--quiet", "--message", subject)


def set_state(fleet: Workspace, state: str) -> None:
    """Give acme a state; no rows have to move for it."""
    customers = fleet.root / "organizations" / "customers.yaml"
    text = re.sub(r"\n  state: [a-z]+\n  hosts: \[acme", "\n  hosts: [acme", customers.read_text())
    assert "\n  hosts: [acme" in text
    customers.write_text(text.replace("\n  hosts: [acme", f"\n  state: {state}\n  hosts: [acme"))


def get(fleet: Workspace, name: str) -> dict[str, Any]:
    (found,) = json.loads(fleet.must("cellwright", "directory", "get", name, "--format", "json"))
    assert isinstance(found, dict)
    return found


def test_a_barrier_after_a_change_then_every_router_answers_by_it(
    versioned: Workspace, routers: dict[str, str], client: httpx.Client
) -> None:
    """No waiting but for the barrier: what it promises holds for the next request."""
    for state, status in (("suspended", 403), ("active", 200), ("gone", 410), ("active", 200)):
        set_state(versioned, state)
        versioned.up("fleet")
        done = versioned.run("cellwright", "directory", "wait")
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(
            r"served by [0-9]+ routers and [0-9]+ placements: version [0-9]+ ", done.stderr
        )
        for router in routers.values():
            assert client.get(f"{router}/o/acme/notes").status_code == status


def test_a_version_that_is_not_there_yet(versioned: Workspace) -> None:
    chosen = ("--namespace", "cellwright-directory", "--selector", "cellwright.dev/directory")
    there = versioned.must("kubectl", "get", "configmaps", *chosen, "--output", NEWEST)
    newest = max(int(one) for one in there.split())
    done = versioned.run("cellwright", "directory", "wait", str(newest), "--timeout", "30s")
    assert done.returncode == 0, done.stdout
    done = versioned.run("cellwright", "directory", "wait", str(10 * newest), "--timeout", "1s")
    assert done.returncode == 1
    for cell in ("alpha", "beta", "gamma"):
        assert re.search(
            rf"^cell {cell}, pod router-\S+, cluster local: serves version [0-9]+$",
            done.stdout,
            re.MULTILINE,
        ), done.stdout
        assert f"cell {cell}, pod placement-" in done.stdout


def test_where_an_organization_is_and_was(versioned: Workspace) -> None:
    first = get(versioned, "acme")
    assert (first["cell"], first["state"], first["since"]["subject"]) == (
        "alpha",
        "active",
        "The demo",
    )
    set_state(versioned, "suspended")
    commit(versioned, "Suspend acme")
    done = versioned.run("cellwright", "directory", "get", "acme")
    expected = "routers are told cell alpha (active), the definitions say cell alpha (suspended)"
    assert expected in done.stderr
    versioned.up("fleet")
    changed = get(versioned, "acme")
    assert (changed["state"], changed["since"]["subject"]) == ("suspended", "Suspend acme")
    assert int(changed["version"]) > int(first["version"])
    set_state(versioned, "active")
    commit(versioned, "Acme has paid")
    versioned.up("fleet")
    past = json.loads(
        versioned.must("cellwright", "directory", "history", "acme", "--format", "json")
    )
    assert [(one["after"]["state"], one["subject"]) for one in past] == [
        ("active", "Acme has paid"),
        ("suspended", "Suspend acme"),
        ("active", "The demo"),
    ]


def test_an_organization_that_there_is_not(versioned: Workspace) -> None:
    done = versioned.run("cellwright", "directory", "get", "acmee")
    assert done.returncode == 1
    assert "did you mean 'acme'?" in done.stderr
