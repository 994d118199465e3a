"""When a cluster's directory is not whole, and who may go on all the same."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cellwright.edge.files import read
from cellwright.history import History
from cellwright.identity import APPLIED_ANNOTATION, LAST_RUN_ANNOTATION
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, Fleet
from cellwright.plan import loaded, planned
from cellwright.wholeness import digest_of, directories, directory_findings
from tests.workspaces import ROOT

STAMPED = {APPLIED_ANNOTATION: "{}"}


@pytest.fixture(scope="module")
def demo() -> tuple[Fleet, tuple[Manifest, ...]]:
    """The demo's fleet, and all of its objects; one organization has an override."""
    workspace = loaded(read(Path(ROOT)))
    assert workspace.fleet is not None
    history = History(homes={"acme": "alpha"})
    plan = planned(workspace, None, history)
    return workspace.fleet, tuple(one for stack in plan.stacks.values() for one in stack)


def changed(one: Manifest, **annotations: Any) -> Manifest:
    body = json.loads(json.dumps(one.body, default=str))
    body["metadata"].setdefault("annotations", {}).update(annotations)
    return replace(one, body=body, given=None)


def held(
    demo: tuple[Fleet, tuple[Manifest, ...]],
    change: Callable[[Manifest], Manifest | None] = lambda one: one,
    notes: dict[str, str] = STAMPED,
) -> list[Manifest]:
    """Return the demo's objects with notes on the directory's namespace; None leaves one out."""
    found = []
    for one in demo[1]:
        noted = changed(one, **notes) if one.name == "cellwright-directory" else one
        if (kept := change(noted)) is not None:
            found.append(kept)
    return found


def without(*names: str) -> Callable[[Manifest], Manifest | None]:
    return lambda one: None if one.name in names else one


def messages(demo: tuple[Fleet, tuple[Manifest, ...]], objects: list[Manifest]) -> list[str]:
    return [one.message for one in directory_findings(demo[0], directories(demo[0], objects))]


def test_a_whole_directory_is_no_finding(demo: tuple[Fleet, tuple[Manifest, ...]]) -> None:
    assert messages(demo, held(demo)) == []


@pytest.mark.parametrize(
    "name",
    [
        "directory-cells",
        "directory-00",
        "directory-63",
        "directory-history",
        "directory-history-homes-0",
    ],
)
def test_a_part_that_is_missing_is_named(
    demo: tuple[Fleet, tuple[Manifest, ...]], name: str
) -> None:
    (message,) = messages(demo, held(demo, without(name)))
    assert f"the directory in cluster local is not whole (missing: {name})" in message


@pytest.mark.parametrize("label", ["cellwright.dev/directory", "cellwright.dev/history"])
def test_a_part_without_its_label_is_missing(
    demo: tuple[Fleet, tuple[Manifest, ...]], label: str
) -> None:
    def unlabelled(one: Manifest) -> Manifest:
        body = json.loads(json.dumps(one.body, default=str))
        body["metadata"].get("labels", {}).pop(label, None)
        return replace(one, body=body, given=None)

    assert "missing" in messages(demo, held(demo, unlabelled))[0]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("directory-07", {"table": "190000 ,a=b,\n"}),
        ("directory-51", {}),
        ("directory-cells", {"cells": ""}),
        ("directory-history", {"history": "last-id 5\nwith directory-history-homes-0\n"}),
        ("directory-history-homes-0", {"history": ""}),
    ],
)
def test_a_part_that_was_changed_by_hand_is_named(
    demo: tuple[Fleet, tuple[Manifest, ...]], name: str, data: dict[str, str]
) -> None:
    def changed_by_hand(one: Manifest) -> Manifest:
        return (
            replace(one, body={**one.body, "data": data}, given=None) if one.name == name else one
        )

    (message,) = messages(demo, held(demo, changed_by_hand))
    assert f"changed by hand: {name})" in message


def test_all_of_it_may_be_gone(demo: tuple[Fleet, tuple[Manifest, ...]]) -> None:
    objects = held(demo, lambda one: None if one.kind == "ConfigMap" else one)
    (message,) = messages(demo, objects)
    assert "directory-cells, directory-00, directory-01 and 63 more" in message


def test_a_cell_that_was_ready_shows_that_there_was_one(
    demo: tuple[Fleet, tuple[Manifest, ...]],
) -> None:
    """Also where the directory's namespace was deleted with all that is in it."""

    def change(one: Manifest) -> Manifest | None:
        if "cellwright-directory" in (one.namespace, one.name):
            return None
        return changed(one, **STAMPED) if one.name == "cell-beta" else one

    assert len(messages(demo, held(demo, change))) == 1


def test_without_data_there_is_nothing_to_lose(
    demo: tuple[Fleet, tuple[Manifest, ...]],
) -> None:
    def change(one: Manifest) -> Manifest | None:
        return None if one.kind == "StatefulSet" or one.name == "directory-00" else one

    assert messages(demo, held(demo, change)) == []


def test_another_fleets_data_does_not_count(demo: tuple[Fleet, tuple[Manifest, ...]]) -> None:
    """A database of somebody else, in a namespace that is none of this fleet's cells."""

    def change(one: Manifest) -> Manifest | None:
        if one.kind != "StatefulSet":
            return None if one.name == "directory-00" else one
        body = {**one.body, "metadata": {**one.body["metadata"], "namespace": "other"}}
        return replace(one, body=body, given=None)

    assert messages(demo, held(demo, change)) == []


@pytest.mark.parametrize(
    ("result", "same", "count"),
    [
        ("running", True, 0),
        ("failed", True, 0),
        ("interrupted", True, 0),
        ("succeeded", True, 1),
        ("running", False, 1),
    ],
)
def test_the_run_that_left_it_so_may_go_on(
    demo: tuple[Fleet, tuple[Manifest, ...]], result: str, same: bool, count: int
) -> None:
    fleet, declared = demo
    digest = digest_of(declared, "local")
    said = {"result": result, "directory": digest if same else "another"}
    objects = held(demo, without("directory-07"), {LAST_RUN_ANNOTATION: json.dumps(said)})
    found = list(directory_findings(fleet, directories(fleet, objects), declared))
    assert len(found) == count


@pytest.mark.parametrize("note", ["", "{", "[]", '"a"', "null", "[" * 5000])
def test_a_note_that_can_not_be_read_allows_nothing(
    demo: tuple[Fleet, tuple[Manifest, ...]], note: str
) -> None:
    objects = held(demo, without("directory-07"), {**STAMPED, LAST_RUN_ANNOTATION: note})
    fleet, declared = demo
    assert list(directory_findings(fleet, directories(fleet, objects), declared))


def test_the_digest_is_of_the_tables_alone(demo: tuple[Fleet, tuple[Manifest, ...]]) -> None:
    _, declared = demo
    assert digest_of([], "local") == ""
    assert digest_of(declared, "elsewhere") == ""
    without_history = [one for one in declared if not one.name.startswith("directory-history")]
    assert digest_of(without_history, "local") == digest_of(declared, "local")
    less = [one for one in declared if one.name != "directory-07"]
    assert digest_of(less, "local") != digest_of(declared, "local")


def test_what_is_planned_for_the_fleet_is_what_is_expected() -> None:
    """The names of the parts are those that are rendered."""
    workspace = loaded(read(Path(ROOT)))
    stack = planned(workspace, [FLEET_STACK]).stacks[FLEET_STACK]
    names = {one.name for one in stack if one.kind == "ConfigMap"}
    assert {"directory-cells", "directory-00", "directory-63", "directory-history"} <= names
