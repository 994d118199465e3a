"""Every verb and the Pulumi program name the same problems in the same words, byte for byte."""

from pathlib import Path

import pulumi
import pulumi.runtime
import pytest

from cellwright.cli.main import main
from cellwright.edge import program
from tests.mocks.recorder import Recorder

NEW = "apiVersion: cellwright/v1\nkind: Organization\nmetadata: {name: NAME}\nspec: {SPEC}\n"
HEAD = "apiVersion: v1\nkind: ConfigMap\n"
ASKS_FOR_NOTHING = f"{HEAD}metadata: {{name: a, namespace: {{{{ cell.reigon }}}}}}\n"
MISSPELT = f"{HEAD}metadata: {{name: b, namespace: {{{{ cell.namespace }}}}}}\ndta: {{}}\n"

VERBS = [
    ("render",),
    ("render", "--cell", "alpha"),
    ("render", "--out", "rendered"),
    ("diff",),
    ("diff", "--against", "live"),
    ("stacks",),
    ("up",),
]
WITHOUT_RENDERING = [
    ("check", "--definitions"),
    ("place",),
    ("place", "--write"),
    ("route", "acme"),
    ("route", "/o/acme/"),
    ("status",),
]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cache of others, and no program that a verb could call instead of telling."""
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/nowhere")


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def printed(root: Path, capsys: pytest.CaptureFixture[str], *verb: str) -> str:
    code = main(["--root", str(root), *verb])
    shown = capsys.readouterr()
    assert code == 1, (verb, shown)
    assert shown.err.splitlines()[0] == f"{len(shown.out.splitlines())} problems", verb
    return shown.out


def said_by_program(root: Path, stack: str) -> str:
    pulumi.runtime.set_mocks(Recorder(), project="cellwright", stack=stack)
    with pytest.raises(pulumi.RunError) as raised:
        pulumi.runtime.test(lambda: program.register(root))()
    head, *lines = str(raised.value).splitlines()
    assert head == f"{len(lines)} problems in the definitions:"
    assert all(line.startswith("  ") for line in lines)
    return "".join(f"{line[2:]}\n" for line in lines)


def test_broken_definitions(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(workspace, "organizations/a.yaml", "a: [\n")
    write(workspace, "organizations/b.yaml", "b: 1\nb: no\n")
    write(workspace, "organizations/c\x1b[2J\u2028.yaml", '"\\e[31m\\u202e": 1\n')
    write(workspace, "organizations/d.jsonl", '{"kind": "Organization", "x": "\\u0007"}\n')
    write(workspace, "cells/nobody-reads.txt", "")
    expected = printed(workspace, capsys, "check")
    assert len(expected.splitlines()) >= 6
    assert {"CW002", "CW003", "CW008"} <= {line.split(" ")[1] for line in expected.splitlines()}
    assert not {"\x1b", "\u202e", "\u2028"} & set(expected)
    for verb in (*VERBS, *WITHOUT_RENDERING):
        assert printed(workspace, capsys, *verb) == expected, verb
    for stack in ("alpha", "fleet", "no-such-stack"):
        assert said_by_program(workspace, stack) == expected, stack


def test_definitions_that_do_not_fit_together(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, spec in (
        ("same-id", "id: 1001"),
        ("nowhere", "id: 9001, cell: alhpa"),
        ("same-path", "id: 9002, path: acme, hosts: [acme.example.com]"),
    ):
        text = NEW.replace("NAME", name).replace("SPEC", spec)
        write(workspace, f"organizations/{name}.yaml", text)
    write(workspace, "organizations/assignments.csv", "organization,cell\nnobody,alpha\nx\n")
    expected = printed(workspace, capsys, "check")
    assert len(expected.splitlines()) == 4
    for verb in (*VERBS, *WITHOUT_RENDERING):
        assert printed(workspace, capsys, *verb) == expected, verb
    for stack in ("alpha", "fleet"):
        assert said_by_program(workspace, stack) == expected, stack


def test_templates_that_are_refused(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(workspace, "templates/extra/a.yaml.j2", "a: {{ cell.region | indent }}\n")
    write(workspace, "templates/extra/b.yaml.j2", "{% macro x() %}{% endmacro %}\n")
    expected = printed(workspace, capsys, "check")
    assert len(expected.splitlines()) == 2
    for verb in VERBS:
        assert printed(workspace, capsys, *verb) == expected, verb
    for stack in ("alpha", "fleet"):
        assert said_by_program(workspace, stack) == expected, stack


def test_templates_that_can_not_be_rendered(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of one stack renders that stack alone, and says so; the rest is the same."""
    write(workspace, "templates/extra/a.yaml.j2", ASKS_FOR_NOTHING)
    write(workspace, "templates/extra/b.yaml.j2", MISSPELT)
    expected = printed(workspace, capsys, "check")
    assert expected.count(", for alpha, beta, gamma") == 2
    for verb in VERBS:
        if "--cell" not in verb:
            assert printed(workspace, capsys, *verb) == expected, verb
    of_alpha = expected.replace(", for alpha, beta, gamma", ", for alpha")
    assert printed(workspace, capsys, "render", "--cell", "alpha") == of_alpha
    assert said_by_program(workspace, "alpha") == of_alpha
