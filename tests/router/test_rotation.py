"""The routers' own certificates: issued over and over, and no request notices."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Self

import httpx
import pytest

from tests.postgres.containers import until
from tests.router.authorities import authority, client_context, give, name_of
from tests.router.conftest import Fleet
from tests.router.pods import Pod

pytestmark = pytest.mark.docker

LIFETIME = 40
"""Seconds; a new one is issued after eleven to sixteen."""


@pytest.fixture(scope="module")
def fleet(new_fleet: Callable[..., AbstractContextManager[Fleet]]) -> Iterator[Fleet]:
    """Return a fleet of this module's own, with certificates that are soon old."""
    with new_fleet(lifetime=LIFETIME) as started:
        yield started


def _shown(router: Pod) -> dict[str, Any]:
    """Return the certificate that a router shows to others."""
    context = client_context(authority("router", "beta").leaf(name_of("router", "beta")))
    name = name_of("router", router.cell)
    with (
        socket.create_connection((router.address, 8444), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        found: dict[str, Any] = secure.getpeercert() or {}
        return found


def _told(router: Pod) -> dict[str, Any]:
    found: dict[str, Any] = router.table()["certificates"]["routers"]
    return found


def _end(shown: dict[str, Any]) -> float:
    return ssl.cert_time_to_seconds(shown["notAfter"])


def _renewed(router: Pod) -> None:
    """Wait until a router shows another certificate than now."""
    before = _shown(router)["serialNumber"]
    until(lambda: _shown(router)["serialNumber"] != before, "another certificate")


class _Load:
    """Asks on kept connections and on new ones, the own cell and another, until told to stop."""

    def __init__(self, router: Pod) -> None:
        self.wrong: list[str] = []
        self.answers = [0, 0, 0, 0]
        self._base = f"http://{router.address}:8080"
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(one,)) for one in range(4)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        path = ("/o/acme/load", "/o/umb/load")[number % 2]
        client = httpx.Client(base_url=self._base, timeout=20)
        while not self._done.is_set():
            if number > 1:
                client.close()
                client = httpx.Client(base_url=self._base, timeout=20)
            try:
                answer = client.get(path)
            except httpx.HTTPError as error:
                self.wrong.append(repr(error))
                continue
            self.answers[number] += 1
            if answer.status_code != 200:
                self.wrong.append(answer.text)
        client.close()


def test_a_renewal_drops_nothing(fleet: Fleet) -> None:
    """A kept connection of a router to another outlives the certificate that it began with."""
    processes = [router.process() for router in fleet.routers]
    first = _shown(fleet.beta)
    with _Load(fleet.alpha) as load:
        for _ in range(2):
            for router in fleet.routers:
                _renewed(router)
    assert load.wrong == []
    assert all(load.answers)
    assert _end(_shown(fleet.beta)) > _end(first)
    assert [router.process() for router in fleet.routers] == processes


def test_the_one_that_is_shown_to_others_is_renewed_too(fleet: Fleet) -> None:
    """Whoever is called by a router sees one that is still valid: here a router that is new."""
    first = _shown(fleet.alpha)
    until(lambda: _end(_shown(fleet.alpha)) > _end(first) + LIFETIME, "the first has expired")
    fleet.beta.restart_haproxy(fleet.directory.mark())
    assert fleet.alpha.answered_by("/o/umb/") == "beta-app"


def test_restarts_keep_it_and_renewals_go_on(fleet: Fleet) -> None:
    """Of HAProxy, and of an agent that was killed while it wrote."""
    alpha = fleet.alpha
    alpha.remove(alpha.agent)
    kept = alpha.folder / "certificate" / "hop.pem"
    before = kept.read_bytes()
    (kept.parent / "hop.coming").write_text("-----BEGIN")
    alpha.remove(alpha.haproxy)
    alpha.start_haproxy()
    assert kept.read_bytes() == before
    assert fleet.beta.answered_by("/o/acme/") == "alpha-app"
    alpha.start_agent()
    _renewed(alpha)
    alpha.wait(fleet.directory.mark())
    assert fleet.beta.answered_by("/o/acme/") == "alpha-app"


def test_what_can_not_be_issued_is_told_and_the_last_one_kept(fleet: Fleet) -> None:
    alpha = fleet.alpha
    key = alpha.folder / "authority" / "ca.key"
    key.write_text("no key")
    try:
        until(lambda: "openssl" in _told(alpha)["refused"], "it is told")
        assert 'cellwright_certificate_refused{purpose="routers"} 1\n' in alpha.agent_metrics()
        assert fleet.beta.answered_by("/o/acme/") == "alpha-app"
    finally:
        give(key.parent, "router", "alpha")
    until(lambda: _told(alpha)["refused"] == "", "it is issued again")
    until(lambda: fleet.beta.answered_by("/o/acme/") == "alpha-app", "alpha is called")
