"""Many keys with one hash, as somebody may choose them on purpose: a line has no room for all."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from zlib import crc32

import pytest

from tests.router.conftest import Fleet

pytestmark = pytest.mark.docker

_BUCKET = 4711
"""Modulo the number of buckets."""


def _colliding(begin: str, end: str = "") -> Iterator[str]:
    """Yield words that begin and end like this and whose keys share one line."""
    seed = crc32(begin.encode())
    words = (f"{number:x}{end}" for number in count())
    return (begin + one for one in words if crc32(one.encode(), seed) % 131072 == _BUCKET)


@pytest.fixture(scope="module")
def crowd(fleet: Fleet) -> Iterator[list[str]]:
    """Add organizations whose names, paths and hosts are all in one line; return their names."""
    kept = dict(fleet.directory.organizations)
    names = list(islice(_colliding("a-name-that-is-as-long-as-names-may-be-"), 60))
    # In the order of the keys, some of each kind have no room any more.
    paths = list(islice(_colliding("0-path-that-is-quite-as-long-as-the-name-is-"), 30))
    hosts = [
        *islice(_colliding("0host-that-is-quite-as-long-as-the-name-is-", ".example.com"), 30),
        *islice(_colliding("z-host-", ".example.com"), 30),
    ]
    for number, name in enumerate(names):
        path = paths[number // 2] if number % 2 else ""
        fleet.directory.add(name, "alpha", path=path, hosts=(hosts[number],))
    fleet.publish()
    yield names
    fleet.directory.organizations = kept
    fleet.publish()


def _assert_answers(fleet: Fleet) -> None:
    """Ask for every organization in every way, and compare with the directory."""
    apps = {"alpha": "alpha-app", "beta": "beta-app", "gamma": "gamma"}
    for name, one in fleet.directory.organizations.items():
        if one.state != "active":
            continue
        for path, headers in (
            (f"/o/{one.path or name}/", {}),
            ("/", {"X-Organization": name}),
            *(("/", {"Host": host}) for host in one.hosts),
        ):
            said = fleet.beta.get(path, headers).json()
            assert said["app"] == apps[one.cell]
            assert dict(said["headers"]).get("x-cellwright-organization") == name


def test_all_are_found(fleet: Fleet, crowd: list[str]) -> None:
    lines = fleet.alpha.maps()["table"]
    alone = [key for key in lines if key[0] == "="]
    assert len(lines[str(131072 + _BUCKET)]) <= 8000
    assert any(key[1:] in crowd for key in alone)
    assert any(key[1] == "@" for key in alone)
    assert any("." in key for key in alone)
    _assert_answers(fleet)


@pytest.mark.usefixtures("crowd")
def test_keys_that_only_look_like_theirs_are_not_found(fleet: Fleet) -> None:
    for key in fleet.alpha.maps()["table"]:
        word = key[1:]
        if key[0] == "=":
            wrong = [f"@{word}", f"={word}", f"{word}-", f"{word},x", f"x|{word}"]
            wrong += [word] if set("@.") & set(word) else []
            for path in wrong:
                assert fleet.alpha.get(f"/o/{path}/").status_code in (400, 404), path
            if "." not in word:
                assert fleet.alpha.get("/", {"Host": word}).status_code in (400, 404), word
            if word[0] == "@" or "." in word:
                assert fleet.alpha.answered_by("/", {"X-Organization": word}) == "404"
    assert fleet.alpha.answered_by(f"/o/{next(_colliding('nobody-'))}/") == "404"


def test_they_come_go_and_move(fleet: Fleet, crowd: list[str]) -> None:
    dice = random.Random(5)  # noqa: S311
    kept = {name: fleet.directory.organizations[name] for name in crowd}
    for _ in range(3):
        for name in crowd:
            fleet.directory.organizations.pop(name, None)
        for name in dice.sample(crowd, dice.randrange(5, 60)):
            fleet.directory.organizations[name] = kept[name]
            fleet.directory.change(name, cell=dice.choice(("alpha", "beta", "gamma")))
        fleet.publish()
        _assert_answers(fleet)
    fleet.directory.organizations.update(kept)
    fleet.publish()


def test_one_that_is_fenced_is_held_until_it_has_moved(fleet: Fleet, crowd: list[str]) -> None:
    alone = {key[1:] for key in fleet.alpha.maps()["table"] if key[0] == "="}
    for name in (next(one for one in crowd if one in alone), crowd[0]):
        fleet.directory.change(name, state="fenced")
        fleet.publish()
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(fleet.alpha.get, "/", {"X-Organization": name}, timeout=30)
            time.sleep(0.5)
            assert not asked.done()
            fleet.directory.change(name, state="active", cell="beta")
            fleet.publish()
            assert asked.result().json()["app"] == "beta-app"
        fleet.directory.change(name, cell="alpha")
        fleet.publish()


_FORMS = (
    "{key},{free}",
    "{free},{key}",
    "{key}|{free}",
    "{free}|{key}",
    "{key}={free}",
    "@{key}{free}",
    "{key}=active:alpha:9:evil,{free}",
    ",evil=active:alpha:9:evil,|{free}evil",
    "evil|,evil=active:alpha:9:evil,{free}",
    "{free},evil=active:alpha:9:evil,|evil",
    "active:alpha:9:evil{free}",
    "{key}%0a{free}",
    "{key}.{free}",
)


@pytest.mark.parametrize("form", _FORMS)
def test_no_key_is_read_as_a_part_of_its_line(fleet: Fleet, form: str) -> None:
    """The hash of each leads to the line of an organization, and what it says does not matter."""
    for key in ("acme", "umb"):
        bucket = crc32(key.encode()) % 131072
        words = (form.format(key=key, free=f"{number:x}") for number in count())
        word = next(one for one in words if crc32(one.encode()) % 131072 == bucket)
        asked = {
            f"/o/{word}/": {},
            "/": {"X-Organization": word},
            "/host": {"Host": f"{word}"},
        }
        for path, headers in asked.items():
            fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            host = "" if "Host" in headers else "Host: x\r\n"
            answer = fleet.alpha.raw(f"GET {path} HTTP/1.1\r\n{host}{fields}\r\n".encode())
            assert answer.split(b" ")[1] in (b"400", b"404"), (word, path)
