"""The Docker engine, and the program between it and runc on restricted hosts."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from airgap import runc_without_sys_resource
from local import engine
from local.errors import Failed
from local.files import write_atomically
from local.place import Place
from local.process import detached
from local.system import System
from tests.local.standins import Shown, appears, is_gone, script

FULL = "Name:\tx\nCapBnd:\t000001ffffffffff\n"
LESS = "Name:\tx\nCapBnd:\t000001fffeffffff\n"


def test_a_host_is_restricted_when_its_bounding_set_lacks_the_capability() -> None:
    assert engine.restricted(LESS)
    assert not engine.restricted(FULL)
    assert not engine.restricted("Name:\tx\n")


def test_runc_gets_a_request_without_the_capability(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    script(tmp_path / "bin" / "runc", f'echo "$*" > {notes}')
    keep = {"process": {"capabilities": {"bounding": ["CAP_KILL"]}, "args": ["x"]}}
    for name in ("bundle/config.json", "process.json"):
        request = json.loads(json.dumps(keep))
        request["process"]["capabilities"]["bounding"].append("CAP_SYS_RESOURCE")
        write_atomically(tmp_path / name, json.dumps(request), 0o600)
    arguments = ["--log", "l", "create", "--bundle", f"{tmp_path}/bundle", "--process"]
    arguments.append(f"{tmp_path}/process.json")
    subprocess.run(
        [sys.executable, "-IS", runc_without_sys_resource.__file__, *arguments],
        env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"},
        check=True,
    )
    assert notes.read_text().split() == arguments
    for name in ("bundle/config.json", "process.json"):
        assert json.loads((tmp_path / name).read_text()) == keep
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """Return a machine whose docker command answers once its dockerd has made a file."""
    folder = tmp_path / "bin"
    script(folder / "docker", f'test "$1" = ps || test -e {tmp_path}/up')
    script(folder / "iptables", "")
    script(folder / "runc", "")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr("local.system.SYSTEM_FOLDERS", "/nowhere")
    return System(root=True, apt=None, path=f"{folder}:/usr/bin:/bin")


def daemon(tmp_path: Path, text: str) -> None:
    """Put a dockerd of this behaviour on the machine; a program, for its name to be seen."""
    file = tmp_path / "bin" / "dockerd"
    file.write_text(f"#!{sys.executable} -S\nimport sys, time\n{text}\n")
    file.chmod(0o755)


BEHAVIOUR = """
import os
if os.path.exists({0!r}):
    sys.exit("pid file found")
open({0!r}, "w").write(str(os.getpid()))
open({1!r}, "w")
time.sleep(100)
"""
"""As the real one: refuses to start beside a pid file, then writes it, then answers."""


def no_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.is_dir
    monkeypatch.setattr(
        Path, "is_dir", lambda self: str(self) != "/run/systemd/system" and real(self)
    )


def test_an_engine_that_answers_is_left_alone(
    where: Place, shown: Shown, machine: System, tmp_path: Path
) -> None:
    (tmp_path / "up").touch()
    assert engine.ensure(where, machine, shown.report) == "running"
    assert engine.stop(where) == "left alone: not started by this project"
    assert not where.cache.exists()


def test_without_root_no_engine_is_started(where: Place, shown: Shown, machine: System) -> None:
    script(where.state.parent / "bin" / "docker", "echo permission denied: docker.sock >&2; exit 1")
    user = System(root=False, apt=None, path=machine.path)
    expected = r"answers \(permission denied: docker.sock\); expected one that this user may use"
    with pytest.raises(Failed, match=expected):
        engine.ensure(where, user, shown.report)


@pytest.mark.parametrize("status", [FULL, LESS])
def test_an_engine_is_started_in_the_cache_and_stopped_when_empty(
    where: Place,
    shown: Shown,
    machine: System,
    monkeypatch: pytest.MonkeyPatch,
    status: str,
) -> None:
    tmp_path = where.state.parent
    no_systemd(monkeypatch)
    restricted = engine.restricted(status)
    monkeypatch.setattr(engine, "restricted", lambda: restricted)
    pid_file = where.cache / "engine" / engine.PID_FILE
    write_atomically(pid_file, str(os.getpid()))  # of a killed engine; it is another program now
    daemon(tmp_path, BEHAVIOUR.format(str(pid_file), f"{tmp_path}/up"))
    said = engine.ensure(where, machine, shown.report)
    assert said == f"started, log: {where.cache}/engine/dockerd.log"
    pid = int(pid_file.read_text())
    assert os.getsid(pid) == pid
    configuration = json.loads((where.cache / "engine" / "daemon.json").read_text())
    assert configuration["data-root"] == f"{where.cache}/engine/data"
    assert ("runtimes" in configuration) is restricted
    if restricted:
        wrapper = Path(configuration["runtimes"]["no-sys-resource"]["path"])
        assert os.access(wrapper, os.X_OK)
        subprocess.run([wrapper, "--version"], check=True)
    assert engine.stop(where) == "stopped"
    assert is_gone(pid)
    os.waitpid(pid, 0)


def test_an_engine_that_ends_at_once_shows_its_last_words(
    where: Place, shown: Shown, machine: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_systemd(monkeypatch)
    daemon(where.state.parent, "sys.exit('no such driver')")
    with pytest.raises(Failed, match=r"(?s)the Docker engine ended.*no such driver"):
        engine.ensure(where, machine, shown.report)
    os.wait()


def test_an_engine_with_containers_of_others_goes_on(
    where: Place, machine: System, tmp_path: Path
) -> None:
    assert machine.root
    script(tmp_path / "bin" / "docker", "echo 0123")
    daemon(tmp_path, "print('up', flush=True); time.sleep(100)")
    pid = detached([tmp_path / "bin" / "dockerd"], tmp_path / "log")
    try:
        appears(tmp_path / "log")
        write_atomically(where.cache / "engine" / engine.PID_FILE, str(pid))
        assert engine.stop(where) == "left running: it holds other containers"
        assert not is_gone(pid, 0.1)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_recorded_pid_of_another_program_is_not_stopped(where: Place) -> None:
    write_atomically(where.cache / "engine" / engine.PID_FILE, str(os.getpid()))
    assert engine.stop(where) == "left alone: not started by this project"
