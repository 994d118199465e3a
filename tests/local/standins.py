"""Stand-ins for the machines, sites and programs that the local environment works with."""

import io
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from local.report import Report

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Shown:
    """A report, and what it has printed so far."""

    report: Report
    sink: io.StringIO

    @property
    def text(self) -> str:
        return self.sink.getvalue()


@dataclass
class Site:
    """A folder of downloads, served over HTTP on loopback."""

    folder: Path
    url: str

    def put(self, address: str, content: bytes) -> None:
        """Hold `content` under the address (`host/path`) of an official download."""
        file = self.folder / address
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def script(path: Path, text: str) -> Path:
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def python(code: str, *arguments: str, **options: object) -> "subprocess.Popen[str]":
    """Start a Python program that can import `local`, in a process group of its own."""
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        **options,
    )


def appears(path: Path, seconds: float = 20) -> str:
    """Wait until a file has content, and return it."""
    deadline = time.monotonic() + seconds
    while not (path.exists() and path.read_text().strip()):
        assert time.monotonic() < deadline, f"{path} did not appear within {seconds} s"
        time.sleep(0.02)
    return path.read_text().strip()


def is_gone(pid: int, seconds: float = 20) -> bool:
    """Wait until a process has ended (a zombie counts); False if it goes on."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False
