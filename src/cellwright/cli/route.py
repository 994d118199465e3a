"""The verb `route`: where a request goes, decided as routers decide it."""

import argparse
from typing import Any

from cellwright.cli.report import say, tell
from cellwright.cli.results import problems_as_text, put_json
from cellwright.edge.files import read
from cellwright.keys import cell_of_token
from cellwright.loading import load
from cellwright.model import Fleet, Organization
from cellwright.problem import nearest
from cellwright.route import Decision, Request, Routes, request_of

EXAMPLES = """examples:
  cellwright route acme                                  # an organization's name
  cellwright route https://notes.acme.example/notes
  cellwright route /o/acme/notes
  cellwright route / --header 'X-Organization: acme'
  cellwright route / --header 'Cookie: session=cell-1-2b7e'
  cellwright route glpat-YWJj…                           # a routable token
"""
_MANY = 20_000  # names that can be compared in a moment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "target", metavar="ORG|URL|TOKEN", help="an organization's name, a URL, or a token"
    )
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        type=_header,
        metavar="'NAME: VALUE'",
        help="a header of the request; repeatable",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print the cell and the rule; 1 if no cell would serve it."""
    fleet, problems = load(read(arguments.root))
    if fleet is None:
        problems_as_text(problems)
        return 1
    target = arguments.target
    one = fleet.organizations.get(target)
    if one is not None and not arguments.header:
        return _tell_about(fleet, one, arguments.format)
    if cell_of_token(target) is not None and not arguments.header:
        return _tell_about_token(fleet, target, arguments.format)
    if not any(sign in target for sign in "/.:") and not arguments.header:
        alike = names_alike(target, fleet)
        hint = f" ({nearest(target, alike)})" if alike else ""
        tell(f"cellwright route: no organization {target!r} is declared{hint}")
        return 1
    return _tell(Routes(fleet).decide(request_of(target, arguments.header)), arguments.format)


def _tell(decision: Decision, form: str) -> int:
    if form == "json":
        put_json(_as_json(decision))
    elif decision.status == 200:
        who = decision.organization.name if decision.organization else "no organization"
        say(f"{who} on cell {decision.cell}, by {decision.why}")
    else:
        say(f"routers answer {decision.status}: {decision.why}")
    return 0 if decision.status == 200 else 1


def _tell_about_token(fleet: Fleet, token: str, form: str) -> int:
    """Print where a request with the token and no other key goes."""
    headers = [str(rule.header) for rule in fleet.routing.rules if rule.by == "token"]
    if not headers:
        tell("cellwright route: the fleet has no rule for tokens")
        return 1
    return _tell(Routes(fleet).decide(Request("", "/", [(headers[0], token)])), form)


def names_alike(target: str, fleet: Fleet) -> list[str]:
    """Return the names that the target may have been meant for: all of them, if they are few."""
    names = list(fleet.organizations)
    if len(names) > _MANY:
        near = (name for name in names if name[:2] == target[:2])
        names = [name for name in near if abs(len(name) - len(target)) <= 2]
    return names[:_MANY]


def _tell_about(fleet: Fleet, one: Organization, form: str) -> int:
    """Print where an organization lives, and the requests that reach it."""
    headers = [str(rule.header) for rule in fleet.routing.rules if rule.by == "header"]
    ways = {
        "path": [f"/o/{one.path}/"],
        "host": list(one.hosts),
        "header": [f"{header}: {one.name}" for header in headers],
    }
    entrances = [way for rule in _kinds(fleet) for way in ways.get(rule, ())]
    if form == "json":
        put_json(
            {
                "organization": one.name,
                "id": one.id,
                "cell": one.cell,
                "override": one.override,
                "state": one.state,
                "entrances": entrances if one.cell else [],
            }
        )
    elif one.cell is None:
        say(f"{one.name} has no cell yet: cellwright place --write chooses one")
    else:
        state = "" if one.state == "active" else f" ({one.state})"
        sent = f", sent to cell {one.override} by override" if one.override else ""
        say(f"{one.name} on cell {one.cell}{state}{sent}, reached by {', '.join(entrances)}")
    return 0 if one.cell is not None and one.state == "active" else 1


def _kinds(fleet: Fleet) -> list[str]:
    return list(dict.fromkeys(rule.by for rule in fleet.routing.rules))


def _as_json(decision: Decision) -> dict[str, Any]:
    one = decision.organization
    return {
        "status": decision.status,
        "organization": one.name if one else None,
        "id": one.id if one else None,
        "cell": decision.cell,
        "override": one.override if one else None,
        "retry_after": decision.retry_after,
        "rule": decision.rule or None,
        "key": decision.key or None,
        "why": decision.why,
    }


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form 'NAME: VALUE'")
    return name.strip(), value.strip()
