"""What a hostile request costs grows with its length, not with the square of it.

Times are compared with each other: a request of sixteen times the length may take a few times as
long as a short one, while the square would be 256 times. The least of many counts.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.router.conftest import Fleet
from tests.router.pods import RULES

pytestmark = pytest.mark.docker

SHORT, LONG = 900, 14_400
HOST = "Host: router.example.com\r\n"
_TOKEN = "Authorization: Bearer .01."


@pytest.fixture(scope="module")
def by_everything(fleet: Fleet) -> Iterator[Fleet]:
    """Alpha's router with every kind of rule."""
    rules = ("cookie:session", "token:Authorization", "path", "host", "header:X-Organization")
    for used in (rules, RULES):
        fleet.alpha.rules = used
        fleet.alpha.restart_haproxy(fleet.directory.mark())
        if used == rules:
            yield fleet


HOSTILE: dict[str, Callable[[int], str]] = {
    "a token of nothing but letters": lambda size: f"GET /x HTTP/1.1\r\n{HOST}{_TOKEN}{'a' * size}",
    "a token behind a long word": lambda size: f"GET /x HTTP/1.1\r\n{HOST}{_TOKEN}{'a' * size} b",
    "a token of many endings": lambda size: (
        f"GET /x HTTP/1.1\r\n{HOST}{_TOKEN}{'.01.aaaaaaaaa' * (size // 13)}"
    ),
    "a token of many words": lambda size: f"GET /x HTTP/1.1\r\n{HOST}{_TOKEN}{' a' * (size // 2)}",
    "a token that is no ASCII": lambda size: f"GET /x HTTP/1.1\r\n{HOST}{_TOKEN}{chr(233) * size}",
    "a path of slashes": lambda size: f"GET {'/' * size} HTTP/1.1\r\n{HOST}",
    "a path of dots": lambda size: f"GET /{'.' * size} HTTP/1.1\r\n{HOST}",
    "a path of escapes": lambda size: f"GET /o/{'%2e' * (size // 3)} HTTP/1.1\r\n{HOST}",
    "an organization of commas": lambda size: f"GET /o/{',' * size}/ HTTP/1.1\r\n{HOST}",
    "an organization of letters": lambda size: f"GET /o/{'a' * size}/ HTTP/1.1\r\n{HOST}",
    "a host of labels": lambda size: f"GET /x HTTP/1.1\r\nHost: {'a.' * (size // 2)}a\r\n",
    "a host of dots": lambda size: f"GET /x HTTP/1.1\r\nHost: a{'.' * size}b\r\n",
    "a header of dashes": lambda size: f"GET /x HTTP/1.1\r\n{HOST}X-Organization: {'-' * size}",
    "a cookie of digits": lambda size: (
        f"GET /x HTTP/1.1\r\n{HOST}Cookie: session=cell-{'1' * size}"
    ),
    "a request id": lambda size: f"GET /x HTTP/1.1\r\n{HOST}X-Request-Id: {'a' * size}",
    "a name of x-": lambda size: f"GET /x HTTP/1.1\r\n{HOST}{'x-' * (size // 2)}ip: 1",
}


@pytest.mark.parametrize("request_of", HOSTILE.values(), ids=HOSTILE)
def test_the_cost_grows_with_the_length(
    by_everything: Fleet, request_of: Callable[[int], str]
) -> None:
    def seconds(size: int) -> float:
        head = request_of(size).rstrip("\r\n")
        data = f"{head}\r\nConnection: close\r\n\r\n".encode("latin-1")
        times = []
        for _ in range(12):
            began = time.perf_counter()
            assert by_everything.alpha.raw(data).startswith(b"HTTP/1.1 ")
            times.append(time.perf_counter() - began)
        return min(times)

    assert seconds(LONG) < 40 * seconds(SHORT)
