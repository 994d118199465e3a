"""When a pod issues itself another certificate, without openssl."""

from pathlib import Path

import pytest
from agent import issue as module
from agent.certificate import RefusedError
from agent.issue import Issued, Issuer, issue


class Clocks:
    """The time of the machine, steady and as the wall says it."""

    def __init__(self) -> None:
        self.steady, self.wall = 1000.0, 1_800_000_000.0

    def monotonic(self) -> float:
        return self.steady

    def time(self) -> float:
        return self.wall

    def go(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    found = Clocks()
    monkeypatch.setattr(module, "time", found)
    return found


@pytest.fixture
def made(clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> list[Issued | None]:
    """Return all that was issued; None in it lets the next one fail."""
    found: list[Issued | None] = []

    def make(_authority: Path, _part: str, _cell: str, clock: float, lifetime: int) -> Issued:
        if found[-1:] == [None]:
            raise RefusedError("no openssl")
        found.append(Issued("key", f"chain {len(found)}", clock + lifetime))
        assert clock == clocks.wall
        return found[-1]  # type: ignore[return-value]

    monkeypatch.setattr(module, "issue", make)
    return found


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path, "router", "alpha", 24 * 3600)


@pytest.mark.usefixtures("clocks")
def test_another_one_after_about_a_third(
    issuer: Issuer, clocks: Clocks, made: list[Issued | None]
) -> None:
    first = issuer.current()
    clocks.go(6 * 3600)
    assert issuer.current() is first
    clocks.go(4 * 3600)
    assert issuer.current() is not first
    assert len(made) == 2


def test_not_all_pods_at_once(tmp_path: Path, clocks: Clocks, made: list[Issued | None]) -> None:
    several = [Issuer(tmp_path, "router", "alpha", 24 * 3600) for _ in range(50)]
    firsts = [one.current() for one in several]
    clocks.go(8 * 3600)
    renewed = sum(one.current() is not first for one, first in zip(several, firsts, strict=True))
    assert 0 < renewed < 50
    assert len(made) == 50 + renewed


@pytest.mark.parametrize("seconds", [-7200, 7200, -86400 * 365])
def test_another_one_when_the_clock_was_set(
    issuer: Issuer,
    clocks: Clocks,
    made: list[Issued | None],
    seconds: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    issuer.current()
    clocks.go(10)
    clocks.wall += seconds
    assert issuer.current() is made[1]
    assert "the clock was set" in capsys.readouterr().out
    clocks.go(10)
    assert issuer.current() is made[1]


def test_what_failed_is_tried_again(
    issuer: Issuer, clocks: Clocks, made: list[Issued | None]
) -> None:
    first = issuer.current()
    made.append(None)
    clocks.go(12 * 3600)
    for _ in range(3):
        with pytest.raises(RefusedError, match="no openssl"):
            issuer.current()
    made.pop()
    with pytest.raises(RefusedError, match="no openssl"):
        issuer.current()
    clocks.go(11)
    assert issuer.current() is not first


def test_a_clock_that_is_far_off_is_told(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="the clock is off: it says 1970-01-01"):
        issue(tmp_path, "router", "alpha", 5.0, 3600)


def test_an_authority_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no certificate was issued"):
        issue(tmp_path, "router", "alpha", 1_800_000_000.0, 3600)
