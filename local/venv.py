"""The virtual environment `.venv/`: pinned packages with their hashes, and the project itself.

Made again only when what it is made from has changed; a run that is killed half-way goes on the
next time.
"""

import os
import sys
from pathlib import Path

from local.files import digest, recorded, write_atomically
from local.place import Place
from local.process import ProgramFailed, capture, logged
from local.report import Report
from local.system import base_python

PIP_TIMEOUT_S = 1200.0


def ensure(place: Place, report: Report) -> str:
    """Bring the environment up to date; return what was done."""
    inputs = [place.root / "requirements.txt", place.root / "pyproject.toml"]
    wanted = digest(inputs, sys.version, str(place.venv))
    stamp = place.venv / ".made-from"
    if recorded(stamp) == wanted:
        return "up to date"
    python = place.venv / "bin" / "python"
    if not _works(python):
        report.say("making .venv")
        log = place.logs / "venv.log"
        logged([base_python(), "-m", "venv", "--clear", place.venv], log, timeout=300)
    report.say("installing the pinned packages")
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--no-input",
    ]
    everything = [*pip, "--require-hashes", "-r", inputs[0]]
    logged(everything, place.logs / "pip.log", timeout=PIP_TIMEOUT_S, env=_environment())
    itself = [*pip, "--no-deps", "--no-build-isolation", "--editable", place.root]
    logged(itself, place.logs / "pip-project.log", timeout=PIP_TIMEOUT_S, env=_environment())
    write_atomically(stamp, wanted)
    return "made"


def _works(python: Path) -> bool:
    """Tell whether the environment is there, complete, and of the Python that runs this."""
    if not python.exists():
        return False
    question = "import sys, pip; print(sys.version)"
    try:
        return capture([python, "-c", question], timeout=60).out.strip() == sys.version
    except ProgramFailed:
        return False


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PIP_REQUIRE_VIRTUALENV"}
