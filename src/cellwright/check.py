"""Checks of what was rendered, before anything is applied.

What a rule says of the unchanging part of a manifest is found out once for all manifests of one
shape; for the others only the values are looked at. Refuses to repair: a manifest that breaks a
rule is a problem of its template.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cellwright.api_types import ApiTypes, Duty, Finding
from cellwright.audit import problem_at
from cellwright.manifest import Identity, Manifest
from cellwright.model import FLEET_STACK, Fleet
from cellwright.problem import Path, Problem, dotted
from cellwright.secret_text import SecretText, base64_content
from cellwright.shape import Shape

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
_MISPLACED = "a secret outside of the values of a Secret"
_NOT_BASE64 = "a secret that is not in base64"


class _Verdict(NamedTuple):
    """What is known of all manifests of one shape.

    `duties` say what values must be, each with a quick way to see that one is.
    """

    problems: tuple[Problem, ...]
    duties: tuple[tuple[Callable[[Any], bool], Duty], ...]
    is_namespaced: bool


class Checker:
    """The rules for one fleet's manifests, and which objects have been seen."""

    def __init__(self, fleet: Fleet, types: Mapping[str, ApiTypes]) -> None:
        """Take the fleet and the types of each of its clusters."""
        self._types = types
        self._namespaces = {cell.name: cell.namespace for cell in fleet.cells.values()}
        self._directory = self._namespaces[FLEET_STACK] = fleet.directory_namespace
        self._names: set[str] = set()
        self._verdicts: dict[tuple[str, Shape], _Verdict] = {}
        self._known: dict[str, set[Any]] = defaultdict(set)
        self._seen: dict[Identity, Manifest] = {}

    def check(self, manifests: Iterable[Manifest]) -> list[Problem]:
        """Return what is wrong with one stack's manifests, by itself and beside other stacks'."""
        problems: list[Problem] = []
        for manifest in manifests:
            identity, values = manifest.identity, manifest.values
            key = (identity.cluster, manifest.shape)
            verdict = self._verdicts.get(key)
            if verdict is None:
                verdict = self._verdicts[key] = self._examined(manifest)
            problems += verdict.problems
            for fits, duty in verdict.duties:
                if not fits(values[duty.number]):
                    problems += self._breaches(manifest, duty)
            if identity.name not in self._names:
                problems += self._name_problems(manifest)
            own = self._namespaces[manifest.stack]
            if not verdict.is_namespaced or identity.namespace != own:
                problems += _place_problems(
                    manifest, own, self._directory, is_namespaced=verdict.is_namespaced
                )
            first = self._seen.setdefault(identity, manifest)
            if first is not manifest:
                problems.append(_twice(manifest, first))
        return problems

    def _examined(self, manifest: Manifest) -> _Verdict:
        types = self._types[manifest.cluster]
        shape, kind = manifest.shape, manifest.kind
        api_version = str(manifest.body["apiVersion"])
        of = types.of(api_version, kind)
        if of is None:
            finding = types.unknown(api_version, kind)
            return _Verdict((problem_at(shape, finding),), (), is_namespaced=True)
        problems = []
        duties: list[tuple[Callable[[Any], bool], Duty]] = []
        for one in types.examine(shape.node, of):
            if isinstance(one, Finding):
                problems.append(problem_at(shape, one))
            else:
                known = self._known[str(one.type)]
                duties.append((_quick(types, kind, one, known), one))
        problems += _secret_problems(manifest, shape.node, ())
        return _Verdict(tuple(problems), tuple(duties), types.is_namespaced(api_version, kind))

    def _breaches(self, manifest: Manifest, duty: Duty) -> Iterator[Problem]:
        value = manifest.values[duty.number]
        misplaced = list(_secret_problems(manifest, value, duty.path))
        if misplaced:
            yield from misplaced
            return
        for one in self._types[manifest.cluster].examine(value, duty.type, duty.path):
            if isinstance(one, Finding):
                yield problem_at(manifest.shape, one)

    def _name_problems(self, manifest: Manifest) -> Iterator[Problem]:
        if _NAME.match(manifest.name):
            self._names.add(manifest.name)
        else:
            yield _problem(manifest, ("metadata", "name"), f"{manifest.name!r} is no name")


def _place_problems(
    manifest: Manifest, own: str, directory: str, *, is_namespaced: bool
) -> Iterator[Problem]:
    namespace = manifest.namespace
    if is_namespaced:
        if namespace not in (own, directory):
            wanted = "directory_namespace" if own == directory else "cell.namespace"
            message = f"expected the namespace {{{{ {wanted} }}}}, not {namespace!r}"
            yield _problem(manifest, ("metadata", "namespace"), message)
    elif namespace:
        message = f"a {manifest.kind} is in no namespace"
        yield _problem(manifest, ("metadata", "namespace"), message)
    elif manifest.kind == "Namespace" and manifest.name != own:
        message = "a stack makes no namespace but its own"
        yield _problem(manifest, ("metadata", "name"), message)


def _quick(types: ApiTypes, kind: str, duty: Duty, known: set[Any]) -> Callable[[Any], bool]:
    """Return a test which says no to every value that is wrong, and yes fast to most others.

    Entries of mappings that were found right are put into `known`.
    """
    of = duty.type
    if of == "string":
        may_be_secret = _is_string_data(kind, duty.path)
        return _is_text_or_secret if may_be_secret else _is_text

    def fits(value: Any) -> bool:
        if next(types.examine(value, of), None) is not None:
            return False
        return next(_misplaced(kind, value, duty.path), None) is None

    if of not in ({"map": "string"}, {"map": "label"}):
        return fits

    def fits_or_known(value: Any) -> bool:
        try:
            if value.items() <= known:
                return True
        except (AttributeError, TypeError):  # no mapping, or one of more than text
            return fits(value)
        if not fits(value):
            return False
        known.update((key, one) for key, one in value.items() if one.__class__ is str)
        return True

    return fits_or_known


def _is_text(value: Any) -> bool:
    return value.__class__ is str


def _is_text_or_secret(value: Any) -> bool:
    return value.__class__ is str or value.__class__ is SecretText


def _is_string_data(kind: str, path: Path) -> bool:
    return kind == "Secret" and path[:1] == ("stringData",) and len(path) == 2


def _secret_problems(manifest: Manifest, node: Any, path: Path) -> Iterator[Problem]:
    for place, message, hint in _misplaced(manifest.kind, node, path):
        yield _problem(manifest, place, message)._replace(hint=hint)


def _misplaced(kind: str, node: Any, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield where secrets stand that are not filled in there, why not, and what to do."""
    if isinstance(node, SecretText):
        if kind == "Secret" and path[0] == "data" and len(path) == 2:
            if base64_content(node) is None:
                yield path, _NOT_BASE64, "add `| b64encode` to the whole value, or use stringData"
        elif not _is_string_data(kind, path):
            yield path, _MISPLACED, "put it into stringData of a Secret, and refer to that"
    elif isinstance(node, dict):
        for key, one in node.items():
            yield from _misplaced(kind, one, (*path, key))
    elif isinstance(node, list):
        for index, one in enumerate(node):
            yield from _misplaced(kind, one, (*path, index))


def _twice(manifest: Manifest, first: Manifest) -> Problem:
    of = "" if first.stack == manifest.stack else f" for {first.stack}"
    message = f"this {manifest.kind} is rendered twice, also by templates/{first.template}{of}"
    return _problem(manifest, ("metadata", "name"), message)._replace(code="CW303")


def _problem(manifest: Manifest, path: Path, message: str) -> Problem:
    return Problem(manifest.shape.place(path), dotted(path), "CW302", message)
