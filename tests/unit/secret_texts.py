"""Templates with secrets inside of text, rendered for tests."""

import base64
from collections.abc import Mapping
from typing import Any

import yaml

from cellwright.check import Checker
from cellwright.problem import Problem
from cellwright.redact import redacted
from cellwright.render import Renderer
from cellwright.secret import derive, derived_from, resolve
from cellwright.template import Templates
from tests.fleets import cell, fleet
from tests.manifests import TYPES

ROOT = bytes(range(32))
APP, OWNER, HOP = (
    derive(ROOT, name) for name in ("cell/alpha/app", "cell/alpha/owner", "fleet/hop")
)
HEAD = "apiVersion: v1\nkind: {}\nmetadata: {{name: x, namespace: {{{{ cell.namespace }}}}}}\n"
SECRET = HEAD.format("Secret")


def rendered(
    template: str, values: Mapping[str, Any] | None = None, **more: str
) -> tuple[list[Any], list[Problem]]:
    """Return the manifests of one cell from a template, and all that is wrong with them."""
    one = fleet([cell("alpha", 1, values=dict(values or {}))], [])
    sources = {
        "x.yaml.j2": template,
        **{name.replace("_", "."): text for name, text in more.items()},
    }
    types = dict.fromkeys(one.clusters, TYPES)
    stack = Renderer(one, Templates(sources), types).stack("alpha")
    problems = [*stack.problems, *Checker(one, types).check(stack.manifests)]
    return list(stack.manifests), problems


def applied(expression: str, values: Mapping[str, Any] | None = None, **more: str) -> Any:
    """Return what a Secret gets for an expression, which must be shown nowhere."""
    (one,), problems = rendered(f"{SECRET}stringData: {{a: {expression}}}\n", values, **more)
    assert problems == []
    text = resolve(one.body["stringData"], derived_from(ROOT))["a"]
    shown = yaml.safe_load(one.text)
    assert shown == redacted(one.body)
    assert all(secret not in one.text for secret in (APP, OWNER, HOP))
    assert shown["stringData"]["a"] in (repr(one.body["stringData"]["a"]), "(secret)")
    return text


def from_base64(text: str) -> str:
    """Return the text that base64 holds."""
    return base64.b64decode(text, validate=True).decode()
