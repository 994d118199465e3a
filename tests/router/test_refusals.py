"""A directory that went back in time or lost many organizations: routers keep the last good one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest

from tests.postgres.containers import docker, until
from tests.router.conftest import Fleet
from tests.router.pods import Pod

pytestmark = pytest.mark.docker


@pytest.fixture
def fleet(new_fleet: Callable[[], AbstractContextManager[Fleet]]) -> Iterator[Fleet]:
    """Return a fleet of a test's own, with 400 organizations more, and the share that is usual."""
    with new_fleet() as started:
        for number in range(400):
            started.directory.add(f"bulk-{number}", "alpha")
        started.directory.maximum_loss = 20
        started.publish()
        yield started


def refused(router: Pod, *, some: bool = True) -> dict[str, str]:
    """Return what a router refuses, once it does."""
    found: dict[str, str] = {}

    def asked() -> bool:
        found.clear()
        found.update(router.table()["refused"])
        return bool(found) is some

    until(asked, f"{router.cell} refuses {'something' if some else 'nothing'}")
    return found


def lines(router: Pod, *words: str) -> list[str]:
    return [one for one in router.logs(router.agent).splitlines() if all(w in one for w in words)]


def metric(router: Pod, name: str) -> str:
    text = httpx.get(f"http://{router.address}:8405/metrics").text
    return next(one.rpartition(" ")[2] for one in text.splitlines() if one.startswith(f"{name} "))


def test_an_api_server_restored_from_a_backup(fleet: Fleet) -> None:
    backup = fleet.api.backup()
    fleet.directory.change("acme", cell="beta")
    fleet.publish()
    served = fleet.directory.mark()
    with fleet.api.away():
        fleet.api.restore(backup)
    for router in fleet.routers:
        ((name, reason),) = refused(router).items()
        assert "if the API server was restored on purpose, raise spec.directory.epoch" in reason
        assert router.answered_by("/o/acme/") == "beta-app"
        assert (router.table()["checksum"], router.table()["served"]) == (served, True)
        assert int(router.table()["resource_version"]) < backup[0]
        assert (
            metric(router, f'cellwright_table_refused{{configmap="{name}",kind="version"}}') == "1"
        )
        assert len(lines(router, "refused", name)) == 1
    docker("restart", "--time=1", fleet.alpha.agent)
    until(lambda: bool(lines(fleet.alpha, "refused")[1:]), "the restarted agent refuses it, too")
    assert fleet.alpha.answered_by("/o/acme/") == "beta-app"

    fleet.directory.change("acme", cell="alpha")
    fleet.directory.epoch = 2
    fleet.publish()
    for router in fleet.routers:
        assert refused(router, some=False) == {}
        assert router.answered_by("/o/acme/") == "alpha-app"


def test_a_backup_that_lacks_no_change_needs_nobody(fleet: Fleet) -> None:
    backup = fleet.api.backup()
    for _ in range(3):  # versions grow, and the directory is as it was
        fleet.directory.change("acme", cell="beta")
        fleet.publish()
        fleet.directory.change("acme", cell="alpha")
        fleet.publish()
    with fleet.api.away():
        fleet.api.restore(backup)
    for router in fleet.routers:
        until(
            lambda router=router: router.table()["resource_version"] == str(backup[0]),
            "the version is the API server's",
        )
    fleet.directory.change("acme", cell="gamma")
    fleet.publish()
    for router in fleet.routers:
        assert router.answered_by("/o/acme/") == "gamma"


def test_half_of_the_organizations_vanish(fleet: Fleet) -> None:
    before, served = dict(fleet.directory.organizations), fleet.directory.mark()
    for number in range(200):
        del fleet.directory.organizations[f"bulk-{number}"]
    fleet.api.publish(fleet.directory)
    for router in fleet.routers:
        until(lambda router=router: len(refused(router)) == 4, "all shards are refused")
        assert all("spec.directory.maximumLoss" in one for one in refused(router).values())
        assert router.table()["checksum"] == served
        assert router.answered_by("/o/bulk-7/") == "alpha-app"
        assert len(lines(router, "refused")) == 4
    docker("restart", "--time=1", fleet.beta.agent)
    until(lambda: len(lines(fleet.beta, "refused")) == 8, "the restarted agent refuses it, too")
    assert fleet.beta.answered_by("/o/bulk-7/") == "alpha-app"

    after = fleet.directory.organizations
    fleet.directory.organizations = before  # the mistake is undone
    fleet.publish()
    for router in fleet.routers:
        assert refused(router, some=False) == {}

    fleet.directory.organizations = after  # it was none
    fleet.api.publish(fleet.directory)
    refused(fleet.alpha)
    fleet.directory.maximum_loss = 60
    fleet.publish()
    for router in fleet.routers:
        assert refused(router, some=False) == {}
        assert router.answered_by("/o/bulk-7/") == "404"
        assert router.answered_by("/o/acme/") == "alpha-app"


def test_the_directory_is_empty(fleet: Fleet) -> None:
    """Also in another number of shards, which are collected before they are served."""
    shrinking = set(fleet.directory.texts()) - {"directory-cells"}
    fleet.directory.organizations = {}
    for shards, wanted in ((4, shrinking), (7, {"directory"})):
        fleet.directory.shards = shards
        fleet.api.publish(fleet.directory)
        for router in fleet.routers:
            until(
                lambda router=router, wanted=wanted: refused(router).keys() == wanted,
                "it is refused",
            )
            assert router.answered_by("/o/acme/") == "alpha-app"
            assert router.answered_by("/o/bulk-399/") == "alpha-app"
