"""What `up`, `check` and `adopt` do about a directory of which a part is lost."""

import hashlib
import json
from collections.abc import Mapping

import pytest

from cellwright.edge.files import read
from cellwright.edge.settings import read_settings
from cellwright.identity import identified
from cellwright.plan import plan
from cellwright.signature import HOMES_SIGNATURE, SIGNATURE
from tests.cli.conftest import Program
from tests.cli.standins import Body, Cluster
from tests.cli.ups import Engine

DIRECTORY = "cellwright-directory"


@pytest.fixture
def data(program: Program, fleet: Engine) -> Engine:
    """A fleet that is up, with the database of one of its cells."""
    (database,) = [
        one.body for one in plan(read(program.root)).stacks["alpha"] if one.kind == "StatefulSet"
    ]
    fleet.put(identified(database, "demo", read_settings(program.root, "fleet").fleet_id))
    return fleet


def lose(cluster: Cluster, *names: str) -> None:
    """Delete ConfigMaps of the directory, all of them if none is named."""

    def is_lost(one: Body) -> bool:
        metadata = one["metadata"]
        is_here = one["kind"] == "ConfigMap" and metadata.get("namespace") == DIRECTORY
        return is_here and (not names or metadata["name"] in names)

    state = cluster.read()
    state["objects"] = [one for one in state["objects"] if not is_lost(one)]
    cluster.write(state)


def config_maps(cluster: Cluster) -> dict[str, Body]:
    return {
        one["metadata"]["name"]: one
        for one in cluster.read()["objects"]
        if one["kind"] == "ConfigMap" and one["metadata"].get("namespace") == DIRECTORY
    }


LOST = [("directory-history",), ("directory-cells",), ("directory-00", "directory-40"), ()]


@pytest.mark.parametrize("names", LOST)
def test_a_lost_part_is_refused_and_comes_back(
    program: Program, data: Engine, names: tuple[str, ...]
) -> None:
    assert program("check", "--against", "live").code == 0
    before = set(config_maps(data.cluster))
    lose(data.cluster, *names)
    assert "CW413" in program("check", "--against", "live").out
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    file = program.root / "organizations" / "customers.yaml"
    kept = file.read_text()
    file.write_text(kept.replace("cell: alpha", "cell: beta"))
    done = program("up", "--yes", "--all")
    assert (done.code, data.applied) == (1, [])
    assert "CW413" in done.out
    file.write_text(kept)
    adopted = program("adopt", "--yes")
    assert adopted.code == 0, adopted
    assert "of the directory in cluster local will be made from the definitions:" in adopted.out
    assert set(config_maps(data.cluster)) == before
    assert program("check", "--against", "live").code == 0
    assert program("up", "--yes", "--all").code == 0


def test_of_a_lost_history_no_lower_id_is_given_again(program: Program, data: Engine) -> None:
    lose(data.cluster, "directory-history")
    assert program("adopt", "--yes").code == 0
    held = config_maps(data.cluster)["directory-history"]["data"]["history"]
    assert "retired 3-1000\n" in held
    program.write(
        "organizations/newcomer.yaml",
        "apiVersion: cellwright/v1\nkind: Organization\nmetadata: {name: newcomer}\n"
        "spec: {id: 77, cell: alpha}\n",
    )
    assert "CW402" in program("up", "--yes").out


def test_what_was_changed_by_hand_is_not_taken_on(program: Program, data: Engine) -> None:
    state = data.cluster.read()
    for one in state["objects"]:
        if one["metadata"]["name"] == "directory-00":
            one["data"]["table"] += "131099 ,evil=active:beta:9:evil,\n"
    data.cluster.write(state)
    assert "(changed by hand: directory-00)" in program("check", "--against", "live").out
    done = program("adopt", "--yes")
    assert done.code == 1
    assert (
        "ConfigMap directory-00 of the directory in cluster local was changed by hand" in done.err
    )


def test_a_home_that_somebody_else_wrote_is_made_anew(program: Program, data: Engine) -> None:
    """With the right checksum: the clusters' word is refused, and the definitions' taken again."""
    state = data.cluster.read()
    for one in state["objects"]:
        if "acme=active:alpha" in one.get("data", {}).get("table", ""):
            text = one["data"]["table"].replace("acme=active:alpha", "acme=active:beta")
            one["data"]["table"] = text
            annotations = one["metadata"]["annotations"]
            annotations["cellwright.dev/checksum"] = hashlib.sha256(text.encode()).hexdigest()
            name = one["metadata"]["name"]
    data.cluster.write(state)
    done = program("up", "--yes", "--all")
    assert (done.code, data.applied) == (1, [])
    assert "CW407 spec.cell: the cell goes from beta to alpha" in done.out
    lose(data.cluster, name)
    assert program("adopt", "--yes").code == 0
    assert "acme=active:alpha" in config_maps(data.cluster)[name]["data"]["table"]
    assert program("up", "--yes", "--all").code == 0


def test_a_cell_is_remembered_before_it_is_made(program: Program, data: Engine) -> None:
    """Also by a run for this cell alone, and though it fails."""
    program.write(
        "cells/eta.yaml",
        "apiVersion: cellwright/v1\nkind: Cell\nmetadata: {name: eta}\n"
        "spec: {id: 44, ring: 1, region: us, cluster: local, size: small,"
        " idRange: {first: 44000000, last: 44999999}}\n",
    )
    data.fails["eta"] = ("Diagnostics:", "  the disk is full", "")
    assert program("up", "--yes", "--cell", "eta").code == 1
    held = config_maps(data.cluster)["directory-history"]["data"]["history"]
    assert "cell eta 44 44000000-44999999\n" in held
    (program.root / "cells" / "eta.yaml").unlink()
    for name, number in (("theta", 44), ("iota", 45)):
        program.write(
            f"cells/{name}.yaml",
            f"apiVersion: cellwright/v1\nkind: Cell\nmetadata: {{name: {name}}}\n"
            f"spec: {{id: {number}, ring: 1, region: us, cluster: local, size: small,"
            f" idRange: {{first: {number}500000, last: {number}599999}}}}\n",
        )
    done = program("up", "--yes")
    assert "CW402" in done.out
    assert "CW410" in done.out


def test_what_holds_data_is_not_dropped(program: Program, data: Engine) -> None:
    """Pulumi protects it, and would say so in its own words, after the plan was shown."""
    state = data.cluster.read()
    (database,) = [one for one in state["objects"] if one["kind"] == "StatefulSet"]
    own = json.loads(json.dumps(database))
    own["metadata"] |= {"name": "queue", "managedFields": [{"manager": "cellwright-0123"}]}
    own["metadata"]["labels"]["app.kubernetes.io/name"] = "queue"
    data.put(own)
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    done = program("up", "--yes")
    assert (done.code, data.applied) == (1, [])
    assert "CW406 spec: StatefulSet cell-alpha/queue holds data and is declared no more" in done.out
    own["spec"].pop("volumeClaimTemplates")
    data.put(own)
    assert program("up", "--yes").code == 0


def sign_as(cluster: Cluster, signatures: Mapping[str, str | None]) -> None:
    """Put others in place of the directory's signatures, or take them off."""
    state = cluster.read()
    for one in state["objects"]:
        notes = one["metadata"].get("annotations") or {}
        for key in notes.keys() & signatures.keys():
            text = signatures[key]
            if text is None:
                del notes[key]
            else:
                notes[key] = text
    cluster.write(state)


def make_older(program: Program, cluster: Cluster, *signatures: str) -> None:
    """Take signatures off, as in an older release, and change the directory and all cells."""
    sign_as(cluster, dict.fromkeys(signatures))
    program.edit("cells/fleet.yaml", "timeout: 3m", "timeout: 4m")
    program.edit("cells/fleet.yaml", "rings:", "directory: {maximumLoss: 30}\n  rings:")


@pytest.mark.parametrize("signatures", [(SIGNATURE, HOMES_SIGNATURE), (HOMES_SIGNATURE,)])
def test_a_directory_of_an_older_release_is_signed_before_cells_get_new_routers(
    program: Program, fleet: Engine, signatures: tuple[str, ...]
) -> None:
    make_older(program, fleet.cluster, *signatures)
    fleet.applied.clear()
    done = program("up", "--yes")
    assert done.code == 0, done.out + done.err
    assert (fleet.applied[:2], fleet.applied[-1]) == (["fleet", "alpha"], "fleet")
    assert sorted(fleet.applied[2:-1]) == ["beta", "gamma"]
    signed = {name for name, one in config_maps(fleet.cluster).items() if is_signed(one)}
    assert signed == {name for name in config_maps(fleet.cluster) if "history" not in name}
    program.edit("cells/fleet.yaml", "maximumLoss: 30", "maximumLoss: 40")
    fleet.applied.clear()
    assert program("up", "--yes").code == 0
    assert fleet.applied == ["fleet"]


def test_an_unsigned_directory_that_can_not_be_signed_stops_before_the_cells(
    program: Program, fleet: Engine
) -> None:
    make_older(program, fleet.cluster, SIGNATURE)
    fleet.fails["fleet"] = ("error: no",)
    fleet.applied.clear()
    assert program("up", "--yes").code == 1
    assert not {"alpha", "beta", "gamma"} & set(fleet.applied), "old routers go on"


@pytest.mark.parametrize("forged", [SIGNATURE, HOMES_SIGNATURE])
def test_a_directory_that_somebody_else_has_signed_is_signed_before_cells_get_new_routers(
    program: Program, fleet: Engine, forged: str
) -> None:
    """Else these would not become ready, and the run would stop there."""
    sign_as(fleet.cluster, {forged: "0" * 128})
    fleet.applied.clear()
    assert program("up", "--all", "--yes").code == 0
    assert (fleet.applied[:2], fleet.applied[-1]) == (["fleet", "alpha"], "fleet")
    bodies = config_maps(fleet.cluster).values()
    assert not any(one["metadata"]["annotations"].get(forged) == "0" * 128 for one in bodies)
    fleet.applied.clear()
    assert program("up", "--all", "--yes").code == 0
    assert fleet.applied[0] == "alpha"


def is_signed(one: Body) -> bool:
    return SIGNATURE in (one["metadata"].get("annotations") or {})
