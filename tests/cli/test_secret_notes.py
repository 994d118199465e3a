"""What the clusters note of secrets: of one cell that can't be told, and of a later rotation."""

import pytest

from tests.cli.conftest import Program
from tests.cli.rotations import state, states
from tests.cli.ups import Engine, away


def note(fleet: Engine, namespace: str, text: str) -> None:
    body = fleet.object("Namespace", namespace)
    body["metadata"]["annotations"]["cellwright.dev/secrets"] = text
    fleet.put(body)


@pytest.mark.parametrize("text", ["1.2>", "1.1>1.2 later", f"{10**20}.1"])
def test_a_note_that_nobody_can_read_stops_its_cell_alone(
    program: Program, fleet: Engine, text: str
) -> None:
    note(fleet, "cell-beta", text)
    before = states(program)
    for words in (("up", "--yes", "--all"), ("rotate", "cell", "beta", "--yes"), ("stacks",)):
        done = program(*words)
        assert done.code == 1, words
        assert f"cellwright.dev/secrets is {text!r}, which cellwright did not write" in (
            done.out + done.err
        )
    assert fleet.applied == ["alpha", "gamma", "fleet"]
    assert states(program) == before
    assert program("rotate", "cell", "alpha", "--yes").code == 0
    assert state(program, "alpha") == "1.2"


@pytest.mark.parametrize(
    ("namespace", "text", "where"),
    [
        ("cell-beta", "1.2", "cells/beta.yaml"),
        ("cell-beta", "1.1>1.2 use", "cells/beta.yaml"),
        ("cellwright-directory", "2", "cells/fleet.yaml"),
    ],
)
def test_settings_older_than_the_cluster_are_seen_without_a_secret(
    program: Program, fleet: Engine, namespace: str, text: str, where: str
) -> None:
    note(fleet, namespace, text)
    done = program("check", "--against", "live")
    assert done.code == 1
    (line,) = [one for one in done.out.splitlines() if " CW423 " in one]
    assert line.startswith(f"{where}:")
    assert "the settings are older than the cluster: pull stacks/" in line


def test_a_stack_that_is_lost_in_a_rotation_is_made_once(program: Program, fleet: Engine) -> None:
    """The first phase makes it; the next ones know that."""
    fleet.before = away("beta")
    assert program("rotate", "root", "--yes").code == 1
    fleet.before = lambda _: None
    held = {name: {"lastUpdate": "", "resourceCount": 33} for name in ("fleet", "alpha", "gamma")}
    fleet.world.backend(**held)
    done = program("rotate", "root", "--yes")
    assert done.code == 0, done
    assert states(program) == ["2", "2.2", "2.2", "2.2"]
