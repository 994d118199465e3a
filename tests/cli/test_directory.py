"""`directory wait`, `get` and `history`, with a stand-in for kubectl and real git."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from cellwright.edge.files import read
from cellwright.loading import load
from cellwright.model import Organization
from tests.cli.clusters import Cluster, Clusters, serves
from tests.cli.conftest import Done, Program

CUSTOMERS = "organizations/customers.yaml"


DUFF = """\
apiVersion: cellwright/v1
kind: Organization
metadata: {name: duff}
spec: {id: 7001, cell: HOME}
"""


def organizations(program: Program) -> Iterable[Organization]:
    fleet, _ = load(read(program.root))
    assert fleet is not None
    return fleet.organizations.values()


@pytest.fixture
def live(program: Program, clusters: Clusters) -> Cluster:
    """The demo's cluster, with the directory of the definitions."""
    made = clusters()
    made.directory(organizations(program))
    return made


def commit(program: Program, subject: str) -> None:
    program.git("add", "--all")
    program.git("commit", "--quiet", "--message", subject)


def rows(done: Done) -> list[list[str]]:
    """Return a table's lines, split where there are two spaces or more."""
    lines = done.out.splitlines()[1:]
    return [[one for one in line.split("  ") if one] for line in lines]


def answer(done: Done) -> Any:
    return json.loads(done.out)


# wait


def test_all_routers_serve_what_is_there(program: Program, live: Cluster) -> None:
    for cell in ("alpha", "beta", "gamma"):
        live.router(cell, serves(4704))
    done = program("directory", "wait")
    assert (done.code, done.out) == (0, "")
    assert done.err == "served by 3 routers: version 4704 (local)\n"


def test_a_router_that_comes_to_it_is_waited_for(program: Program, live: Cluster) -> None:
    live.router("alpha", serves(4705))
    live.router("beta", serves(4703), serves(4711, served=False), serves(4711))
    assert program("directory", "wait", "4705", "--timeout", "1m").code == 0
    assert (live.asked("alpha"), live.asked("beta")) == (1, 3), "who has it is not asked again"


def test_those_that_do_not_serve_it_are_named(program: Program, live: Cluster) -> None:
    live.router("alpha", serves(4704))
    live.router("alpha", serves(4704, served=False), name="router-2")
    live.router("beta", serves(4690, **{"directory-03": "half"}))
    live.router("gamma", "dial tcp 10.0.0.1:8405: connect: connection refused")
    done = program("directory", "wait", "--timeout", "0s")
    assert done.code == 1
    assert done.out.splitlines()[:2] == [
        "cell alpha, pod router-2, cluster local: HAProxy does not serve the table yet",
        "cell beta, pod router-1, cluster local: serves version 4690; refuses directory-03: half",
    ]
    assert "cell gamma, pod router-1, cluster local: kubectl get --raw" in done.out
    assert "connection refused" in done.out
    assert (
        done.err == "not within 0 s: version 4704 (local) was wanted; 3 behind, 4 routers found\n"
    )


def test_waiting_as_json(program: Program, live: Cluster) -> None:
    live.router("alpha", serves(4704))
    live.router("beta", serves(4690))
    done = program("directory", "wait", "4700", "--timeout", "0s", "--format", "json")
    behind = {"cluster": "local", "cell": "beta", "pod": "router-1", "version": 4690}
    assert done.code == 1
    assert answer(done) == {
        "versions": {"local": 4700},
        "routers": 2,
        "behind": [{**behind, "seen": "serves version 4690"}],
    }


def test_pods_that_have_no_table_are_not_asked(program: Program, live: Cluster) -> None:
    """One that has ended, one that has not begun; and a pod of somebody else's."""
    live.router("alpha", serves(4704))
    live.router("alpha", name="ended", phase="Succeeded")
    live.router("beta", name="coming", phase="Pending")
    live.router("elsewhere", serves(1))
    assert program("directory", "wait", "--timeout", "0s").code == 0
    live.router(
        "beta",
        serves(1),
        name="starting",
        phase="Pending",
        initContainerStatuses=[{"name": "agent", "state": {"running": {}}}],
    )
    done = program("directory", "wait", "--timeout", "0s")
    assert (done.code, done.out) == (
        1,
        "cell beta, pod starting, cluster local: serves version 1\n",
    )


@pytest.mark.parametrize("said", [serves(0), {}, [], {"resource_version": "x"}])
def test_what_has_no_version_does_not_serve_it(program: Program, live: Cluster, said: Any) -> None:
    live.router("alpha", said)
    assert program("directory", "wait", "1", "--timeout", "0s").code == 1


def test_no_router_and_no_directory_are_said(program: Program, clusters: Clusters) -> None:
    made = clusters()
    done = program("directory", "wait", "--timeout", "0s")
    assert (done.code, done.out) == (
        1,
        "cluster local: there is no directory; `cellwright up` applies the fleet's stack\n",
    )
    made.directory(organizations(program))
    done = program("directory", "wait", "--timeout", "0s")
    assert (done.code, done.out) == (1, "cluster local: there is no router\n")


@pytest.fixture
def two(program: Program, clusters: Clusters) -> tuple[Cluster, Clusters]:
    """A fleet whose cell gamma is in another cluster, which is away."""
    program.edit("cells/fleet.yaml", "local: {}", "local: {context: here}\n    far: {context: far}")
    program.edit(
        "cells/gamma.yaml",
        "cluster: local",
        "cluster: far\n  routerAddress: {host: gamma.example.com, port: 443}",
    )
    here = clusters("here")
    here.directory(organizations(program))
    here.router("alpha", serves(4704))
    return here, clusters


@pytest.mark.usefixtures("two")
def test_a_cluster_that_is_away_is_named(program: Program) -> None:
    done = program("directory", "wait", "--timeout", "0s")
    assert done.code == 1
    assert done.out.startswith("cluster far: kubectl --context far")
    assert program("directory", "wait", "--timeout", "0s", "--cluster", "local").code == 0
    got = program("directory", "get", "acme")
    assert got.code == 1
    assert "cluster far does not answer" in got.err
    assert rows(got)[0][0] == "acme"


def test_each_cluster_has_versions_of_its_own(
    program: Program, two: tuple[Cluster, Clusters]
) -> None:
    _, clusters = two
    far = clusters("far")
    far.directory(organizations(program), version=90)
    far.router("gamma", serves(94))
    done = program("directory", "wait")
    assert (done.code, done.err) == (0, "served by 2 routers: version 94 (far), 4704 (local)\n")
    done = program("directory", "wait", "4704")
    assert done.code == 2
    assert "--cluster says of which it is one (far, local)" in done.err
    assert program("directory", "wait", "4704", "--cluster", "local").code == 0
    got = answer(program("directory", "get", "acme", "--format", "json"))
    assert [one["cluster"] for one in got] == ["far", "local"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("wait", "now"), 2, "'now' is no resourceVersion, which is a whole number such as 4711"),
        (("wait", "-1"), 2, "usage"),
        (("wait", "--timeout", "soon"), 2, "'soon' is no duration such as 90s, 2m or 1h"),
        (("wait", "--cluster", "locl"), 1, "no cell is in cluster 'locl' (did you mean 'local'?)"),
        ((), 2, "wait|get|history"),
        (("history",), 2, "ORG"),
    ],
)
def test_wrong_usage(program: Program, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = program("directory", *arguments)
    assert (done.code, said in done.err) == (code, True), done.err


# get


def test_where_an_organization_is_since_when_and_why(program: Program, live: Cluster) -> None:
    program.commit()
    program.edit(CUSTOMERS, "cell: alpha", "cell: beta")
    commit(program, "Move acme to beta")
    live.directory(organizations(program))
    done = program("directory", "get", "acme", "cellwright-staff")
    assert (done.code, done.err) == (0, "")
    acme, staff = rows(done)
    assert [*acme[:3], acme[4]] == ["acme", "1001", "beta", "acme"]
    assert acme[-2:] == ["Tester", "Move acme to beta"]
    assert staff[-1] == "as it was"
    (found,) = answer(program("directory", "get", "acme", "--format", "json"))
    assert found["definitions"] == {"cell": "beta", "state": "active"}
    assert (found["cell"], found["cluster"]) == ("beta", "local")
    assert int(found["version"]) == 4701 + int(found["shard"][-2:])
    assert found["since"]["subject"] == "Move acme to beta"


@pytest.mark.usefixtures("live")
def test_what_differs_from_the_definitions_is_said_on_both_sides(program: Program) -> None:
    program.commit()
    program.edit(CUSTOMERS, "cell: alpha", "cell: beta")
    commit(program, "Move acme to beta")
    done = program("directory", "get", "acme")
    assert done.code == 0
    assert rows(done)[0][-1] == "as it was", "since when it is what routers are told"
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
    names = [one["organization"] for one in answer(done)]
    assert names == sorted(one.name for one in organizations(program))
    assert all(one["since"]["subject"] == "as it was" for one in answer(done))


@pytest.mark.usefixtures("live")
def test_get_of_many_does_not_ask_git(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    program.commit()
    monkeypatch.setattr("cellwright.cli.told._MOST_DATED", 3)
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
    assert rows(done)[0][0] == "acme"
    program.git("init", "--quiet")
    assert "no commit yet" in program("directory", "get", "acme").err


@pytest.mark.usefixtures("live")
def test_when_git_is_missing_or_fails_the_live_part_is_shown(
    program: Program, clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.commit()
    monkeypatch.setenv("PATH", str(clusters.folder))
    done = program("directory", "get", "acme")
    assert (done.code, rows(done)[0][0]) == (0, "acme")
    assert "since when is not told: git is not on the PATH" in done.err
    fails = clusters.folder / "git"
    fails.write_text("#!/bin/sh\n[ $1 = rev-parse ] && echo true || { echo broken >&2; exit 1; }\n")
    fails.chmod(0o755)
    done = program("directory", "get", "acme")
    assert (done.code, rows(done)[0][0]) == (0, "acme")
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
    assert rows(done)[0][0] == "acme"


def test_a_malformed_shard_is_said(program: Program, live: Cluster) -> None:
    for one in live.configmaps[1:]:
        one["data"]["table"] = "acme\n"
    live.save()
    done = program("directory", "get", "acme")
    assert done.code == 1
    assert "is malformed; routers refuse it" in done.err


# history


def past(program: Program, organization: str) -> list[tuple[str, str, str]]:
    """Return cell, state and subject of each change, the newest first."""
    done = program("directory", "history", organization)
    assert done.code == 0, done.err
    return [(row[1].strip(), row[2].strip(), row[-1].strip()) for row in rows(done)]


def test_history_of_a_yaml_document(program: Program) -> None:
    """What happens to others in the same file is not part of it."""
    program.commit()
    program.edit(CUSTOMERS, "cell: alpha", "cell: beta")
    commit(program, "Move acme")
    program.edit(CUSTOMERS, "id: 1003\n  cell: beta", "id: 1003\n  cell: alpha")
    commit(program, "Move initech")
    program.edit(CUSTOMERS, "cell: beta\n  hosts", "cell: beta\n  state: suspended\n  hosts")
    commit(program, "Suspend acme")
    assert past(program, "acme") == [
        ("beta", "suspended", "Suspend acme"),
        ("beta", "active", "Move acme"),
        ("alpha", "active", "as it was"),
    ]
    assert past(program, "initech")[0] == ("alpha", "active", "Move initech")


def test_history_of_a_json_line(program: Program) -> None:
    program.commit()
    program.edit("organizations/trials.jsonl", '"cell": "gamma"}}', '"cell": "beta"}}')
    commit(program, "Empty gamma")
    assert past(program, "wayne") == [
        ("beta", "active", "Empty gamma"),
        ("gamma", "active", "as it was"),
    ]


def test_history_of_a_line_of_the_ledger(program: Program) -> None:
    program.commit()
    program("new", "organization", "duff")
    commit(program, "Add duff")
    program("place", "--write")
    commit(program, "Place duff")
    program.write("organizations/assignments.csv", "organization,cell\nduff,gamma\n")
    commit(program, "Place duff elsewhere")
    assert past(program, "duff") == [
        ("gamma", "active", "Place duff elsewhere"),
        ("alpha", "active", "Place duff"),
        ("-", "active", "Add duff"),
    ]


def test_history_goes_on_in_another_file(program: Program) -> None:
    program.commit()
    documents = (program.root / CUSTOMERS).read_text().split("---\n")
    program.write(CUSTOMERS, "---\n".join(documents[1:]))
    program.write("organizations/acme.yaml", documents[0])
    commit(program, "A file for acme")
    program.edit("organizations/acme.yaml", "cell: alpha", "cell: beta")
    commit(program, "Move acme")
    (program.root / "organizations/acme.yaml").unlink()
    commit(program, "Acme is gone")
    assert past(program, "acme") == [
        ("-", "not declared", "Acme is gone"),
        ("beta", "active", "Move acme"),
        ("alpha", "active", "as it was"),
    ]


def test_a_change_counts_when_it_is_merged(program: Program) -> None:
    program.commit()
    program.git("checkout", "--quiet", "-b", "topic")
    program.edit(CUSTOMERS, "cell: alpha", "cell: gamma")
    commit(program, "First thought")
    program.edit(CUSTOMERS, "cell: gamma\n  hosts", "cell: beta\n  hosts")
    commit(program, "Second thought")
    program.git("checkout", "--quiet", "-")
    program.git("commit", "--quiet", "--allow-empty", "--message", "Meanwhile")
    program.git("merge", "--quiet", "--no-ff", "--message", "Merge the move of acme", "topic")
    assert past(program, "acme") == [
        ("beta", "active", "Merge the move of acme"),
        ("alpha", "active", "as it was"),
    ]


def test_what_people_write_into_commits_and_names_of_files_is_harmless(program: Program) -> None:
    program.commit()
    program.write("organizations/:commit *.yaml", DUFF.replace("HOME", "beta"))
    commit(program, "A\x01name\x02 \x1b[31mred")
    program.write("organizations/:commit *.yaml", DUFF.replace("HOME", "alpha"))
    commit(program, "again")
    done = program("directory", "history", "duff")
    assert "A\\x01name\\x02 \\x1b[31mred" in done.out
    assert [one[0] for one in past(program, "duff")] == ["alpha", "beta"]


def test_a_commit_that_can_t_be_read_changed_nothing(program: Program) -> None:
    program.commit()
    before = (program.root / CUSTOMERS).read_text()
    program.edit(CUSTOMERS, "cell: alpha", "cell: [alpha")
    commit(program, "A slip")
    program.write(CUSTOMERS, before.replace("cell: alpha", "cell: beta"))
    commit(program, "Mended and moved")
    assert [one[2] for one in past(program, "acme")] == ["Mended and moved", "as it was"]


def test_what_is_not_committed_is_said(program: Program) -> None:
    program.commit()
    program.edit(CUSTOMERS, "cell: alpha", "cell: beta")
    done = program("directory", "history", "acme")
    assert done.code == 0
    assert done.err == "acme: not committed yet: cell beta (active)\n"
    program("new", "organization", "duff", "--cell", "beta")
    done = program("directory", "history", "duff")
    assert (done.code, done.out) == (0, "")
    assert done.err == "duff: not committed yet: cell beta (active)\n"


def test_history_as_json(program: Program) -> None:
    program.commit()
    program.edit(CUSTOMERS, "cell: alpha", "cell: beta")
    commit(program, "Move acme")
    newest, first = answer(program("directory", "history", "acme", "--format", "json"))
    assert newest["subject"] == "Move acme"
    assert (newest["before"], newest["after"]) == (
        {"cell": "alpha", "state": "active"},
        {"cell": "beta", "state": "active"},
    )
    assert first["before"] is None
    assert first["author"] == "Tester"
    assert len(first["commit"]) == 40
    assert first["date"][:2] == "20"


def test_history_needs_git_and_an_organization(program: Program) -> None:
    done = program("directory", "history", "acme")
    assert done.code == 1
    assert "`git init` and a commit begin its history" in done.err
    program.commit()
    done = program("directory", "history", "acmee")
    assert done.code == 1
    assert "no organization 'acmee' was ever declared (did you mean 'acme'?)" in done.err


def test_a_shallow_clone_is_said(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    program.commit()
    program.git("commit", "--quiet", "--allow-empty", "--message", "More")
    program.git("clone", "--quiet", "--depth", "1", f"file://{program.root}", "../shallow")
    monkeypatch.chdir(program.root.parent / "shallow")
    done = program("directory", "history", "acme")
    assert done.code == 0
    assert "shallow clone" in done.err


def test_a_workspace_below_the_repository(program: Program) -> None:
    top = Program(program.root.parent, program.capsys)
    top.write(".gitignore", "cache\n")
    top.commit()
    program.edit(CUSTOMERS, "cell: alpha", "cell: beta")
    commit(program, "Move acme")
    assert [one[2] for one in past(program, "acme")] == ["Move acme", "as it was"]
