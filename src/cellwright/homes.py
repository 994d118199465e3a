"""What only the whole can tell about organizations: clashes, and whether they fit their homes.

There may be a million of them. So each check first asks a question about all of them at once,
and looks for who is wrong only if someone is. Refuses to choose a home (`place` does).
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from operator import attrgetter
from typing import Any

from cellwright.declared import Declared, capacity, name, problem, spec
from cellwright.duplicates import duplicates
from cellwright.model import QUARANTINE, STANDARD
from cellwright.problem import Path, Problem, dotted, nearest

_NAME: Path = ("metadata", "name")
_ID: Path = ("spec", "id")
_PATH: Path = ("spec", "path")
_CELL: Path = ("spec", "cell")
_TIER: Path = ("spec", "tier")
_OVERRIDE: Path = ("spec", "override", "cell")
_MOVED: Path = ("spec", "moved", "from")
_RETRY: Path = ("spec", "retryAfter")
_MOST_HINTS = 100
_MOST_KNOWN = 20_000


def home_problems(declared: Declared, shared: Mapping[str, Any] | None) -> Iterator[Problem]:
    """Yield every problem of organizations, given the fleet's `spec` if there is one."""
    yield from _clashes(declared)
    yield from _ledger_problems(declared)
    yield from _full_cells(declared)
    yield from _wrong_homes(declared)
    yield from _unknown_overrides(declared)
    yield from _useless_settings(declared)
    if shared:
        yield from _unknown_tiers(declared, shared.get("tiers", [STANDARD]))
        yield from _unknown_regions(declared, shared["regions"])


def _clashes(declared: Declared) -> Iterator[Problem]:
    everyone = declared.organizations
    for key, path, code, message in (
        ("name", _NAME, "CW201", "the organization {} is declared twice"),
        ("id", _ID, "CW202", "the organization id {} is used twice"),
        ("path", _PATH, "CW203", "the path {} is used twice"),
    ):
        values = list(map(attrgetter(key), everyone))
        for number, first in duplicates(values):
            hint = f"also at {declared.place(first, path)}"
            yield _problem(declared, number, path, code, message.format(values[number]), hint)
    hosts = [
        (host, number, index)
        for number, one in enumerate(everyone)
        if one.hosts
        for index, host in enumerate(one.hosts)
    ]
    for second, before in duplicates([host for host, _, _ in hosts]):
        host, number, index = hosts[second]
        _, first, at = hosts[before]
        hint = f"also at {declared.place(first, ('spec', 'hosts', at))}"
        path = ("spec", "hosts", index)
        yield _problem(declared, number, path, "CW204", f"the host {host} is used twice", hint)


def _ledger_problems(declared: Declared) -> Iterator[Problem]:
    ledger = declared.ledger
    for number in declared.disagreements:
        one = declared.organizations[number]
        message = f"the definition says cell {one.cell}, the ledger {ledger.cells[one.name]}"
        hint = f"the ledger's line is at {ledger.place(one.name)}"
        yield _problem(declared, number, _CELL, "CW214", message, hint)
    if declared.incomplete:
        return
    strangers = ledger.cells.keys() - {one.name for one in declared.organizations}
    strangers -= declared.broken.get("Organization", set())
    hints = _Hints([one.name for one in declared.organizations] if strangers else [])
    for stranger in sorted(strangers):
        place = ledger.place(stranger, cell=False)
        message = f"no organization {stranger!r} is declared"
        hint = hints.of(stranger)
        if not hint.startswith("did you"):
            hint = "take the line out if the organization is gone"
        yield Problem(place, "", "CW205", message, hint)


def _full_cells(declared: Declared) -> Iterator[Problem]:
    held = Counter(map(attrgetter("cell"), declared.organizations))
    for cell in declared.cells:
        count, most = held[name(cell)], capacity(cell)
        if count > most:
            live = "organization lives" if count == 1 else "organizations live"
            message = f"{count} {live} on the cell, its capacity is {most}"
            path: Path = ("spec", "capacity", "organizations")
            yield problem(cell, path, "CW207", message, "raise it, or place some elsewhere")


def _wrong_homes(declared: Declared) -> Iterator[Problem]:
    """Find homes that are not declared, in quarantine, or outside of the residency."""
    known = {name(cell): spec(cell) for cell in declared.cells}
    unsure = declared.broken.get("Cell", set())
    everyone = declared.organizations
    pairs = {(one.cell, one.residency) for one in everyone}
    hints = _Hints(known)
    wrong: dict[tuple[str | None, tuple[str, ...]], tuple[str, str, str]] = {}
    for cell, residency in sorted(pairs, key=lambda pair: (pair[0] or "", pair[1])):
        if cell is None or cell in unsure:
            continue
        if cell not in known:
            if not declared.incomplete:
                message = f"no cell {cell!r} is declared"
                wrong[cell, residency] = "CW205", message, hints.of(cell)
        elif known[cell]["ring"] == QUARANTINE:
            hint = "a cell of ring -1 may be torn down: choose another, or put it in another ring"
            wrong[cell, residency] = "CW211", f"cell {cell} is in quarantine", hint
        elif residency and known[cell]["region"] not in residency:
            region = known[cell]["region"]
            message = f"cell {cell} is in region {region}, outside of the residency"
            wrong[cell, residency] = "CW209", message, "allowed: " + ", ".join(residency)
    if not wrong:
        return
    for number, one in enumerate(everyone):
        if (one.cell, one.residency) in wrong:
            place = declared.home_place(number)
            yield Problem(place, dotted(_CELL), *wrong[one.cell, one.residency])


def _unknown_overrides(declared: Declared) -> Iterator[Problem]:
    """Find overrides to cells that are not declared; quarantine is what overrides are for."""
    known = {name(cell) for cell in declared.cells} | declared.broken.get("Cell", set())
    wrong = {one.override for one in declared.organizations} - known - {None}
    if not wrong or declared.incomplete:
        return
    hints = _Hints(known)
    for number, one in enumerate(declared.organizations):
        if one.override in wrong:
            message = f"no cell {one.override!r} is declared"
            hint = hints.of(str(one.override))
            yield _problem(declared, number, _OVERRIDE, "CW205", message, hint)


def _useless_settings(declared: Declared) -> Iterator[Problem]:
    for number, one in enumerate(declared.organizations):
        if one.retry_after is not None and one.state != "maintenance":
            message = f"the organization is {one.state}, so nobody is told to come again"
            hint = "it counts with state maintenance alone"
            yield _problem(declared, number, _RETRY, "CW222", message, hint)
        if one.moved is not None and one.moved == one.cell:
            message = f"the organization lives on cell {one.cell} itself"
            hint = "name the cell that its rows came from, or take spec.moved out"
            yield _problem(declared, number, _MOVED, "CW224", message, hint)


def _unknown_tiers(declared: Declared, tiers: Collection[str]) -> Iterator[Problem]:
    unknown = {one.tier for one in declared.organizations} - set(tiers)
    if not unknown:
        return
    hints = _Hints(tiers)
    for number, one in enumerate(declared.organizations):
        if one.tier in unknown:
            message = f"no tier {one.tier!r} is declared"
            yield _problem(declared, number, _TIER, "CW205", message, hints.of(one.tier))


def _unknown_regions(declared: Declared, regions: Collection[str]) -> Iterator[Problem]:
    known = set(regions)
    wrong = {one.residency for one in declared.organizations if one.residency}
    wrong = {residency for residency in wrong if not known.issuperset(residency)}
    if not wrong:
        return
    hints = _Hints(regions)
    for number, one in enumerate(declared.organizations):
        if one.residency in wrong:
            for index, region in enumerate(one.residency):
                if region not in known:
                    message = f"no region {region!r} is declared"
                    path = ("spec", "residency", index)
                    yield _problem(declared, number, path, "CW205", message, hints.of(region))


def _problem(declared: Declared, number: int, path: Path, *said: str) -> Problem:
    return Problem(declared.place(number, path), dotted(path), *said)


class _Hints:
    """What unknown words may have meant: once for each, and not for hundreds of them."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known
        self._hints: dict[str, str] = {}

    def of(self, word: str) -> str:
        if word not in self._hints:
            few = len(self._hints) < _MOST_HINTS and len(self._known) <= _MOST_KNOWN
            self._hints[word] = nearest(word, self._known) if few else ""
        return self._hints[word]
