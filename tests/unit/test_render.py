"""Manifests from templates: exact values, every name that templates know, where mistakes are."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FunctionLoader

from cellwright.audit import find_unsafe
from cellwright.edge.files import read
from cellwright.manifest import Manifest
from cellwright.model import FLEET_STACK, Cell, Fleet
from cellwright.redact import redacted
from cellwright.render import Rendered, Renderer
from cellwright.shape import read_shapes
from cellwright.template import EVERYWHERE, FOR_CELLS, FOR_FLEET, Templates, is_rendered
from tests.fleets import ROOT, demo
from tests.hostile import texts, values
from tests.manifests import TYPES, rendered, with_template

SNAPSHOT = read(ROOT)
OURS = {name: text for name, text in SNAPSHOT.templates.items() if not name.startswith("shipped/")}
WITHOUT_CONFIGURATION = {
    name: "fixed\n" if name.endswith((".cfg.j2", ".conf.j2")) else text
    for name, text in OURS.items()
}
"""Our templates without configuration texts, which refuse hostile values (below)."""


COMPILED = Templates(OURS)
COMPILED_WITHOUT_CONFIGURATION = Templates(WITHOUT_CONFIGURATION)


def loaded(text: str) -> Any:
    return yaml.load(text, yaml.CSafeLoader)


# Every text of the model is replaced by a token, or by hostile text of the same number. What is
# rendered may differ in nothing but that.


def replaced(value: Any, by: Mapping[str, str], path: str = "") -> Any:
    if isinstance(value, str):
        return by.get(path, value)
    if is_dataclass(value) and not isinstance(value, type):
        names = [one.name for one in fields(value) if one.init and one.name != "cluster"]
        return replace(
            value, **{name: replaced(getattr(value, name), by, f"{path}.{name}") for name in names}
        )
    if isinstance(value, dict):
        return {key: replaced(one, by, f"{path}[{key}]") for key, one in value.items()}
    return value


def text_paths(value: Any, path: str = "") -> list[str]:
    if isinstance(value, str):
        return [path]
    if is_dataclass(value):
        return [
            found
            for one in fields(value)
            if one.init and one.name != "cluster"
            for found in text_paths(getattr(value, one.name), f"{path}.{one.name}")
        ]
    if isinstance(value, dict):
        return [found for key, one in value.items() for found in text_paths(one, f"{path}[{key}]")]
    return []


def full_cell() -> Cell:
    alpha = demo().cells["alpha"]
    resources = replace(alpha.app.resources, cpu_limit="1")
    return replace(
        alpha,
        app=replace(alpha.app, resources=resources),
        postgres=replace(alpha.postgres, storage_class="fast", resources=resources),
        router=replace(alpha.router, resources=resources),
    )


PATHS = text_paths(full_cell())
TOKENS = {path: f"token{number:02d}token" for number, path in enumerate(PATHS)}
_TOKEN = re.compile("token([0-9]{2})token")


def test_the_tokens_stand_for_every_text_of_a_cell() -> None:
    assert {".name", ".region", ".app.image", ".router.host", ".postgres.resources.cpu"} <= {*PATHS}
    assert len(PATHS) >= 15


def with_texts(by: Mapping[str, str]) -> Fleet:
    one = replaced(full_cell(), by)
    return replace(demo(), cells={one.name: one}, organizations={})


def leaves(value: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    if isinstance(value, dict):
        pairs: Any = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    else:
        return {path: value}
    found: dict[tuple[Any, ...], Any] = {path: type(value)}
    for key, one in pairs:
        found |= leaves(one, (*path, key))
    return found


def by_place(found: Rendered) -> list[Manifest]:
    assert found.problems == ()
    return sorted(found.manifests, key=lambda one: (one.template, one.kind, one.shape.place(())))


PLAIN = by_place(rendered(with_texts(TOKENS), COMPILED_WITHOUT_CONFIGURATION, TOKENS[".name"]))


@settings(max_examples=60)
@given(st.lists(texts, min_size=len(PATHS), max_size=len(PATHS)))
def test_every_text_of_a_definition_arrives_as_it_is(hostile: list[str]) -> None:
    hostile = [text or "-" for text in hostile]  # an empty text would leave out what it is for
    by = dict(zip(PATHS, hostile, strict=True))
    stack = by[".name"] if by[".name"] != "fleet" else "fleet-"
    by[".name"] = stack
    found = by_place(rendered(with_texts(by), COMPILED_WITHOUT_CONFIGURATION, stack))
    numbers = {int(text[5:7]): by[path] for path, text in TOKENS.items()}
    assert len(found) == len(PLAIN)
    for plain, one in zip(PLAIN, found, strict=True):
        expected = leaves(plain.body)
        actual = leaves(one.body)
        assert expected.keys() == actual.keys()
        for path, value in expected.items():
            if isinstance(value, str) and plain.kind != "Job":
                value = _TOKEN.sub(lambda match: numbers[int(match[1])], value)  # noqa: PLW2901
                assert actual[path] == value
            elif path != ("metadata", "name"):  # a Job is called by its image's digest
                assert type(actual[path]) is type(value)
        assert loaded(one.text) == redacted(one.body)


# The slow way: each value is written as JSON, and the whole is read by an ordinary YAML reader.


class _Both(Templates):
    """Draws each template in both ways, and compares."""

    def draw(self, name: str, context: Mapping[str, Any]) -> Any:
        drawn = super().draw(name, context)
        environment = Environment(  # noqa: S701 - this is YAML
            loader=FunctionLoader(self.sources.get),
            finalize=_as_json,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters["sha256"] = self._yaml.filters["sha256"]
        text = environment.get_template(name).render(context)
        slow = [one for one in yaml.load_all(text, yaml.CSafeLoader) if one is not None]
        shapes, problems = read_shapes(name, drawn.chunks)
        assert problems == []
        fast = [one.body(drawn.values) for one in shapes]
        assert json.loads(json.dumps(fast, default=repr)) == slow
        self.compared.append(name)
        return drawn


def _as_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=lambda one: repr(one.text))
    return re.sub("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]", _escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


@settings(max_examples=8)
@given(st.lists(texts.filter(bool), min_size=len(PATHS), max_size=len(PATHS)))
def test_the_fast_way_gives_what_the_slow_way_gives(hostile: list[str]) -> None:
    by = {**dict(zip(PATHS, hostile, strict=True)), ".name": "alpha" + hostile[0]}
    one = with_texts(by)
    templates = _Both(WITHOUT_CONFIGURATION)
    templates.compared = []
    Renderer(one, templates, dict.fromkeys(one.clusters, TYPES)).stack(by[".name"])
    Renderer(one, templates, dict.fromkeys(one.clusters, TYPES)).stack("fleet")
    assert sorted(templates.compared) == [name for name in sorted(OURS) if is_rendered(name)]


@given(values)
def test_values_of_users_arrive_as_they_are(value: Any) -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  block: {{ values.it }}\n"
        "  flow: [{{ values.it }}, {a: {{ values.it }}}]\n  list:\n    - {{ values.it }}\n"
        "    - {b: {{ values.it }}, c: d}\n"
    )
    (one,) = with_template(text, values={"it": value}).manifests
    expected = {
        "block": value,
        "flow": [value, {"a": value}],
        "list": [value, {"b": value, "c": "d"}],
    }
    assert one.body["data"] == expected
    assert repr(one.body["data"]) == repr(expected)
    assert loaded(one.text)["data"] == expected


@pytest.mark.parametrize(
    "text", ["a = {{ cell.name }}", "{% set x = cell.name %}{{ x }}", "{{ cell.namespace }} b"]
)
@given(hostile=texts.filter(lambda text: text != FLEET_STACK))  # of which no cell can have the name
def test_a_configuration_text_takes_words_only(text: str, hostile: str) -> None:
    templates = Templates({"x.conf.j2": text, "x.yaml.j2": 'a: {{ text("x.conf.j2") }}'})
    only = replace(demo(), cells={"x": replace(full_cell(), name=hostile)}, organizations={})
    (problem,) = rendered(only, templates, "x").problems
    is_word = re.fullmatch(r"[A-Za-z0-9._:/@-]+", hostile)
    is_prefixed_word = "namespace" in text and re.fullmatch(r"[A-Za-z0-9._:/@-]*", hostile)
    assert (problem.code == "CW302") == bool(is_word or is_prefixed_word)
    assert problem.code in ("CW301", "CW302")


def test_our_configuration_texts_refuse_what_is_no_word() -> None:
    assert rendered(demo(), COMPILED, "alpha").problems == ()
    alpha = replace(full_cell(), name='x"\nbackend evil')
    problems = rendered(replace(demo(), cells={"x": alpha}), COMPILED, "x").problems
    assert {problem.place.file for problem in problems} == {"templates/router/haproxy.cfg.j2"}
    assert {problem.code for problem in problems} == {"CW301"}


def test_the_names_that_templates_know_are_those_that_the_lint_knows() -> None:
    one = demo()

    class Seen(Templates):
        def draw(self, name: str, context: Mapping[str, Any]) -> Any:
            self.seen = set(context)
            return super().draw(name, context)

    templates = Seen(OURS)
    renderer = Renderer(one, templates, dict.fromkeys(one.clusters, TYPES))
    renderer.stack("alpha")
    assert templates.seen == EVERYWHERE | FOR_CELLS
    renderer.stack("fleet")
    assert templates.seen == EVERYWHERE | FOR_FLEET
    assert set(templates._yaml.globals) == set()


def test_nothing_is_unsafe_in_our_own_templates() -> None:
    assert find_unsafe(Templates(OURS), sorted(OURS)) == []
