"""What only a package manager brings: installed by root on Debian, named for anyone else."""

from pathlib import Path

import pytest

from local import cli
from local.errors import Failed
from local.place import Place
from local.process import ProgramFailed
from local.system import SYSTEM_FOLDERS, System, base_python, need
from tests.local.standins import Shown, script

BARE = System(root=False, apt=None, path="/nowhere")


def test_everything_that_is_missing_is_named_at_once(
    where: Place, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.system.SYSTEM_FOLDERS", "/nowhere")
    with pytest.raises(Failed) as failure:
        need(["docker", "dockerd", "debootstrap"], BARE, where, shown.report)
    assert str(failure.value) == (
        "missing: docker, dockerd, debootstrap. Install them (on Debian, as root: "
        "apt-get install debootstrap docker.io) and run this again"
    )


def test_what_is_there_is_not_installed(where: Place, shown: Shown, tmp_path: Path) -> None:
    script(tmp_path / "docker", "")
    system = System(root=True, apt="/nowhere/apt-get", path=str(tmp_path))
    assert need(["docker"], system, where, shown.report) == "present"


def test_root_on_debian_finishes_updates_and_installs(
    where: Place, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    folder = tmp_path / "bin"
    script(folder / "dpkg", f'echo "dpkg $*" >> {notes}')
    makes = f"{folder}/docker-registry"
    script(
        folder / "apt-get",
        f'echo "apt-get $* $DEBIAN_FRONTEND" >> {notes}\n'
        f"test $1 = update || {{ echo > {makes}; /bin/chmod +x {makes}; }}",
    )
    monkeypatch.setattr("local.system.SYSTEM_FOLDERS", "/nowhere")
    system = System(root=True, apt=str(folder / "apt-get"), path=str(folder))
    said = need(["docker-registry"], system, where, shown.report)
    assert said == "installed docker-registry"
    assert notes.read_text().splitlines() == [
        "dpkg --configure -a",
        "apt-get update noninteractive",
        "apt-get install -y docker-registry noninteractive",
    ]


def test_a_failed_installation_is_told(
    where: Place, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "dpkg", "")
    apt = script(tmp_path / "apt-get", "echo 'E: no such package' >&2; exit 100")
    monkeypatch.setattr("local.system.SYSTEM_FOLDERS", "/nowhere")
    system = System(root=True, apt=str(apt), path=str(tmp_path))
    with pytest.raises(ProgramFailed, match="E: no such package"):
        need(["docker"], system, where, shown.report)


def test_what_is_found_is_also_on_the_path_of_what_root_starts() -> None:
    system = System(root=True, apt=None, path="/bin")
    assert "/usr/sbin" in SYSTEM_FOLDERS.split(":")
    assert system.environment()["PATH"].split(":") == ["/bin", *SYSTEM_FOLDERS.split(":")]


def test_set_up_without_root_stops_with_one_sentence(
    where: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CELLWRIGHT_STATE", str(where.state))
    monkeypatch.setattr("local.system.SYSTEM_FOLDERS", "/nowhere")
    monkeypatch.setattr(cli, "this_machine", lambda: BARE)
    assert cli.main(["setup"]) == 1
    out, err = capsys.readouterr()
    assert err == (
        "setup: missing: docker. Install them (on Debian, as root: apt-get install docker.io) "
        "and run this again\n"
    )
    assert "system packages          stopped after" in out


def test_the_base_python_is_outside_any_environment() -> None:
    assert base_python().exists()
    assert not (base_python().parent.parent / "pyvenv.cfg").exists()
