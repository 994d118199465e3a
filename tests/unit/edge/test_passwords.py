"""What the script in a Postgres' container is told, and how long it is asked again."""

import hashlib
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cellwright.edge.failure import CommandError
from cellwright.edge.files import read
from cellwright.edge.process import Interrupts, Result
from cellwright.edge.up import passwords
from cellwright.edge.up.passwords import require_sources, set_passwords
from cellwright.edge.up.reading import Situation
from cellwright.fleet_secrets import first_secrets
from cellwright.plan import plan
from cellwright.secret_state import State
from tests.fleets import ROOT as WORKSPACE

SECRETS = first_secrets(bytes(range(32)))
USE = State("1.1").begun("1.2").next
PLAN = plan(read(WORKSPACE))
NOT_YET = Result(75, "", "cellwright: /etc/cellwright/passwords/app is not as it is to be yet\n")


@dataclass
class Cluster:
    """Answers in turn what is run in a pod, and keeps what was asked."""

    answers: list[Result]
    given: list[tuple[Any, ...]] = field(default_factory=list)
    patches: list[tuple[Any, ...]] = field(default_factory=list)

    def patch(self, *asked: Any, **more: Any) -> None:
        self.patches.append((*asked, more))

    command = ("kubectl",)

    def run(self, command: Sequence[str], *, given: str, **_: Any) -> Result:
        self.given.append((*command, given))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def situation() -> Situation:
    """Return what is asked of a situation."""
    told = SimpleNamespace(
        fleet=PLAN.fleet,
        manifests=PLAN.stacks,
        secrets_of=lambda cell: SECRETS.of_cell(cell, USE),
    )
    return cast("Situation", told)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what sets the passwords of cell beta in a cluster that answers so."""
    monkeypatch.setattr(passwords, "_PAUSE", 0)

    def begin(*answers: Result, interrupts: Interrupts | None = None) -> Cluster:
        cluster = Cluster(list(answers))
        monkeypatch.setattr(passwords, "Kubectl", lambda _: cluster)
        monkeypatch.setattr(passwords, "run", cluster.run)
        assert set_passwords(situation(), "beta", interrupts or Interrupts())
        return cluster

    return begin


def test_digests_of_the_new_passwords_are_told_until_they_are_there(run: Any) -> None:
    cluster = run(NOT_YET, NOT_YET, Result(0, "", ""))
    value = SECRETS.of_cell("beta", State("1.2")).value
    lines = [
        f"{role} {hashlib.sha256(value(f'cell/beta/postgres-{role}').encode()).hexdigest()}\n"
        for role in ("app", "owner", "placement", "replication")
    ]
    where = "kubectl exec --stdin --namespace cell-beta postgres-0 --container postgres --"
    command = (*where.split(), "entrypoint", "set-roles")
    assert cluster.given == [(*command, "".join(lines))] * 3
    note = {"metadata": {"annotations": {"cellwright.dev/secrets": "1.1>1.2 use"}}}
    assert cluster.patches == [("pod", "postgres-0", note, {"namespace": "cell-beta"})]


def test_what_fails_is_told(run: Any) -> None:
    failed = Result(1, "", "psql: error\ncellwright: the roles could not be set; see above\n")
    with pytest.raises(CommandError, match="cell beta are not set: cellwright: the roles could"):
        run(NOT_YET, failed)


def test_an_interrupt_ends_the_wait(run: Any) -> None:
    interrupts = Interrupts()
    interrupts.interrupt()
    with pytest.raises(CommandError, match="is not as it is to be yet"):
        run(NOT_YET, interrupts=interrupts)


def other(source: dict[str, Any]) -> Situation:
    """Return a situation whose Postgres has its passwords from something else."""
    asked = situation()
    stacks = {
        cell: tuple(
            replace(one, body=_with_volume(one.body, source)) if one.kind == "StatefulSet" else one
            for one in manifests
        )
        for cell, manifests in PLAN.stacks.items()
    }
    return cast("Situation", SimpleNamespace(fleet=asked.fleet, manifests=stacks))


def _with_volume(body: Any, source: dict[str, Any]) -> Any:
    made = deepcopy(body)
    made["spec"]["template"]["spec"]["volumes"] = [{"name": "passwords", **source}]
    return made


def test_passwords_of_the_demo_can_be_set() -> None:
    require_sources(situation(), "beta")


@pytest.mark.parametrize(
    "source",
    [
        {"secret": {"secretName": "postgres"}},
        {"projected": {"sources": [{"configMap": {"name": "postgres"}}]}},
        {"projected": {"sources": [{"secret": {"name": "elsewhere", "items": [{"key": "a"}]}}]}},
        {"projected": {"sources": [{"secret": {"name": "postgres"}}]}},
        {"projected": {"sources": []}},
    ],
)
def test_other_sources_of_passwords_are_refused_before_anything_changes(
    source: dict[str, Any],
) -> None:
    with pytest.raises(CommandError, match="passwords of cell beta can't be set: volume passwords"):
        require_sources(other(source), "beta")
