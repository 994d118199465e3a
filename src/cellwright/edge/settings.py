"""What the settings file of a Pulumi stack says in the clear: `stacks/Pulumi.<stack>.yaml`.

What is secret in it is encrypted and left alone. Refuses to write: `pulumi config` does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cellwright.edge.failure import CommandError
from cellwright.model import FLEET_STACK
from cellwright.secret import CELL_SECRET, ROOT_SECRET
from cellwright.secret_state import State, read_cell_state, read_root_state

PROJECT_FILE = "Pulumi.yaml"
PREFIX = "cellwright"
"""The namespace of the settings."""
FLEET_ID = "fleetId"
CLUSTERS = "clusters"
STATE = "secretVersion"
"""Which versions of secrets are valid, and the phase of a rotation."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a stack's settings say. `clusters` are the UIDs of kube-system, by name of cluster.

    `state` is which secrets are valid, None where that is not said.
    """

    fleet_id: str = ""
    clusters: Mapping[str, str] | None = None
    has_root: bool = False
    has_cell_secret: bool = False
    state: State | None = None

    @property
    def is_made(self) -> bool:
        """Whether the stack was given secrets."""
        return self.has_root or self.has_cell_secret


def read_settings(root: Path, stack: str) -> Settings:
    """Return the settings of a stack; empty ones if it has no file.

    Raises CommandError for a file that can't be read.
    """
    file = _folder(root) / f"Pulumi.{stack}.yaml"
    config = _mapping(file).get("config") or {}
    if not isinstance(config, dict):
        raise CommandError(f"{file}: expected a mapping under config")
    clusters = config.get(f"{PREFIX}:{CLUSTERS}")
    return Settings(
        str(config.get(f"{PREFIX}:{FLEET_ID}", "")),
        {str(name): str(uid) for name, uid in clusters.items()}
        if isinstance(clusters, dict)
        else None,
        f"{PREFIX}:{ROOT_SECRET}" in config,
        f"{PREFIX}:{CELL_SECRET}" in config,
        _state(file, stack, config),
    )


def _state(file: Path, stack: str, config: Mapping[str, Any]) -> State | None:
    text = config.get(f"{PREFIX}:{STATE}")
    if text is None:
        return None
    is_fleet = stack == FLEET_STACK
    found = read_root_state(str(text)) if is_fleet else read_cell_state(str(text))
    if found is None:
        form = "2, or 1>2 accept" if is_fleet else "1.2, or 1.1>1.2 accept"
        raise CommandError(
            f"{file}: {PREFIX}:{STATE} is {text!r}, which cellwright did not write: expected such "
            f"as {form}; restore the file"
        )
    return found


def rotations(root: Path, stacks: Iterable[str]) -> dict[str, str]:
    """Return the stacks whose secrets are rotated, with the phase. Raises CommandError."""
    states = {name: read_settings(root, name).state for name in stacks}
    return {name: str(one.phase) for name, one in states.items() if one and one.phase}


def project_name(root: Path) -> str:
    """Return the name of the Pulumi project of a workspace. Raises CommandError."""
    name = _mapping(root / PROJECT_FILE).get("name")
    if not isinstance(name, str) or not name:
        raise CommandError(f"{root / PROJECT_FILE}: expected a name")
    return name


def _folder(root: Path) -> Path:
    return root / str(_mapping(root / PROJECT_FILE).get("stackConfigDir") or ".")


def _mapping(file: Path) -> dict[str, Any]:
    """Return what a YAML file holds; nothing if it is not there."""
    try:
        value = yaml.safe_load(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise CommandError(f"{file} can't be read: {reason}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise CommandError(f"{file}: expected a mapping")
    return value
