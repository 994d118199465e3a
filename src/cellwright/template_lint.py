"""Finds what is wrong with a template without rendering it.

A value is safe where it is a whole value of its own, filled in after the text around it has been
read. So a template may not take hold of text that it has written (macros, blocks that are
assigned or filtered, `self`), and may use only functions and filters that always give the same.
Refuses what is not known to be harmless, rather than what is known not to be.
"""

import math
from collections.abc import Iterable, Iterator

from jinja2 import TemplateSyntaxError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.tests import TESTS

from cellwright.outline import extended, is_super, named
from cellwright.problem import Place, Problem, nearest
from cellwright.template import (
    EVERYWHERE,
    FILTERS,
    FOR_CELLS,
    FOR_FLEET,
    RESERVED,
    Templates,
    is_for_fleet,
    is_text_template,
)

_WRITTEN = "what it writes could be changed before it stands in the text"
_REFUSED: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.Macro: (f"a macro: {_WRITTEN}", "put it into a template of its own and include it"),
    nodes.CallBlock: (f"a call block: {_WRITTEN}", "include a template"),
    nodes.FilterBlock: (f"a filter block: {_WRITTEN}", "filter the values"),
    nodes.AssignBlock: (f"a block that is assigned: {_WRITTEN}", "assign a value: {% set x = … %}"),
    nodes.Import: ("an import, which is for macros", "include a template"),
    nodes.FromImport: ("an import, which is for macros", "include a template"),
    nodes.ScopedEvalContextModifier: ("autoescape has no meaning here", "leave it out"),
}
_KNOWN = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign),
    *(nodes.Include, nodes.Extends, nodes.Block, nodes.With, nodes.Name, nodes.Const),
    *(nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Call, nodes.Keyword, nodes.Filter),
    *(nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr),
    *(nodes.Concat, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod),
    *(nodes.Neg, nodes.Pos, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Scope),
)
_SPECIAL = frozenset(("self", "caller", "varargs", "kwargs"))


def lint(templates: Templates, names: Iterable[str]) -> list[Problem]:
    """Return what is wrong with the named templates, each by itself."""
    return [problem for name in names for problem in _Linter(templates, name).problems()]


class _Linter:
    def __init__(self, templates: Templates, name: str) -> None:
        self._templates, self._name = templates, name

    def problems(self) -> Iterator[Problem]:
        source = self._templates.sources[self._name]
        for number, line in enumerate(source.split("\n"), start=1):
            if found := RESERVED.search(line.removesuffix("\r")):
                message = f"the character U+{ord(found[0]):04X} can't stand in a template"
                yield self._problem(number, message, f'write "\\u{ord(found[0]):04x}" in a string')
        try:
            tree = self._templates.tree(self._name)
        except TemplateSyntaxError as error:
            place = Place(f"templates/{self._name}", error.lineno)
            yield Problem(place, "", "CW301", " ".join(str(error.message).split()))
            return
        except RecursionError:
            yield Problem(Place(f"templates/{self._name}"), "", "CW301", "nested too deeply")
            return
        if _leads_to(self._templates, self._name):
            yield self._problem(1, "it includes or extends itself")
            return
        problems = list(self._node(tree))
        yield from problems or self._unknown_names(tree)

    def _unknown_names(self, tree: nodes.Template) -> Iterator[Problem]:
        """Yield the names that nothing gives a value, but for those that an includer may set."""
        if not self._name.endswith(".yaml.j2"):
            return
        known = EVERYWHERE | {"super"}
        known |= FOR_FLEET if is_for_fleet(self._name) else FOR_CELLS
        known |= _assigned(self._templates, self._name)
        for name in sorted(find_undeclared_variables(tree) - known):
            used = (one for one in tree.find_all(nodes.Name) if one.name == name)
            line = next((one.lineno for one in used if one.ctx == "load"), 1)
            yield self._problem(line, f"no {name!r} is known here", nearest(name, known))

    def _node(self, node: nodes.Node) -> Iterator[Problem]:
        refused = next((_REFUSED[one] for one in _REFUSED if isinstance(node, one)), None)
        if refused:
            yield self._problem(node.lineno, *refused)
            return
        if not isinstance(node, _KNOWN):
            yield self._problem(node.lineno, f"{type(node).__name__} is not known to be harmless")
        yield from self._own(node)
        for child in node.iter_child_nodes():
            if not (isinstance(node, nodes.Output) and is_super(child)):
                yield from self._node(child)

    def _own(self, node: nodes.Node) -> Iterator[Problem]:
        """Yield what is wrong with a node, apart from its children."""
        if isinstance(node, nodes.For) and node.recursive:
            yield self._problem(node.lineno, f"a recursive loop: {_WRITTEN}")
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            message = f"the filter {node.name!r} is not allowed"
            yield self._problem(node.lineno, message, nearest(node.name, FILTERS))
        elif isinstance(node, nodes.Test) and node.name not in TESTS:
            message = f"there is no test {node.name!r}"
            yield self._problem(node.lineno, message, nearest(node.name, TESTS))
        elif isinstance(node, nodes.Include | nodes.Extends):
            yield from self._reference(node.lineno, node.template)
        elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            if node.node.name == "text":
                yield from self._text(node)
        elif isinstance(node, nodes.Expr):
            yield from self._word(node)

    def _text(self, node: nodes.Call) -> Iterator[Problem]:
        """Yield what is wrong with a call of `text`."""
        if len(node.args) != 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
            yield self._problem(node.lineno, "text() takes the name of one template")
        else:
            yield from self._reference(node.lineno, node.args[0], is_text=True)

    def _word(self, node: nodes.Expr) -> Iterator[Problem]:
        """Yield what is wrong with a name, an attribute or a constant."""
        attribute = _attribute(node)
        if isinstance(node, nodes.Name) and node.name in _SPECIAL:
            yield self._problem(node.lineno, f"{node.name!r} stands for text that was written")
        elif isinstance(node, nodes.Name) and node.name == "super":
            yield self._problem(node.lineno, "super() can only be written: {{ super() }}")
        elif isinstance(node, nodes.Const) and node.value in (math.inf, -math.inf):
            yield self._problem(node.lineno, "a number that is too large")
        elif attribute.startswith("_"):
            yield self._problem(node.lineno, f"{attribute!r} is private")

    def _reference(
        self, line: int, template: nodes.Expr, *, is_text: bool = False
    ) -> Iterator[Problem]:
        """Yield what is wrong with the name of another template."""
        if not isinstance(template, nodes.Const):
            yield self._problem(line, "the name of a template must be written out")
        elif template.value not in self._templates.sources:
            message = f"there is no template {template.value!r}"
            yield self._problem(
                line, message, nearest(str(template.value), self._templates.sources)
            )
        elif is_text and not is_text_template(template.value):
            yield self._problem(line, f"{template.value!r} is not a configuration text")

    def _problem(self, line: int, message: str, hint: str = "") -> Problem:
        return Problem(Place(f"templates/{self._name}", line), "", "CW310", message, hint)


def _assigned(templates: Templates, name: str) -> frozenset[str]:
    """Return the names that the templates which this one extends give a value."""
    found: frozenset[str] = frozenset()
    for base in extended(_tree(templates, name)):
        if base in templates.sources:
            names = _tree(templates, base).find_all(nodes.Name)
            found |= {one.name for one in names if one.ctx == "store"} | _assigned(templates, base)
    return found


def _leads_to(templates: Templates, name: str) -> bool:
    """Return whether the templates that one uses, and those that they use, come back to it."""
    seen: set[str] = set()
    ahead = [name]
    while ahead:
        for one in named(_tree(templates, ahead.pop())):
            if one == name:
                return True
            if one in templates.sources and one not in seen:
                seen.add(one)
                ahead.append(one)
    return False


def _tree(templates: Templates, name: str) -> nodes.Template:
    """Return a template as it was parsed; empty if it can't be, which is a problem of its own."""
    try:
        return templates.tree(name)
    except (TemplateSyntaxError, RecursionError):
        return nodes.Template([], lineno=1)


def _attribute(node: nodes.Node) -> str:
    """Return the attribute that a node reads, if it is known."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return str(node.arg.value)
    return ""
