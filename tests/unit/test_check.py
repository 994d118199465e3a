"""Rules for rendered manifests."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from cellwright.api_types import ApiTypes
from cellwright.check import Checker
from cellwright.edge.files import read
from cellwright.model import Fleet
from cellwright.problem import Problem
from cellwright.render import Renderer
from cellwright.secret_expression import SecretExpression
from cellwright.template import Templates
from tests.fleets import ROOT, cell, fleet
from tests.manifests import manifest, secret

TYPES = ApiTypes(read(ROOT).api_types[""])
FLEET = fleet([cell("alpha", 1), cell("beta", 2)], [])
HEAD = "apiVersion: v1\nkind: {}\nmetadata: {{name: x, namespace: {{{{ cell.namespace }}}}}}\n"


def checked(manifests: Iterable[Any]) -> list[tuple[str, str]]:
    checker = Checker(FLEET, dict.fromkeys(FLEET.clusters, TYPES))
    return [(one.code, one.message) for one in checker.check(manifests)]


def from_template(text: str, one: Fleet = FLEET) -> list[Problem]:
    types = dict.fromkeys(one.clusters, TYPES)
    renderer, checker = Renderer(one, Templates({"x.yaml.j2": text}), types), Checker(one, types)
    return [
        problem
        for stack in one.cells
        for found in [renderer.stack(stack)]
        for problem in (*found.problems, *checker.check(found.manifests))
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"kind": "ConfigMap", "namespace": "default"},
            "expected the namespace {{ cell.namespace }}, not 'default'",
        ),
        (
            {"kind": "ConfigMap", "namespace": ""},
            "expected the namespace {{ cell.namespace }}, not ''",
        ),
        ({"kind": "Namespace", "namespace": "cell-alpha"}, "a Namespace is in no namespace"),
        ({"kind": "ConfigMap", "name": "a_b"}, "'a_b' is no name"),
        (
            {"kind": "ConfigMap", "data": {"a": secret("b")}},
            "a secret outside of the values of a Secret",
        ),
        (
            {"kind": "Secret", "data": {"a": secret("b")}},
            "a secret that is not in base64",
        ),
    ],
)
def test_what_a_stack_may_not_hold(body: dict[str, Any], message: str) -> None:
    assert checked([manifest(**body)]) == [("CW302", message)]


def test_a_stack_makes_no_namespace_but_its_own() -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cell-beta"}}
    one = replace(manifest("Namespace"), body=body)
    assert checked([one]) == [("CW302", "a stack makes no namespace but its own")]
    assert checked([replace(one, stack="beta")]) == []


def test_the_directory_s_namespace_is_open_to_every_stack() -> None:
    assert checked([manifest("ConfigMap", namespace="cellwright-directory")]) == []


def test_one_object_is_rendered_once_by_all_stacks_together() -> None:
    one, other = manifest("ConfigMap"), manifest("ConfigMap")
    message = "this ConfigMap is rendered twice, also by templates/x.yaml.j2"
    assert checked([one, other]) == [("CW303", message)]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "r"},
        "rules": [],
    }
    first = replace(manifest("ClusterRole"), body=role)
    assert checked([first, replace(first, stack="beta")]) == [
        ("CW303", "this ClusterRole is rendered twice, also by templates/x.yaml.j2 for alpha")
    ]
    assert checked([first, replace(first, cluster="there")][:1]) == []


def test_a_mistake_is_told_with_the_line_that_wrote_it() -> None:
    text = HEAD.format("ConfigMap") + "{% if true %}\ndta: {}\n{% endif %}\n"
    first, second = from_template(text)
    assert first == second
    assert (first.place.file, first.place.line) == ("templates/x.yaml.j2", 5)
    assert (first.code, first.path, first.hint) == ("CW304", "dta", "did you mean 'data'?")


def test_an_unknown_kind_is_told() -> None:
    (one, _) = from_template(HEAD.format("ConfgMap"))
    assert (one.code, one.hint) == ("CW306", "did you mean 'ConfigMap'?")


# The values of one template are checked for each cell, the rest of it once.


@pytest.mark.parametrize(
    ("template", "good", "bad", "code"),
    [
        ("kind: ConfigMap\ndata: {a: {{ values.it }}}", "x", 1, "CW305"),
        ("kind: ConfigMap\ndata: {{ values.it }}", {"a": "b"}, {"a": 1}, "CW305"),
        ("kind: ConfigMap\ndata: {{ values.it }}", {"a": "b"}, {"a": [1]}, "CW305"),
        ("kind: ConfigMap\ndata: {{ values.it }}", {}, [], "CW305"),
        ("kind: ConfigMap\nimmutable: {{ values.it }}", True, 1, "CW305"),
        (
            "kind: Pod\nspec: {{ values.it }}",
            {"containers": []},
            {"containers": [], "nodeNam": "x"},
            "CW304",
        ),
        ("kind: Pod\nspec: {containers: [], priority: {{ values.it }}}", 1, True, "CW305"),
        (
            "kind: Pod\nspec: {containers: [], overhead: {{ values.it }}}",
            {"cpu": 1},
            {"cpu": True},
            "CW305",
        ),
        (
            "kind: ConfigMap\ndata: {a: {{ values.it }}}",
            "x",
            SecretExpression(secret("x")),
            "CW302",
        ),
        (
            "kind: ConfigMap\ndata: {{ values.it }}",
            {"a": "x"},
            SecretExpression(secret("x")),
            "CW302",
        ),
        (
            "kind: ConfigMap\ndata: {{ values.it }}",
            {"a": "x"},
            {"a": SecretExpression(secret("x"))},
            "CW302",
        ),
        (
            "kind: Secret\nstringData: {{ values.it }}",
            {"a": SecretExpression(secret("x"))},
            {"a": {"cellwright.dev/secret": "x"}},
            "CW305",
        ),
    ],
)
def test_values_are_checked_one_by_one(template: str, good: Any, bad: Any, code: str) -> None:
    text = "apiVersion: v1\nmetadata: {name: x, namespace: {{ cell.namespace }}}\n" + template
    cells = [
        cell(f"c{number}", number, values={"it": value})
        for number, value in enumerate([good, bad, good, bad, bad])
    ]
    problems = from_template(text, fleet(cells, []))
    assert [one.code for one in problems] == [code] * 3
    assert {one.place.line for one in problems} == {4}


def test_labels_have_their_form() -> None:
    text = HEAD.format("ConfigMap").replace("name: x", "labels: {a: {{ values.it }}}, name: x")
    cells = [cell("a", 1, values={"it": "ok"}), cell("b", 2, values={"it": "not ok"})]
    (problem,) = from_template(text, fleet(cells, []))
    assert (problem.code, problem.path) == ("CW305", "metadata.labels.a")
