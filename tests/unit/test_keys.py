"""Cookies and tokens that name a cell. Routers agree: tests/router/test_agreement.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.keys import cell_of_cookie, cell_of_token
from tests.tokens import in_36, token


def test_the_token_of_gitlabs_own_test() -> None:
    """Cell 100, organization 1, sixteen times the letter a."""
    made = "glpat-YWFhYWFhYWFhYWFhYWFhYWM6MnMKbzoxCA.01.0y046ey5w"
    assert made == token("c:2s\no:1", noise=b"a" * 16)
    assert cell_of_token(made) == "100"


@given(st.integers(1, 36**12 - 1), st.binary(min_size=16, max_size=16))
def test_the_cell_of_a_token(cell: int, noise: bytes) -> None:
    made = token(f"c:{in_36(cell)}\no:rs", noise=noise)
    assert cell_of_token(made) == cell_of_token(f"Bearer {made}") == str(cell)


@pytest.mark.parametrize("prefix", ["", "glrt-t1_", "a.b.01.zz", "x" * 400])
def test_a_prefix_may_be_anything(prefix: str) -> None:
    assert cell_of_token(token("c:1\no:1", prefix)) == "1"


@pytest.mark.parametrize("place", range(len(token("c:1\no:1"))))
def test_no_character_may_differ(place: int) -> None:
    made = token("c:1\no:1")
    other = "B" if made[place] == "A" else "A"
    assert cell_of_token(made[:place] + other + made[place + 1 :]) is None


@pytest.mark.parametrize(
    "routing", ["o:1", "c:", "c:0", "c:01", "c:A", "c:1:2", "C:1", "xc:1", "c:" + "z" * 13]
)
def test_a_token_without_a_cell(routing: str) -> None:
    assert cell_of_token(token(routing)) is None


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer eyJhbGciOi.eyJzdWIi.c2ln", "glpat-x.01.020000000", "ä.01.0"]
)
def test_no_token(header: str) -> None:
    assert cell_of_token(header) is None


def test_a_token_beyond_every_length() -> None:
    assert cell_of_token(token("c:1", "x" * 500)) is None
    assert cell_of_token(token("c:1") + " ") is None


@pytest.mark.parametrize(
    ("line", "cell"),
    [
        ("session=cell-12-abc", "12"),
        ("a=b; session=cell-12-", "12"),
        ("a=b;session = cell-12-x ;c=d", "12"),
        ("session=cell-1-a; session=cell-2-b", "2"),
        ("session=cell-1-a;session=", "1"),
        ('a="x; session=cell-1-a"; session=cell-2-b', "2"),
        ("session=cell-12", None),
        ("session=cell-01-a", None),
        ("session=cell-0-a", None),
        ("session=cell--1-a", None),
        ("session=Cell-1-a", None),
        ('session="cell-1-a"', None),
        ("Session=cell-1-a", None),
        ("xsession=cell-1-a", None),
        ("session", None),
        ("", None),
    ],
)
def test_a_cookie(line: str, cell: str | None) -> None:
    assert cell_of_cookie([line], "session") == cell


def test_the_last_of_several_lines_counts() -> None:
    assert cell_of_cookie(["session=cell-1-a", "session=cell-2-b"], "session") == "2"
    assert cell_of_cookie([], "session") is None
