"""What was read of a workspace, as a value, and the digest by which it is known unchanged."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cellwright.problem import Problem

LEDGER = "organizations/assignments.csv"
"""The file in which the cells of organizations stand that name none."""
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

    def digest(self) -> str:
        """Return the SHA-256 of everything in the snapshot, in hexadecimal."""
        found = hashlib.sha256()
        rest = (self.schemas, self.templates, self.api_types, self.values_schema, self.problems)
        parts = {**self.definitions, "": json.dumps(rest, sort_keys=True).encode()}
        for name, data in parts.items():
            found.update(f"{len(name.encode(errors='surrogatepass'))} {len(data)} ".encode())
            found.update(name.encode(errors="surrogatepass"))
            found.update(data)
        return found.hexdigest()
