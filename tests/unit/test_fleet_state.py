"""What is said of a stack, and of the run that it had last."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cellwright.comparison import Differences
from cellwright.fleet_state import (
    LastRun,
    StackState,
    Undeclared,
    Volume,
    holds_since,
    is_of,
    last_run,
)
from cellwright.manifest import Manifest
from cellwright.reasons import Reason

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
WHY = Reason("cell-alpha", "Deployment", "app", "0 of 1 pod is ready", is_stuck=False)
BODY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "y"}}
MANIFEST = Manifest("alpha", "local", "", 0, 0, BODY)
MISSING = Differences(missing=(MANIFEST,), extra=(MANIFEST, MANIFEST))
FAILED = LastRun("failed", NOON, "root@ci")
RUNNING = LastRun("running", NOON, "")


def state(**said: Any) -> StackState:
    return StackState("alpha", "local", **said)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "ready"),
        ({"is_draining": True}, "draining"),
        ({"away": "no route", "is_there": False}, "unknown: cluster local does not answer"),
        ({"away": "secrets is forbidden"}, "unknown: cluster local refuses to tell"),
        ({"is_there": False, "differences": MISSING}, "absent"),
        ({"is_there": False, "keeps_volume": True}, "absent, its volume is kept"),
        ({"reasons": (WHY,)}, "not ready: Deployment app: 0 of 1 pod is ready"),
        (
            {"reasons": (WHY, WHY, WHY), "differences": MISSING},
            "not ready: Deployment app: 0 of 1 pod is ready (and 2 more)",
        ),
        ({"differences": MISSING, "last_run": FAILED}, "different: 1 missing, 2 extra"),
        ({"last_run": LastRun("succeeded", NOON, "")}, "ready"),
        ({"last_run": FAILED}, "last up failed at 2026-07-01 12:00:00 UTC"),
        ({"last_run": LastRun("failed", None, "")}, "last up failed at an unknown time"),
        (
            {"last_run": RUNNING, "is_applying": True},
            "an up is running since 2026-07-01 12:00:00 UTC",
        ),
        ({"last_run": RUNNING}, "an up was interrupted at 2026-07-01 12:00:00 UTC"),
        (
            {"last_run": LastRun("interrupted", NOON, "")},
            "an up was interrupted at 2026-07-01 12:00:00 UTC",
        ),
        ({"growing": "claim data: 1Gi of 2Gi", "volume": Volume(99)}, "claim data: 1Gi of 2Gi"),
        ({"volume": Volume(84)}, "ready"),
        ({"volume": Volume(85), "is_draining": True}, "volume 85 % full"),
        ({"volume": Volume(None, "df is not there")}, "ready"),
    ],
)
def test_the_most_important_thing_is_said(said: dict[str, Any], expected: str) -> None:
    found = state(**said)
    assert found.state == expected
    assert found.is_good == (expected in {"ready", "draining"})


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((True, True, True), "undeclared, being deleted"),
        ((True, True, False), "undeclared, still running"),
        ((False, True, False), "undeclared, its volume is kept"),
        ((False, False, False), "undeclared"),
    ],
)
def test_what_is_left_of_an_undeclared_cell(flags: tuple[bool, bool, bool], expected: str) -> None:
    assert Undeclared("old", "local", "cell-old", *flags).state == expected


def noted(text: str) -> Any:
    return {"metadata": {"name": "x", "annotations": {"cellwright.dev/last-run": text}}}


def test_a_note_of_the_last_run_is_read() -> None:
    said = {"result": "failed", "at": "2026-07-01T14:00:00+02:00", "by": "me@here", "digest": "x"}
    found = last_run(noted(json.dumps(said)))
    assert found == LastRun("failed", NOON, "me@here")
    assert found.since() == "2026-07-01 12:00:00 UTC"


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"x"', "null", "{}", "[" * 10_000])
def test_a_note_that_is_none_is_not_read(text: str) -> None:
    assert last_run(noted(text)) is None
    assert last_run({"metadata": {"name": "x", "annotations": None}}) is None


@pytest.mark.parametrize("at", ["yesterday", "2026-07-01T12:00:00", 7, None])
def test_a_time_that_is_none_is_unknown(at: object) -> None:
    assert last_run(noted(json.dumps({"result": "failed", "at": at}))) == LastRun(
        "failed", None, ""
    )


def lease(**spec: Any) -> Any:
    times = {"renewTime": "2026-07-01T12:00:00.123456Z", "acquireTime": "2026-07-01T11:00:00.5Z"}
    return {"spec": {"holderIdentity": "me", "leaseDurationSeconds": 30, **times, **spec}}


def test_a_lease_is_held_for_as_long_as_it_was_renewed() -> None:
    acquired = datetime(2026, 7, 1, 11, 0, 0, 500_000, tzinfo=UTC)
    assert holds_since(lease(), NOON + timedelta(seconds=30)) == acquired
    assert holds_since(lease(), NOON + timedelta(seconds=31)) is None
    assert holds_since(lease(acquireTime=None), NOON) == NOON + timedelta(microseconds=123_456)


@pytest.mark.parametrize(
    "spec",
    [
        {"holderIdentity": ""},
        {"holderIdentity": None},
        {"renewTime": "now"},
        {"renewTime": None},
        {"leaseDurationSeconds": None},
    ],
)
def test_a_lease_that_nobody_holds(spec: dict[str, Any]) -> None:
    assert holds_since(lease(**spec), NOON) is None


def test_a_run_is_that_of_the_holder_if_it_began_under_its_lease() -> None:
    assert is_of(RUNNING, NOON + timedelta(microseconds=900_000)), "notes have whole seconds"
    assert not is_of(RUNNING, NOON + timedelta(seconds=1))
    assert not is_of(RUNNING, None)
    assert not is_of(None, NOON)
