"""Texts of Secrets with expressions inside: connection URLs, lists of users, password files."""

from typing import Any

import pytest
import yaml

from cellwright.problem import Problem
from cellwright.secret import derive, derived_from, resolve
from cellwright.shape import read_shapes
from cellwright.template import Templates
from tests.fleets import cell, fleet
from tests.manifests import rendered

ROOT = bytes(range(32))
APP, OWNER = (derive(ROOT, name) for name in ("cell/alpha/app", "cell/alpha/owner"))
HEAD = "apiVersion: v1\nkind: {}\nmetadata: {{name: x, namespace: {{{{ cell.namespace }}}}}}\n"


def made(text: str, kind: str = "Secret", **values: Any) -> tuple[list[Any], list[Problem]]:
    """Return the objects of a template's text for one cell, and what is wrong with it."""
    one = fleet([cell("alpha", 7, values=values)], [])
    found = rendered(one, Templates({"x.yaml.j2": HEAD.format(kind) + text}), "alpha")
    return list(found.manifests), list(found.problems)


def texts(text: str, **values: Any) -> dict[str, Any]:
    """Return the texts of a Secret as they are applied; none of them is shown."""
    (one,), problems = made(f"stringData:\n{text}", **values)
    assert problems == []
    assert yaml.safe_load(one.text)["stringData"] == {
        key: value if value.startswith("(secret") else repr(one.body["stringData"][key])
        for key, value in yaml.safe_load(one.text)["stringData"].items()
    }
    assert APP not in one.text
    assert OWNER not in one.text
    found: dict[str, Any] = resolve(one.body["stringData"], derived_from(ROOT))
    return found


def test_a_list_of_users_and_a_password_file_are_blocks_of_lines() -> None:
    text = """\
  userlist.txt: |
    "app" "{{ secret("app") }}"
    "owner" "{{ secret("owner") }}"
  .pgpass: |-
    # {{ cell.name }}
    postgres:5432:*:app:{{ secret("app") }}
    postgres:{{ cell.id }}:*:owner:{{ secret("owner") }}
  folded: >-
    {{ secret("app") }}
    {{ secret("owner") }}
  whole: {{ secret("app") }}
  words: |
    {{ cell.name }} {{ cell.id }}
"""
    assert texts(text) == {
        "userlist.txt": f'"app" "{APP}"\n"owner" "{OWNER}"\n',
        ".pgpass": f"# alpha\npostgres:5432:*:app:{APP}\npostgres:7:*:owner:{OWNER}",
        "folded": f"{APP} {OWNER}",
        "whole": APP,
        "words": "alpha 7\n",
    }


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('postgres://app:{{ secret("app") }}@postgres/cell', f"postgres://app:{APP}@postgres/cell"),
        ('"app:{{ secret("app") }}\\n"', f"app:{APP}\n"),
        ("'it''s {{ secret(\"app\") }}{{ cell.id }}'", f"it's {APP}7"),
        ('"{{ secret("app") }}"', APP),
        ('{{ secret("app") }}{{ secret("owner") }}', APP + OWNER),
        ('"{{ "u:" ~ secret("app") }}"', f"u:{APP}"),
        ('"{{ cell.id }}"', "7"),
    ],
)
def test_expressions_stand_in_any_text_of_a_secret(written: str, expected: str) -> None:
    text = f'  a: {{{{ cell.name }}}}\n  b: {written}\n  c: {{{{ secret("owner") }}}}\n'
    assert texts(text) == {"a": "alpha", "b": expected, "c": OWNER}


def test_branches_and_loops_write_into_texts() -> None:
    text = """\
  a: |
{% for name in ["app", "owner"] %}
    {{ name }}:{{ secret(name) }}
{% endfor %}
{% if cell.id == 7 %}
    seven
{% endif %}
"""
    assert texts(text) == {"a": f"app:{APP}\nowner:{OWNER}\nseven\n"}


@pytest.mark.parametrize(
    "value", ["a b", "", 'a"', "a\n", "x\ny", "é", "%41", True, None, 1.5, ["a"], {"a": "b"}]
)
def test_other_values_than_words_are_refused_at_their_line(value: Any) -> None:
    _, (problem,) = made('stringData:\n  a: |\n    b\n    "{{ values.it }}"\n', it=value)
    assert (problem.code, problem.place.line) == ("CW311", 7)
    assert "beside other text, an expression may give secrets, and words" in problem.message
    assert str(value) not in problem.message or len(str(value)) < 2


def test_what_stands_around_a_secret_must_be_words_too() -> None:
    text = 'stringData:\n  a: "{{ "a b" ~ secret("app") }}"\n'
    _, (problem,) = made(text)
    assert (problem.code, problem.place.line) == ("CW311", 5)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("ConfigMap", 'data:\n  a: "x {{ secret("app") }}"\n'),
        ("ConfigMap", "stringData:\n  a: |\n    {{ cell.name }}\n"),
        ("Secret", 'data:\n  a: "{{ secret("app") }}"\n'),
        ("Secret", 'type: "x {{ cell.name }}"\n'),
        ("Secret", 'stringData:\n  a: {b: "x {{ cell.name }}"}\n'),
        ("Secret", "stringData:\n  x{{ cell.name }}: a\n"),
        ("Secret", "stringData:\n  a: b  # {{ cell.name }}\n"),
        ("Secret", "stringData:\n  a: |  # {{ cell.name }}\n    x {{ cell.name }}\n"),
        ("Secret", 'stringData:\n  a: "\\ufdd0 {{ cell.name }}"\n  b: c\n'),
        ("Secret", 'stringData:\n  a: "\\ufdd0 {{ cell.name }}"\n  b: {{ cell.name }}\n'),
    ],
)
def test_elsewhere_an_expression_is_a_whole_value(kind: str, text: str) -> None:
    manifests, problems = made(text, kind)
    assert manifests == []
    assert {one.code for one in problems} == {"CW311"}


def test_several_documents_have_texts_of_their_own() -> None:
    one = 'stringData:\n  a: "x{{ secret("app") }}"\n---\n' + HEAD.format("Secret")
    one += 'stringData:\n  a: "y{{ secret("owner") }}"\n  b: {{ cell.name }}\n'
    manifests, problems = made(one)
    assert problems == []
    found = [resolve(one.body, derived_from(ROOT))["stringData"] for one in manifests]
    assert found == [{"a": f"x{APP}"}, {"a": f"y{OWNER}", "b": "alpha"}]


def test_a_text_is_shown_without_what_stands_around_its_secrets() -> None:
    (one,), _ = made(
        'stringData: {url: "postgres://app:{{ secret("app") }}@{{ values.host }}"}\n', host="hidden"
    )
    assert yaml.safe_load(one.text)["stringData"] == {"url": "…(secret cell/alpha/app)…"}


def test_a_patch_has_texts_with_secrets() -> None:
    patch = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n"
    patch += 'stringData: {a: "u:{{ secret("app") }}"}\n'
    sources = {"x.yaml.j2": HEAD.format("Secret"), "patches/x.yaml.j2": patch}
    (one,) = rendered(fleet([cell("alpha", 1)], []), Templates(sources), "alpha").manifests
    assert resolve(one.body, derived_from(ROOT))["stringData"] == {"a": f"u:{APP}"}


def test_texts_come_after_the_values_that_were_written() -> None:
    chunks = ("kind: Secret\nstringData:\n  a: x\x1a\n  b: \x1a\n  c: \x1a-\x1a\n",)
    ((shape,), problems) = read_shapes("x.yaml.j2", chunks)
    assert problems == []
    values = shape.values(("1", "2", "3", "4"))
    assert values == ("1", "2", "3", "4", "x1", "3-4")
    assert shape.body(values)["stringData"] == {"a": "x1", "b": "2", "c": "3-4"}
