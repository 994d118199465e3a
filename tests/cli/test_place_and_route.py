"""`place` and `route`: where organizations live, and where requests go."""

import json

import pytest

from tests.cli.conftest import Program
from tests.tokens import token

HOMELESS = """\
apiVersion: cellwright/v1
kind: Organization
metadata: {name: new}
spec: {id: 2001, residency: [us]}
"""


def test_everybody_has_a_home(program: Program) -> None:
    done = program("place")
    assert (done.code, done.out, done.err) == (0, "", "every organization has a cell\n")


def test_a_choice_and_its_reasons(program: Program) -> None:
    program.write("organizations/new.yaml", HOMELESS)
    done = program("place")
    assert done.code == 0
    assert done.out == (
        "new -> gamma: the only cell that can take it\n"
        "    not alpha, beta: in region eu, not in us\n"
    )
    assert not (program.root / "organizations/assignments.csv").exists()


def test_choices_as_json(program: Program) -> None:
    program.write("organizations/new.yaml", HOMELESS)
    assert json.loads(program("place", "--format", "json").out) == [
        {
            "organization": "new",
            "cell": "gamma",
            "weight": 4,
            "capacity": 1000,
            "rejected": [{"reason": "in region eu, not in us", "cells": ["alpha", "beta"]}],
        }
    ]


def test_a_written_choice_stands(program: Program) -> None:
    program.write("organizations/new.yaml", HOMELESS)
    assert program("place", "--write").code == 0
    ledger = (program.root / "organizations/assignments.csv").read_text("utf-8")
    assert ledger == "organization,cell\nnew,gamma\n"


def test_nobody_can_take_it(program: Program) -> None:
    program.write("organizations/new.yaml", HOMELESS)
    program.edit("cells/gamma.yaml", "organizations: 1000", "organizations: 4")
    done = program("place", "--write")
    assert done.code == 1
    assert done.out.startswith("new -> no cell can take it\n")
    assert "not gamma: full" in done.out
    assert not (program.root / "organizations/assignments.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (
            ("acme",),
            0,
            "acme on cell alpha, reached by /o/acme/, acme.example.com, notes.acme.example, "  # noqa: ISC004 - one line
            "X-Organization: acme",
        ),
        (("https://acme.example.com/x",), 0, "acme on cell alpha, by host acme.example.com"),
        (("/o/staff/",), 0, "cellwright-staff on cell alpha, by path staff"),
        (("/", "--header", "X-Organization: globex"), 0, "globex on cell beta, by header globex"),
        (("/o/nobody/",), 1, "routers answer 404: no organization has the path 'nobody'"),
        (("/o/../x",), 1, "routers answer 400: the path can be read in two ways"),
    ],
)
def test_where_a_request_goes(
    program: Program, arguments: tuple[str, ...], code: int, line: str
) -> None:
    done = program("route", *arguments)
    assert (done.code, done.out) == (code, f"{line}\n")


def test_an_organization_in_maintenance_is_not_served(program: Program) -> None:
    program.edit("organizations/customers.yaml", "cell: alpha", "cell: alpha\n  state: maintenance")
    done = program("route", "/o/acme/")
    assert done.code == 1
    why = "the organization is in maintenance until further notice"
    assert done.out == f"routers answer 403: path acme, and {why}\n"
    assert program("route", "acme").code == 1
    program.edit(
        "organizations/customers.yaml",
        "state: maintenance",
        "state: maintenance\n  retryAfter: 15m",
    )
    done = program("route", "/o/acme/", "--format", "json")
    found = done.json
    assert (found["status"], found["retry_after"]) == (503, 900)


def test_an_override_is_told(program: Program) -> None:
    override = "override: {cell: beta, reason: a try}"
    program.edit("organizations/customers.yaml", "cell: alpha", f"cell: alpha\n  {override}")
    assert program("route", "/o/acme/").out == "acme on cell beta, by path acme, by override\n"
    assert "acme on cell alpha, sent to cell beta by override" in program("route", "acme").out
    for asked in ("acme", "/o/acme/"):
        assert program("route", asked, "--format", "json").json["override"] == "beta"


def test_a_cell_without_an_organization(program: Program) -> None:
    made = token("c:2")
    assert program("route", made).err == "cellwright route: the fleet has no rule for tokens\n"
    rules = "rules:\n      - by: cookie\n        cookie: session\n      - by: token"
    program.edit("cells/fleet.yaml", "rules:", rules)
    assert program("route", made).out == (
        "no organization on cell beta, by the token in Authorization\n"
    )
    done = program("route", "/", "--header", "Cookie: session=cell-2-x")
    assert done.out == "no organization on cell beta, by the cookie session\n"
    done = program("route", token("c:9"))
    assert done.code == 1
    assert "names cell 9, which there is not" in done.out


def test_a_homeless_organization_is_not_served(program: Program) -> None:
    program.write("organizations/new.yaml", HOMELESS)
    done = program("route", "new")
    assert (done.code, done.out) == (
        1,
        "new has no cell yet: cellwright place --write chooses one\n",
    )


def test_a_misspelt_organization(program: Program) -> None:
    done = program("route", "acmee")
    assert done.code == 1
    assert "no organization 'acmee' is declared (did you mean 'acme'?)" in done.err


def test_a_misspelt_organization_among_many(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cellwright.cli.route._MANY", 1)
    assert "did you mean 'acme'?" in program("route", "acmee").err
    assert program("route", "zzz").err.endswith("no organization 'zzz' is declared\n")


def test_routes_as_json(program: Program) -> None:
    found = json.loads(program("route", "/o/acme/", "--format", "json").out)
    assert (found["status"], found["cell"], found["rule"], found["id"]) == (
        200,
        "alpha",
        "path",
        1001,
    )
    assert (
        json.loads(program("route", "acme", "--format", "json").out)["entrances"][0] == "/o/acme/"
    )


def test_a_header_without_a_colon_is_wrong_usage(program: Program) -> None:
    assert program("route", "/", "--header", "nonsense").code == 2
