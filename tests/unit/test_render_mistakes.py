"""Mistakes in templates: told with their template, line and what was expected."""

import pytest

from cellwright.render import Rendered
from cellwright.template import Templates
from tests.fleets import cell, fleet
from tests.manifests import rendered, with_template


def only_problem(found: Rendered) -> tuple[str, int, str, str]:
    (one,) = found.problems
    return one.place.file, one.place.line, one.code, one.message


def test_half_a_character_is_a_problem() -> None:
    problem = only_problem(with_template("a: 1\nb: {{ values.it }}\n", values={"it": "x\ud800"}))
    assert problem == (
        "templates/x.yaml.j2",
        2,
        "CW301",
        r"'x\ud800' holds half of a surrogate pair",
    )


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("cell.nam", "this Cell has no 'nam' (did you mean 'name'?)"),
        ("values.x.y", "this mapping has no 'x'"),
        ("fleet.cells.alpa", "this mapping has no 'alpa' (did you mean 'alpha'?)"),
        ("[1][3]", "this list has no '3'"),
        ("cell", "a value of type Cell has no place in a manifest"),
        ("{1: 2}", "1 is not a string, as a key must be"),
        (
            'cell.name | map("upper")',
            "a value of type generator has no place in a manifest; add `| list`",
        ),
        ("1 / 0", "division by zero"),
        ("fleet.cells.clear()", "access to attribute 'clear' of 'dict' object is unsafe."),
        (
            '"{0.__class__}".format(cell)',
            "access to attribute '__class__' of 'Cell' object is unsafe.",
        ),
        (
            "range(10000000)",
            "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).",
        ),
    ],
)
def test_a_mistake_in_an_expression_is_told_with_its_line(expression: str, message: str) -> None:
    problem = only_problem(with_template(f"a: 1\n\nb: {{{{ {expression} }}}}\n"))
    assert problem == ("templates/x.yaml.j2", 3, "CW301", message)


def test_a_mistake_in_an_included_template_is_told_with_its_own_line() -> None:
    templates = {"x.yaml.j2": 'a: {% include "y.j2" %}\n', "y.j2": "{b: c,\n d: {{ cell.nam }}}"}
    found = rendered(fleet([cell("alpha", 1)], []), Templates(templates), "alpha")
    assert only_problem(found)[:2] == ("templates/y.j2", 2)


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("a: 1\n", 1, "a manifest without apiVersion, kind, metadata, written out"),
        (
            "apiVersion: v1\nkind: {{ cell.name }}\nmetadata: {name: x}\n",
            1,
            "a manifest without kind, written out",
        ),
        (
            "apiVersion: v1\nkind: X\nmetadata: {{ labels('x') }}\n",
            1,
            "a manifest without metadata, written out",
        ),
        (
            "{% if true %}\n\napiVersion: v1\nkind: X\nmetadata: {}\n{% endif %}",
            3,
            "a manifest without metadata.name, written out",
        ),
        (
            "apiVersion: v1\nkind: X\nmetadata:\n  name: x\n"  # noqa: ISC004
            "  annotations: {cellwright.dev/rank: soon}\n",
            5,
            "the annotation cellwright.dev/rank is 'soon', not a whole number",
        ),
    ],
)
def test_what_is_no_manifest_is_told(template: str, line: int, message: str) -> None:
    assert only_problem(with_template(template)) == ("templates/x.yaml.j2", line, "CW302", message)
