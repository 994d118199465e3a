"""The record in a Lease: read from anything, written in one form."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cellwright.lease_record import (
    LEASE,
    STACKS,
    Holder,
    Record,
    Running,
    body_of,
    identity_of,
    parse_time,
    record_of,
)

THEN = datetime(2026, 11, 28, 3, 14, 5, 123456, tzinfo=UTC)
ENTRY = {
    "stack": "alpha",
    "holder": "h",
    "host": "build-7",
    "pid": 4711,
    "started": "2026-11-28T03:14:05Z",
}


def with_stacks(text: Any) -> dict[str, Any]:
    return {"metadata": {"annotations": {STACKS: text}}, "spec": {}}


def test_what_is_written_is_read() -> None:
    runs = (Running("alpha", "h", "a", None, THEN), Running("beta", "h", "a", 5, THEN))
    record = Record("h", THEN, THEN, 30, 7, runs)
    body = body_of(record, "there", None, {"a": "b"})
    assert record_of(body) == record
    assert body["spec"]["renewTime"] == "2026-11-28T03:14:05.123456Z"
    assert body["metadata"]["name"] == LEASE
    assert "resourceVersion" not in body["metadata"]


def test_what_others_wrote_into_the_metadata_stays() -> None:
    metadata = {
        "resourceVersion": "5",
        "uid": "u",
        "managedFields": [{}],
        "labels": {"theirs": "1"},
        "annotations": {"theirs": "2", STACKS: "[]"},
    }
    body = body_of(Record("h", THEN, THEN, 30, 1), "there", {"metadata": metadata}, {"ours": "3"})
    written = body["metadata"]
    assert (written["resourceVersion"], written["uid"]) == ("5", "u")
    assert written["labels"] == {"theirs": "1", "ours": "3"}
    assert written["annotations"]["theirs"] == "2"
    assert "managedFields" not in written


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"metadata": None, "spec": None},
        {"metadata": [], "spec": "x"},
        {"metadata": {"annotations": "x"}, "spec": {"holderIdentity": 5}},
        {"spec": {"leaseDurationSeconds": "30", "leaseTransitions": True, "renewTime": 5}},
        {"spec": {"leaseDurationSeconds": -1, "acquireTime": "yesterday", "renewTime": "9" * 99}},
        {"spec": {"acquireTime": "0001-01-01T00:00:00+23:59"}},
    ],
)
def test_a_lease_of_another_form_is_free_and_says_nothing(body: dict[str, Any]) -> None:
    assert record_of(body) == Record("", None, None, None, 0)


@pytest.mark.parametrize(
    "text",
    [
        None,
        5,
        "",
        "{",
        "{}",
        "5",
        "null",
        "[" * 100_000,
        "[" + "1" * 5000 + "]",
        json.dumps([ENTRY] * 3000),
        "[5, null, [], {}]",
    ],
)
def test_stacks_of_another_form_count_as_none(text: Any) -> None:
    assert record_of(with_stacks(text)).running == ()


@pytest.mark.parametrize(
    "change",
    [
        {"stack": ""},
        {"stack": 5},
        {"stack": "a" * 401},
        {"holder": None},
        {"host": "two\nlines"},
        {"host": "b\u202euild"},
        {"pid": "4711"},
        {"pid": True},
        {"pid": 0},
        {"pid": -1},
        {"started": "never"},
        {"started": None},
    ],
)
def test_an_entry_of_another_form_is_left_out_alone(change: dict[str, Any]) -> None:
    text = json.dumps([ENTRY | change, ENTRY])
    assert [run.stack for run in record_of(with_stacks(text)).running] == ["alpha"]


def test_many_entries_never_fill_the_annotation() -> None:
    long = ENTRY | {"stack": "s" * 400, "holder": "h" * 400, "host": "a" * 400}
    body = with_stacks(json.dumps([ENTRY | {"stack": f"s{number}"} for number in range(1000)]))
    assert record_of(body).running[-1].stack == "s999"
    record = record_of(with_stacks(json.dumps([long] * 190)))
    assert len(record.running) == 190
    for _ in range(20):
        record = Record("h", THEN, THEN, 30, 1, (*record.running, record.running[0]))
        body = dict(body_of(record, "there", None, {}))
        record = record_of(body)
        assert len(record.running) > 190
    assert len(record.running) == 200


def test_a_holder_is_shown_without_what_makes_it_unique() -> None:
    identity = identity_of("root", "build-7", 4711, "0123456789abcdef")
    shown = str(Holder(identity, THEN, THEN, ()))
    assert shown == "root@build-7 (pid 4711), since 2026-11-28 03:14:05 UTC"
    assert str(Holder("argocd", None, None, ())) == "argocd, since an unknown time"


def test_a_hostile_holder_acts_on_no_terminal() -> None:
    name = Holder("\x1b[2J\n" + "x" * 100_000, None, None, ()).name
    assert name.startswith("\\x1b[2J\\n")
    assert len(name) < 200


def test_a_user_of_any_name_has_an_identity() -> None:
    assert identity_of("jös\n", "h", 1, "0" * 16).isascii()


def test_times_are_those_of_kubernetes_and_pulumi() -> None:
    assert parse_time("2026-11-28T03:14:05.123456Z") == THEN
    assert parse_time("2026-11-28T04:14:05.123456+01:00") == THEN
    assert parse_time("") is None
    assert parse_time("2026-11-28") is None
    assert parse_time("2026-11-28T03:14:05") is None
