"""Templates and a fleet to manifests: no value can break out of its place.

A template is read as YAML once for each way through it, and its values fill the objects that
were read (`shape`). Refuses clocks, randomness, the environment and the cluster: equal input
gives equal bytes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from cellwright.api_types import ApiTypes
from cellwright.content_names import named_by_content
from cellwright.directory import cell_table, shard_tables
from cellwright.history import History, history_after, pieces_of
from cellwright.holed_text import UnfitError
from cellwright.manifest import Manifest, lacking, order_of
from cellwright.model import FLEET_STACK, Cell, Fleet
from cellwright.patch import Patch, apply_patches
from cellwright.problem import Place, Problem
from cellwright.secret_expression import SecretExpression, secret_named, valid_secrets_named
from cellwright.shape import Shape, read_shapes
from cellwright.template import (
    FUNCTIONS,
    HOLE,
    Templates,
    is_for_fleet,
    is_patch,
    is_rendered,
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The manifests of one stack in order of application, and what went wrong."""

    manifests: tuple[Manifest, ...]
    problems: tuple[Problem, ...]


class _Read(NamedTuple):
    """What one way through a template gives, whatever the values."""

    shapes: list[Shape]
    problems: list[Problem]
    holes: int


class Renderer:
    """All templates and one fleet."""

    def __init__(
        self,
        fleet: Fleet,
        templates: Templates,
        types: Mapping[str, ApiTypes],
        history: History | None = None,
    ) -> None:
        """Take the types by cluster, and what is remembered of ids, by default what is declared.

        The templates must be free of what `audit` finds unsafe.
        """
        self._fleet = fleet
        self._history = history
        self._types = types
        self._templates = templates
        self._ways: dict[tuple[str, ...], _Read] = {}
        whole = [name for name in sorted(templates.sources) if is_rendered(name)]
        self._names = {
            for_fleet: [
                name for name in whole if is_for_fleet(name) == for_fleet and not is_patch(name)
            ]
            for for_fleet in (True, False)
        }
        self._patches = {
            for_fleet: [
                name for name in whole if is_for_fleet(name) == for_fleet and is_patch(name)
            ]
            for for_fleet in (True, False)
        }
        self._clusters = sorted({cell.cluster for cell in fleet.cells.values()})
        ports = {(cell.cluster, cell.router.port) for cell in fleet.cells.values()}
        self._far_ports = {
            here: sorted({port for there, port in ports if there != here})
            for here in self._clusters
        }

    def stack(self, name: str) -> Rendered:
        """Return the manifests of stack `name`: `fleet`, or the name of a cell.

        Raises KeyError for a name that the fleet does not have.
        """
        if name == FLEET_STACK:
            parts = [self._fleet_part(cluster) for cluster in self._clusters]
        else:
            parts = [self._cell_part(self._fleet.cells[name])]
        manifests = [one for part in parts for one in part.manifests]
        manifests.sort(key=lambda one: (one.rank, one.identity))
        problems = tuple(problem for part in parts for problem in part.problems)
        return Rendered(tuple(manifests), problems)

    def _cell_part(self, cell: Cell) -> Rendered:
        context = {
            "cell": cell,
            "labels": _labels(self._fleet.name, cell.name),
            "values": cell.values,
            "secret": partial(secret_named, "secret", f"cell/{cell.name}"),
            "valid_secrets": partial(valid_secrets_named, f"cell/{cell.name}"),
            "fleet_secret": partial(secret_named, "fleet_secret", "fleet"),
            "far_router_ports": self._far_ports[cell.cluster],
        }
        return self._part(context, cell.name, cell.cluster)

    def _fleet_part(self, cluster: str) -> Rendered:
        fleet = self._fleet
        context = {
            "labels": _labels(fleet.name, None),
            "values": fleet.values,
            "shards": shard_tables(fleet.organizations.values(), fleet.shards),
            "cells": cell_table(fleet.cells.values(), cluster),
            "history": pieces_of(self._history or history_after(None, {}, (), fleet)),
        }
        return self._part(context, FLEET_STACK, cluster)

    def _part(self, context: dict[str, Any], stack: str, cluster: str) -> Rendered:
        context |= FUNCTIONS
        context["fleet"] = self._fleet
        context["directory_namespace"] = self._fleet.directory_namespace
        texts: dict[str, str | SecretExpression] = {}

        def text(name: str) -> str | SecretExpression:
            if name not in texts:
                texts[name] = self._templates.text(name, context)
            return texts[name]

        context["text"] = text
        manifests: list[Manifest] = []
        problems: list[Problem] = []
        for name in self._names[stack == FLEET_STACK]:
            for shape, values in self._draw(name, context, problems):
                try:
                    body = shape.body(values)
                    rank, after = order_of(body)
                except ValueError as error:
                    place = shape.place(("metadata", "annotations"))
                    problems.append(Problem(place, "", "CW302", str(error)))
                    continue
                made = Manifest(stack, cluster, name, rank, after, body, shape, values)
                manifests.append(made)
        patches = [
            Patch(name, shape, shape.body(values))
            for name in self._patches[stack == FLEET_STACK]
            for shape, values in self._draw(name, context, problems)
        ]
        if patches:
            manifests, wrong = apply_patches(manifests, patches, self._types[cluster])
            problems += wrong
        named: list[Manifest] = []
        for one in manifests:
            try:
                named.append(named_by_content(one))
            except ValueError as error:
                place = one.shape.place(("metadata", "annotations"))
                problems.append(Problem(place, "", "CW302", str(error)))
        return Rendered(tuple(named), tuple(problems))

    def _draw(
        self, name: str, context: dict[str, Any], problems: list[Problem]
    ) -> Iterator[tuple[Shape, tuple[Any, ...]]]:
        """Yield the objects that a template gives, and add to `problems`."""
        try:
            drawn = self._templates.draw(name, context)
        except Exception as error:  # expressions can raise anything
            at = [Place(f"templates/{file}", line) for file, line in _frames(error)]
            if not at:
                raise
            reason = " ".join((str(error) or type(error).__name__).split())
            problems.append(Problem(at[-1], "", "CW301", reason))
            return
        way = self._ways.get(drawn.chunks)
        if way is None:
            way = self._ways[drawn.chunks] = _read(name, drawn.chunks)
        problems += way.problems
        if len(drawn.values) != way.holes:
            message = "what an expression writes is used elsewhere than where it stands"
            problems.append(Problem(Place(f"templates/{name}"), "", "CW311", message))
            return
        for shape in way.shapes:
            try:
                values = shape.values(drawn.values)
            except UnfitError as error:
                problems.append(Problem(error.place, "", "CW311", str(error)))
            else:
                yield shape, values


def _read(name: str, chunks: tuple[str, ...]) -> _Read:
    shapes, problems = read_shapes(name, chunks)
    for shape in shapes:
        missing = lacking(shape.node)
        if missing:
            message = f"a manifest without {missing}, written out"
            problems.append(Problem(shape.place(()), "", "CW302", message))
    holes = sum(chunk.count(HOLE) for chunk in chunks)
    return _Read([] if problems else shapes, problems, holes)


def _labels(fleet: str, cell: str | None) -> Any:
    def labels(name: str) -> dict[str, str]:
        found = {
            "app.kubernetes.io/name": name,
            "app.kubernetes.io/part-of": "cellwright",
            "app.kubernetes.io/managed-by": "cellwright",
            "cellwright.dev/fleet": fleet,
        }
        return {**found, "cellwright.dev/cell": cell} if cell else found

    return labels


def _frames(error: BaseException) -> Iterator[tuple[str, int]]:
    """Yield the templates and lines that an error came through, the innermost last."""
    line = getattr(error, "lineno", None)
    if line is not None:
        yield str(getattr(error, "name", None) or "?"), int(line)
        return
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith(".j2"):
            yield file, trace.tb_lineno
        trace = trace.tb_next
