"""What `retire` refuses before it asks Pulumi, and how undeclared cells are shown."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Program
from tests.cli.standins import Cluster, World


@pytest.fixture
def left(program: Program, cluster: Cluster) -> Program:
    """A workspace in which gamma is declared no more, and a cluster that holds it as a whole."""
    cluster.declared(program.root)
    (program.root / "cells" / "gamma.yaml").unlink()
    lines = (program.root / "organizations" / "customers.yaml").read_text("utf-8").split("---\n")
    kept = [one for one in lines if "cell: gamma" not in one]
    program.write("organizations/customers.yaml", "---\n".join(kept))
    trials = (program.root / "organizations" / "trials.jsonl").read_text("utf-8").splitlines()
    kept = [f"{one}\n" for one in trials if "gamma" not in one]
    program.write("organizations/trials.jsonl", "".join(kept))
    return program


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fleet"], "the directory of all cells is never retired"),
        (["../x"], "'../x' is not the name of a cell"),
        (["Alpha"], "'Alpha' is not the name of a cell"),
        (["alpha", "--backup-taken", " "], "say where the backup is"),
        (["alpha", "--backup-taken", "x" * 1001], "longer than 1000 characters"),
        (["alpha", "--backup-taken", "x", "--without-backup"], "not allowed with"),
        (["alpha", "--wait", "soon"], "'soon' is not a duration"),
        ([], "CELL"),
    ],
)
def test_wrong_usage_asks_nobody(
    program: Program, world: World, words: list[str], told: str
) -> None:
    done = program("retire", *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert world.pulumi == []


def test_a_cluster_that_is_away_is_an_error(program: Program, world: World) -> None:
    done = program("retire", "alpha", "--confirm", "alpha", "--without-backup")
    assert (done.code, done.out) == (1, "")
    assert "cluster local does not answer" in done.err
    assert world.pulumi == []


def test_definitions_with_problems_are_not_worked_with(program: Program, world: World) -> None:
    program.edit("cells/beta.yaml", "region: eu", "region: ue")
    done = program("retire", "alpha")
    assert done.code == 1
    assert "CW205" in done.out
    assert world.pulumi == []


def test_a_cell_that_is_declared_no_more_is_a_problem_of_check(left: Program) -> None:
    done = left("check", "--against", "live", "--format", "json")
    assert done.code == 1
    (problem,) = [one for one in done.json if one["code"] == "CW411"]
    assert (
        "cell gamma is declared no more and still there: Namespace cell-gamma"
        in (problem["message"])
    )
    assert problem["hint"] == "run: cellwright retire gamma"


def test_what_a_retired_cell_leaves_is_a_problem_until_it_is_gone(
    left: Program, cluster: Cluster
) -> None:
    def is_left(body: dict[str, Any]) -> bool:
        return "gamma" not in json.dumps(body["metadata"]) or body["kind"] == "Namespace"

    cluster.objects = [one for one in cluster.objects if is_left(one)]
    cluster.save()
    said = [one for one in left("check", "--against", "live").out.splitlines() if "CW411" in one]
    assert len(said) == 1
    assert "not quite gone: Namespace cell-gamma in cluster local (run" in said[0]
    cluster.objects = [one for one in cluster.objects if one["metadata"]["name"] != "cell-gamma"]
    cluster.save()
    assert "CW411" not in left("check", "--against", "live").out


def test_diff_names_it_in_a_section_of_its_own(left: Program) -> None:
    done = left("diff", "--against", "live")
    assert done.code == 16
    assert "cells no longer declared: 1\n  gamma: Namespace cell-gamma in cluster" in done.out
    (cell,) = left("diff", "--against", "live", "--format", "json").json["undeclaredCells"]
    assert (cell["name"], cell["id"]) == ("gamma", 3)
    assert "StatefulSet cell-gamma/postgres in cluster local" in cell["objects"]
    assert "no longer declared" not in left("diff", "--against", "live", "--cell", "alpha").out
