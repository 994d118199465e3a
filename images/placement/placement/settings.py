"""What the pod tells the placement, read once from the environment.

What it needs to follow the directory is the same as for a router's agent. Where the database is
comes from libpq's own environment (PGHOST, PGUSER, ...), the password from PASSWORD_FILE, which is
read for each connection. While passwords are rotated it holds two lines, of which one is valid.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent import settings as agent_settings
from agent.directory import Endpoint
from agent.origin import Origin
from agent.settings import SettingsError

LEAST_PASSWORD = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """Names, addresses and files; `address` is the one that the placement's server binds to."""

    cell: str
    origin: Origin
    namespace: str
    api: Endpoint
    credentials: Path
    table: Path
    address: str
    port: int
    password_file: Path


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings; raises SettingsError, which names the variable."""
    known = agent_settings.read_settings(environment)
    path = environment.get("PASSWORD_FILE", "")
    if not path:
        raise SettingsError("PASSWORD_FILE: not set; it names the file with cell_placement's one")
    passwords(Path(path))
    origin = Origin(known.origin.fleet, known.origin.cluster, known.origin.keys, homes=True)
    return Settings(
        known.cell,
        origin,
        known.namespace,
        known.api,
        known.credentials,
        known.table,
        known.address,
        known.port,
        Path(path),
    )


def passwords(file: Path) -> tuple[str, ...]:
    """Return the passwords in a file; raises SettingsError, which does not show them."""
    try:
        found = tuple(file.read_text(encoding="ascii").removesuffix("\n").split("\n"))
    except OSError as error:
        raise SettingsError(f"PASSWORD_FILE: {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"PASSWORD_FILE: {file}: not ASCII") from None
    if any(len(one) < LEAST_PASSWORD or not one.isprintable() for one in found):
        expected = f"lines of at least {LEAST_PASSWORD} characters each"
        raise SettingsError(f"PASSWORD_FILE: {file}: expected {expected}")
    return found
