"""Secrets inside of text, from templates to what is registered, and what is refused."""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cellwright.check import Checker
from cellwright.problem import Problem
from cellwright.redact import redacted
from cellwright.render import Renderer
from cellwright.secret import derive, resolve
from cellwright.template import Templates
from tests.fleets import cell, fleet
from tests.hostile import texts
from tests.manifests import TYPES

ROOT = bytes(range(32))
APP, OWNER, HOP = (
    derive(ROOT, name) for name in ("cell/alpha/app", "cell/alpha/owner", "fleet/hop")
)
HEAD = "apiVersion: v1\nkind: {}\nmetadata: {{name: x, namespace: {{{{ cell.namespace }}}}}}\n"
SECRET = HEAD.format("Secret")


def rendered(
    template: str, values: Mapping[str, Any] | None = None, **more: str
) -> tuple[list[Any], list[Problem]]:
    """Return the manifests of one cell from a template, and all that is wrong with them."""
    one = fleet([cell("alpha", 1, values=dict(values or {}))], [])
    sources = {
        "x.yaml.j2": template,
        **{name.replace("_", "."): text for name, text in more.items()},
    }
    types = dict.fromkeys(one.clusters, TYPES)
    stack = Renderer(one, Templates(sources), types).stack("alpha")
    problems = [*stack.problems, *Checker(one, types).check(stack.manifests)]
    return list(stack.manifests), problems


def applied(expression: str, values: Mapping[str, Any] | None = None, **more: str) -> Any:
    """Return what a Secret gets for an expression, which must be shown nowhere."""
    (one,), problems = rendered(f"{SECRET}stringData: {{a: {expression}}}\n", values, **more)
    assert problems == []
    text = resolve(one.body["stringData"], ROOT)["a"]
    shown = yaml.safe_load(one.text)
    assert shown == redacted(one.body)
    assert all(secret not in one.text for secret in (APP, OWNER, HOP))
    assert shown["stringData"]["a"] in (repr(one.body["stringData"]["a"]), "(secret)")
    return text


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('secret("app")', APP),
        (
            '"postgres://app:" ~ secret("app") ~ "@postgres/cell"',
            f"postgres://app:{APP}@postgres/cell",
        ),
        ('"postgres://app:" + secret("app") + "@db"', f"postgres://app:{APP}@db"),
        ('secret("app") + secret("owner")', APP + OWNER),
        ('cell.id ~ secret("app") ~ 2 ~ none ~ true', f"1{APP}2NoneTrue"),
        ('"%s:%s" | format("app", secret("app"))', f"app:{APP}"),
        ('"%(user)s:%(password)s" | format(user="u", password=secret("app"))', f"u:{APP}"),
        ('"%s:%05d %% %s" % ("a", 7, secret("app"))', f"a:00007 % {APP}"),
        ('"x%s" % secret("app")', f"x{APP}"),
        ('"{}:{} {2:>3} {0!r}".format("u", secret("app"), 5)', f"u:{APP}   5 'u'"),
        ('"{user}:{pw}{{}}".format(user="u", pw=fleet_secret("hop"))', f"u:{HOP}{{}}"),
        ('[secret("app"), "b", 3] | join(",")', f"{APP},b,3"),
        ('",".join([secret("app"), "b"])', f"{APP},b"),
        ('[{"n": secret("app")}, {"n": "b"}] | join(";", attribute="n")', f"{APP};b"),
        ('["a", "b"] | join(secret("app"))', f"a{APP}b"),
        ('"u:PASSWORD@PASSWORD" | replace("PASSWORD", secret("app"))', f"u:{APP}@{APP}"),
        ('"u:P@P".replace("P", secret("app"), 1)', f"u:{APP}@P"),
        ('"none" | replace("PASSWORD", secret("app"))', "none"),
        ('("{u}:" ~ secret("app") ~ "{u}") | replace("{u}", "me")', f"me:{APP}me"),
        ('("\n " ~ secret("app") ~ " \n") | trim', APP),
        ('secret("app") | trim | string | default("x")', APP),
        ('secret("app") | d("x")', APP),
        ('secret("app") if secret("app") is string else 1', APP),
        ('(["app", "owner"] | map("string") | list) and secret("app")', APP),
        ('secret("app") if cell.ring == 0 else "x"', APP),
        ('text("x.conf.j2")', f'"app" "{APP}"\n"owner" "{OWNER}"\nport = 1\n'),
        ('"" ~ "a"', "a"),
        ('"a/b@c d" | urlencode', "a%2Fb%40c%20d"),
        ('"é~-._" | urlencode', "%C3%A9~-._"),
        ("7 | urlencode", "7"),
        ('"é" | b64encode', "w6k="),
        ('secret("app") | urlencode', APP),
        ('("a/" ~ secret("app")) | urlencode', f"a%2F{APP}"),
        (
            '(secret("app") | b64encode) | urlencode',
            base64.b64encode(APP.encode()).decode().replace("=", "%3D"),
        ),
        (
            '"x" ~ ("u:" ~ secret("app")) | b64encode',
            "x" + base64.b64encode(f"u:{APP}".encode()).decode(),
        ),
    ],
)
def test_a_secret_can_be_put_into_text(expression: str, expected: str) -> None:
    conf = '"app" "{{ secret("app") }}"\n"owner" "{{ secret("owner") }}"\nport = {{ cell.id }}\n'
    expression = "{{ " + expression.replace("\n", "\\n") + " }}"
    assert applied(expression, x_conf_j2=conf) == expected


def test_each_line_of_a_password_file_holds_its_secret() -> None:
    lines = '["db:5432:*:app:" ~ secret("app"), "db:5432:*:owner:" ~ secret("owner"), ""]'
    expected = f"db:5432:*:app:{APP}\ndb:5432:*:owner:{OWNER}\n"
    assert applied("{{ " + lines + ' | join("\\n") }}') == expected


def test_names_and_pieces_of_templates_hold_secrets() -> None:
    text = (
        '{% set pw = secret("app") %}\n' + SECRET + 'stringData:\n{% include "piece.j2" %}'
        '{% with url = "u:" ~ pw %}\n  url: {{ url }}\n{% endwith %}\n'
    )
    one = fleet([cell("alpha", 1)], [])
    sources = {"x.yaml.j2": text, "piece.j2": "  a: {{ pw ~ 1 }}\n"}
    (manifest,) = Renderer(one, Templates(sources), {"local": TYPES}).stack("alpha").manifests
    assert resolve(manifest.body["stringData"], ROOT) == {"a": f"{APP}1", "url": f"u:{APP}"}


@pytest.mark.parametrize("indent", ["", "indent=2"])
def test_a_document_of_json_holds_secrets(indent: str) -> None:
    document = (
        '{"auths": {"r.example": {"auth": ("u:" ~ secret("app")) | b64encode, '
        '"password": secret("app"), "note": "\\"secret1\\" <&\'é", '
        '"both": [secret("app") ~ "<", 1]}}}'
    )
    text = applied("{{ " + document + " | tojson(" + indent + ") }}")
    auth = base64.b64encode(f"u:{APP}".encode()).decode()
    note = '"secret1" <&\'é'
    expected = {"auth": auth, "password": APP, "note": note, "both": [f"{APP}<", 1]}
    assert json.loads(text) == {"auths": {"r.example": expected}}
    assert "<" not in text
    assert ("\n" in text) == bool(indent)


@given(
    st.lists(texts, min_size=2, max_size=2), st.sampled_from(["tojson", "urlencode", "b64encode"])
)
def test_what_stands_around_a_secret_is_encoded_with_it(around: list[str], encoding: str) -> None:
    expression = f"(values.a ~ secret('app') ~ values.b) | {encoding}"
    text = applied("{{ " + expression + " }}", {"a": around[0], "b": around[1]})
    decode = {"tojson": json.loads, "urlencode": unquote, "b64encode": _from_base64}[encoding]
    assert decode(text) == f"{around[0]}{APP}{around[1]}"


def _from_base64(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()


@pytest.mark.parametrize(
    "expression",
    [
        *(
            f'secret("app") | {name}'
            for name in (
                "upper",
                "lower",
                "title",
                "capitalize",
                "truncate",
                "reverse | list",
                "length",
                "count",
                "sha256",
                "first",
                "last",
                "int",
                "float",
                "round",
                "abs",
                "list",
                "batch(2) | list",
                "sort",
                "unique | list",
                "min",
                "sum",
                'replace("a", "b")',
                'replace("", "b")',
                'replace(":", "b", 1)',
                'trim("a")',
                'default("x", true)',
                'format("x")',
                'map("upper") | list',
                "select | list",
                "items | list",
                "dictsort",
                "slice(2) | list",
            )
        ),
        *(
            f'secret("app"){rest}'
            for rest in (
                "[:3]",
                "[0]",
                "['text']",
                ".text",
                ".upper()",
                ".refuse()",
                " == 'x'",
                " != 'x'",
                " < 'x'",
                " in ['x']",
                " and 1",
                " or 1",
                " * 2",
                " + 1",
                " % 2",
                " - 1",
                "()",
                " is upper",
                " is iterable",
                " is eq 'x'",
            )
        ),
        'not secret("app")',
        '1 if secret("app") else 2',
        '"a" in secret("app")',
        '1 + secret("app")',
        'secret("app") in "abc"',
        '[secret("app")] | unique | list',
        '{secret("app"): 1}',
        '[secret("app"), secret("owner")] | sort',
        '[secret("app"), "a"] | max',
        '[{"a": secret("app")}] | groupby("a")',
        '[{"a": secret("app")}] | selectattr("a") | list',
        '[{"a": secret("app")}] | map(attribute="a.text") | list',
        '[secret("app")] ~ "x"',
        '{"a": secret("app")} | string',
        '"%r" % secret("app")',
        '"%d" % secret("app")',
        '"%.3s" % secret("app")',
        '"%50s" | format(secret("app"))',
        '"%*s%s" % (3, "a", secret("app"))',
        '"%s" % (1, secret("app"))',
        '"%s %s %s" % (1, secret("app"))',
        '"%(b)s%(a)s" % {"a": secret("app")}',
        '"%s%" % secret("app")',
        '"{:>50}".format(secret("app"))',
        '"{!r}".format(secret("app"))',
        '"{0.text}".format(secret("app"))',
        '"{a}".format_map({"a": secret("app")})',
        '("a%s" ~ secret("app")) | format("b")',
        '("aP" ~ secret("app")) | replace("P", "x")',
        '("a" ~ secret("app") | urlencode) | replace("%", "x")',
        '"abc" | replace(secret("app"), "x")',
        '"abc" | trim(secret("app"))',
        'range(secret("app"))',
        'values[secret("app")]',
        '{"a": 1}[secret("app")]',
        '"abc".startswith(secret("app"))',
        '{"a": secret("app")} | tojson | upper',
        '{1: secret("app"), "a": 2} | tojson',
        'secret("app") | tojson | first',
        '[secret("app")] | urlencode',
        '{"a": 1} | b64encode',
        'labels(secret("app")) | tojson | upper',
        "none | urlencode",
        "true | b64encode",
        'secret("a b")',
        'secret("")',
        "secret(1)",
        "secret(None)",
        "secret()",
        'secret(["a"])',
        'secret("é")',
        'secret("a\\n")',
        'secret("-a")',
        'secret("a" * 200)',
        'secret(secret("app"))',
        "secret(values.nothing)",
        'fleet_secret("a b")',
        "values.nothing | urlencode",
    ],
)
def test_what_would_read_or_change_a_secret_is_refused_at_its_line(expression: str) -> None:
    text = f"{SECRET}stringData:\n  b: c\n  a: {{{{ {expression} }}}}\n"
    _, problems = rendered(text)
    assert [(one.code, one.place.line) for one in problems] == [("CW301", 6)]
    assert APP not in problems[0].message


def test_a_refusal_names_the_secret_and_what_can_be_done() -> None:
    _, (problem,) = rendered(SECRET + 'stringData: {a: {{ ("u:" ~ secret("app")) | upper }}}\n')
    assert problem.message == (
        'secret("app") is not known yet when templates are rendered: it can only be put '
        "into text (~ + % format join replace) and encoded (urlencode b64encode tojson)"
    )
    _, (problem,) = rendered(SECRET + 'stringData: {a: {{ secret("a b") }}}\n')
    assert problem.message.startswith("'a b' is not a name for secret(): expected letters, digits")
    _, (problem,) = rendered(SECRET + "stringData: {a: {{ fleet_secret(values.x) }}}\n")
    assert problem.message == "this mapping has no 'x'"


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
    assert _from_base64(resolve(one.body, ROOT)["data"]["a"]) == f"u:{APP}"
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
    found = resolve(one.body, ROOT)["stringData"]
    assert json.loads(found["a"]) == hostile
    assert found["b"] == f"{hostile}{APP}"
    assert json.loads(found["c"]) == {"a": APP, "b": hostile}
    (one,), problems = rendered(SECRET + "stringData: {a: {{ values.it }}}\n", {"it": hostile})
    assert [problem.code for problem in problems] == ([] if isinstance(hostile, str) else ["CW305"])
    assert resolve(one.body, ROOT)["stringData"]["a"] == hostile


def test_a_patch_puts_a_secret_into_text() -> None:
    one = fleet([cell("alpha", 1)], [])
    patch = "apiVersion: v1\nkind: {}\nmetadata: {{name: x}}\n"
    patch += '{}: {{a: {{{{ "u:" ~ secret("app") }}}}}}\n'
    types = {"local": TYPES}
    for kind, field, wrong in (("Secret", "stringData", 0), ("ConfigMap", "data", 1)):
        sources = {"x.yaml.j2": HEAD.format(kind), "patches/x.yaml.j2": patch.format(kind, field)}
        (manifest,) = Renderer(one, Templates(sources), types).stack("alpha").manifests
        assert resolve(manifest.body, ROOT)[field] == {"a": f"u:{APP}"}
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
    assert resolve(one.body, ROOT)["stringData"] == {"a": expected, "b": expected}
