"""The state folder, and what `make env` prints."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from local.environment import MARKER, exports, prepare, remove, variables
from local.errors import Failed
from local.place import Place
from local.programs import Tools

AWKWARD = ["plain", "two words", "it's", 'a "b" $HOME `id` \\', "line\nline", "", "*", "-n"]


@pytest.mark.parametrize("value", AWKWARD)
def test_any_value_survives_eval(value: str) -> None:
    command = 'eval "$1"; printf "%s." "${NAME}"'
    said = subprocess.run(
        ["sh", "-c", command, "sh", exports({"NAME": value})],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == value + "."


def tools(place: Place) -> Tools:
    """Return programs of which kubectl is the machine's own."""
    cached = place.cache / "bin"
    return Tools(
        pulumi=cached / "pulumi-1" / "pulumi",
        kind=cached / "kind-1" / "kind",
        kubectl=Path("/usr/bin/kubectl"),
    )


def test_path_begins_with_the_environment_and_the_cache(where: Place) -> None:
    path = variables(where, tools(where), {"PATH": "/a:/usr/bin"})["PATH"]
    assert path.split(":") == [
        str(where.root / ".venv" / "bin"),
        str(where.cache / "bin" / "pulumi-1"),
        str(where.cache / "bin" / "kind-1"),
        "/a",
        "/usr/bin",
    ]


def test_a_second_eval_changes_nothing(where: Place) -> None:
    once = variables(where, tools(where), {"PATH": "/a"})
    assert variables(where, tools(where), once) == once


def test_everything_of_pulumi_and_kubernetes_is_in_the_state_folder(where: Place) -> None:
    found = variables(where, tools(where), {})
    assert found["KUBECONFIG"] == f"{where.state}/kubeconfig"
    assert found["KUBECACHEDIR"] == f"{where.state}/kube-cache"
    assert found["PULUMI_HOME"] == f"{where.state}/pulumi"
    assert found["PULUMI_BACKEND_URL"] == f"file://{where.state}/stacks?metadata=skip"
    assert found["PULUMI_CONFIG_PASSPHRASE_FILE"] == f"{where.state}/passphrase"
    assert found["CELLWRIGHT_STATE"] == str(where.state)
    assert found["PULUMI_SKIP_UPDATE_CHECK"] == "true"


def test_the_state_folder_is_its_owners_and_the_passphrase_stays(where: Place) -> None:
    prepare(where)
    first = where.passphrase.read_text()
    assert len(first.strip()) >= 40
    assert where.state.stat().st_mode & 0o777 == 0o700
    assert where.passphrase.stat().st_mode & 0o777 == 0o600
    prepare(where)
    assert where.passphrase.read_text() == first


def test_an_empty_folder_becomes_its_owners(where: Place) -> None:
    where.state.mkdir(mode=0o755)
    prepare(where)
    assert where.state.stat().st_mode & 0o777 == 0o700


def test_a_file_is_no_state_folder(where: Place) -> None:
    where.state.write_text("")
    with pytest.raises(Failed, match="state cannot be a state folder: File exists"):
        prepare(where)


def test_somebody_elses_folder_is_neither_used_nor_removed(where: Place) -> None:
    where.state.mkdir()
    (where.state / "mine").write_text("")
    with pytest.raises(Failed, match="is not empty and not a state folder"):
        prepare(where)
    with pytest.raises(Failed, match="it stays"):
        remove(where)
    assert os.listdir(where.state) == ["mine"]  # noqa: PTH208 - hidden files count, too


def test_the_state_is_removed_whole(where: Place) -> None:
    prepare(where)
    assert (where.state / MARKER).exists()
    remove(where)
    assert not where.state.exists()


def test_stack_files_go_with_the_passphrase_that_opens_them(where: Place, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "stacks").mkdir(parents=True)
    for name in ("Pulumi.alpha.yaml", "README.md"):
        (root / "stacks" / name).write_text("")
    elsewhere = replace(where, root=root)
    prepare(elsewhere)
    remove(elsewhere)
    assert (root / "stacks" / "Pulumi.alpha.yaml").exists()
    own = replace(where, root=root, state=root / ".state")
    prepare(own)
    assert not (root / "stacks" / "Pulumi.alpha.yaml").exists()
    (root / "stacks" / "Pulumi.beta.yaml").write_text("")
    prepare(own)
    assert (root / "stacks" / "Pulumi.beta.yaml").exists()
    remove(own)
    assert [file.name for file in (root / "stacks").iterdir()] == ["README.md"]
