"""Manifests as files for people and for review, in which secrets are only named.

Refuses to write them anywhere.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from cellwright.document import read_yaml
from cellwright.manifest import Manifest, order_of
from cellwright.problem import Problem

_NOT_IN_NAMES = re.compile(r"[^a-z0-9.-]+")


def files(manifests: Iterable[Manifest]) -> dict[str, str]:
    """Return the text of each manifest by its path: `<stack>/<rank>-<kind>-<name>.yaml`.

    Where two manifests would share a path, each gets its cluster, namespace and group too.
    """
    listed = list(manifests)
    short = [f"{_stem(one)}.yaml" for one in listed]
    times = Counter(short)
    found = {}
    for name, one in zip(short, listed, strict=True):
        if times[name] > 1:
            cluster, group, _, namespace, _ = one.identity
            rest = "@".join(_safe(part) for part in (cluster, namespace, group))
            name = f"{_stem(one)}@{rest}.yaml"  # noqa: PLW2901 - the same name, made longer
        found[name] = one.text
    return found


class Files(NamedTuple):
    """The manifests of each stack that files hold, and what is wrong with the files."""

    stacks: dict[str, list[Manifest]]
    problems: tuple[Problem, ...]


def from_files(texts: Mapping[str, bytes]) -> Files:
    """Return the manifests that `files` gave these texts, by path.

    Their `cluster` is what the path says of it: nothing, unless that sets them apart.
    """
    stacks: dict[str, list[Manifest]] = {}
    problems: list[Problem] = []
    for path, data in texts.items():
        documents, wrong = read_yaml(path, data)
        problems += wrong
        stack, _, name = path.partition("/")
        apart = name.rpartition(".yaml")[0].partition("@")[2]
        for document in documents:
            body: Any = document.value
            try:
                rank, after = order_of(body)
            except (AttributeError, KeyError, TypeError, ValueError):
                place = document.place(())
                problems.append(Problem(place, "", "CW302", "not a Kubernetes object"))
            else:
                made = Manifest(stack, apart, path, rank, after, body)
                stacks.setdefault(stack, []).append(made)
    return Files(stacks, tuple(problems))


def _stem(manifest: Manifest) -> str:
    stack, kind, name = (_safe(one) for one in (manifest.stack, manifest.kind, manifest.name))
    return f"{stack}/{manifest.rank:02d}-{kind}-{name}"


@cache
def _safe(text: str) -> str:
    return _NOT_IN_NAMES.sub("-", text.lower())
