"""What templates write, read once: places of holes, and lines of templates."""

from collections.abc import Mapping

import pytest

from cellwright.problem import Path
from cellwright.shape import Shape, read_shapes
from cellwright.template import Templates


def read(templates: Mapping[str, str], name: str = "x.yaml.j2") -> tuple[list[Shape], list[str]]:
    drawn = Templates(templates).draw(name, {"value": "v", "yes": True})
    shapes, problems = read_shapes(name, drawn.chunks)
    return shapes, [
        f"{one.place.file}:{one.place.line} {one.code} {one.message}" for one in problems
    ]


@pytest.mark.parametrize(
    ("text", "line", "where"),
    [
        ('a: "{{ value }}"\n', 1, "in quotes or beside other text"),
        ("a: '{{ value }}'\n", 1, "in quotes or beside other text"),
        ("a: x{{ value }}\n", 1, "in quotes or beside other text"),
        ("a: {{ value }}x\n", 1, "in quotes or beside other text"),
        ("a: {{ value }} {{ value }}\n", 1, "in quotes or beside other text"),
        ("a: {{ value }}{{ value }}\n", 1, "in quotes or beside other text"),
        ("a: [b{{ value }}]\n", 1, "in quotes or beside other text"),
        ("a: |\n  {{ value }}\n", 1, "in quotes or beside other text"),
        ("a: >-\n  {{ value }}\n", 1, "in quotes or beside other text"),
        ("a: {{ value }}\n  more\n", 1, "in quotes or beside other text"),
        ("b: 1\n{{ value }}: 1\n", 2, "in a key"),
        ("b: 1\nx{{ value }}: 1\n", 2, "in a key"),
        ("b: { {{ value }}: 1}\n", 1, "in a key"),
        ("b: 1\n# {{ value }}\n", 2, "in a comment"),
        ("b: 1 # {{ value }}\n", 1, "in a comment"),
        (
            "{% set at = 1 %}\n{% if yes %}\n\nb: '{{ value }}'\n{% endif %}\n",
            4,
            "in quotes or beside other text",
        ),
    ],
)
def test_a_hole_that_is_not_a_whole_value_is_a_problem(text: str, line: int, where: str) -> None:
    shapes, problems = read({"x.yaml.j2": text})
    assert shapes == []
    assert problems == [f"templates/x.yaml.j2:{line} CW311 an expression {where}"]


@pytest.mark.parametrize(
    "text",
    [
        "a: !{{ value }} x\n",
        "a: &{{ value }} x\n",
        "a: *{{ value }}\n",
        "%{{ value }}\n---\na: 1\n",
        "{{ value }}\n  b: 1\n",
        "a: {{ value }}: 1\n",
        "? {{ value }}\n: 1\n",
    ],
)
def test_a_hole_in_the_place_of_something_else_is_a_problem(text: str) -> None:
    shapes, problems = read({"x.yaml.j2": text})
    assert shapes == []
    assert problems


@pytest.mark.parametrize(
    "text",
    [
        "a: {{ value }}",
        "a:\n  {{ value }}\n",
        "a: {{ value }} # why\n",
        "- {{ value }}\n- {a: {{ value }}, b: [{{ value }},{{ value }}]}\n",
        "{{ value }}\n",
        "a: {% if yes %}{{ value }}{% endif %}\n",
    ],
)
def test_a_hole_that_is_a_whole_value_is_filled(text: str) -> None:
    templates = Templates({"x.yaml.j2": text})
    drawn = templates.draw("x.yaml.j2", {"value": {"b": [1]}, "yes": True})
    (shape,), problems = read_shapes("x.yaml.j2", drawn.chunks)
    assert problems == []
    body = shape.body(drawn.values)
    assert str({"b": [1]}) in str(body)
    assert "\ufdd0" not in str(body)


LINES = {
    "x.yaml.j2": (
        "{% set a = 1 %}\n# note\n{% for i in [1, 2] %}\n---\na: {{ i }}\n"
        "b: {% include 'y.j2' %}\n\n{% endfor %}\n{% if yes %}\n---\nc: 1\n{% endif %}\n"
    ),
    "y.j2": "{d: e,\n f: {{ value }}}",
}


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        (0, ("a",), "x.yaml.j2:5"),
        (0, ("b",), "y.j2:1"),
        (0, ("b", "f"), "y.j2:2"),
        (1, ("a",), "x.yaml.j2:5"),
        (1, ("b", "f"), "y.j2:2"),
        (2, ("c",), "x.yaml.j2:11"),
        (2, ("c", "missing"), "x.yaml.j2:11"),
    ],
)
def test_each_part_knows_the_line_that_wrote_it(document: int, path: Path, expected: str) -> None:
    shapes, problems = read(LINES)
    assert problems == []
    place = shapes[document].place(path)
    assert f"{place.file}:{place.line}" == f"templates/{expected}"


def test_a_mistake_in_yaml_is_told_with_the_template_s_line() -> None:
    text = "{% if yes %}\n{% endif %}\na: 1\na: 2\n"
    assert read({"x.yaml.j2": text}) == (
        [],
        ["templates/x.yaml.j2:4 CW003 the key 'a' stands twice"],
    )


def test_blocks_can_be_extended() -> None:
    templates = {
        "base.yaml.j2": "a: {{ value }}\n{% block more %}\nb: {{ value }}\n{% endblock %}\n",
        "x.yaml.j2": (
            "{% extends 'base.yaml.j2' %}\n{% block more %}\nc: {{ 1 }}\n{{ super() }}\n"
            "d: {{ 2 }}\n{% endblock %}\n"
        ),
    }
    drawn = Templates(templates).draw("x.yaml.j2", {"value": "v"})
    (shape,), problems = read_shapes("x.yaml.j2", drawn.chunks)
    assert problems == []
    assert shape.body(drawn.values) == {"a": "v", "c": 1, "b": "v", "d": 2}
