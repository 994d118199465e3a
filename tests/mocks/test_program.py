"""What the Pulumi program registers, seen through Pulumi's own mocks."""

import base64
import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime
import pytest
from pulumi.runtime import rpc

from cellwright.edge import program
from cellwright.edge.files import read
from cellwright.edge.guard import Guarded
from cellwright.fleet_secrets import first_secrets, named_in
from cellwright.identity import fleet_id
from cellwright.lease_record import Holder
from cellwright.model import Fleet
from cellwright.plan import Loaded, plan, planned
from cellwright.problem import Place, Problem
from cellwright.secret_state import State
from tests.mocks.recorder import Recorder

SECRET = b"\x07" * 32
ALPHA = first_secrets(SECRET).of_cell("alpha", State("1.1"))


def unguarded(_: Path, workspace: Loaded, _fleet: Fleet, stack: str, _secret: bytes) -> Guarded:
    """Stand in for what is asked of clusters: they hold nothing, and nobody else is at it."""
    return Guarded(planned(workspace, [stack]).stacks[stack], ())


@pytest.fixture(autouse=True)
def nobody_holds_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "holder", lambda *_: None)


def settings_of(root: Path, stack: str, secret: bytes) -> dict[str, str]:
    """Return the secret of a stack for its settings, and write what they say in the clear."""
    (root / "stacks").mkdir(exist_ok=True)
    clear = {"config": {"cellwright:fleetId": fleet_id(secret)}}
    (root / f"stacks/Pulumi.{stack}.yaml").write_text(json.dumps(clear))
    secrets = first_secrets(secret)
    if stack == "fleet":
        return {"cellwright:rootSecret": secrets.text()}
    manifests = plan(read(root)).stacks.get(stack, ())
    names = named_in([one.body for one in manifests])
    return {"cellwright:cellSecret": secrets.record(stack, secrets.new_cell(), names)}


def register(root: Path, stack: str, secret: bytes | None = SECRET) -> list[Any]:
    """Run the program for one stack and return what it registered."""
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project="cellwright", stack=stack)
    pulumi.runtime.set_all_config({} if secret is None else settings_of(root, stack, secret))

    pulumi.runtime.test(lambda: program.register(root, unguarded))()
    return recorder.seen


def objects(seen: list[Any]) -> list[Any]:
    return [one for one in seen if str(one.typ).startswith("kubernetes:")]


def test_a_cell_stack_registers_every_manifest_of_that_cell_only(workspace: Path) -> None:
    seen = objects(register(workspace, "alpha"))
    namespaces = {one.inputs["metadata"].get("namespace", one.name) for one in seen}
    assert namespaces <= {"cell-alpha", "cellwright-directory"}
    kinds = {str(one.typ).rpartition(":")[2] for one in seen}
    assert {"Namespace", "StatefulSet", "Deployment", "Job", "Secret", "NetworkPolicy"} <= kinds


def test_the_fleet_stack_registers_one_shard_per_number(workspace: Path) -> None:
    seen = objects(register(workspace, "fleet"))
    names = [one.inputs["metadata"]["name"] for one in seen if str(one.typ).endswith("ConfigMap")]
    assert sorted(names) == sorted(
        [
            "directory-cells",
            "directory-history",
            *(f"directory-{number:02d}" for number in range(64)),
        ]
    )


def test_secrets_are_registered_as_secrets_and_hold_what_is_derived(workspace: Path) -> None:
    seen = objects(register(workspace, "alpha"))
    (owner,) = [one for one in seen if one.name == "cell-alpha/postgres-owner"]
    wrapped = owner.inputs["stringData"]
    assert wrapped[rpc._special_sig_key] == rpc._special_secret_sig
    assert wrapped["value"]["password"] == ALPHA.value("cell/alpha/postgres-owner")


CONNECTION = """\
apiVersion: v1
kind: Secret
metadata: {name: connection, namespace: {{ cell.namespace }}, labels: {{ labels("app") }}}
stringData:
  url: {{ "postgres://app:" ~ secret("postgres-app") | urlencode ~ "@postgres/cell" }}
  userlist.txt: |
    "app" "{{ secret("postgres-app") }}"
    "owner" "{{ secret("postgres-owner") }}"
data:
  url: {{ ("app:" ~ secret("postgres-app")) | b64encode }}
"""


def test_text_around_derived_secrets_is_registered_as_secret(workspace: Path) -> None:
    (workspace / "templates").mkdir(exist_ok=True)
    (workspace / "templates" / "connection.yaml.j2").write_text(CONNECTION)
    seen = objects(register(workspace, "alpha"))
    (one,) = [one for one in seen if one.name == "cell-alpha/connection"]
    app, owner = (ALPHA.value(f"cell/alpha/postgres-{role}") for role in ("app", "owner"))
    for field in ("stringData", "data"):
        assert one.inputs[field][rpc._special_sig_key] == rpc._special_secret_sig
    assert one.inputs["stringData"]["value"] == {
        "url": f"postgres://app:{app}@postgres/cell",
        "userlist.txt": f'"app" "{app}"\n"owner" "{owner}"\n',
    }
    assert base64.b64decode(one.inputs["data"]["value"]["url"]).decode() == f"app:{app}"


def test_two_cells_share_no_password(workspace: Path) -> None:
    found = set()
    for cell in ("alpha", "beta"):
        for one in objects(register(workspace, cell)):
            if one.name.startswith(f"cell-{cell}/postgres-") and "stringData" in one.inputs:
                found.add(one.inputs["stringData"]["value"]["password"])
    assert len(found) == 8


def test_the_provider_changes_config_maps_and_secrets_in_place(workspace: Path) -> None:
    seen = register(workspace, "alpha")
    (provider,) = [one for one in seen if str(one.typ) == "pulumi:providers:kubernetes"]
    assert provider.inputs["enableConfigMapMutable"] == "true"
    assert provider.inputs["enableSecretMutable"] == "true"
    assert "context" not in provider.inputs


def test_the_provider_adopts_what_a_killed_run_or_a_destroyed_cell_has_left(
    workspace: Path,
) -> None:
    seen = register(workspace, "alpha")
    (provider,) = [one for one in seen if str(one.typ) == "pulumi:providers:kubernetes"]
    assert provider.inputs["upsertExistingObjects"] == "true"


def test_a_cluster_with_a_context_is_reached_through_it(workspace: Path) -> None:
    fleet = workspace / "cells" / "fleet.yaml"
    text = fleet.read_text().replace("local: {}", "local: {context: prod-eu}")
    fleet.write_text(text)
    seen = register(workspace, "alpha")
    (provider,) = [one for one in seen if str(one.typ) == "pulumi:providers:kubernetes"]
    assert provider.inputs["context"] == "prod-eu"


def test_an_unknown_stack_names_the_known_ones(workspace: Path) -> None:
    with pytest.raises(pulumi.RunError, match=r"no stack 'delta'.*fleet, alpha, beta, gamma"):
        register(workspace, "delta")


def test_wrong_definitions_are_all_named_with_their_place(workspace: Path) -> None:
    cell = workspace / "cells" / "alpha.yaml"
    cell.write_text(
        cell.read_text().replace("region: eu", "region: mars").replace("ring: 0", "ring: 7")
    )
    with pytest.raises(pulumi.RunError) as raised:
        register(workspace, "beta")
    text = str(raised.value)
    assert "2 problems" in text
    assert "cells/alpha.yaml:8:9: CW205" in text
    assert "cells/alpha.yaml:9:11: CW205" in text


def test_a_hostile_definition_can_not_act_on_the_terminal(workspace: Path) -> None:
    (workspace / "organizations" / "a\x1b[2J\n.yaml").write_text('"\\e[31m": 1\n')
    with pytest.raises(pulumi.RunError) as raised:
        register(workspace, "beta")
    head, line = str(raised.value).split("\n")
    assert head == "1 problem in the definitions:"
    assert line.startswith("  organizations/a\\x1b[2J\\n.yaml:1:1: CW")
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize(("stack", "setting"), [("fleet", "rootSecret"), ("alpha", "cellSecret")])
@pytest.mark.parametrize("text", [None, base64.b64encode(b"short").decode()])
def test_a_missing_or_wrong_secret_is_an_error_that_does_not_show_it(
    workspace: Path, stack: str, setting: str, text: str | None
) -> None:
    pulumi.runtime.set_mocks(Recorder(), project="cellwright", stack=stack)
    pulumi.runtime.set_all_config({} if text is None else {f"cellwright:{setting}": text})
    with pytest.raises(pulumi.RunError, match=f"cellwright:{setting}") as raised:
        pulumi.runtime.test(lambda: program.register(workspace, unguarded))()
    assert text is None or text not in str(raised.value)


def test_a_secret_that_a_cell_was_not_given_is_asked_for(workspace: Path) -> None:
    """What is the fleet's does not follow from the cell's own secret."""
    settings = settings_of(workspace, "alpha", SECRET)
    own = "apiVersion: v1\nkind: Secret\nmetadata: {name: own, namespace: {{ cell.namespace }}}\n"
    text = f'{own}stringData: {{a: {{{{ fleet_secret("shared") }}}}}}\n'
    (workspace / "templates").mkdir(exist_ok=True)
    (workspace / "templates/own.yaml.j2").write_text(text)
    pulumi.runtime.set_mocks(Recorder(), project="cellwright", stack="alpha")
    pulumi.runtime.set_all_config(settings)
    with pytest.raises(pulumi.RunError, match=r"lacks the secret fleet/shared.*cellwright stacks"):
        pulumi.runtime.test(lambda: program.register(workspace, unguarded))()


def test_what_the_clusters_forbid_ends_the_program_with_all_problems(workspace: Path) -> None:
    problem = Problem(Place("cells/alpha.yaml", 5, 9), "metadata.name", "CW421", "not ours", "")

    def refusing(*_: object) -> Guarded:
        return Guarded((), (problem, problem))

    pulumi.runtime.set_mocks(Recorder(), project="cellwright", stack="alpha")
    pulumi.runtime.set_all_config(settings_of(workspace, "alpha", SECRET))
    with pytest.raises(pulumi.RunError) as raised:
        pulumi.runtime.test(lambda: program.register(workspace, refusing))()
    assert str(raised.value).splitlines()[0] == "2 problems with what the clusters hold:"
    assert "cells/alpha.yaml:5:9: CW421 metadata.name: not ours" in str(raised.value)


def test_every_object_carries_the_fleets_name_and_id(workspace: Path) -> None:
    for one in objects(register(workspace, "alpha")):
        labels = one.inputs["metadata"]["labels"]
        assert labels["cellwright.dev/fleet"] == "demo"
        assert labels["cellwright.dev/fleet-id"] == fleet_id(SECRET)


def test_a_typed_run_warns_while_up_holds_the_lease(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    other = Holder("ann@build-7 (pid 12) 0123456789abcdef", None, None, ())
    monkeypatch.setattr(program, "holder", lambda *_: other)
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    assert objects(register(workspace, "alpha"))
    assert said == [
        "`cellwright up` is running in cluster local: ann@build-7 (pid 12), since an unknown time"
    ]


def test_every_object_has_the_time_that_the_fleet_gives(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects of the workspace's own templates, too, whatever they wait for."""
    template = workspace / "templates" / "own.yaml.j2"
    template.parent.mkdir()
    template.write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own, namespace: {{ cell.namespace }}}\n"
    )
    times: dict[str, object] = {}

    class Resource(pulumi.CustomResource):
        def __init__(self, token: str, name: str, inputs: Any, options: Any) -> None:
            times[name] = options.custom_timeouts
            super().__init__(token, name, inputs, options)

    monkeypatch.setattr(program.pulumi, "CustomResource", Resource)
    register(workspace, "alpha")
    assert "cell-alpha/own" in times
    for given in times.values():
        assert isinstance(given, pulumi.CustomTimeouts)
        assert (given.create, given.update, given.delete) == ("180s", "180s", "180s")


def test_clusters_do_not_wait_for_each_other(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One may be away: what the others get depends on nothing of it."""
    seen: dict[str, list[str]] = {}
    plain = pulumi.CustomResource

    def noted(kind: str, name: str, inputs: Any, options: pulumi.ResourceOptions) -> Any:
        seen[name] = [one._name for one in options.depends_on]  # type: ignore[union-attr]
        return plain(kind, name, inputs, options)

    monkeypatch.setattr(program.pulumi, "CustomResource", noted)
    file = workspace / "cells" / "fleet.yaml"
    text = file.read_text().replace("local: {}", "local: {context: a}\n    far: {context: b}")
    file.write_text(text)
    for name in ("alpha", "beta", "gamma"):
        cell = workspace / "cells" / f"{name}.yaml"
        address = f"  routerAddress: {{host: {name}.example.com, port: 80}}\n"
        cluster = "far" if name == "gamma" else "local"
        cell.write_text(cell.read_text().replace("cluster: local", f"cluster: {cluster}") + address)
    register(workspace, "fleet")
    assert {name.partition("/")[0] for name in seen} == {"local", "far"}
    for name, others in seen.items():
        assert {one.partition("/")[0] for one in others} <= {name.partition("/")[0]}, name
    assert all(seen[f"{one}/cellwright-directory/directory-00"] for one in ("local", "far"))
