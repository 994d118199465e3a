# ruff: noqa: E501 - messages are long
"""What a workspace's own templates come to, in one run with everything else."""

from pathlib import Path

import pytest

from cellwright.edge.files import read
from cellwright.model import UnknownStackError
from cellwright.plan import plan
from tests.fleets import ROOT
from tests.workspaces import demo_in

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  namespace: {{ cell.namespace }}\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return demo_in(tmp_path)


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def problems(root: Path) -> list[str]:
    return [str(one) for one in plan(read(root)).problems]


def test_a_template_of_the_workspace_gives_a_manifest_for_each_cell(workspace: Path) -> None:
    write(workspace, "templates/extra/x.yaml.j2", HEAD + "data: {cell: {{ cell.name }}}\n")
    made = plan(read(workspace))
    assert made.problems == ()
    found = {
        one.stack: one.body["data"]
        for name in ("alpha", "beta")
        for one in made.stacks[name]
        if one.name == "x"
    }
    assert found == {"alpha": {"cell": "alpha"}, "beta": {"cell": "beta"}}


def test_a_template_takes_the_place_of_ours_or_extends_it(workspace: Path) -> None:
    write(workspace, "templates/postgres/access.yaml.j2", "")
    write(
        workspace,
        "templates/cell/limits.yaml.j2",
        '{% include "shipped/cell/limits.yaml.j2" %}\n---\n' + HEAD,
    )
    made = plan(read(workspace))
    assert made.problems == ()
    names = [(one.kind, one.name) for one in made.stacks["alpha"]]
    assert ("Secret", "postgres-app") not in names
    assert ("ResourceQuota", "cell") in names
    assert ("ConfigMap", "x") in names


def test_configuration_is_extended_by_blocks(workspace: Path) -> None:
    text = (
        '{% extends "shipped/postgres/postgres.conf.j2" %}\n'
        "{% block more %}\nwork_mem = '{{ values.work_mem }}'\n{% endblock %}\n"
    )
    write(workspace, "templates/postgres/postgres.conf.j2", text)
    fleet = workspace / "cells" / "fleet.yaml"
    fleet.write_text(fleet.read_text().replace("\nspec:\n", "\nspec:\n  values: {work_mem: 8MB}\n"))
    made = plan(read(workspace))
    assert made.problems == ()
    (conf,) = [
        one.body["data"]["postgres.conf"]
        for one in made.stacks["alpha"]
        if (one.kind, one.name) == ("ConfigMap", "postgres")
    ]
    assert conf.endswith("work_mem = '8MB'\n")
    assert "shared_buffers" in conf


def test_patches_change_our_manifests(workspace: Path) -> None:
    write(
        workspace,
        "templates/patches/app.yaml.j2",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  template:\n    spec:\n"
        "      containers:\n        - name: app\n          env:\n            - {name: RING, value: {{ cell.ring | string }}}\n",
    )
    write(
        workspace,
        "templates/fleet/patches/role.yaml.j2",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: directory-reader, labels: {a: b}}\n",
    )
    made = plan(read(workspace))
    assert made.problems == ()
    (app,) = [one for one in made.stacks["beta"] if (one.kind, one.name) == ("Deployment", "app")]
    env = app.body["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "RING", "value": "1"} in env
    assert len(env) > 1
    (role,) = [one for one in made.stacks["fleet"] if one.kind == "Role"]
    assert role.body["metadata"]["labels"]["a"] == "b"


def test_a_problem_names_the_template_the_line_and_the_cells(workspace: Path) -> None:
    write(workspace, "templates/x.yaml.j2", HEAD + "data:\n  a: {{ values.no }}\n")
    assert problems(workspace) == [
        "templates/x.yaml.j2:7:1: CW301 this mapping has no 'no', for alpha, beta, gamma"
    ]
    for number in (7, 8):
        text = (workspace / "cells" / "beta.yaml").read_text()
        text = text.replace("beta", f"beta{number}").replace("id: 2", f"id: {number}")
        text = text.replace(": 2000000000", f": {number}000000000").replace(
            ": 2999999999", f": {number}999999999"
        )
        write(workspace, f"cells/beta{number}.yaml", text)
    assert problems(workspace)[0].endswith(", for alpha, beta and 3 more")


def test_a_branch_that_no_cell_takes_is_checked(workspace: Path) -> None:
    text = HEAD + "{% if cell.ring == 99 %}\ndta: {}\n{% else %}\ndata: {}\n{% endif %}\n"
    write(workspace, "templates/x.yaml.j2", text)
    assert problems(workspace) == [
        "templates/x.yaml.j2:7:1: CW304 dta: Kubernetes v1.34.3 has no field 'dta' here (did you mean 'data'?)"
    ]
    write(workspace, "templates/x.yaml.j2", text.replace("dta: {}", "data: {a: b{{ cell.name }}}"))
    assert "7:1: CW311 an expression in quotes or beside other text" in problems(workspace)[0]


def test_a_branch_that_a_cell_takes_is_told_once(workspace: Path) -> None:
    write(workspace, "templates/x.yaml.j2", HEAD + "dta: {}\n")
    (problem,) = problems(workspace)
    assert "CW304 dta" in problem
    assert problem.startswith("templates/x.yaml.j2:6:1")


def test_an_unsafe_template_is_not_rendered(workspace: Path) -> None:
    write(workspace, "templates/x.yaml.j2", "{% macro m() %}{% endmacro %}")
    made = plan(read(workspace))
    assert [one.code for one in made.problems] == ["CW310"]
    assert made.stacks == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "templates/a/x.yml.j2",
            "templates/a/x.yml.j2:1:1: CW310 nothing renders, includes or extends",
        ),
        ("templates/a/x.yaml", "templates/a/x.yaml:1:1: CW001 not a template, so unused"),
        ("templates/shipped/x.yaml.j2", "templates/shipped/x.yaml.j2:1:1: CW001 "),
        ("schemas/kubernetes/there.json", "schemas/kubernetes/there.json:1:1: CW002 not types"),
        ("schemas/values.json", "schemas/values.json:1:1: CW221 not JSON"),
    ],
)
def test_a_file_that_would_be_passed_over_is_told(
    workspace: Path, name: str, expected: str
) -> None:
    write(workspace, name, "x: 1\n")
    (problem,) = problems(workspace)
    assert problem.startswith(expected)


def test_types_of_a_cluster_that_is_not_declared_are_told(workspace: Path) -> None:
    shipped = (ROOT / "src/cellwright/kubernetes/types.json").read_text()
    write(workspace, "schemas/kubernetes/local.json", shipped.replace("v1.34.3", "v1.99"))
    assert problems(workspace) == []
    write(workspace, "templates/x.yaml.j2", HEAD + "dta: {}\n")
    assert "Kubernetes v1.99 has no field 'dta'" in problems(workspace)[0]
    (workspace / "schemas/kubernetes/local.json").rename(workspace / "schemas/kubernetes/locl.json")
    assert "CW205 no cluster 'locl' is declared" in problems(workspace)[0]


@pytest.mark.parametrize(
    ("schema", "fleet", "beta", "expected"),
    [
        ('{"properties": {"a": {"type": "string"}}}', "a: x", "b: 1", []),
        (
            '{"properties": {"a": {"type": "string"}}}',
            "a: 1",
            "b: 1",
            ["cells/fleet.yaml:7:15: CW220 spec.values.a: expected text, not the number 1"],
        ),
        (
            '{"properties": {"a": {"type": "string"}}}',
            "a: x",
            "a: 1",
            ["cells/beta.yaml:7:15: CW220 spec.values.a: expected text, not the number 1"],
        ),
        (
            '{"additionalProperties": false, "properties": {"ab": {}}}',
            "ab: 1",
            "ac: 1",
            ["cells/beta.yaml:7:12: CW220 spec.values.ac: unknown key 'ac' (known: ab)"],
        ),
        (
            '{"required": ["a"]}',
            "b: 1",
            "a: 1",
            ["cells/fleet.yaml:7:11: CW220 spec.values: the key 'a' is missing"],
        ),
        (
            '{"properties": {"a": {"properties": {"b": {"type": "string"}}}}}',
            "a: {b: 1}",
            "a: {b: x}",
            ["cells/fleet.yaml:7:19: CW220 spec.values.a.b: expected text, not the number 1"],
        ),
        ('{"type": "mapping"}', "a: 1", "b: 1", ["schemas/values.json:1:1: CW221 not a schema"]),
        (
            '{"$ref": "http://example.com/x"}',
            "a: 1",
            "b: 1",
            [
                "schemas/values.json:1:1: CW221 not a schema: nothing in it is called http://example.com/x"
            ],
        ),
    ],
)
def test_values_are_held_against_the_workspace_s_schema(
    workspace: Path, schema: str, fleet: str, beta: str, expected: list[str]
) -> None:
    write(workspace, "schemas/values.json", schema)
    for name, values in (("fleet", fleet), ("beta", beta)):
        path = workspace / "cells" / f"{name}.yaml"
        path.write_text(path.read_text().replace("\nspec:\n", f"\nspec:\n  values: {{{values}}}\n"))
    found = problems(workspace)
    assert len(found) == len(expected)
    assert all(one.startswith(start) for one, start in zip(found, expected, strict=True)), found


@pytest.mark.parametrize("schema", ['{"$ref": "#"}', "[" * 100_000])
def test_a_schema_without_an_end_is_told(workspace: Path, schema: str) -> None:
    write(workspace, "schemas/values.json", schema)
    (found,) = problems(workspace)
    assert found.startswith("schemas/values.json:1:1: CW221 ")


def test_a_stack_that_is_not_there_is_named(workspace: Path) -> None:
    with pytest.raises(UnknownStackError, match=r"^delta$"):
        plan(read(workspace), only=["alpha", "delta"])
