"""Templates and a fleet to manifests: no value can break out of its place.

Every expression's value becomes JSON in a YAML template (`finalize`), and is refused in a text
template (`*.cfg.j2`, `*.conf.j2`) unless it is made of harmless characters. The output is read
again, strictly. Refuses clocks, randomness, the environment and the cluster: equal input gives
equal bytes.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import DictLoader, StrictUndefined, TemplateError, Undefined
from jinja2.sandbox import SandboxedEnvironment

from cellwright.directory import cell_table, shard_tables
from cellwright.document import read_yaml
from cellwright.manifest import SECRET_KEY, Manifest, order_of
from cellwright.model import Cell, Fleet
from cellwright.problem import Place, Problem

FLEET_STACK = "fleet"
DIRECTORY_NAMESPACE = "cellwright-directory"

_HARMLESS = re.compile(r"[A-Za-z0-9._:/@-]+\Z")
_ESCAPED = re.compile("[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Rendered:
    """The manifests of one stack in order of application, and what went wrong."""

    manifests: tuple[Manifest, ...]
    problems: tuple[Problem, ...]


class Renderer:
    """All templates, compiled once each."""

    def __init__(self, templates: Mapping[str, str]) -> None:
        """Take the templates by their path below `templates/`, with `/` between folders."""
        loader = DictLoader(dict(templates))
        self._names = sorted(name for name in templates if name.endswith(".yaml.j2"))
        self._manifests = _environment(loader, _as_json)
        self._texts = _environment(loader, _as_harmless_text)

    def stack(self, fleet: Fleet, name: str) -> Rendered:
        """Return the manifests of stack `name`: `fleet`, or the name of a cell.

        Raises KeyError for a name that the fleet does not have.
        """
        if name == FLEET_STACK:
            used = sorted({cell.cluster for cell in fleet.cells.values()})
            parts = [self._fleet_part(fleet, cluster) for cluster in used]
        else:
            parts = [self._cell_part(fleet, fleet.cells[name])]
        manifests = [manifest for part in parts for manifest in part.manifests]
        manifests.sort(key=lambda one: (one.rank, one.identity))
        return Rendered(
            tuple(manifests), tuple(problem for part in parts for problem in part.problems)
        )

    def _cell_part(self, fleet: Fleet, cell: Cell) -> Rendered:
        context = {
            "fleet": fleet,
            "cell": cell,
            "labels": _labels(cell.name),
            "secret": lambda name: _secret(f"cell/{cell.name}/{name}"),
            "fleet_secret": lambda name: _secret(f"fleet/{name}"),
            "clusters": sorted({one.cluster for one in fleet.cells.values()}),
        }
        names = [name for name in self._names if not name.startswith("fleet/")]
        return self._part(names, context, cell.name, cell.cluster)

    def _fleet_part(self, fleet: Fleet, cluster: str) -> Rendered:
        context = {
            "fleet": fleet,
            "labels": _labels(None),
            "shards": shard_tables(fleet.organizations.values(), fleet.shards),
            "cells": cell_table(fleet.cells.values(), cluster),
        }
        names = [name for name in self._names if name.startswith("fleet/")]
        return self._part(names, context, FLEET_STACK, cluster)

    def _part(
        self, names: list[str], context: dict[str, Any], stack: str, cluster: str
    ) -> Rendered:
        context["text"] = lambda name: self._texts.get_template(name).render(context)
        context["directory_namespace"] = DIRECTORY_NAMESPACE
        manifests: list[Manifest] = []
        problems: list[Problem] = []
        for name in names:
            try:
                output = self._manifests.get_template(name).render(context)
            except (TemplateError, _HarmfulError, TypeError, ValueError) as error:
                problems.append(_template_problem(name, stack, error))
                continue
            documents, wrong = read_yaml(f"templates/{name}", output.encode())
            problems += [one._replace(message=f"{one.message}, for {stack}") for one in wrong]
            for document in documents:
                body: Any = document.value
                try:
                    manifests.append(Manifest(stack, cluster, name, *_order(body), body))
                except ValueError as error:
                    message = f"{error}, for {stack}"
                    problems.append(Problem(document.place(()), "", "CW302", message))
        return Rendered(tuple(manifests), tuple(problems))


class _HarmfulError(Exception):
    pass


def _environment(loader: DictLoader, finalize: Any) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=loader,
        undefined=StrictUndefined,
        autoescape=False,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["sha256"] = lambda text: hashlib.sha256(text.encode()).hexdigest()
    return environment


def _as_json(value: Any) -> str:
    if isinstance(value, Undefined):
        return str(value)  # raises, naming what is missing
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _as_harmless_text(value: Any) -> str:
    text = str(value)
    if isinstance(value, bool) or value is None or not _HARMLESS.match(text):
        raise _HarmfulError(f"{value!r} may not stand in a configuration file")
    return text


def _labels(cell: str | None) -> Any:
    def labels(name: str) -> dict[str, str]:
        found = {
            "app.kubernetes.io/name": name,
            "app.kubernetes.io/part-of": "cellwright",
            "app.kubernetes.io/managed-by": "cellwright",
        }
        return {**found, "cellwright.dev/cell": cell} if cell else found

    return labels


def _secret(info: str) -> dict[str, str]:
    return {SECRET_KEY: info}


def _order(body: Any) -> tuple[int, int]:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not (
        isinstance(metadata, dict)
        and isinstance(metadata.get("name"), str)
        and isinstance(body.get("apiVersion"), str)
        and isinstance(body.get("kind"), str)
    ):
        raise ValueError("a manifest without apiVersion, kind or metadata.name")  # noqa: TRY004
    return order_of(body)


def _template_problem(name: str, stack: str, error: Exception) -> Problem:
    place = Place(f"templates/{name}", 1)
    for file, line in _frames(error):
        place = Place(f"templates/{file}", line)
    reason = str(error) or type(error).__name__
    return Problem(place, "", "CW301", f"{' '.join(reason.split())}, for {stack}")


def _frames(error: BaseException) -> Iterator[tuple[str, int]]:
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
