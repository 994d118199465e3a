"""What tests of `rotate` ask of a workspace and of its cluster."""

from typing import Any

import yaml

from cellwright.edge.settings import read_settings
from cellwright.fleet_secrets import FleetSecrets, read_record, read_secrets
from cellwright.secret_state import State
from tests.cli.conftest import Program
from tests.cli.ups import Engine

CELLS = ("alpha", "beta", "gamma")


def settings(program: Program, stack: str) -> dict[str, Any]:
    file = program.root / f"stacks/Pulumi.{stack}.yaml"
    found: dict[str, Any] = yaml.safe_load(file.read_text())["config"]
    return found


def state(program: Program, stack: str) -> str:
    return str(read_settings(program.root, stack).state)


def states(program: Program) -> list[str]:
    return [state(program, stack) for stack in ("fleet", *CELLS)]


def roots(program: Program) -> FleetSecrets:
    text = settings(program, "fleet")["cellwright:rootSecret"]["secure"]
    return read_secrets(text, read_settings(program.root, "fleet").state or State("1"))


def secret(program: Program, cell: str, name: str) -> list[str]:
    """Return all values of a secret that are valid, as the cell's own settings have them."""
    record = settings(program, cell)["cellwright:cellSecret"]["secure"]
    return read_record(record, "").value(f"cell/{cell}/{name}*").splitlines()


def noted(engine: Engine, cell: str) -> str:
    body = engine.object("Namespace", f"cell-{cell}")
    return str(body["metadata"]["annotations"]["cellwright.dev/secrets"])
