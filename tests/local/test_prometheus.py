"""Prometheus comes from PATH, else unpacked from Debian's package, never installed."""

from pathlib import Path

import pytest

from local.errors import Failed
from local.place import Place
from local.process import ProgramFailed
from local.prometheus import PROGRAMS, find, obtain
from local.system import System
from tests.local.standins import Shown, script


def _apt(folder: Path, notes: Path, held: tuple[str, ...], first: str = "true") -> str:
    """Make stand-ins: apt-get, of which the first download does `first`, and dpkg-deb.

    The package prometheus has the programs `held`, any other the one that it is called after.
    """
    script(
        folder / "apt-get",
        f'echo "$*" >> {notes}\n'
        f'case "$*" in *download*) test $(grep -c download {notes}) -gt 1 || {first} || exit 100\n'
        'touch "$4_2_all.deb";; esac',
    )
    script(
        folder / "dpkg-deb",
        f'mkdir -p "$3/usr/bin"; case "$2" in */prometheus_*) held="{" ".join(held)}";;\n'
        '*) held=$(basename "$2"); held=${held%%_*};; esac; for one in $held; do\n'
        'echo "#!/bin/sh" > "$3/usr/bin/$one"; chmod +x "$3/usr/bin/$one"; done',
    )
    return str(folder / "apt-get")


def test_what_is_on_path_is_used(where: Place, shown: Shown, tmp_path: Path) -> None:
    for name in PROGRAMS:
        script(tmp_path / name, "")
    system = System(root=True, apt="/nowhere/apt-get", path=str(tmp_path))
    assert obtain(where, system, shown.report) == "present"
    assert find(where, system) == {name: tmp_path / name for name in PROGRAMS}


@pytest.mark.parametrize("held", [PROGRAMS, PROGRAMS[:1]])
def test_packages_are_unpacked_once_and_not_installed(
    where: Place,
    shown: Shown,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    held: tuple[str, ...],
) -> None:
    notes = tmp_path / "notes"
    apt = _apt(tmp_path / "bin", notes, held)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    system = System(root=False, apt=apt, path="/nowhere")
    assert obtain(where, system, shown.report) == "unpacked from Debian's packages"
    assert obtain(where, system, shown.report) == "present"
    assert find(where, system).keys() == set(PROGRAMS)
    asked = ["prometheus"] if held == PROGRAMS else ["prometheus", "promtool"]
    assert notes.read_text().splitlines() == [
        f"-o APT::Sandbox::User=root download {package}" for package in asked
    ]


def test_a_package_without_its_program_is_told(
    where: Place, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = _apt(tmp_path / "bin", tmp_path / "notes", ("promtool",))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(Failed, match="hold no prometheus"):
        obtain(where, System(root=True, apt=apt, path="/nowhere"), shown.report)


def test_root_gets_new_lists_when_the_package_is_unknown(
    where: Place, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    apt = _apt(tmp_path / "bin", notes, PROGRAMS, first="false")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(ProgramFailed, match="apt-get"):
        obtain(where, System(root=False, apt=apt, path="/nowhere"), shown.report)
    notes.unlink()
    obtain(where, System(root=True, apt=apt, path="/nowhere"), shown.report)
    assert [line.split()[-1] for line in notes.read_text().splitlines()] == [
        "prometheus",
        "update",
        "prometheus",
    ]


def test_without_apt_the_programs_are_named(where: Place, shown: Shown) -> None:
    with pytest.raises(Failed, match="missing: prometheus, promtool"):
        obtain(where, System(root=True, apt=None, path="/nowhere"), shown.report)
