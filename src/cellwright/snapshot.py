"""What was read of a workspace, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cellwright.problem import Problem

SHIPPED = "shipped/"
"""Below this, our own templates stand under their names even where a workspace's hides them."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that was read, once: file contents by path relative to the workspace.

    `templates` are those in force, by path below `templates/`, and our own again below
    `shipped/`. `api_types` are reduced descriptions of the Kubernetes API: the shipped one under
    the empty name, and those of the workspace under the names of their clusters.
    `values_schema` is the workspace's schema of `spec.values`, None without one.
    """

    definitions: Mapping[str, bytes]
    schemas: Mapping[str, Any]
    templates: Mapping[str, str]
    api_types: Mapping[str, Any]
    values_schema: Any
    problems: tuple[Problem, ...]
