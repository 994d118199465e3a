"""Secrets inside of text, from templates to what is registered, and what is refused."""

import base64
import json
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.render import Renderer
from cellwright.secret import derived_from, resolve
from cellwright.template import Templates
from tests.fleets import cell, fleet
from tests.hostile import texts
from tests.manifests import TYPES
from tests.unit.secret_texts import APP, HOP, OWNER, ROOT, SECRET, applied, from_base64, rendered


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
    assert resolve(manifest.body["stringData"], derived_from(ROOT)) == {
        "a": f"{APP}1",
        "url": f"u:{APP}",
    }


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
    decode = {"tojson": json.loads, "urlencode": unquote, "b64encode": from_base64}[encoding]
    assert decode(text) == f"{around[0]}{APP}{around[1]}"


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
