"""As many requests as there can be, by wrk, for uniformly random organizations."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = Path(__file__).with_name("router.lua")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many answers there were."""

    rps: float
    failed: int
    wrong: int


def start(
    address: str, paths: Path, seconds: float, *, check: bool = False
) -> subprocess.Popen[str]:
    """Start wrk; with `check` each answer must name the organization that was asked for."""
    command = ("wrk", "--threads=1", "--connections=64", f"--duration={seconds}", "--timeout=10")
    script = (f"--script={_SCRIPT}", f"http://{address}", "--", str(paths))
    arguments = ("check",) if check else ()
    return subprocess.Popen([*command, *script, *arguments], stdout=subprocess.PIPE, text=True)


def outcome(process: subprocess.Popen[str]) -> Outcome:
    """Wait for wrk's end."""
    output, _ = process.communicate(timeout=300)
    if process.returncode != 0:
        raise SystemExit(f"wrk failed: {output}")
    found = json.loads(output.strip().splitlines()[-1])
    return Outcome(
        found["requests"] / found["seconds"],
        int(found["failed"]),
        int(found["wrong"]),
    )


def load(address: str, paths: Path, seconds: float) -> Outcome:
    """Run wrk, and return what it measured."""
    return outcome(start(address, paths, seconds))
