# ruff: noqa: E501 - templates in a line
"""All ways through a template."""

from cellwright.outline import named, ways
from cellwright.shape import read_shapes
from cellwright.template import Templates


def written(templates: dict[str, str], name: str = "x.yaml.j2") -> list[object]:
    """Return what each way gives, holes as their numbers."""
    found = []
    for way in ways(Templates(templates), name):
        shapes, problems = read_shapes(name, way)
        assert problems == []
        found.append([shape.body([f"<{number}>" for number in range(9)]) for shape in shapes])
    return found


def test_each_branch_is_taken_once() -> None:
    text = (
        "{% if a %}\na: {{ a }}\n{% elif b %}\nb: 1\n{% else %}\nc: 1\n{% endif %}\n"
        "{% if d %}\nd: 1\n{% if e %}\ne: 1\n{% endif %}\n{% endif %}\n"
    )
    assert written({"x.yaml.j2": text}) == [
        [{"a": "<0>", "d": 1, "e": 1}],
        [{"b": 1, "d": 1, "e": 1}],
        [{"c": 1, "d": 1, "e": 1}],
        [{"a": "<0>", "d": 1}],
        [{"a": "<0>"}],
    ]


def test_a_loop_is_taken_once_and_not_at_all() -> None:
    text = "a:\n{% for one in x %}\n  - {{ one }}\n{% else %}\n  - none\n{% endfor %}\n"
    assert written({"x.yaml.j2": text}) == [[{"a": ["<0>"]}], [{"a": ["none"]}]]


def test_other_templates_are_followed() -> None:
    templates = {
        "x.yaml.j2": "{% extends 'base.j2' %}{% block b %}\n{{ super() }}\nd: {{ 1 }}\n{% endblock %}",
        "base.j2": "a: {% include 'piece.j2' %}\n\n{% block b %}\nb: {{ 2 }}\n{% endblock %}\n{% block c %}\nc: 1\n{% endblock %}\n",
        "piece.j2": "{% if x %}1{% else %}{{ 2 }}{% endif %}",
    }  # fmt: skip
    assert written(templates) == [
        [{"a": 1, "b": "<0>", "d": "<1>", "c": 1}],
        [{"a": "<0>", "b": "<1>", "d": "<2>", "c": 1}],
    ]
    trees = Templates(templates)
    assert list(named(trees.tree("x.yaml.j2"))) == ["base.j2"]
    assert list(named(trees.tree("base.j2"))) == ["piece.j2"]


def test_texts_are_named() -> None:
    tree = Templates({"x.yaml.j2": "a: {{ text('b.conf.j2') | sha256 }}"}).tree("x.yaml.j2")
    assert list(named(tree)) == ["b.conf.j2"]
