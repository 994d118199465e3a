"""Requests by wrk, with uniformly random organizations, and what it measured."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = Path(__file__).with_name("router.lua")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Answers, and how long they took in milliseconds."""

    rps: float
    p50: float
    p99: float
    failed: int
    wrong: int


def start(
    address: str, paths: Path, seconds: float, *, check: bool = False, pause: float = 0
) -> subprocess.Popen[str]:
    """Start wrk; with `check` each answer must name the organization that was asked for."""
    command = ("wrk", "--threads=1", "--connections=64", f"--duration={seconds}", "--timeout=10")
    script = (f"--script={_SCRIPT}", f"http://{address}", "--", str(paths))
    arguments = ("check" if check else "-", str(pause))
    return subprocess.Popen([*command, *script, *arguments], stdout=subprocess.PIPE, text=True)


def outcome(process: subprocess.Popen[str]) -> Outcome:
    """Wait for wrk's end."""
    output, _ = process.communicate(timeout=300)
    if process.returncode != 0:
        raise SystemExit(f"wrk failed: {output}")
    found = json.loads(output.strip().splitlines()[-1])
    return Outcome(
        found["requests"] / found["seconds"],
        found["p50"],
        found["p99"],
        int(found["failed"]),
        int(found["wrong"]),
    )


def load(address: str, paths: Path, seconds: float, *, pause: float = 0) -> Outcome:
    """Run wrk, and return what it measured."""
    return outcome(start(address, paths, seconds, pause=pause))
