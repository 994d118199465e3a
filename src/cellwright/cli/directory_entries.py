"""What `directory get` and `directory history` say: live entries, and what git knows of them."""

import argparse
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from cellwright.cli.report import say, table, tell
from cellwright.cli.results import put_json
from cellwright.cli.route import names_alike
from cellwright.edge import git
from cellwright.edge.failure import CommandError
from cellwright.edge.history import Change, changes
from cellwright.edge.live_entries import Told, told
from cellwright.entry import Home, home_of
from cellwright.model import Fleet
from cellwright.problem import nearest

_MOST_DATED = 100
"""Organizations of which `get` tells since when without being told their names."""
_SHOWN = 10  # characters of a commit's id


@dataclass(frozen=True, slots=True)
class _Answer:
    """An entry, what the definitions say now, and the change by which it came about."""

    told: Told
    declared: Home | None
    since: Change | None


def get(arguments: argparse.Namespace, fleet: Fleet) -> int:
    """Print what routers are told; 1 if an organization or a cluster is missing."""
    names = tuple(dict.fromkeys(arguments.organizations))
    found: list[Told] = []
    away = False
    for cluster in fleet.used_clusters():
        try:
            found += told(fleet, cluster, names)
        except CommandError as error:
            tell(f"cellwright directory get: {error}")
            away = True
    found.sort(key=lambda one: (one.entry.organization, one.cluster))
    answers = _answers(arguments.root, fleet, found, named=bool(names))
    if arguments.format == "json":
        put_json([_answer_as_json(one) for one in answers])
    else:
        _say_answers(answers)
    for one in answers:
        if one.declared != one.told.entry.home:
            entry = one.told.entry
            says = f"say {one.declared}" if one.declared else "declare it no longer"
            tell(f"{entry.organization}: routers are told {entry.home}, the definitions {says}")
    missing = set(names) - {one.entry.organization for one in found}
    for name in sorted(missing) if not away else ():
        tell(f"cellwright directory get: {_missing(fleet, name)}")
    return 1 if away or missing else 0


def history(arguments: argparse.Namespace, fleet: Fleet) -> int:
    """Print each home that an organization had, the newest first; 1 if it never had one."""
    root, name = arguments.root, arguments.organization
    if why := git.trouble(root):
        tell(f"cellwright directory history: {why}")
        return 1
    found = list(changes(root, name))
    one = fleet.organizations.get(name)
    now, committed = home_of(one) if one else None, found[0].after if found else None
    if arguments.format == "json":
        put_json([_change_as_json(change) for change in found])
    elif found:
        header = ("SINCE", "CELL", "STATE", "COMMIT", "AUTHOR", "CHANGE")
        table(header, (_row(change) for change in found))
    if not found and one is None:
        hint = nearest(name, names_alike(name, fleet))
        tell(f"cellwright directory history: no organization {name!r} was ever declared ({hint})")
        return 1
    if now != committed:
        tell(f"{name}: not committed yet: {now or 'it is declared no longer'}")
    if git.is_shallow(root):
        tell("note: this is a shallow clone; `git fetch --unshallow` gets what was before")
    return 0


def _answers(root: Path, fleet: Fleet, found: Sequence[Told], *, named: bool) -> list[_Answer]:
    count = len({one.entry.organization for one in found})
    why = git.trouble(root) if found else ""
    if not why and not named and count > _MOST_DATED:
        why = f"there are {count} organizations; name those of which it is wanted"
    answers = []
    for name, group in groupby(found, key=lambda one: one.entry.organization):
        entries = list(group)
        since: dict[Home, Change] = {}
        if not why:
            try:
                since = _since(changes(root, name), {one.entry.home for one in entries})
            except CommandError as error:
                why = str(error)
        one = fleet.organizations.get(name)
        declared = home_of(one) if one else None
        answers += [_Answer(each, declared, since.get(each.entry.home)) for each in entries]
    if why:
        tell(f"note: since when is not told: {why}")
    return answers


def _since(found: Iterable[Change], homes: Collection[Home]) -> dict[Home, Change]:
    """Return the newest change to each home; looks no further back than needed."""
    since: dict[Home, Change] = {}
    for change in found:
        if change.after is not None and change.after in homes:
            since.setdefault(change.after, change)
            if len(since) == len(homes):
                break
    return since


def _missing(fleet: Fleet, name: str) -> str:
    one = fleet.organizations.get(name)
    if one is None:
        hint = nearest(name, names_alike(name, fleet))
        return f"routers are told of no organization {name!r}, and none is declared ({hint})"
    if one.cell is None:
        return f"{name} has no cell yet: `cellwright place --write` chooses one"
    return f"routers are not told of {name} yet: `cellwright up` applies the fleet's stack"


def _say_answers(answers: Sequence[_Answer]) -> None:
    if not answers:
        say("no organization is in the directory")
        return
    header = ["ORGANIZATION", "ID", "CELL", "STATE", "PATH", "CLUSTER", "VERSION", "SINCE"]
    rows = []
    for one in answers:
        entry = one.told.entry
        row = [entry.organization, str(entry.id), *entry.home, entry.path]
        since = [""] * 4
        if one.since:
            commit = one.since.commit
            since = [commit.date, commit.id[:_SHOWN], commit.author, commit.subject]
        rows.append([*row, one.told.cluster, one.told.version, *since])
    table([*header, "COMMIT", "AUTHOR", "CHANGE"], rows)


def _row(change: Change) -> tuple[str, ...]:
    commit, home = change.commit, change.after
    cell, state = (home.cell or "-", home.state) if home else ("-", "not declared")
    return commit.date, cell, state, commit.id[:_SHOWN], commit.author, commit.subject


def _answer_as_json(one: _Answer) -> dict[str, Any]:
    entry = one.told.entry
    return {
        "organization": entry.organization,
        "id": entry.id,
        **entry.home._asdict(),
        "path": entry.path,
        "hosts": entry.hosts,
        "cluster": one.told.cluster,
        "shards": entry.shards,
        "version": one.told.version,
        "definitions": one.declared._asdict() if one.declared else None,
        "since": _commit_as_json(one.since) if one.since else None,
    }


def _change_as_json(change: Change) -> dict[str, Any]:
    return {
        **_commit_as_json(change),
        "before": change.before._asdict() if change.before else None,
        "after": change.after._asdict() if change.after else None,
    }


def _commit_as_json(change: Change) -> dict[str, str]:
    commit = change.commit
    return {
        "date": commit.date,
        "commit": commit.id,
        "author": commit.author,
        "subject": commit.subject,
    }
