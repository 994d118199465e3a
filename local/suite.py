"""`make lint` and `make test`: every check of the project, in the order of what fails fastest.

Tests of containers mostly wait for them, and run beside those that need no engine and those of the
provider. The end-to-end tests have the machine to themselves.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import process
from local.errors import Failed
from local.place import Place
from local.report import Report

PLAIN = ("unit", "cases", "golden", "mocks")
"""Folders below tests/ that need Python alone; others than those named here come after them."""
CONTAINERS = ("app", "docs", "images", "local", "monitoring", "placement", "postgres", "router")
"""Those that need the engine and the images, and no cluster."""
PROVIDER = ("provider",)
END_TO_END = ("end_to_end",)
"""Those that need the cluster."""

LINTERS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
    ("mypy", "local"),
    ("mypy", "airgap/provider"),
    ("mypy", "images/router/agent"),
    ("mypy", "images/placement/placement"),
    ("lint-imports",),
)


def lint(place: Place, report: Report) -> str:
    """Run all linters, even when one finds something; fail if any did."""
    found = []
    if not (place.venv / "bin" / LINTERS[0][0]).exists():
        raise Failed(f"there are no linters in {place.venv} yet: run `make setup`")
    for linter, *options in LINTERS:
        report.say(" ".join([linter, *options]))
        if process.passed_on([str(place.venv / "bin" / linter), *options], cwd=place.root):
            found.append(" ".join([linter, *options]))
    if found:
        raise Failed("expected no findings, but there are some from: " + ", ".join(found))
    return "clean"


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of tests by what they need, each in their order."""

    plain: list[Path]
    containers: list[Path]
    provider: list[Path]
    end_to_end: list[Path]


def folders(place: Place) -> Folders:
    """Return the folders that hold tests."""
    tests = place.root / "tests"
    present = {one.parent.relative_to(tests).parts[0] for one in tests.rglob("test_*.py")}
    named = {*PLAIN, *CONTAINERS, *PROVIDER, *END_TO_END}
    plain = (*PLAIN, *sorted(present - named))
    return Folders(
        *(
            [tests / name for name in names if name in present]
            for names in (plain, CONTAINERS, PROVIDER, END_TO_END)
        )
    )


def pytest(paths: list[Path], place: Place, environment: dict[str, str], report: Report) -> str:
    """Run pytest on folders; its output goes to the terminal."""
    if not paths:
        return "no tests"
    report.say("pytest " + _names(paths))
    env = {**os.environ, **environment}
    return _outcome(process.passed_on(_argv(paths, place), env=env, cwd=place.root))


@dataclass(slots=True)
class Beside:
    """A pytest that runs beside other work; its output is shown in one piece."""

    wait: Callable[[], int]
    log: Path
    report: Report
    shown: bool = False

    def finish(self) -> str:
        """Wait for its end, and show what it has printed."""
        code = self.wait()
        self.show()
        return _outcome(code)

    def show(self) -> None:
        """Show what it has printed so far, once."""
        if not self.shown:
            self.shown = True
            self.report.show(self.log.read_text(errors="replace").rstrip())


@contextmanager
def beside(
    paths: list[Path], place: Place, environment: dict[str, str], report: Report
) -> Iterator[Beside]:
    """Run pytest on folders while the body of the `with` runs, which calls `finish` in the end.

    A body that fails, or is interrupted, ends it: then what it has printed so far is shown.
    """
    if not paths:
        raise Failed("there are no tests to run at the same time")
    log = place.logs / "pytest.log"
    report.say(f"at the same time, shown afterwards: pytest {_names(paths)}")
    env = {**os.environ, **environment}
    running = None
    try:
        with process.beside(_argv(paths, place), log, env=env, cwd=place.root) as wait:
            running = Beside(wait, log, report)
            yield running
    finally:
        if running:
            running.show()


def _argv(paths: list[Path], place: Place) -> list[str]:
    return [str(place.venv / "bin" / "python"), "-m", "pytest", *map(str, paths)]


def _names(paths: list[Path]) -> str:
    return " ".join(path.name for path in paths)


def _outcome(code: int) -> str:
    if code:
        raise Failed(f"pytest ended with exit code {code}; its reasons stand above")
    return "passed"
