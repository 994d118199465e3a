"""Requests are classified as the routers' configuration does it."""

from dataclasses import replace

import pytest

from cellwright.model import Fleet, Routing, Rule
from cellwright.route import ALMOST_A_KEY, TWO_MEANINGS, Request, Routes, request_of
from tests.fleets import ROOT, cell, fleet, organization
from tests.tokens import token

BY_HEADER = Rule("header", "X-Organization")
RULES = (Rule("path", None), Rule("host", None), BY_HEADER)


def routed(rules: tuple[Rule, ...] = RULES) -> Fleet:
    return fleet(
        [cell("alpha", 1), cell("beta", 2)],
        [
            organization("acme", "alpha", path="a", hosts=("acme.example.com",)),
            organization("globex", "beta"),
            organization("asleep", "beta", state="maintenance"),
            organization("dozing", "beta", state="maintenance", retry_after=900),
            organization("tried", "beta", override="alpha"),
            organization("at-home", "beta", override="beta"),
            organization("banned", "beta", state="suspended"),
            organization("past", "beta", state="gone"),
            organization("homeless", None),
        ],
        routing=Routing(rules),
    )


def decided(url: str, *headers: tuple[str, str], by: Fleet | None = None) -> tuple[int, str, str]:
    decision = Routes(by or routed()).decide(request_of(url, headers))
    return decision.status, decision.cell or "", decision.rule


@pytest.mark.parametrize(
    ("url", "decision"),
    [
        ("https://any.example.com/o/a/notes?x=/o/globex/", (200, "alpha", "path")),
        ("/o/globex", (200, "beta", "path")),
        ("/o/acme/", (404, "", "path")),
        ("/o/", (404, "", "path")),
        ("/o//a/", (404, "", "path")),
        ("/o/homeless/", (404, "", "path")),
        ("https://acme.example.com/notes", (200, "alpha", "host")),
        ("acme.example.com", (200, "alpha", "host")),
        ("http://user@ACME.Example.com.:8080/", (200, "alpha", "host")),
        ("http://other.example.com/", (404, "", "")),
        ("http://acme.example.com/o/globex/", (200, "beta", "path")),
        ("/o/asleep/", (403, "beta", "path")),
        ("/o/dozing/", (503, "beta", "path")),
        ("/o/tried/", (200, "alpha", "path")),
        ("/o/at-home/", (200, "beta", "path")),
        ("/o/banned/", (403, "beta", "path")),
        ("/o/past/", (410, "beta", "path")),
        ("/o/a/../globex/", (400, "", "")),
        ("/o/a/%2e%2E/x", (400, "", "")),
        ("/x/..;/y", (400, "", "")),
        ("/o/a\\b", (400, "", "")),
        ("/o/a/%0a", (400, "", "")),
        ("/o/a/%zz", (400, "", "")),
        ("/o/ä/", (400, "", "")),
        ("/O/a/", (400, "", "")),
        ("//o/a/", (400, "", "")),
        ("/%6f/a/", (400, "", "")),
        ("/o%2fa/", (400, "", "")),
        ("/o/%61/", (404, "", "path")),
        ("", (404, "", "")),
    ],
)
def test_a_url(url: str, decision: tuple[int, str, str]) -> None:
    assert decided(url) == decision


def test_a_header_is_a_key_whatever_it_holds() -> None:
    assert decided("/", ("x-organization", "acme")) == (200, "alpha", "header")
    assert decided("/", ("X-Organization", "a")) == (404, "", "header")
    assert decided("/", ("X-Organization", "")) == (404, "", "header")
    assert decided("/", ("X-Other", "acme")) == (404, "", "")


def test_a_header_that_stands_twice_is_refused() -> None:
    twice = [("X-Organization", "acme"), ("x-organization", "acme")]
    assert decided("/o/a/", *twice) == (400, "", "")


def test_the_first_rule_wins() -> None:
    header_first = routed((BY_HEADER, Rule("path", None)))
    assert decided("/o/globex/", ("X-Organization", "acme"), by=header_first)[1] == "alpha"
    path_first = routed((Rule("path", None), BY_HEADER))
    assert decided("/o/globex/", ("X-Organization", "acme"), by=path_first)[1] == "beta"
    assert decided("/O/a/", ("X-Organization", "acme"), by=header_first)[:2] == (200, "alpha")
    assert decided("/O/a/", ("X-Organization", "acme"), by=path_first)[0] == 400


def test_a_maintenance_says_when_to_come_again() -> None:
    decision = Routes(routed()).decide(Request("x", "/o/dozing/"))
    assert decision.retry_after == 900
    assert decision.why.endswith("in maintenance (Retry-After: 900)")
    assert Routes(routed()).decide(Request("x", "/o/asleep/")).retry_after is None


def test_an_override_is_told() -> None:
    assert Routes(routed()).decide(Request("x", "/o/tried/")).why == "path tried, by override"


BY_KEYS = (Rule("cookie", cookie="session"), Rule("token", "Authorization"), Rule("host"))
LAST = Rule("default", cell="beta")


@pytest.mark.parametrize(
    ("name", "value", "decision"),
    [
        ("Cookie", "a=b; session=cell-2-abc", (200, "beta", "cookie")),
        ("Cookie", "session=cell-9-abc", (200, "alpha", "host")),
        ("Cookie", "session=abc", (200, "alpha", "host")),
        ("Authorization", f"Bearer {token('c:2')}", (200, "beta", "token")),
        ("Authorization", f"Bearer {token('c:9')}", (404, "", "token")),
        ("Authorization", f"Bearer {token('o:9')}", (200, "alpha", "host")),
        ("Authorization", f"Bearer {token('c:2')}x", (200, "alpha", "host")),
    ],
)
def test_keys_that_name_a_cell(name: str, value: str, decision: tuple[int, str, str]) -> None:
    by = routed((*BY_KEYS, LAST))
    assert decided("https://acme.example.com/", (name, value), by=by) == decision
    found = Routes(by).decide(request_of("/", [(name, value)]))
    assert found.organization is None


def test_two_tokens_are_refused() -> None:
    twice = [("Authorization", token("c:1")), ("authorization", "x")]
    assert decided("/", *twice, by=routed(BY_KEYS))[0] == 400


def test_the_rule_default_takes_the_rest() -> None:
    by = routed((Rule("path"), LAST))
    assert decided("/", by=by) == (200, "beta", "default")
    assert decided("/o/nobody/", by=by) == (404, "", "path")


def test_without_a_path_rule_paths_are_nothing_special() -> None:
    by_host = routed((Rule("host", None),))
    assert decided("/o/a/", by=by_host) == (404, "", "")
    assert decided("/O/a/", by=by_host) == (404, "", "")


def test_a_request_from_the_directory_of_a_fleet_without_organizations() -> None:
    empty = replace(routed(), organizations={})
    assert Routes(empty).decide(Request("x", "/o/a/")).status == 404


@pytest.mark.parametrize("pattern", [TWO_MEANINGS, ALMOST_A_KEY])
def test_routers_refuse_by_the_same_pattern(pattern: str) -> None:
    template = (ROOT / "templates/router/haproxy.cfg.j2").read_text("utf-8")
    assert f"path -m reg -i '{pattern}'" in template
