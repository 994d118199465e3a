"""Which step of a retirement is next."""

from dataclasses import replace

import pytest

from cellwright.retirement import Record, Resource, Retiree, Step, next_step, record_in, residents
from tests.fleets import cell

QUARANTINED = cell("delta", 4, ring=-1, draining=True)
NAMESPACE = Resource("Namespace", "cell-delta", protect=False, retain=True)
APP = Resource("Deployment", "cell-delta/app", protect=False, retain=False)
READY = Retiree(
    name="delta",
    cluster="local",
    namespace="cell-delta",
    declared=QUARANTINED,
    organizations=(),
    ring="quarantine",
    applied="today",
    is_current=True,
    resources=(NAMESPACE, APP),
    running=("Deployment app", "Pod app-1"),
    record=None,
)
SAID = Record("s3://backups/delta", "ann@desk", "2031-05-01T12:00:00Z", "today")


def test_the_backup_of_an_empty_cell_in_quarantine_is_next() -> None:
    assert next_step(READY).step == Step.BACKUP


@pytest.mark.parametrize(
    ("changed", "step", "told"),
    [
        ({"organizations": ("acme",)}, Step.DRAIN, "1 organization on it: acme"),
        ({"declared": replace(QUARANTINED, draining=False)}, Step.DRAIN, "draining: true"),
        ({"declared": replace(QUARANTINED, ring=1)}, Step.QUARANTINE, "ring 1"),
        ({"ring": "1"}, Step.QUARANTINE, "in ring 1 still"),
        ({"ring": ""}, Step.QUARANTINE, "ring (none)"),
        ({"is_current": False}, Step.QUARANTINE, "not applied"),
        (
            {"resources": (replace(NAMESPACE, protect=True),)},
            Step.QUARANTINE,
            "protects Namespace cell-delta",
        ),
        ({"resources": None}, Step.DESTROY, "no stack"),
    ],
)
def test_a_step_that_is_not_done_says_why_and_what_to_do(
    changed: dict[str, object], step: Step, told: str
) -> None:
    todo = next_step(replace(READY, record=SAID, **changed))  # type: ignore[arg-type]
    assert todo.step == step
    assert told in todo.why
    assert todo.hint


def test_organizations_come_before_everything_else() -> None:
    undeclared = replace(READY, declared=None, organizations=("acme",), ring=None, running=())
    assert next_step(undeclared).step == Step.DRAIN


def test_what_was_said_of_a_backup_counts_for_what_was_applied_then() -> None:
    assert next_step(replace(READY, record=SAID)).step == Step.DESTROY
    assert next_step(replace(READY, record=replace(SAID, applied="last year"))).step == Step.BACKUP


def test_a_cell_that_came_back_needs_a_backup_again() -> None:
    begun = replace(SAID, begun=True, applied="last year")
    assert next_step(replace(READY, record=begun)).step == Step.BACKUP


def test_a_run_that_was_killed_is_gone_on_with() -> None:
    killed = replace(READY, record=replace(SAID, begun=True), applied="", is_current=False)
    assert next_step(killed).step == Step.DESTROY
    assert not next_step(killed).why
    without_namespace = replace(READY, ring=None, applied="", is_current=False, running=())
    assert next_step(without_namespace).step == Step.DESTROY


def test_an_empty_stack_is_removed_and_then_all_is_done() -> None:
    destroyed = replace(READY, resources=(), running=(), applied="", is_current=False)
    assert next_step(destroyed).step == Step.REMOVE_STACK
    assert next_step(replace(destroyed, resources=None)).step == Step.DONE


def test_a_cell_that_is_declared_no_more_has_to_be_in_quarantine() -> None:
    undeclared = replace(READY, declared=None, is_current=False)
    assert next_step(undeclared).step == Step.BACKUP
    todo = next_step(replace(undeclared, ring="1"))
    assert todo.step == Step.QUARANTINE
    assert "declare it again" in todo.hint


def test_the_volume_stays_with_a_namespace_that_is_retained() -> None:
    assert READY.keeps_volume
    assert not replace(READY, resources=(replace(NAMESPACE, retain=False), APP)).keeps_volume
    assert replace(READY, resources=None).keeps_volume
    assert not replace(READY, resources=(), ring=None).keeps_volume


def test_a_record_is_read_as_it_was_written() -> None:
    assert record_in(replace(SAID, begun=True).text()) == replace(SAID, begun=True)


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "null", '{"backup": "s3://"}', "7"])
def test_what_is_no_record_counts_as_none(text: str) -> None:
    assert record_in(text) is None


def test_organizations_of_either_side_live_there() -> None:
    declared = {"acme": ("alpha", "alpha"), "globex": ("alpha", "delta"), "initech": (None, None)}
    live = {"acme": {"alpha", "delta"}, "globex": {"delta"}, "hooli": {"alpha"}}
    assert residents("delta", declared, live) == ("acme (by the directory)", "globex")
