"""The app's settings, from the environment.

CELL is the name of the app's own cell. POOL_SIZE is the most connections that one process opens (8
by default; the pods together must stay below cell_app's limit). The database is libpq's business
(PGHOST, PGPORT, PGDATABASE, PGUSER).
"""

from collections.abc import Mapping
from dataclasses import dataclass


class SettingsError(Exception):
    """A setting is missing or wrong; the text says which and what was expected."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server is started with."""

    cell: str
    pool_size: int


def settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings of a server. Raises SettingsError."""
    cell = environment.get("CELL", "")
    if not cell:
        raise SettingsError("CELL must hold the name of the app's own cell")
    return Settings(cell, _integer(environment, "POOL_SIZE", 8, 1, 100))


def _integer(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environment.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or not low <= int(text) <= high:
        raise SettingsError(f"{name} must be an integer from {low} to {high}, and is {text!r}")
    return int(text)
