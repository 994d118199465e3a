"""What a template can write, whatever the values and conditions: text with holes, in many ways.

Every branch of every condition is taken once, with the first branch everywhere else. So a
mistake in a branch that no cell takes today is found too. Refuses to evaluate anything.
"""

from collections.abc import Iterable, Iterator, Mapping

from jinja2 import nodes

from cellwright.template import HOLE, Templates

Way = tuple[str, ...]
_Chain = tuple[nodes.Block, ...]  # a block's definitions, the outermost first


def ways(templates: Templates, name: str, blocks: Mapping[str, _Chain] | None = None) -> list[Way]:
    """Return what a YAML template writes in each of its ways, as `Templates.draw` does.

    `blocks` are those of templates that extend it. The template and those that it names must be
    free of what `template_lint` finds.
    """
    tree = templates.tree(name)
    known = dict(blocks or {})
    for block in tree.find_all(nodes.Block):
        known[block.name] = (*known.get(block.name, ()), block)
    for base in extended(tree):
        return ways(templates, base, known)
    return _Outline(templates, known).sequence(tree.body, ())


def extended(tree: nodes.Node) -> list[str]:
    """Return the name of the template that a template extends, if it does."""
    return [str(one.value) for one in _constants(tree, nodes.Extends)]


def named(tree: nodes.Node) -> Iterator[str]:
    """Yield the names of the templates that a template includes, extends or takes as text."""
    yield from (str(one.value) for one in _constants(tree, nodes.Extends, nodes.Include))
    for call in tree.find_all(nodes.Call):
        is_text = isinstance(call.node, nodes.Name) and call.node.name == "text"
        yield from (str(one.value) for one in call.args if is_text and isinstance(one, nodes.Const))


def is_super(node: nodes.Node) -> bool:
    """Return whether a node is exactly `super()`."""
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name == "super"
        and not (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs)
    )


def _constants(
    tree: nodes.Node, *kinds: type[nodes.Include] | type[nodes.Extends]
) -> Iterator[nodes.Const]:
    for node in tree.find_all(kinds):
        if isinstance(node.template, nodes.Const):
            yield node.template


class _Outline:
    def __init__(self, templates: Templates, blocks: Mapping[str, _Chain]) -> None:
        self._templates, self._blocks = templates, blocks

    def sequence(self, body: Iterable[nodes.Node], above: _Chain) -> list[Way]:
        """Return the ways through nodes one after the other, changing one of them at a time.

        `above` is what `super()` stands for.
        """
        parts = [self._node(node, above) for node in body]
        found = [_joined(part[0] for part in parts)]
        for index, part in enumerate(parts):
            before = _joined(one[0] for one in parts[:index])
            after = _joined(one[0] for one in parts[index + 1 :])
            found += [(*before, *way, *after) for way in part[1:]]
        return found

    def _node(self, node: nodes.Node, above: _Chain) -> list[Way]:
        if isinstance(node, nodes.TemplateData):
            return [(node.data,)]
        if isinstance(node, nodes.Expr):
            return self._block(above) if is_super(node) else [(HOLE,)]
        if isinstance(node, nodes.Block):
            return self._block(self._blocks[node.name])
        if isinstance(node, nodes.Include) and isinstance(node.template, nodes.Const):
            return ways(self._templates, str(node.template.value))
        return [way for body in _branches(node) for way in self.sequence(body, above)]

    def _block(self, chain: _Chain) -> list[Way]:
        return self.sequence(chain[0].body, chain[1:]) if chain else [()]


def _branches(node: nodes.Node) -> list[list[nodes.Node]]:
    """Return the bodies of which a statement takes one."""
    if isinstance(node, nodes.Output):
        return [list(node.nodes)]
    if isinstance(node, nodes.If):
        return [node.body, *(one.body for one in node.elif_), node.else_]
    if isinstance(node, nodes.For):
        return [node.body, node.else_]
    return [node.body] if isinstance(node, nodes.With) else [[]]


def _joined(parts: Iterable[Way]) -> Way:
    return tuple(chunk for part in parts for chunk in part)
