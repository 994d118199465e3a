"""Prometheus comes from PATH, else unpacked from Debian's package, never installed."""

from pathlib import Path

import pytest

from local.errors import Failed
from local.place import Place
from local.process import ProgramFailed
from local.prometheus import PROGRAMS, find, obtain
from local.system import System
from tests.local.standins import Shown, script


def _apt(folder: Path, notes: Path, first: str = "true") -> str:
    """Make stand-ins: apt-get, of which the first download does `first`, and dpkg-deb."""
    script(
        folder / "apt-get",
        f'echo "$*" >> {notes}\n'
        f'case "$*" in *download*) test $(grep -c download {notes}) -gt 1 || {first} || exit 100\n'
        "touch prometheus_2_all.deb;; esac",
    )
    makes = " ".join(PROGRAMS)
    script(
        folder / "dpkg-deb",
        f'mkdir -p "$3/usr/bin"; for one in {makes}; do\n'
        'echo "#!/bin/sh" > "$3/usr/bin/$one"; chmod +x "$3/usr/bin/$one"; done',
    )
    return str(folder / "apt-get")


def test_what_is_on_path_is_used(where: Place, shown: Shown, tmp_path: Path) -> None:
    for name in PROGRAMS:
        script(tmp_path / name, "")
    system = System(root=True, apt="/nowhere/apt-get", path=str(tmp_path))
    assert obtain(where, system, shown.report) == "present"
    assert find(where, system) == {name: tmp_path / name for name in PROGRAMS}


@pytest.mark.parametrize("root", [True, False])
def test_the_package_is_unpacked_once_and_not_installed(
    where: Place, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: bool
) -> None:
    notes = tmp_path / "notes"
    apt = _apt(tmp_path / "bin", notes)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    system = System(root=root, apt=apt, path="/nowhere")
    assert obtain(where, system, shown.report) == "unpacked from Debian's package"
    assert obtain(where, system, shown.report) == "present"
    assert find(where, system).keys() == set(PROGRAMS)
    assert notes.read_text() == "-o APT::Sandbox::User=root download prometheus\n"


def test_root_gets_new_lists_when_the_package_is_unknown(
    where: Place, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    apt = _apt(tmp_path / "bin", notes, first="false")
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
