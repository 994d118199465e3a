"""What the user sees while steps run, and the times that a benchmark reads afterwards.

The only module here that prints (besides the words of `cli`). It measures and shows; it never
decides what runs.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from local.files import write_atomically

WIDTH = 24
"""Columns of a step's name."""


@dataclass(slots=True)
class Report:
    """Prints each step with its outcome and time, and keeps them in `times`."""

    out: TextIO
    times: Path | None = None
    """JSON file with all steps so far: `{"steps": [{"name", "outcome", "seconds"}], "total_s"}`."""
    clock: Callable[[], float] = time.monotonic
    steps: list[dict[str, str | float]] = field(default_factory=list)
    _running: str | None = None

    def step(self, name: str, action: Callable[[], str]) -> None:
        """Run one step; `action` returns what it did in a few words."""
        start = self.clock()
        self._running = name
        if self.out.isatty():
            self._write(f"{name:<{WIDTH}} …\r")
        try:
            outcome = action()
        except BaseException:
            self._write(f"{name:<{WIDTH}} stopped after {self.clock() - start:.1f} s\n")
            raise
        finally:
            self._running = None
        seconds = self.clock() - start
        self._write(f"{name:<{WIDTH}} {outcome:<44} {seconds:6.1f} s\n")
        self.steps.append({"name": name, "outcome": outcome, "seconds": round(seconds, 3)})
        if self.times:
            total = sum(float(step["seconds"]) for step in self.steps)
            figures = {"steps": self.steps, "total_s": round(total, 3)}
            write_atomically(self.times, json.dumps(figures, indent=1) + "\n")

    def say(self, text: str) -> None:
        """Print a line about what a long step does now."""
        name = self._running or ""
        self._write(f"{name:<{WIDTH}} … {text}\n")

    def show(self, text: str) -> None:
        """Print a result."""
        self._write(text + "\n")

    def _write(self, text: str) -> None:
        if self.out.isatty():
            text = "\x1b[2K" + text
        self.out.write(text)
        self.out.flush()
