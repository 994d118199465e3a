"""`cellwright route` and the router decide the same about the same requests.

Ten thousand generated ones are sent to a real router, many at a time over kept connections, and
put to `Routes.decide`: status, cell, organization and rule must be equal for each. The seed is
fixed; `CELLWRIGHT_SEED` tries another one.
"""

import json
import os
import random
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from cellwright.model import Organization, Routing
from cellwright.route import Request, Routes
from tests import fleets
from tests.router.conftest import Fleet
from tests.router.pods import RULES, rule_of
from tests.router.test_hostile import BAD_PATHS, UNKNOWN_PATHS
from tests.tokens import token

pytestmark = pytest.mark.docker

ORDERS = (
    ("path", "host", "header:X-Organization", "cookie:session", "token:Authorization"),
    ("cookie:session", "token:Private-Token", "header:X-Organization", "host", "path"),
    ("token:Authorization", "host", "cookie:__Host-s.1", "path", "default:gamma"),
    ("header:X-Tenant", "path", "default:beta"),
)
EACH = 2500
AT_ONCE = 50
SHOW_RULE = "    http-after-response set-header X-Test-Rule %[var(txn.rule)]\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a router did; `cell` and `organization` as the app was told them."""

    status: int
    rule: str
    cell: str = ""
    organization: str = ""
    retry_after: str = ""


class Requests:
    """Makes requests of which each part is ordinary, strange or hostile."""

    def __init__(self, seed: int, organizations: Sequence[Organization]) -> None:
        self._random = random.Random(seed)  # noqa: S311 (nothing is secret)
        names = [one.name for one in organizations]
        paths = [one.path for one in organizations]
        self._hosts = [host for one in organizations for host in one.hosts]
        keys = [*names, *paths, "nobody", "Acme", "acme:alpha", "", "%61cme", "/table", "acme ü"]
        self._names = [*names, *names, *keys, "acme, umbrella", "acme:alpha"]
        # Without those that HAProxy refuses before any rule, and with it the whole connection.
        bad = [path for path in BAD_PATHS if path and path.isprintable() and " " not in path]
        self._paths = [
            *(f"/o/{key}{rest}" for key in keys if key.isascii() for rest in ("", "/", "/a%2Fb?c")),
            *("/", "/notes", "/notes?x=/../", "/o", "/other/o/acme/", "/a%2fb"),
        ] * 3 + [*UNKNOWN_PATHS, *bad]
        self._paths = [path for path in self._paths if " " not in path]
        self._good = [token("c:1\no:rs"), token("c:2", "glrt-t1_"), token("c:3\no:1\nu:zz", "")]

    def one(self) -> Request:
        headers = [
            *self._maybe(self._random.choice(("X-Organization", "x-tenant")), self._names),
            *self._maybe(self._random.choice(("Cookie", "cookie")), None, self._cookie),
            *self._maybe(
                self._random.choice(("Authorization", "private-token")), None, self._token
            ),
            *self._maybe("X-Cellwright-Organization", ["umbrella"]),
            *self._maybe("X-Cellwright-Cell", ["beta"]),
            *self._maybe("X-Cellwright-Hop", ["wrong", ""]),
        ]
        return Request(self._host(), self._random.choice(self._paths), headers)

    def _maybe(self, name: str, values: Sequence[str] | None, make: Any = None) -> Any:
        times = self._random.choices((0, 1, 2), (60, 37, 3))[0]
        found = [make() if make else self._random.choice(values or ()) for _ in range(times)]
        return [(name, value.strip()) for value in found]

    def _host(self) -> str:
        if self._random.random() < 0.4:
            return self._random.choice(("router.example.com", "10.0.0.1:8080", "example.com", "x"))
        host = self._random.choice(self._hosts)
        host = self._random.choice((host, host, host.upper(), host.title(), f"x.{host}"))
        return host + self._random.choice(("", "", ".", ":80", ".:8080", ":"))

    def _cookie(self) -> str:
        parts = [self._random.choice(("a=b", 'a="x; y"', "session", "$session=cell-1-a", "a=,b=c"))]
        for _ in range(self._random.choice((0, 1, 1, 1, 2))):
            name = self._random.choice(("session", "session", *("__Host-s.1",) * 2, "Session", "x"))
            cell = self._random.choice(
                ("1", "2", "3", "3", "9", "01", "0", "-1", "", "1x", "alpha")
            )
            rest = self._random.choice(("-abc", "-", "", "-a-b", '-"a'))
            sign = self._random.choice(("=", "=", "=", " = ", '="', "=;"))
            start = self._random.choice(("cell-", "cell-", "cell-", "Cell-", " cell-", ""))
            parts.append(f"{name}{sign}{start}{cell}{rest}")
        self._random.shuffle(parts)
        return self._random.choice(("; ", ";", ",", " ; ")).join(parts)

    def _token(self) -> str:
        kind = self._random.randrange(8)
        made = self._random.choice(self._good)
        if kind == 0:
            made = token(self._random.choice(("c:9", "c:zz", "c:1z141z3", "c:zzzzzzzzzzzz")))
        if kind == 1:
            made = token(self._random.choice(("o:1", "c:", "c:0", "c:01", "c:A", "x", "", "c:1:1")))
        if kind == 2:
            at = self._random.randrange(len(made))
            made = made[:at] + self._random.choice("aZ09._-~") + made[at + 1 :]
        if kind == 3:
            made = made[self._random.randrange(3) : self._random.choice((-1, None, -9))]
        if kind == 4:
            made = self._random.choice(("abc", "glpat-x.01.020000000", "a.b.c", "é.01.02", ".01."))
        return self._random.choice(("Bearer ", "bearer  ", "", "token ", "Basic ")) + made


@pytest.fixture
def fleet(fleet: Fleet) -> Iterator[Fleet]:
    fleet.directory.add("tried", "gamma", hosts=("tried.example.com",))
    fleet.publish()
    yield fleet
    del fleet.directory.organizations["tried"]
    fleet.publish()
    _restart(fleet, RULES, "")


def _restart(fleet: Fleet, rules: tuple[str, ...], extra: str) -> None:
    fleet.alpha.rules, fleet.alpha.extra = rules, extra
    fleet.alpha.restart_haproxy(fleet.directory.mark())


def _declared(fleet: Fleet) -> list[Organization]:
    """Return the directory's organizations as definitions would declare them."""
    found = []
    for one in fleet.directory.organizations.values():
        state, _, seconds = one.state.partition("-")
        if state == "fenced":  # no state of definitions; see test_hold
            continue
        home, override = ("alpha", one.cell) if one.name == "tried" else (one.cell, None)
        found.append(
            fleets.organization(
                one.name,
                home,
                path=one.path or one.name,
                hosts=one.hosts,
                state=state,
                retry_after=int(seconds) if seconds else None,
                override=override,
            )
        )
    return found


def _as_bytes(request: Request) -> bytes:
    lines = [f"GET {request.path} HTTP/1.1", f"Host: {request.host}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1")


def _ask(address: str, requests: Sequence[Request]) -> list[Seen]:
    """Send requests one behind the other without waiting; a new connection where one ends."""
    seen: list[Seen] = []
    while len(seen) < len(requests):
        before = len(seen)
        with socket.create_connection((address, 8080), timeout=20) as connection:
            connection.sendall(b"".join(map(_as_bytes, requests[before:])))
            with connection.makefile("rb") as answers:
                seen += _answers(answers, len(requests) - before)
        assert len(seen) > before, f"no answer to {requests[before]}"
    return seen


def _answers(stream: Any, most: int) -> Iterator[Seen]:
    for _ in range(most):
        line = stream.readline()
        if not line:
            return
        headers = {}
        while field := stream.readline().strip():
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        text = stream.read(int(headers["content-length"]))
        body = json.loads(text) if headers["content-type"] == "application/json" else {}
        told = dict(body.get("headers", ()))
        yield Seen(
            int(line.split()[1]),
            headers.get("x-test-rule", ""),
            body.get("app", "").removesuffix("-app"),
            told.get("x-cellwright-organization", ""),
            headers.get("retry-after", ""),
        )
        if headers.get("connection") == "close":
            return


def _expected(routes: Routes, request: Request) -> Seen:
    said = routes.decide(Request(request.host, request.path.partition("?")[0], request.headers))
    if said.status == 400:
        return Seen(400, "")
    if said.status != 200:
        retry = "" if said.retry_after is None else str(said.retry_after)
        return Seen(said.status, said.rule, retry_after=retry)
    who = said.organization.name if said.organization else ""
    return Seen(200, said.rule, str(said.cell), who)


def _differing(fleet: Fleet, number: int) -> Iterator[str]:
    """Yield what differs between the verb and the router with one order of rules."""
    _restart(fleet, ORDERS[number], SHOW_RULE)
    declared = _declared(fleet)
    cells = [fleets.cell(name, body[0]) for name, body in fleet.directory.cells.items()]
    routing = Routing(tuple(map(rule_of, ORDERS[number])))
    routes = Routes(fleets.fleet(cells, declared, routing=routing))
    make = Requests(int(os.environ.get("CELLWRIGHT_SEED", "5")) + number, declared)
    requests = [make.one() for _ in range(EACH)]
    parts = [requests[at : at + AT_ONCE] for at in range(0, EACH, AT_ONCE)]
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda part: _ask(fleet.alpha.address, part), parts)
        seen = [one for part in answers for one in part]
    for request, one in zip(requests, seen, strict=True):
        found = Seen(400, "") if one.status == 400 else one
        expected = _expected(routes, request)
        if found != expected:
            yield f"{request}: {found}, not {expected}"
    assert {rule.by for rule in routing.rules} <= {one.rule for one in seen}
    assert {200, 400, 403, 410, 503} <= {one.status for one in seen}


def test_the_router_and_the_verb_agree(fleet: Fleet) -> None:
    wrong = [one for number in range(len(ORDERS)) for one in _differing(fleet, number)]
    assert not wrong, f"{len(wrong)} differ: " + "\n".join(wrong[:5])
