"""What can be said of a workspace's templates before any of them is rendered.

Only what the workspace changed is looked at: our own templates are audited by our tests. Refuses
to say what depends on values.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from cellwright.api_types import ApiTypes, Finding
from cellwright.manifest import lacking
from cellwright.outline import Way, named, ways
from cellwright.patch import without_directives
from cellwright.problem import Place, Problem, dotted
from cellwright.shape import Shape, read_shapes
from cellwright.snapshot import SHIPPED
from cellwright.template import Templates, is_patch, is_rendered
from cellwright.template_lint import lint


def own_templates(templates: Templates) -> list[str]:
    """Return the names of the templates that are not as shipped."""
    sources = templates.sources
    return [
        name
        for name in sorted(sources)
        if not name.startswith(SHIPPED) and sources[name] != sources.get(SHIPPED + name)
    ]


def find_unsafe(templates: Templates, own: Collection[str]) -> list[Problem]:
    """Return what keeps the templates `own` from being rendered at all, or from being used."""
    problems = lint(templates, own)
    if problems or not own:
        return problems
    used = {one for name in templates.sources for one in named(templates.tree(name))}
    for name in own:
        if not is_rendered(name) and name not in used:
            message = "nothing renders, includes or extends this template"
            hint = "templates of manifests are named ….yaml.j2"
            problems.append(Problem(Place(f"templates/{name}"), "", "CW310", message, hint))
    return problems


def find_wrong(
    templates: Templates, own: Collection[str], types: Iterable[ApiTypes]
) -> list[Problem]:
    """Return what is wrong in some way through the templates that `own` are part of.

    There must be nothing that `find_unsafe` finds. Of the types, one must fit.
    """
    known = list(types)
    found: dict[Problem, None] = {}
    for name in sorted(templates.sources) if own else ():
        if is_rendered(name) and _closure(templates, name) & set(own):
            for way in ways(templates, name):
                found |= dict.fromkeys(_way_problems(name, way, known))
    return list(found)


def _closure(templates: Templates, name: str) -> set[str]:
    found = {name}
    waiting = [name]
    while waiting:
        for one in named(templates.tree(waiting.pop())):
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


def _way_problems(name: str, way: Way, types: list[ApiTypes]) -> Iterator[Problem]:
    # Branches that exclude each other may be taken together here, so what they make is not
    # always YAML, and nothing is said about that.
    shapes, problems = read_shapes(name, way)
    yield from (one for one in problems if one.code == "CW311")
    for shape in shapes:
        if not lacking(shape.node):
            by_types = [set(_findings(shape, one, name)) for one in types]
            yield from sorted(set.intersection(*by_types))


def _findings(shape: Shape, types: ApiTypes, name: str) -> Iterator[Problem]:
    node: Any = without_directives(shape.node) if is_patch(name) else shape.node
    of = types.of(node["apiVersion"], node["kind"])
    if of is None:
        finding = types.unknown(node["apiVersion"], node["kind"])
        yield problem_at(shape, finding)
        return
    for one in types.examine(node, of, is_part=True):
        if isinstance(one, Finding):
            yield problem_at(shape, one)


def problem_at(shape: Shape, finding: Finding) -> Problem:
    """Return a finding about a shape's object as a problem of its template."""
    place = shape.place(finding.path, key=finding.key)
    return Problem(place, dotted(finding.path), finding.code, finding.message, finding.hint)
