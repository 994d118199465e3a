"""The Docker engine: used as it is when one answers, else started.

An engine that is started here keeps its images and containers in the cache, outlives the command
that started it, and is stopped by `stop` when nothing is left in it. An engine that somebody
else runs is never configured, restarted or stopped.
"""

import json
import os
import signal
import time
from pathlib import Path

from airgap import runc_without_sys_resource
from local.errors import Failed
from local.files import recorded, write_atomically
from local.place import Place
from local.process import ProgramFailed, capture, detached, logged
from local.report import Report
from local.system import System, base_python, need

START_TIMEOUT_S = 60.0
CAP_SYS_RESOURCE = 1 << 24
PID_FILE = "dockerd.pid"
"""Written by the engine itself, below `engine/` in the cache."""


def answers() -> bool:
    """Tell whether an engine answers the docker command."""
    return _trouble() is None


def _trouble() -> str | None:
    """Return why no engine answers, as the docker command says it; None where one does."""
    try:
        capture(["docker", "version", "--format", "{{.Server.Version}}"], timeout=20)
    except ProgramFailed as error:
        return str(error).splitlines()[-1].removeprefix("  | ")
    return None


def restricted(status: str | None = None) -> bool:
    """Tell whether this machine cannot give a container CAP_SYS_RESOURCE."""
    text = (recorded(Path("/proc/self/status")) or "") if status is None else status
    bounds = [line.split()[1] for line in text.splitlines() if line.startswith("CapBnd:")]
    return bool(bounds) and not int(bounds[0], 16) & CAP_SYS_RESOURCE


def ensure(place: Place, system: System, report: Report) -> str:
    """Start an engine if none answers; return what was done."""
    need(["docker"], system, place, report)
    trouble = _trouble()
    if trouble is None:
        return "running"
    if not system.root:
        # Often one runs, and this user may not use it.
        raise Failed(
            f"no Docker engine answers ({trouble}); expected one that this user may use, "
            "or to be root, who has one started"
        )
    need(["dockerd", "iptables"], system, place, report)
    if Path("/run/systemd/system").is_dir():
        log = place.logs / "systemctl.log"
        logged(["systemctl", "start", "docker"], log, timeout=START_TIMEOUT_S)
        _wait(None, log)
        return "started (systemctl start docker)"
    folder = place.cache / "engine"
    write_atomically(folder / "daemon.json", json.dumps(_configuration(folder), indent=1) + "\n")
    if _own(place) is None:  # a killed engine leaves it, and may not start again with it
        _pid_file(place).unlink(missing_ok=True)
    log = folder / "dockerd.log"
    daemon = system.find("dockerd") or "dockerd"
    pid = detached([daemon, "--config-file", folder / "daemon.json"], log, system.environment())
    _wait(pid, log)
    return f"started, log: {log}"


def stop(place: Place) -> str:
    """Stop the engine that `ensure` started, unless containers are left in it."""
    pid = _own(place)
    if pid is None:
        return "left alone: not started by this project"
    if capture(["docker", "ps", "--all", "--quiet"], timeout=30).out.strip():
        return "left running: it holds other containers"
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + START_TIMEOUT_S
    while _is_dockerd(pid):
        if time.monotonic() > deadline:
            raise Failed(f"dockerd (pid {pid}) did not end within {START_TIMEOUT_S:g} s")
        time.sleep(0.1)
    _pid_file(place).unlink(missing_ok=True)
    return "stopped"


def _configuration(folder: Path) -> dict[str, object]:
    configuration: dict[str, object] = {
        "data-root": str(folder / "data"),
        "pidfile": str(folder / PID_FILE),
    }
    if restricted():
        wrapper = folder / "runc"
        body = Path(runc_without_sys_resource.__file__).read_text()
        write_atomically(wrapper, f"#!{base_python()} -IS\n{body}", 0o755)
        configuration["runtimes"] = {"no-sys-resource": {"path": str(wrapper)}}
        configuration["default-runtime"] = "no-sys-resource"
    return configuration


def _wait(pid: int | None, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not answers():
        ended = pid is not None and not _is_dockerd(pid)
        if ended or time.monotonic() > deadline:
            last = (recorded(log) or "").strip().splitlines()[-3:]
            how = "ended" if ended else f"did not answer within {START_TIMEOUT_S:g} s"
            raise Failed("\n  | ".join([f"the Docker engine {how}; its log ({log}) says:", *last]))
        time.sleep(0.2)


def _own(place: Place) -> int | None:
    text = (recorded(_pid_file(place)) or "").strip()
    return int(text) if text.isdecimal() and _is_dockerd(int(text)) else None


def _pid_file(place: Place) -> Path:
    return place.cache / "engine" / PID_FILE


def _is_dockerd(pid: int) -> bool:
    """Tell whether a process is a dockerd that has not ended."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    name = status[status.index("(") + 1 : status.rindex(")")]
    return name == "dockerd" and status[status.rindex(")") :].split()[1] not in {"Z", "X"}
