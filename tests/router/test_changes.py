"""The table changes while routers serve: each change is served everywhere, and nothing restarts."""

import hashlib
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.postgres.containers import until
from tests.router.conftest import Fleet
from tests.router.directory import Organization, bucket_of, config_map
from tests.router.upstream import Upstream

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def _same_processes(fleet: Fleet) -> Iterator[None]:
    """Nothing in this module may restart HAProxy."""
    before = [router.process() for router in fleet.routers]
    yield
    assert [router.process() for router in fleet.routers] == before


def assert_maps(fleet: Fleet) -> None:
    """Check everything that HAProxy holds against the directory."""
    mark = fleet.directory.mark()
    for router in fleet.routers:
        found = router.maps()
        assert found["table"].pop("/table") == mark
        assert found["table"] == fleet.directory.lines()
        ids = {str(number): name for name, (number, _, _) in fleet.directory.cells.items()}
        assert found["cells"].keys() == fleet.directory.cells.keys() | {router.cell} | ids.keys()
        assert found["cells"].items() >= ids.items()


def test_an_organization_moves(fleet: Fleet) -> None:
    for cell, app in (("beta", "beta-app"), ("gamma", "gamma"), ("alpha", "alpha-app")):
        fleet.directory.change("acme", cell=cell)
        fleet.publish()
        for router in fleet.routers:
            assert router.answered_by("/o/acme/") == app
            assert router.answered_by("/", {"Host": "acme.example.com"}) == app
            assert router.answered_by("/", {"X-Organization": "acme"}) == app


def test_an_organization_comes_and_goes(fleet: Fleet) -> None:
    fleet.directory.add("hooli", "beta", hosts=("hooli.example.com",))
    fleet.publish()
    assert fleet.alpha.answered_by("/o/hooli/") == "beta-app"
    del fleet.directory.organizations["hooli"]
    fleet.publish()
    assert fleet.alpha.answered_by("/o/hooli/") == "404"
    assert fleet.alpha.answered_by("/", {"Host": "hooli.example.com"}) == "404"


def test_a_state_changes(fleet: Fleet) -> None:
    fleet.directory.change("acme", state="fenced")
    fleet.publish()
    assert fleet.beta.answered_by("/o/acme/") == "503"
    fleet.directory.change("acme", state="active")
    fleet.publish()
    assert fleet.beta.answered_by("/o/acme/") == "alpha-app"


def test_a_cell_comes_and_goes(fleet: Fleet) -> None:
    address = f"{fleet.gamma.address.rpartition('.')[0]}.250"
    with Upstream(address, 8080, "delta"):
        fleet.directory.cells["delta"] = (4, address, 8080)
        fleet.directory.add("initech", "delta")
        fleet.publish()
        for router in fleet.routers:
            assert router.answered_by("/o/initech/") == "delta"
    del fleet.directory.cells["delta"]
    fleet.publish()
    answer = fleet.alpha.get("/o/initech/")
    assert (answer.status_code, answer.json()["error"]) == (503, "the cell is away")
    del fleet.directory.organizations["initech"]
    fleet.publish()
    assert_maps(fleet)


def test_a_cell_moves(fleet: Fleet) -> None:
    address = f"{fleet.gamma.address.rpartition('.')[0]}.251"
    number, host, port = fleet.directory.cells["gamma"]
    with Upstream(address, 9100, "gamma-elsewhere"):
        fleet.directory.cells["gamma"] = (number, address, 9100)
        fleet.publish()
        until(lambda: fleet.alpha.answered_by("/o/globex/") == "gamma-elsewhere", "the new place")
    fleet.directory.cells["gamma"] = (number, host, port)
    fleet.publish()
    until(lambda: fleet.alpha.answered_by("/o/globex/") == "gamma", "the old place")


def test_keys_that_go_from_one_organization_to_another(fleet: Fleet) -> None:
    """The shards of both change one after the other, in either order."""
    directory = fleet.directory
    for name in ("first", "second", "third"):
        directory.add(name, "alpha", path=f"{name}-path", hosts=(f"{name}.example.com",))
    fleet.publish()
    for giver, taker in (("first", "second"), ("second", "third"), ("third", "first")):
        for one in (giver, taker):
            if one == taker:
                directory.change(
                    taker, path="contested", hosts=("contested.example.com",), cell="beta"
                )
            else:
                directory.change(giver, path=f"{giver}-path", hosts=(), cell="alpha")
            for name, text in directory.texts().items():
                checksum = hashlib.sha256(text.encode()).hexdigest()
                fleet.api.put(config_map(name, text, checksum, directory.shards))
        fleet.publish()
        assert_maps(fleet)
        assert fleet.alpha.get("/o/contested/").json()["app"] == "beta-app"
    for name in ("first", "second", "third"):
        del directory.organizations[name]
    fleet.publish()


def test_random_changes_leave_exactly_the_directory(fleet: Fleet) -> None:
    """Paths, hosts, names and cells are dealt anew, with many collisions between steps."""
    dice = random.Random(7)  # noqa: S311
    kept = dict(fleet.directory.organizations)
    for _ in range(8):
        names = dice.sample([f"org-{n}" for n in range(40)], dice.randrange(40))
        paths = dice.sample([f"org-{n}" for n in range(50)], len(names))
        hosts = dice.sample([f"h{n}.example.net" for n in range(60)], len(names))
        dealt = {
            name: Organization(
                name,
                5000 + int(name[4:]),
                dice.choice(["alpha", "beta", "gamma"]),
                dice.choice(["active", "active", "fenced", "suspended"]),
                dice.choice([path, ""]) if name not in paths else path,
                (host,) if dice.random() < 0.5 else (),
            )
            for name, path, host in zip(names, paths, hosts, strict=True)
        }
        fleet.directory.organizations = {**kept, **dealt}
        fleet.publish()
        assert_maps(fleet)
    fleet.directory.organizations = kept
    fleet.publish()


def test_a_large_change_is_made_at_once(fleet: Fleet) -> None:
    kept = dict(fleet.directory.organizations)
    for number in range(5000):
        fleet.directory.add(f"bulk-{number}", "alpha", path=f"b-{number}")
    fleet.publish()
    assert_maps(fleet)
    for number in range(5000):
        fleet.directory.change(f"bulk-{number}", cell="beta")
    fleet.publish()
    assert_maps(fleet)
    assert fleet.alpha.answered_by("/o/b-4999/") == "beta-app"
    fleet.directory.organizations = kept
    fleet.publish()
    assert_maps(fleet)


def test_a_change_of_most_of_the_table_is_seen_whole(fleet: Fleet) -> None:
    """Each shard is large by itself: first every organization is at the old cell, then none.

    The new cell is the stub: another router might still have its own table of before.
    """
    kept = dict(fleet.directory.organizations)
    names = [f"bulk-{number}" for number in range(30_000)]
    many = [
        Organization(name, 9000 + at, "alpha", path=f"b-{at}", hosts=(f"{name}.example.org",))
        for at, name in enumerate(names)
    ]
    fleet.directory.organizations = {**kept, **{one.name: one for one in many}}
    fleet.publish()
    for name in names:
        fleet.directory.change(name, cell="gamma")
    answers: list[str | None] = []
    with ThreadPoolExecutor(1) as pool:
        published = pool.submit(fleet.publish)
        while not published.done():
            answers.append(fleet.alpha.answered_by(f"/o/b-{len(answers) * 7 % len(names)}/"))
        published.result()
    moved = answers.index("gamma")
    assert set(answers[:moved]) == {"alpha-app"}
    assert set(answers[moved:]) == {"gamma"}
    assert '"rebuilt": true' in fleet.alpha.logs(fleet.alpha.agent).splitlines()[-1]
    assert_maps(fleet)
    fleet.directory.organizations = kept
    fleet.publish()
    assert_maps(fleet)


def test_the_number_of_shards_changes(fleet: Fleet) -> None:
    for shards in (7, 4):
        fleet.directory.shards = shards
        texts = fleet.directory.texts()
        cells = texts.pop("directory-cells")
        for name, text in [("directory-cells", cells), *texts.items()]:
            checksum = hashlib.sha256(text.encode()).hexdigest()
            fleet.api.put(config_map(name, text, checksum, shards))
            for path, app in (("/o/acme/", "alpha-app"), ("/o/umb/", "beta-app")):
                assert fleet.alpha.answered_by(path) == app
        fleet.publish()
        assert_maps(fleet)
    for number in range(4, 7):
        fleet.api.delete(f"directory-{number:02d}")


def _shard_of(fleet: Fleet, name: str) -> tuple[str, str]:
    texts = fleet.directory.texts()
    return next((key, text) for key, text in texts.items() if f",{name}=" in text)


def _refused(fleet: Fleet, name: str) -> str:
    until(lambda: name in fleet.alpha.table()["refused"], f"{name} is refused")
    return str(fleet.alpha.table()["refused"][name])


def test_a_wrong_checksum_is_refused(fleet: Fleet) -> None:
    shard, text = _shard_of(fleet, "acme")
    other = text.replace("active:alpha:1001:acme", "active:beta:1001:acme")
    assert other != text
    good = hashlib.sha256(text.encode()).hexdigest()
    fleet.api.put(config_map(shard, other, good, fleet.directory.shards))
    assert "checksum" in _refused(fleet, shard)
    assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
    assert fleet.alpha.table()["checksum"] == fleet.directory.mark()
    fleet.publish()
    until(lambda: not fleet.alpha.table()["refused"], "the good one is accepted")


@pytest.mark.parametrize(
    "value",
    [
        "active:beta:1001:acme,\\nset map x",
        "active:beta:1001:acme;quit",
        "active:beta:active:1001:acme",
        "inactive:beta:1001:acme",
        "active:beta:1001:umbrella",
        "active:beta:1001:acme:/",
    ],
)
def test_a_malformed_shard_is_refused(fleet: Fleet, value: str) -> None:
    shard, _ = _shard_of(fleet, "acme")
    text = f"{bucket_of('acme')} ,acme={value},\n"
    checksum = hashlib.sha256(text.encode()).hexdigest()
    fleet.api.put(config_map(shard, text, checksum, fleet.directory.shards))
    assert _refused(fleet, shard).startswith("line 1")
    assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
    fleet.publish()
    assert_maps(fleet)


def test_malformed_cells_are_refused(fleet: Fleet) -> None:
    text = "alpha\t1\thost;show env\t8080\n"
    checksum = hashlib.sha256(text.encode()).hexdigest()
    fleet.api.put(config_map("directory-cells", text, checksum, fleet.directory.shards))
    assert _refused(fleet, "directory-cells")
    assert fleet.alpha.answered_by("/o/umb/") == "beta-app"
    fleet.publish()
    assert_maps(fleet)


def test_a_shard_that_vanishes_is_kept(fleet: Fleet) -> None:
    shard, _ = _shard_of(fleet, "acme")
    fleet.api.delete(shard)
    fleet.directory.change("umbrella", cell="gamma")
    fleet.api.publish(fleet.directory)  # with the shard again, after the deletion was seen
    fleet.publish()
    fleet.api.delete(shard)
    until(
        lambda: "vanished" in fleet.alpha.logs(fleet.alpha.agent), "the agent has seen the deletion"
    )
    assert fleet.alpha.answered_by("/o/acme/") == "alpha-app"
    fleet.directory.change("umbrella", cell="beta")
    fleet.publish()


def test_a_watch_that_expired_is_begun_again(fleet: Fleet) -> None:
    fleet.api.forget()
    fleet.directory.change("acme", cell="beta")
    fleet.publish()
    assert fleet.alpha.answered_by("/o/acme/") == "beta-app"
    fleet.directory.change("acme", cell="alpha")
    fleet.publish()
