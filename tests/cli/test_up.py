"""How `up` goes on and ends, with stand-ins for Pulumi's stacks and the cluster."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellwright.edge import stacks
from cellwright.edge.failure import CommandError
from cellwright.edge.inputs import read_inputs
from cellwright.edge.kept import digest_of
from cellwright.edge.stacks import Finished
from tests.cli.conftest import Program
from tests.cli.standins import World


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch, world: World) -> list[str]:
    """The stacks that were applied, in order; there is a directory already."""
    world.cluster()
    done: list[str] = []

    def up(root: Path, name: str, digest: str) -> Finished:
        assert digest == digest_of(read_inputs(str(root)))
        done.append(name)
        return Finished(ok=True, lines=())

    monkeypatch.setattr(stacks, "ensure", lambda *_: ["old"])
    monkeypatch.setattr(stacks, "is_empty", lambda *_: False)
    monkeypatch.setattr(stacks, "is_up_to_date", lambda *_: False)
    monkeypatch.setattr(stacks, "up", up)
    return done


def failing(*names: str) -> Callable[..., Any]:
    def ask(_: Path, name: str, *_rest: Any) -> Any:
        if name in names:
            raise CommandError(f"pulumi can't read {name}")
        return False

    return ask


def test_rings_come_in_order_and_the_directory_last(program: Program, applied: list[str]) -> None:
    done = program("up")
    assert (done.code, applied[0]) == (0, "alpha")
    assert done.err == "old: no such cell is declared; its stack is left as it is\n"
    assert set(applied[1:3]) == {"beta", "gamma"}
    assert applied[3:] == ["fleet"]


def test_the_first_directory_comes_first(
    program: Program, applied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "is_empty", lambda *_: True)
    assert program("up").code == 0
    assert applied[:2] == ["fleet", "alpha"]


def test_what_is_up_to_date_is_passed_over_unless_all_is_asked_for(
    program: Program, applied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "is_up_to_date", lambda *_: True)
    done = program("up")
    assert (done.code, applied) == (0, [])
    assert "alpha: unchanged\n" in done.out
    assert program("up", "--all").code == 0
    assert len(applied) == 4


def test_a_failure_stops_later_rings(
    program: Program, applied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ("Diagnostics:", "  it is full", "Resources:")
    monkeypatch.setattr(stacks, "up", lambda *_: Finished(ok=False, lines=lines))
    done = program("up")
    assert (done.code, applied) == (1, [])
    assert "alpha: failed after" in done.err
    assert "it is full" in done.err
    assert "beta" not in done.err
    assert done.err.endswith("a new run goes on where this one failed\n")


def test_every_failure_of_a_ring_is_told(
    program: Program, applied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "is_up_to_date", failing("beta", "gamma"))
    done = program("up")
    assert (done.code, applied) == (1, ["alpha"])
    for name in ("beta", "gamma"):
        assert f"{name}: pulumi can't read {name}\n" in done.err


def test_stacks_with_different_root_secrets_are_refused(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"fleet": "A" * 43 + "=", "alpha": "A" * 43 + "=", "beta": "B" * 43 + "="}
    calls: list[tuple[str, ...]] = []

    def pulumi(_: Path, *words: str, given: str | None = None) -> str:
        calls.append(words)
        assert given is None
        if words[:2] == ("stack", "ls"):
            return json.dumps([{"name": name} for name in keys])
        return json.dumps({"cellwright:rootSecret": {"value": keys[words[-1]]}})

    monkeypatch.setattr(stacks, "_pulumi", pulumi)
    with pytest.raises(CommandError, match="fleet and beta have different cellwright:rootSecrets"):
        stacks.ensure(program.root, list(keys), lambda _: None)
    keys["beta"] = keys["alpha"]
    assert stacks.ensure(program.root, ["fleet", "alpha"], lambda _: None) == ["beta"]
    assert not any("set" in words or "init" in words for words in calls)
