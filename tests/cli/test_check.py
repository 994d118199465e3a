"""`check` in each of its forms."""

import json
from xml.etree import ElementTree as ET

from tests.cli.conftest import Program

WRONG = "apiVersion: cellwright/v1\nkind: Organization\nmetadata: {name: new}\nspec: {id: 0}\n"


def test_a_good_workspace_has_no_problems(program: Program) -> None:
    done = program("check")
    assert (done.code, done.out) == (0, "")
    assert done.err == "no problems in 3 cells and 12 organizations\n"


def test_a_check_tells_the_same_again_until_something_changes(program: Program) -> None:
    path = "organizations/new.yaml"
    program.write(path, WRONG.replace("id: 0", "id: 900"))
    first, again = program("check"), program("check")
    assert first == again
    assert first.err == (
        "no problems in 3 cells and 13 organizations\n"
        "1 not placed yet: run cellwright place --write\n"
    )
    program.write(path, WRONG)
    wrong, still_wrong = program("check"), program("check")
    assert wrong == still_wrong
    assert (wrong.code, wrong.err) == (1, "1 problem\n")
    assert "CW104" in wrong.out
    (program.root / path).unlink()
    assert program("check").err == "no problems in 3 cells and 12 organizations\n"


def test_problems_are_lines_in_order(program: Program) -> None:
    program.write("organizations/b.yaml", WRONG)
    program.write("organizations/a.yaml", "a: [\n")
    done = program("check")
    assert done.code == 1
    assert [line.split(":")[0] for line in done.out.splitlines()] == [
        "organizations/a.yaml",
        "organizations/b.yaml",
    ]
    assert done.out.splitlines()[1].startswith("organizations/b.yaml:4:12: CW104 spec.id: ")
    assert done.err == "2 problems\n"


def test_json_has_every_part_of_a_problem(program: Program) -> None:
    program.write("organizations/b.yaml", WRONG)
    done = program("check", "--format", "json")
    assert done.code == 1
    (one,) = done.json
    assert list(one) == ["file", "line", "column", "path", "code", "message", "hint"]
    assert (one["file"], one["line"], one["column"], one["path"], one["code"]) == (
        "organizations/b.yaml",
        4,
        12,
        "spec.id",
        "CW104",
    )


def test_sarif_and_junit_name_the_problem(program: Program) -> None:
    program.write("organizations/b.yaml", WRONG)
    sarif = program("check", "--format", "sarif")
    assert sarif.code == 1
    assert json.loads(sarif.out)["runs"][0]["results"][0]["ruleId"] == "CW104"
    junit = program("check", "--format", "junit")
    assert junit.code == 1
    suites = ET.fromstring(junit.out.encode())
    assert suites.get("failures") == "1"
    failed = [case.get("name") for case in suites[0] if len(case)]
    assert failed == ["organizations/b.yaml"]


def test_a_hostile_file_can_not_act_on_the_terminal(program: Program) -> None:
    program.write("organizations/a\x1b[2J\n.yaml", '"\\e[31m": 1\n')
    done = program("check")
    assert done.code == 1
    assert "\x1b" not in done.out
    assert len(done.out.splitlines()) == len(json.loads(program("check", "--format", "json").out))


def test_a_file_name_that_is_not_utf8_is_shown(program: Program) -> None:
    program.write("organizations/\udcff.yaml", "a: [\n")
    done = program("check", "--format", "json")
    assert done.json[0]["file"] == "organizations/\\xff.yaml"
    assert program("check").code == 1


def test_against_a_commit_what_never_changes_must_not_change(program: Program) -> None:
    program.commit()
    assert program("check", "--against", "HEAD").code == 0
    program.edit("cells/beta.yaml", "id: 2", "id: 7")
    program.edit("cells/fleet.yaml", "storage: 1Gi", "storage: 512Mi")
    assert program("check").code == 0
    done = program("check", "--against", "HEAD", "--format", "json")
    assert done.code == 1
    found = {(one["file"], one["code"]) for one in done.json}
    assert ("cells/beta.yaml", "CW401") in found
    assert {code for _, code in found} == {"CW401", "CW404"}


def test_against_a_commit_that_is_wrong_or_none_says_so(program: Program) -> None:
    program.write("organizations/b.yaml", WRONG)
    program.commit()
    (program.root / "organizations" / "b.yaml").unlink()
    done = program("check", "--against", "HEAD")
    assert (done.code, done.out) == (1, "")
    assert "the definitions at HEAD have problems: organizations/b.yaml:4:12: CW104" in done.err
    done = program("check", "--against", "no-such-branch")
    assert (done.code, done.out) == (1, "")
    assert "'no-such-branch' is no commit of git here" in done.err
