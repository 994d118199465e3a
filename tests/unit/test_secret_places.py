"""Where secrets inside of text may stand, and that nothing else is taken for one."""

import json
from typing import Any

import pytest
import yaml

from cellwright.check import Checker
from cellwright.render import Renderer
from cellwright.secret import derived_from, resolve
from cellwright.template import Templates
from tests.fleets import cell, fleet
from tests.manifests import TYPES
from tests.unit.secret_texts import APP, HEAD, OWNER, ROOT, SECRET, from_base64, rendered

PLACES = [
    ("ConfigMap", "data: {a: {{ %s }}}", "data.a"),
    ("ConfigMap", "data: {{ {'a': %s} }}", "data.a"),
    ("ConfigMap", "binaryData: {a: {{ %s | b64encode }}}", "binaryData.a"),
    ("Secret", "stringData: {{ {'a': {'b': %s}} }}", "stringData.a.b"),
    ("Secret", "type: {{ %s }}", "type"),
    ("Secret", "immutable: {{ %s }}", "immutable"),
    (
        "Pod",
        "spec: {containers: [{name: a, env: [{name: B, value: {{ %s }}}]}]}",
        "spec.containers[0].env[0].value",
    ),
    ("Pod", "spec: {containers: [{name: a, args: [{{ %s }}]}]}", "spec.containers[0].args[0]"),
]


@pytest.mark.parametrize(("kind", "body", "path"), PLACES)
@pytest.mark.parametrize("secret", ['secret("app")', '("u:" ~ secret("app"))'])
def test_secrets_stand_in_the_values_of_secrets_only(
    kind: str, body: str, path: str, secret: str
) -> None:
    (one,), (problem,) = rendered(HEAD.format(kind) + body % secret + "\n")
    message = "a secret outside of the values of a Secret"
    assert (problem.code, problem.path, problem.message) == ("CW302", path, message)
    assert problem.place.line == 4
    assert APP not in one.text


@pytest.mark.parametrize("field", ["name", "namespace", "labels", "annotations"])
def test_metadata_holds_no_secrets(field: str) -> None:
    value = '{{ "a" ~ secret("app") }}'
    written = value if field.startswith("name") else f"{{a: {value}}}"
    text = "apiVersion: v1\nkind: Secret\nmetadata:\n"
    fixed = {"name": "x", "namespace": "{{ cell.namespace }}", field: written}
    text += "".join(f"  {key}: {one}\n" for key, one in fixed.items())
    _, problems = rendered(text)
    line = 4 + list(fixed).index(field)
    assert {(one.code, one.place.line) for one in problems} == {("CW302", line)}
    assert any("outside of the values of a Secret" in one.message for one in problems)


def test_data_takes_secrets_in_base64() -> None:
    (one,), problems = rendered(SECRET + 'data: {a: {{ ("u:" ~ secret("app")) | b64encode }}}\n')
    assert problems == []
    assert from_base64(resolve(one.body, derived_from(ROOT))["data"]["a"]) == f"u:{APP}"
    assert yaml.safe_load(one.text)["data"] == {"a": "(…(secret cell/alpha/app) | b64encode)"}
    for value in ('"u:" ~ secret("app")', 'secret("a") | b64encode ~ secret("b") | b64encode'):
        _, (problem,) = rendered(f"{SECRET}data: {{a: {{{{ {value} }}}}}}\n")
        assert (problem.code, problem.message) == ("CW302", "a secret that is not in base64")


@pytest.mark.parametrize(
    "hostile",
    [
        "(secret cell/alpha/app)",
        "…(secret fleet/hop)",
        "\x1a0\x1a",
        "{{ secret('app') }}",
        "secret1",
        "Reference(name='fleet/hop')",
        {"cellwright.dev/secret": "fleet/hop"},
        ["fleet/hop"],
    ],
)
def test_nothing_that_a_definition_holds_is_taken_for_a_secret(hostile: Any) -> None:
    text = SECRET + (
        'stringData:\n  a: {{ values.it | tojson }}\n  b: {{ "" ~ values.it ~ secret("app") }}\n'
        '  c: {{ {"a": secret("app"), "b": values.it} | tojson }}\n'
    )
    (one,), problems = rendered(text, {"it": hostile})
    assert problems == []
    found = resolve(one.body, derived_from(ROOT))["stringData"]
    assert json.loads(found["a"]) == hostile
    assert found["b"] == f"{hostile}{APP}"
    assert json.loads(found["c"]) == {"a": APP, "b": hostile}
    (one,), problems = rendered(SECRET + "stringData: {a: {{ values.it }}}\n", {"it": hostile})
    assert [problem.code for problem in problems] == ([] if isinstance(hostile, str) else ["CW305"])
    assert resolve(one.body, derived_from(ROOT))["stringData"]["a"] == hostile


def test_a_patch_puts_a_secret_into_text() -> None:
    one = fleet([cell("alpha", 1)], [])
    patch = "apiVersion: v1\nkind: {}\nmetadata: {{name: x}}\n"
    patch += '{}: {{a: {{{{ "u:" ~ secret("app") }}}}}}\n'
    types = {"local": TYPES}
    for kind, field, wrong in (("Secret", "stringData", 0), ("ConfigMap", "data", 1)):
        sources = {"x.yaml.j2": HEAD.format(kind), "patches/x.yaml.j2": patch.format(kind, field)}
        (manifest,) = Renderer(one, Templates(sources), types).stack("alpha").manifests
        assert resolve(manifest.body, derived_from(ROOT))[field] == {"a": f"u:{APP}"}
        assert yaml.safe_load(manifest.text)[field] == {"a": "…(secret cell/alpha/app)"}
        assert len(Checker(one, types).check([manifest])) == wrong


@pytest.mark.parametrize(
    "expression",
    [
        '"a b" ~ secret("app")',
        'secret("app") | tojson',
        'secret("app") | b64encode',
        'secret("app") ~ "\\n"',
    ],
)
def test_a_configuration_text_takes_words_around_secrets_only(expression: str) -> None:
    conf = f"one\ntwo = {{{{ {expression} }}}}\n"
    _, (problem,) = rendered(SECRET + 'stringData: {a: {{ text("x.conf.j2") }}}\n', x_conf_j2=conf)
    assert (problem.code, problem.place.file, problem.place.line) == (
        "CW301",
        "templates/x.conf.j2",
        2,
    )
    assert "may not stand in a configuration text" in problem.message


def test_a_configuration_text_with_a_secret_stays_in_a_secret() -> None:
    text = 'data: {a: {{ text("x.conf.j2") }}}\n'
    _, (problem,) = rendered(HEAD.format("ConfigMap") + text, x_conf_j2='{{ secret("app") }}')
    assert problem.message == "a secret outside of the values of a Secret"


def test_blocks_of_configuration_texts_hold_secrets() -> None:
    base = '{% block a %}{{ secret("app") }}{% endblock %} {{ secret("owner") }}\n'
    more = '{% extends "y.conf.j2" %}{% block a %}[{{ super() }}] '
    more += '{{ "u:" ~ secret("app") }}{% endblock %}'
    text = SECRET + 'stringData: {a: {{ text("x.conf.j2") }}, b: {{ text("x.conf.j2") }}}\n'
    (one,), problems = rendered(text, x_conf_j2=more, y_conf_j2=base)
    assert problems == []
    expected = f"[{APP}] u:{APP} {OWNER}\n"
    assert resolve(one.body, derived_from(ROOT))["stringData"] == {"a": expected, "b": expected}
