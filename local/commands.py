"""What each `make` target does: its steps, in order, each told to the report.

Every step can be repeated at any time and does nothing when there is nothing to do.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from local import (
    cluster,
    engine,
    fleet,
    images,
    loading,
    plugin,
    programs,
    prometheus,
    sbom,
    suite,
    venv,
)
from local import environment as shell
from local.catalog import PROGRAMS
from local.errors import Failed
from local.place import Place
from local.report import Report
from local.system import System, need


@dataclass(frozen=True, slots=True)
class Run:
    """One invocation: where, on what machine, and what is shown."""

    place: Place
    system: System
    report: Report

    def tools(self) -> programs.Tools:
        """Return where the programs are, once set-up is done."""
        return programs.ready(self.place, self.system.path)


def setup(run: Run) -> None:
    """System packages, .venv/, programs, the Kubernetes plugin of Pulumi."""
    _packages(run)
    _programs(run)


def _packages(run: Run, *more: str) -> None:
    wanted = ["python3-venv", "docker", *more]
    run.report.step("system packages", lambda: need(wanted, run.system, run.place, run.report))


def _engine(run: Run) -> None:
    """The Docker engine and the base image, which may need root: told before anything long."""
    place, report = run.place, run.report
    report.step("docker engine", lambda: engine.ensure(place, run.system, report))
    report.step("base image", lambda: images.base(place, run.system, report))


def _programs(run: Run) -> None:
    place, report = run.place, run.report
    report.step("virtual environment", lambda: venv.ensure(place, report))
    for program in PROGRAMS:
        report.step(program.name, partial(programs.obtain, program, place, run.system, report))
    report.step("kubernetes plugin", lambda: plugin.ensure(place, run.tools(), report))


def _images(run: Run) -> None:
    place, report = run.place, run.report
    report.step("node image", lambda: images.node(place, run.system, report))
    for name, tag in images.own(place).items():
        report.step(f"image {name}", partial(images.build, name, tag, place, report))


def make_cluster(run: Run) -> None:
    """Set-up, images, and the cluster with the images in it, without cells."""
    _packages(run)
    _engine(run)
    _programs(run)
    _images(run)
    place, report, tools = run.place, run.report, run.tools()
    tags = list(images.own(place).values())
    report.step("cluster", lambda: cluster.ensure(place, tools, report))
    report.step("images in the cluster", lambda: loading.load(tags, place, tools, report))


def up(run: Run) -> None:
    """Everything, up to a fleet whose routers have answered."""
    make_cluster(run)
    place, report, tools = run.place, run.report, run.tools()
    tags = list(images.own(place).values())
    report.step("cells", lambda: fleet.up(place, tools, report))
    report.step("rebuilt images", lambda: loading.restart_outdated(tags, place, tools))
    cells: list[fleet.Cell] = []
    policies: list[str] = []
    report.step("routers", lambda: fleet.find(place, tools, cells, policies))
    report.step("network policies", lambda: "; ".join(policies))
    answers: list[str] = []
    report.step("requests", lambda: fleet.ask(cells, answers))
    report.show("\n".join(["", fleet.table(cells), "", *answers]))
    behind = [f"{cell.name} is {cell.state}" for cell in cells if cell.state != "ready"]
    if behind:
        raise Failed("expected every cell to be ready, but " + ", ".join(behind))


def down(run: Run) -> None:
    """Remove the cluster, the state folder, and an engine of ours that is empty then."""
    place, report = run.place, run.report
    if run.system.find("docker") and (engine.answers() or cluster.is_recorded(place)):
        report.step("docker engine", lambda: engine.ensure(place, run.system, report))
        report.step("cluster", lambda: cluster.remove(place))
        report.step("docker engine", lambda: engine.stop(place))
    report.step("state", lambda: shell.remove(place))


def env(run: Run) -> None:
    """Print what `eval "$(make env)"` puts into a shell."""
    if not shell.is_prepared(run.place):
        # Asking a program for its version would make folders where no set-up has been.
        raise Failed(f"nothing is set up in {run.place.state} yet: run `make setup`")
    shell.print_exports(shell.variables(run.place, run.tools(), os.environ))


def lint(run: Run) -> None:
    """Style, types, and the direction of imports."""
    run.report.step("lint", lambda: suite.lint(run.place, run.report))


def bills(run: Run) -> None:
    """What each of the project's own images is made of, as CycloneDX JSON."""
    place, report = run.place, run.report
    for name, tag in images.own(place).items():
        path = place.state / "sbom" / f"{name}.cdx.json"
        report.step(f"bill of {name}", partial(sbom.write, tag, path, place, report))
    report.show(f"in {place.state / 'sbom'}")


def test(run: Run) -> None:
    """Everything that checks the project; what needs a cluster gets one of its own."""
    _packages(run, "docker-registry")
    run.report.step("prometheus", lambda: prometheus.obtain(run.place, run.system, run.report))
    _engine(run)
    _programs(run)
    lint(run)
    _images(run)
    folders = suite.folders(run.place)
    with suite.beside(folders.containers, run.place, _variables(run), run.report) as containers:
        _pytest(run, "tests without containers", folders.plain)

        def on_cluster(other: Run) -> None:
            _pytest(other, "provider tests", folders.provider)
            run.report.step("tests with containers", containers.finish)
            _pytest(other, "end-to-end tests", folders.end_to_end)

        _on_test_cluster(run, on_cluster)


def test_provider(run: Run) -> None:
    """Only the behaviour suite of the Kubernetes provider, on the cluster of the tests."""
    folder = run.place.root / "tests" / "provider"
    _on_test_cluster(run, lambda other: _pytest(other, "provider tests", [folder]))


def _pytest(run: Run, name: str, folders: list[Path]) -> None:
    environment = _variables(run)
    run.report.step(name, lambda: suite.pytest(folders, run.place, environment, run.report))


def _variables(run: Run) -> dict[str, str]:
    return shell.variables(run.place, run.tools(), os.environ)


def _on_test_cluster(run: Run, action: Callable[[Run], None]) -> None:
    """Bring up a cluster beside the user's, and remove it afterwards unless KEEP=1."""
    other = replace(run, place=replace(run.place, state=run.place.root / ".state-test"))
    shell.prepare(other.place)
    try:
        make_cluster(other)
        action(other)
    finally:
        if os.environ.get("KEEP") != "1":
            # Without an engine there is no cluster, and the reason for that is what matters.
            if engine.answers():
                run.report.step("test cluster", lambda: cluster.remove(other.place))
            run.report.step("test state", lambda: shell.remove(other.place))
