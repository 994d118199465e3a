"""Settings beside a rotation: of another time, of another run, lost, and of an older release."""

import base64
import json

import pytest
import yaml

from cellwright.edge.files import read
from cellwright.edge.guard import guarded
from cellwright.edge.settings import read_settings
from cellwright.plan import loaded
from cellwright.secret_state import State
from tests.cli.conftest import Program
from tests.cli.rotations import CELLS, roots, secret, settings, state, states
from tests.cli.ups import Engine, away


@pytest.mark.parametrize(
    ("stack", "namespace", "note"),
    [("beta", "cell-beta", "1.2"), ("fleet", "cellwright-directory", "2")],
)
def test_settings_from_before_a_rotation_are_refused(
    program: Program, fleet: Engine, stack: str, namespace: str, note: str
) -> None:
    """Else secrets that were replaced would come back, and Postgres would refuse them."""
    body = fleet.object("Namespace", namespace)
    body["metadata"]["annotations"]["cellwright.dev/secrets"] = note
    body["metadata"]["annotations"]["cellwright.dev/applied"] = "with those"
    fleet.put(body)
    before = states(program)
    for words in (("up", "--yes"), ("stacks",), ("rotate", "root", "--yes"), ("adopt", "--yes")):
        done = program(*words)
        assert (done.code, fleet.applied, states(program)) == (1, [], before), words
        assert "CW423" in done.out
        assert "the settings are older than the cluster: pull stacks/" in done.out
    snapshot = read(program.root)
    workspace = loaded(snapshot)
    assert workspace.fleet
    number = read_settings(program.root, "fleet").fleet_id
    found = guarded(program.root, workspace, workspace.fleet, stack, number).problems
    assert "CW423" in {one.code for one in found}


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("text", ["2", "1.7", "1.9>1.10 accept", "1.2>1.1 use"])
def test_a_version_by_hand_is_refused(program: Program, text: str) -> None:
    file = program.root / "stacks/Pulumi.beta.yaml"
    config = yaml.safe_load(file.read_text())
    config["config"]["cellwright:secretVersion"] = text
    file.write_text(yaml.safe_dump(config))
    done = program("up", "--yes")
    assert done.code == 1
    assert ("CW423" in done.out) or (f"is {text!r}, which cellwright did not write" in done.err)


def test_settings_are_not_changed_beside_another_run(program: Program, fleet: Engine) -> None:
    lease = fleet.object("Lease", "cellwright-up")
    lease["spec"] |= {"holderIdentity": "ann@build-7 (pid 12) 0123456789abcdef"}
    fleet.put(lease)
    for words in (("stacks",), ("adopt", "--yes")):
        done = program(*words)
        assert done.code == 1
        assert "another `cellwright up` is running: ann@build-7 (pid 12)" in done.err


@pytest.mark.parametrize("phase", ["accept", "use", "end"])
def test_a_workspace_that_is_lost_in_a_rotation_comes_back(
    program: Program, fleet: Engine, phase: str
) -> None:
    fleet.before = lambda stack: (
        away("fleet")(stack) if state(program, stack)[-3:] == phase[-3:] else None
    )
    assert program("rotate", "root", "--yes").code == 1
    fleet.before = lambda _: None
    text, held = roots(program).text(), states(program)
    keys = [secret(program, cell, "app-key") for cell in CELLS]
    for file in (program.root / "stacks").iterdir():
        file.unlink()
    fleet.world.backend()
    program.write("root-secret.txt", text)
    done = program("adopt", "--root-secret-file", "root-secret.txt", "--yes")
    assert done.code == 0, done
    assert states(program)[0] == held[0]
    assert [secret(program, cell, "app-key") for cell in CELLS] == keys
    assert program("up", "--yes", "--all").code == 0
    assert program("rotate", "root", "--yes").code == 0
    assert states(program) == ["2", "2.2", "2.2", "2.2"]


def test_after_a_rotation_the_new_root_secret_brings_a_lost_workspace_back(
    program: Program, fleet: Engine
) -> None:
    """It has signed the directory; the old one, from which the fleet's id comes, proves nothing."""
    old = roots(program).text()
    assert program("rotate", "cell", "beta", "--yes").code == 0
    assert program("rotate", "root", "--yes").code == 0
    text, held = roots(program).text(), [secret(program, cell, "app-key") for cell in CELLS]
    for file in (program.root / "stacks").iterdir():
        file.unlink()
    fleet.world.backend()
    for given, code in ((old, 1), (text.replace("2.", "3.", 1), 1), (text, 0)):
        program.write("root-secret.txt", f"{given}\n")
        done = program("adopt", "--root-secret-file", "root-secret.txt", "--yes")
        assert done.code == code, done
    assert states(program) == ["2", "2.2", "2.3", "2.2"]
    assert [secret(program, cell, "app-key") for cell in CELLS] == held


def test_what_an_older_release_has_made_keeps_its_passwords(
    program: Program, fleet: Engine
) -> None:
    """The root secret was in the settings of each stack, and everything followed from it."""
    root = roots(program)
    text = base64.b64encode(root.root).decode()
    for stack in ("fleet", *CELLS):
        old = {
            "cellwright:rootSecret": {"secure": text},
            "cellwright:fleetId": root.fleet_id,
            "cellwright:clusters": settings(program, stack)["cellwright:clusters"],
        }
        program.write(f"stacks/Pulumi.{stack}.yaml", json.dumps({"config": old}))
        fleet.cluster.forgets("cellwright.dev/secrets")
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    assert program("up", "--yes").code == 0
    assert states(program) == ["1", "1.0", "1.0", "1.0"]
    for cell in CELLS:
        assert set(settings(program, cell)) == {
            "cellwright:cellSecret",
            "cellwright:clusters",
            "cellwright:fleetId",
            "cellwright:secretVersion",
        }
        value = root.of_cell(cell, State("1.0")).value
        for name in ("postgres-owner", "postgres-app", "postgres-replication", "app-key"):
            assert secret(program, cell, name) == [value(f"cell/{cell}/{name}")]
    assert program("rotate", "cell", "beta", "--yes").code == 0
    assert states(program) == ["1", "1.0", "1.1", "1.0"]
    assert program("rotate", "root", "--yes").code == 0
    assert states(program) == ["2", "2.1", "2.2", "2.1"]
    assert text not in "".join(json.dumps(settings(program, one)) for one in ("fleet", *CELLS))
