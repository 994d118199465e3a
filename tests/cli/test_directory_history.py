"""`directory history`, with real git."""

import pytest

from tests.cli.conftest import Program

CUSTOMERS = "organizations/customers.yaml"
DUFF = """\
apiVersion: cellwright/v1
kind: Organization
metadata: {name: duff}
spec: {id: 7001, cell: HOME}
"""


def past(program: Program, organization: str) -> list[tuple[str, str, str]]:
    """Return cell, state and subject of each change, the newest first."""
    done = program("directory", "history", organization)
    assert done.code == 0, done.err
    return [(row[1].strip(), row[2].strip(), row[-1].strip()) for row in done.rows]


def test_history_of_a_yaml_document(program: Program) -> None:
    """What happens to others in the same file is not part of it."""
    program.commit()
    program.edit(CUSTOMERS, "cell: alpha", "cell: beta")
    program.commit("Move acme")
    program.edit(CUSTOMERS, "id: 1003\n  cell: beta", "id: 1003\n  cell: alpha")
    program.commit("Move initech")
    program.edit(CUSTOMERS, "cell: beta\n  hosts", "cell: beta\n  state: suspended\n  hosts")
    program.commit("Suspend acme")
    assert past(program, "acme") == [
        ("beta", "suspended", "Suspend acme"),
        ("beta", "active", "Move acme"),
        ("alpha", "active", "as it was"),
    ]
    assert past(program, "initech")[0] == ("alpha", "active", "Move initech")


def test_history_of_a_json_line(program: Program) -> None:
    program.commit()
    program.edit("organizations/trials.jsonl", '"cell": "gamma"}}', '"cell": "beta"}}')
    program.commit("Empty gamma")
    assert past(program, "wayne") == [
        ("beta", "active", "Empty gamma"),
        ("gamma", "active", "as it was"),
    ]


def test_history_of_a_line_of_the_ledger(program: Program) -> None:
    program.commit()
    program("new", "organization", "duff")
    program.commit("Add duff")
    program("place", "--write")
    program.commit("Place duff")
    program.write("organizations/assignments.csv", "organization,cell\nduff,gamma\n")
    program.commit("Place duff elsewhere")
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
    program.commit("A file for acme")
    program.edit("organizations/acme.yaml", "cell: alpha", "cell: beta")
    program.commit("Move acme")
    (program.root / "organizations/acme.yaml").unlink()
    program.commit("Acme is gone")
    assert past(program, "acme") == [
        ("-", "not declared", "Acme is gone"),
        ("beta", "active", "Move acme"),
        ("alpha", "active", "as it was"),
    ]


def test_a_change_counts_when_it_is_merged(program: Program) -> None:
    program.commit()
    program.git("checkout", "--quiet", "-b", "topic")
    program.edit(CUSTOMERS, "cell: alpha", "cell: gamma")
    program.commit("First thought")
    program.edit(CUSTOMERS, "cell: gamma\n  hosts", "cell: beta\n  hosts")
    program.commit("Second thought")
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
    program.commit("A\x01name\x02 \x1b[31mred")
    program.write("organizations/:commit *.yaml", DUFF.replace("HOME", "alpha"))
    program.commit("again")
    done = program("directory", "history", "duff")
    assert "A\\x01name\\x02 \\x1b[31mred" in done.out
    assert [one[0] for one in past(program, "duff")] == ["alpha", "beta"]


def test_a_commit_that_can_t_be_read_changed_nothing(program: Program) -> None:
    program.commit()
    before = (program.root / CUSTOMERS).read_text()
    program.edit(CUSTOMERS, "cell: alpha", "cell: [alpha")
    program.commit("A slip")
    program.write(CUSTOMERS, before.replace("cell: alpha", "cell: beta"))
    program.commit("Mended and moved")
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
    program.commit("Move acme")
    newest, first = program("directory", "history", "acme", "--format", "json").json
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
    top.commit("Move acme")
    assert [one[2] for one in past(program, "acme")] == ["Move acme", "as it was"]
