"""`make lint` and `make test`: every check of the project, in the order of what fails fastest."""

import os
from pathlib import Path

from local.errors import Failed
from local.place import Place
from local.process import passed_on
from local.report import Report

WITHOUT_CLUSTER = ("unit", "cases", "golden", "mocks")
WITH_CLUSTER = ("provider", "local", "end_to_end")
"""Folders below tests/, in this order; others come between the two groups."""

LINTERS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
    ("mypy", "local"),
    ("mypy", "airgap/provider"),
    ("mypy", "images/router/agent"),
    ("lint-imports",),
)


def lint(place: Place, report: Report) -> str:
    """Run all linters, even when one finds something; fail if any did."""
    found = []
    if not (place.venv / "bin" / LINTERS[0][0]).exists():
        raise Failed(f"there are no linters in {place.venv} yet: run `make setup`")
    for linter, *options in LINTERS:
        report.say(" ".join([linter, *options]))
        if passed_on([str(place.venv / "bin" / linter), *options], cwd=place.root):
            found.append(" ".join([linter, *options]))
    if found:
        raise Failed("expected no findings, but there are some from: " + ", ".join(found))
    return "clean"


def folders(place: Place) -> tuple[list[Path], list[Path]]:
    """Return the folders of tests that need no cluster, and those that do, in their order."""
    tests = place.root / "tests"
    present = {one.parent.relative_to(tests).parts[0] for one in tests.rglob("test_*.py")}
    others = sorted(present - {*WITHOUT_CLUSTER, *WITH_CLUSTER})
    first = [tests / name for name in (*WITHOUT_CLUSTER, *others) if name in present]
    return first, [tests / name for name in WITH_CLUSTER if name in present]


def pytest(paths: list[Path], place: Place, environment: dict[str, str], report: Report) -> str:
    """Run pytest on folders; its output goes to the terminal."""
    if not paths:
        return "no tests"
    report.say("pytest " + " ".join(path.name for path in paths))
    argv = [str(place.venv / "bin" / "python"), "-m", "pytest", *map(str, paths)]
    code = passed_on(argv, env={**os.environ, **environment}, cwd=place.root)
    if code:
        raise Failed(f"pytest ended with exit code {code}; its reasons stand above")
    return "passed"
