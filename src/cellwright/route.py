"""Which organization a request is for, by the rules that routers follow.

It decides as templates/router/haproxy.cfg.j2 does: the rules in the fleet's order, the first
whose key the request carries. A path of the form `/o/…` and the header are keys whatever they
hold; a host is a key only if it is an organization's, a cookie only if it is a cell's, a token
only if it is whole. Refuses whatever routers refuse. Limits and requests that other routers pass
on are not its business.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cellwright.keys import cell_of_cookie, cell_of_token
from cellwright.model import Fleet, Organization, Rule

_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:[^/?#]*@)?([^/?#]*)([^?#]*)", re.DOTALL)
_PORT = re.compile(r":[0-9]*\Z")
TWO_MEANINGS = (
    r"(?:/|%2f|%5c)(?:\.|%2e){1,2}(?:/|%2f|%5c|;|%3b|$)|[\\\x00-\x20\x7f-\xff]"
    r"|%[01][0-9a-f]|%7f|%(?![0-9a-f]{2})"
)
"""Paths that routers refuse, as their configuration has it."""
ALMOST_A_KEY = r"^(?:/|%2f|%5c)+(?:o|%6f)(?:/|%2f|%5c|;|%3b)"
"""Paths that some programs take for one of the form `/o/…`, as routers' configuration has it."""

_TWO_MEANINGS = re.compile(TWO_MEANINGS + r"|[^\x00-\xff]", re.IGNORECASE)
_ALMOST_A_KEY = re.compile(ALMOST_A_KEY, re.IGNORECASE)
_STATUS = {"active": 200, "maintenance": 403, "suspended": 403, "gone": 410}
_NEEDS_ONE = ("header", "token")


@dataclass(frozen=True, slots=True)
class Request:
    """What routers look at: the `Host` header, the path without query, and other headers."""

    host: str
    path: str
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a router does: 200 to pass it to `cell`, else its own answer.

    `rule` and `key` say how the cell was found; they are empty if no rule applied. Some requests
    are for a cell and no organization. `retry_after` are the seconds of that header, if any.
    """

    status: int
    organization: Organization | None
    rule: str
    key: str
    why: str
    cell: str | None = None
    retry_after: int | None = None


def request_of(url: str, headers: Sequence[tuple[str, str]] = ()) -> Request:
    """Return the request that a client makes for a URL; scheme, host or path may be missing."""
    match = _URL.match(url)
    host, path = match.groups() if match else ("", "")
    return Request(host, path or "/", headers)


class Routes:
    """A fleet's organizations by each key, to decide about many requests."""

    def __init__(self, fleet: Fleet) -> None:
        """Take the organizations that have a cell; routers do not know the others."""
        placed = [one for one in fleet.organizations.values() if one.cell is not None]
        self._rules = fleet.routing.rules
        self._by_name = {one.name: one for one in placed}
        self._by_path = {one.path: one for one in placed}
        self._by_host = {host: one for one in placed for host in one.hosts}
        self._cells = {str(cell.id): cell.name for cell in fleet.cells.values()}

    def decide(self, request: Request) -> Decision:
        """Return what routers do with a request."""
        refused = self._refused(request)
        if refused:
            return Decision(400, None, "", "", refused)
        for rule in self._rules:
            decision = self._by_rule(rule, request)
            if decision is not None:
                return decision
        return Decision(404, None, "", "", "no rule of the fleet applies to it")

    def _by_rule(self, rule: Rule, request: Request) -> Decision | None:
        """Return what a rule decides, None if the request does not carry its key."""
        match rule.by:
            case "path":
                return self._by_its_path(request)
            case "host":
                key = _PORT.sub("", request.host.lower()).rstrip(".")
                one = self._by_host.get(key)
                return _found(one, "host", key) if one else None
            case "header":
                values = _values(request, str(rule.header))
                return _found(self._by_name.get(values[0]), "header", values[0]) if values else None
            case "cookie":
                cell = cell_of_cookie(_values(request, "cookie"), str(rule.cookie))
                what = f"the cookie {rule.cookie}"
                return self._to_cell("cookie", str(cell), what) if cell in self._cells else None
            case "token":
                values = _values(request, str(rule.header))
                cell = cell_of_token(values[0]) if values else None
                return self._to_cell("token", cell, f"the token in {rule.header}") if cell else None
        why = "the rule default, as no other applies"
        return Decision(200, None, "default", "", why, rule.cell)

    def _by_its_path(self, request: Request) -> Decision | None:
        if request.path.startswith("/o/"):
            key = request.path.split("/")[2]
            return _found(self._by_path.get(key), "path", key)
        if _ALMOST_A_KEY.match(request.path):
            why = "some programs take the path for one of the form /o/…"
            return Decision(400, None, "", "", why)
        return None

    def _to_cell(self, rule: str, key: str, what: str) -> Decision:
        cell = self._cells.get(key)
        if cell is None:
            return Decision(404, None, rule, key, f"{what} names cell {key}, which there is not")
        return Decision(200, None, rule, key, what, cell)

    def _refused(self, request: Request) -> str:
        if not request.path.startswith("/") or _TWO_MEANINGS.search(request.path):
            return "the path can be read in two ways"
        for rule in self._rules:
            if rule.by in _NEEDS_ONE and len(_values(request, str(rule.header))) > 1:
                return f"the header {rule.header} stands more than once"
        return ""


def _values(request: Request, header: str) -> list[str]:
    return [value for name, value in request.headers if name.lower() == header.lower()]


def _found(one: Organization | None, rule: str, key: str) -> Decision:
    if one is None:
        return Decision(404, None, rule, key, f"no organization has the {_noun(rule)} {key!r}")
    status = _STATUS[one.state] if one.retry_after is None else 503
    why = f"{rule} {key}"
    if status != 200:
        why += f", and the organization is {_in_state(one)}"
    elif one.override:
        why += ", by override"
    return Decision(status, one, rule, key, why, one.serving_cell, one.retry_after)


def _noun(rule: str) -> str:
    return "name" if rule == "header" else rule


def _in_state(one: Organization) -> str:
    if one.state != "maintenance":
        return one.state
    if one.retry_after is None:
        return "in maintenance until further notice"
    return f"in maintenance (Retry-After: {one.retry_after})"
