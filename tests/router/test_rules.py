"""The rules are the fleet's: any of them, in any order."""

from collections.abc import Iterator

import pytest

from tests.router.conftest import Fleet
from tests.router.pods import RULES

pytestmark = pytest.mark.docker

EVERY = {"Host": "u.example.org", "X-Organization": "globex", "X-Tenant": "umb"}


@pytest.fixture
def fleet(fleet: Fleet) -> Iterator[Fleet]:
    yield fleet
    _restart(fleet, RULES)


def _restart(fleet: Fleet, rules: tuple[str, ...]) -> None:
    fleet.alpha.remove(fleet.alpha.haproxy)
    fleet.alpha.rules = rules
    fleet.alpha.start_haproxy()
    fleet.alpha.wait(fleet.directory.mark())


def test_the_order_counts(fleet: Fleet) -> None:
    _restart(fleet, ("header:X-Organization", "host", "path"))
    assert fleet.alpha.answered_by("/o/acme/", EVERY) == "gamma"
    assert fleet.alpha.answered_by("/o/acme/", {"Host": "u.example.org"}) == "beta-app"
    assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
    assert fleet.alpha.answered_by("/o/acme/", {"X-Organization": "nobody"}) == "404"
    assert fleet.alpha.answered_by("/o/acme/", {"Host": "nobody.example.com"}) == "alpha-app"


def test_a_rule_that_is_not_there_does_nothing(fleet: Fleet) -> None:
    """Also that the agent does well without the maps that HAProxy has no use for."""
    _restart(fleet, ("path",))
    assert fleet.alpha.answered_by("/o/acme/", EVERY) == "alpha-app"
    assert fleet.alpha.answered_by("/notes", EVERY) == "404"
    _restart(fleet, ("host",))
    assert fleet.alpha.answered_by("/o/acme/", EVERY) == "beta-app"
    assert fleet.alpha.answered_by("/o/acme/") == "404"
    assert (
        fleet.alpha.answered_by("//o/acme/", EVERY) == "beta-app"
    )  # no prefix to be confused with


def test_a_header_may_have_any_name(fleet: Fleet) -> None:
    _restart(fleet, ("header:X-Tenant",))
    assert fleet.alpha.answered_by("/notes", EVERY) == "alpha-app"
    assert fleet.alpha.answered_by("/notes", {"x-tenant": "umbrella"}) == "beta-app"
    assert fleet.alpha.answered_by("/notes", {"X-Organization": "acme"}) == "404"
