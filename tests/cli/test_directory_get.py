"""`directory get`, with a stand-in for kubectl and real git."""

import pytest

from tests.cli.conftest import Program
from tests.cli.standins import Cluster, World

CUSTOMERS = "organizations/customers.yaml"


def test_where_an_organization_is_since_when_and_why(program: Program, live: Cluster) -> None:
    program.commit()
    program.edit(CUSTOMERS, "cell: alpha", "cell: beta")
    program.commit("Move acme to beta")
    live.directory(program.organizations())
    done = program("directory", "get", "acme", "cellwright-staff")
    assert (done.code, done.err) == (0, "")
    acme, staff = done.rows
    assert [*acme[:3], acme[4]] == ["acme", "1001", "beta", "acme"]
    assert acme[-2:] == ["Tester", "Move acme to beta"]
    assert staff[-1] == "as it was"
    (found,) = program("directory", "get", "acme", "--format", "json").json
    assert found["definitions"] == {"cell": "beta", "state": "active"}
    assert (found["cell"], found["cluster"]) == ("beta", "local")
    assert int(found["version"]) == max(4701 + int(shard[-2:]) for shard in found["shards"])
    assert (found["path"], found["hosts"]) == ("acme", ["acme.example.com", "notes.acme.example"])
    assert len(found["shards"]) > 1
    assert found["since"]["subject"] == "Move acme to beta"


@pytest.mark.usefixtures("live")
def test_what_differs_from_the_definitions_is_said_on_both_sides(program: Program) -> None:
    program.commit()
    program.edit(CUSTOMERS, "cell: alpha", "cell: beta")
    program.commit("Move acme to beta")
    done = program("directory", "get", "acme")
    assert done.code == 0
    assert done.rows[0][-1] == "as it was", "since when it is what routers are told"
    assert done.err == (
        "acme: routers are told cell alpha (active), the definitions say cell beta (active)\n"
    )
    (program.root / CUSTOMERS).unlink()
    assert "the definitions declare it no longer" in program("directory", "get", "acme").err


@pytest.mark.usefixtures("live")
def test_get_without_names_tells_of_all(program: Program) -> None:
    program.commit()
    done = program("directory", "get", "--format", "json")
    assert done.code == 0
    names = [one["organization"] for one in done.json]
    assert names == sorted(one.name for one in program.organizations())
    assert all(one["since"]["subject"] == "as it was" for one in done.json)


@pytest.mark.usefixtures("live")
def test_get_of_many_does_not_ask_git(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    program.commit()
    monkeypatch.setattr("cellwright.cli.directory_entries._MOST_DATED", 3)
    done = program("directory", "get")
    assert done.code == 0
    assert "since when is not told: there are 12 organizations" in done.err
    assert program("directory", "get", "acme").err == ""


@pytest.mark.usefixtures("live")
def test_without_git_the_live_part_is_shown(program: Program) -> None:
    done = program("directory", "get", "acme")
    assert done.code == 0
    assert done.err == (
        "note: since when is not told: the workspace is in no git repository; "
        "`git init` and a commit begin its history\n"
    )
    assert done.rows[0][0] == "acme"
    program.git("init", "--quiet")
    assert "no commit yet" in program("directory", "get", "acme").err


@pytest.mark.usefixtures("live")
def test_when_git_is_missing_or_fails_the_live_part_is_shown(
    program: Program, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.commit()
    monkeypatch.setenv("PATH", str(world.folder))
    done = program("directory", "get", "acme")
    assert (done.code, done.rows[0][0]) == (0, "acme")
    assert "since when is not told: git is not on the PATH" in done.err
    fails = world.folder / "git"
    answers = "*rev-parse*) echo true;; *) echo broken >&2; exit 1;;"
    fails.write_text(f"#!/bin/sh\ncase $* in {answers} esac\n", "utf-8")
    fails.chmod(0o755)
    done = program("directory", "get", "acme")
    assert (done.code, done.rows[0][0]) == (0, "acme")
    assert "exit code 1: broken" in done.err


@pytest.mark.usefixtures("live")
def test_organizations_that_routers_are_not_told_of(program: Program) -> None:
    assert "did you mean 'acme'?" in program("directory", "get", "acmee").err
    assert program("directory", "get", "acmee").code == 1
    program("new", "organization", "duff")
    assert "`cellwright place --write`" in program("directory", "get", "duff").err
    program("place", "--write")
    done = program("directory", "get", "duff", "acme")
    assert done.code == 1
    assert "routers are not told of duff yet: `cellwright up`" in done.err
    assert done.rows[0][0] == "acme"


def test_a_malformed_shard_is_said(program: Program, live: Cluster) -> None:
    for one in live.objects[1:]:
        one["data"]["table"] = "acme\n"
    live.save()
    done = program("directory", "get", "acme")
    assert done.code == 1
    assert "is malformed; routers refuse it" in done.err
