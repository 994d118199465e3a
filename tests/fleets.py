"""The demo fleet as a value, and fleets made from it."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from cellwright.edge.files import read
from cellwright.loading import load
from cellwright.model import Cell, Fleet, Organization

ROOT = Path(__file__).parents[1]


@cache
def demo() -> Fleet:
    """Return the fleet that the project's own definitions declare."""
    fleet, problems = load(read(ROOT))
    assert fleet is not None, problems
    return fleet


def cell(name: str, number: int, **changed: Any) -> Cell:
    """Return a cell like the demo's alpha."""
    return replace(demo().cells["alpha"], name=name, id=number, **changed)


def organization(name: str, home: str | None, **changed: Any) -> Organization:
    """Return an organization, by default active, of any residency and of weight 1."""
    one = Organization(name, 1, home, name, (), (), "active")
    return replace(one, **changed)


def fleet(cells: list[Cell], organizations: list[Organization], **changed: Any) -> Fleet:
    """Return the demo fleet with other cells and organizations."""
    return replace(
        demo(),
        cells={one.name: one for one in cells},
        organizations={one.name: one for one in organizations},
        **changed,
    )
