"""What templates may not do."""

import pytest

from cellwright.template import Templates
from cellwright.template_lint import lint

OTHERS = {"y.j2": "", "z.cfg.j2": "", "base.yaml.j2": "{% set base = 1 %}"}


def found(text: str, name: str = "x.yaml.j2") -> list[str]:
    problems = lint(Templates({name: text, **OTHERS}), [name])
    return [f"{one.place.line} {one.code} {one.message} ({one.hint})" for one in problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n{% macro m() %}{% endmacro %}", "2 CW310 a macro"),
        ("{% set x %}a{% endset %}", "1 CW310 a block that is assigned"),
        ("{% filter upper %}a{% endfilter %}", "1 CW310 a filter block"),
        ("{% call x() %}{% endcall %}", "1 CW310 a call block"),
        ("{% import 'y.j2' as y %}", "1 CW310 an import"),
        ("{% from 'y.j2' import y %}", "1 CW310 an import"),
        ("{% autoescape true %}{% endautoescape %}", "1 CW310 autoescape"),
        ("{% for i in [1] recursive %}{% endfor %}", "1 CW310 a recursive loop"),
        ("{% set n.x = 1 %}", "1 CW310 NSRef is not known to be harmless"),
        ("a: {{ self.b() }}", "1 CW310 'self' stands for text that was written"),
        ("a: {{ super() | upper }}", "1 CW310 super() can only be written: {{ super() }}"),
        ("{% set a = super() %}", "1 CW310 super() can only be written: {{ super() }}"),
        ("a: {{ super.x }}", "1 CW310 super() can only be written: {{ super() }}"),
        ("\na: {{ cell.name | safe }}", "2 CW310 the filter 'safe' is not allowed"),
        ("a: {{ cell.name | random }}", "1 CW310 the filter 'random' is not allowed"),
        ("a: {{ cell.name | uper }}", "did you mean 'upper'?"),
        ("a: {{ cell.__class__ }}", "1 CW310 '__class__' is private"),
        ("a: {{ cell['_x'] }}", "1 CW310 '_x' is private"),
        (
            "a: {{ cell.name is strin }}",
            "1 CW310 there is no test 'strin' (did you mean 'string'?)",
        ),
        ("a: {{ cel.name }}", "1 CW310 no 'cel' is known here (did you mean 'cell'?)"),
        ("{% if false %}\na: {{ shards }}\n{% endif %}", "2 CW310 no 'shards' is known here"),
        ("a: {{ lipsum() }}", "1 CW310 no 'lipsum' is known here"),
        ("a: {% include 'yy.j2' %}", "1 CW310 there is no template 'yy.j2' (did you mean 'y.j2'?)"),
        ("a: {% include cell.name %}", "1 CW310 the name of a template must be written out"),
        ("{% extends 'bas.yaml.j2' %}", "1 CW310 there is no template 'bas.yaml.j2'"),
        ("a: {{ text('q.cfg.j2') }}", "1 CW310 there is no template 'q.cfg.j2'"),
        ("a: {{ text('y.j2') }}", "1 CW310 'y.j2' is not a configuration text"),
        ("a: {{ text('z.cfg.j2', 'q') }}", "1 CW310 text() takes the name of one template"),
        ("a: {{ text() }}", "1 CW310 text() takes the name of one template"),
        ("a: {% include 'x.yaml.j2' %}", "1 CW310 it includes or extends itself"),
        ("{% extends 'x.yaml.j2' %}", "1 CW310 it includes or extends itself"),
        ("a: {{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "1 CW301 nested too deeply"),
        ("a: {{ 1e999 }}", "1 CW310 a number that is too large"),
        (
            "a: 1\nb: \x1a",
            '2 CW310 the character U+001A can\'t stand in a template (write "\\u001a"',
        ),
        ("a: \u2028", "1 CW310 the character U+2028"),
        ("a: \ufdd0", "1 CW310 the character U+FDD0"),
        ("a:\n{% if %}", "2 CW301 "),
    ],
)
def test_what_is_refused(text: str, expected: str) -> None:
    problems = found(text)
    assert len(problems) == 1, problems
    assert expected in problems[0]


@pytest.mark.parametrize(
    "text",
    [
        "{% raw %}a: {{ x }}{% endraw %}",
        "{% for key, one in fleet.cells.items() if one.id %}{{ loop.index }}{% endfor %}",
        "{% with x = 1 %}{{ x }}{% endwith %}",
        "{% extends 'base.yaml.j2' %}{% block b %}{{ super() }}{{ base }}{% endblock %}",
        '{{ "%s-%s" | format(cell.name, cell.id) }} {{ {"a": [1, -2][:1]} | tojson }}',
        "{{ labels('x') }} {{ text('z.cfg.j2') }} {{ values.x is defined and not values.y }}",
        "a: 1\r\nb: {{ cell.name }}\r\n",
        "{# {{ anything | safe }} #}",
    ],
)
def test_what_is_harmless(text: str) -> None:
    assert found(text) == []


def test_what_an_includer_may_set_is_not_unknown_in_what_it_includes() -> None:
    assert found("{{ part.image }}", "pod/x.j2") == []


def test_the_fleet_s_templates_know_other_names() -> None:
    assert found("a: {{ shards | length }}", "fleet/x.yaml.j2") == []
    assert "no 'cell' is known here" in found("a: {{ cell.name }}", "fleet/x.yaml.j2")[0]


@pytest.mark.parametrize("uses", ["{% include 'b.yaml.j2' %}", "{% extends 'b.yaml.j2' %}"])
def test_a_template_that_can_t_be_parsed_is_told_once(uses: str) -> None:
    sources = {"a.yaml.j2": uses, "b.yaml.j2": "x: {% if %}"}
    problems = lint(Templates(sources), sources)
    assert [(one.place.file, one.code) for one in problems] == [("templates/b.yaml.j2", "CW301")]


def test_templates_that_use_each_other_are_refused() -> None:
    sources = {"a.yaml.j2": "{% include 'b.j2' %}", "b.j2": "{% include 'a.yaml.j2' %}"}
    problems = lint(Templates(sources), sources)
    assert [(one.place.file, one.message) for one in problems] == [
        ("templates/a.yaml.j2", "it includes or extends itself"),
        ("templates/b.j2", "it includes or extends itself"),
    ]
