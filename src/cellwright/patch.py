"""Strategic merge patches: how a workspace changes manifests of templates that it does not own.

A patch is an object with the apiVersion, kind and name of a manifest of the same stack. Mappings
are merged, null takes a key away, and lists are merged by the key that Kubernetes tells their
items apart with; other lists are replaced. Source: Kubernetes' strategic merge patch, with its
directives `$patch: replace` and `$patch: delete`. Refuses a patch that fits no manifest.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from cellwright.api_types import ApiTypes, Finding, Type
from cellwright.manifest import Manifest, order_of
from cellwright.problem import Path, Problem, dotted, nearest
from cellwright.shape import Shape, whole

DIRECTIVE = "$patch"


class Patch(NamedTuple):
    """One patch: its template, and the object that it is."""

    template: str
    shape: Shape
    body: Any


class _Refused(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, path: Path, message: str, hint: str = "", code: str = "CW307") -> None:
        super().__init__(message)
        self.path, self.message, self.hint, self.code = path, message, hint, code


def apply_patches(
    manifests: Sequence[Manifest], patches: Iterable[Patch], types: ApiTypes
) -> tuple[list[Manifest], list[Problem]]:
    """Return the manifests of one stack with patches applied in order, and what is wrong."""
    made = list(manifests)
    problems: list[Problem] = []
    for patch in patches:
        index = next((at for at, one in enumerate(made) if _fits(patch, one)), None)
        if index is None:
            problems.append(_fits_none(patch, made))
            continue
        try:
            body = _patched(made[index], patch, types)
            if body is None:
                del made[index]
            else:
                made[index] = _changed(made[index], body, patch)
        except _Refused as refused:
            place = patch.shape.place(refused.path)
            path, code = dotted(refused.path), refused.code
            problems.append(Problem(place, path, code, refused.message, refused.hint))
    return made, problems


def _fits(patch: Patch, one: Manifest) -> bool:
    metadata: Any = patch.body["metadata"]
    wanted = (patch.body["apiVersion"], patch.body["kind"], metadata["name"])
    there = (one.body["apiVersion"], one.kind, one.name)
    return wanted == there and bool(metadata.get("namespace", one.namespace) == one.namespace)


def _fits_none(patch: Patch, manifests: Sequence[Manifest]) -> Problem:
    kind, name = patch.body["kind"], str(patch.body["metadata"]["name"])
    called = [one.name for one in manifests if one.kind == kind]
    hint = nearest(name, called) if called else nearest(kind, {one.kind for one in manifests})
    message = f"there is no {kind} {name!r} of {patch.body['apiVersion']} to patch"
    return Problem(patch.shape.place(("metadata", "name")), "", "CW307", message, hint)


def _changed(target: Manifest, body: Any, patch: Patch) -> Manifest:
    """Return the manifest with another body. What is wrong with it is the patch's doing."""
    try:
        rank, after = order_of(body)
    except ValueError as error:
        raise _Refused(("metadata", "annotations"), str(error)) from None
    shape = whole(body, patch.template)
    return Manifest(target.stack, target.cluster, target.template, rank, after, body, shape)


def _patched(target: Manifest, patch: Patch, types: ApiTypes) -> Any:
    """Return the patched object, or None if it is taken away."""
    of = types.of(patch.body["apiVersion"], patch.body["kind"])
    wanted = dict(patch.body)
    if wanted.pop(DIRECTIVE, None) == "delete":
        return None
    for finding in types.examine(without_directives(wanted), of or "any", is_part=True):
        if isinstance(finding, Finding):
            raise _Refused(finding.path, finding.message, finding.hint, finding.code)
    return _merged(target.body, wanted, of, types, ())


def without_directives(value: Any) -> Any:
    """Return what a patch puts in, apart from what it takes away."""
    if isinstance(value, dict):
        return {
            key: without_directives(one)
            for key, one in value.items()
            if one is not None and key != DIRECTIVE
        }
    if isinstance(value, list):
        return [without_directives(one) for one in value if one != {DIRECTIVE: "replace"}]
    return value


def _merged(target: Any, patch: Any, of: Type, types: ApiTypes, path: Path) -> Any:
    if isinstance(patch, dict):
        if not isinstance(target, dict) or patch.get(DIRECTIVE) == "replace":
            return without_directives(patch)
        made = dict(target)
        for key, value in patch.items():
            if value is None:
                made.pop(key, None)
            else:
                inner = types.field(of, key)
                made[key] = _merged(made.get(key), value, inner, types, (*path, key))
        return made
    key = types.list_key(of)
    if isinstance(patch, list) and isinstance(target, list) and key:
        if {DIRECTIVE: "replace"} in patch:
            return without_directives(patch)
        return _merged_list(target, patch, of, types, path)
    return without_directives(patch)


def _merged_list(target: list[Any], patch: list[Any], of: Type, types: ApiTypes, path: Path) -> Any:
    key = types.list_key(of)
    made = list(target)
    for number, item in enumerate(patch):
        here = (*path, number)
        if not isinstance(item, dict) or key not in item:
            raise _Refused(here, f"an item without {key!r}, by which items are told apart")
        found = list(_with_key(made, key, item[key]))
        if len(found) > 1:
            hint = f"replace the list: begin it with an item {DIRECTIVE}: replace"
            raise _Refused(here, f"{len(found)} items have the {key} {item[key]!r}", hint)
        if item.get(DIRECTIVE) == "delete":
            made = [one for at, one in enumerate(made) if at not in found]
        elif found:
            inner = types.items(of)
            made[found[0]] = _merged(made[found[0]], item, inner, types, here)
        else:
            made.append(without_directives(item))
    return made


def _with_key(items: Iterable[Any], key: str, wanted: Any) -> Iterator[int]:
    for index, one in enumerate(items):
        if isinstance(one, dict) and one.get(key) == wanted:
            yield index
