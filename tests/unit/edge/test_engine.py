"""Runs of the real Pulumi engine on programs in this process."""

import asyncio
import gc
import os
import shutil
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pulumi
import pytest

from cellwright.edge import engine
from cellwright.edge.engine import Run
from cellwright.edge.failure import CommandError
from cellwright.edge.process import Interrupts
from tests.cli.backends import Pulumi

STACKS = ("alpha", "beta")
pytestmark = [
    # Pulumi's SDK leaves event loops to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
needs_pulumi = pytest.mark.skipif(shutil.which("pulumi") is None, reason="pulumi is not here")


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Let the warnings about what a test left come while it still lasts."""
    yield
    for _ in range(3):
        gc.collect()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Pulumi:
    """A project with the empty stacks `alpha` and `beta`, each with a setting of its own."""
    folder = tmp_path_factory.mktemp("original")
    project = Pulumi(folder / "workspace", folder / "state")
    project.prepare()
    for stack in STACKS:
        project("stack", "init", stack, "--no-select")
        project("config", "set", "--stack", stack, "text", f"of {stack}")
        project("config", "set", "--stack", stack, "--secret", "hidden", f"secret of {stack}")
    return project


@pytest.fixture
def project(original: Pulumi, tmp_path: Path) -> Pulumi:
    copy = Pulumi(tmp_path / "workspace", tmp_path / "state")
    shutil.copytree(original.root, copy.root)
    shutil.copytree(original.folder, copy.folder)
    return copy


def run_in(project: Pulumi, interrupts: Interrupts | None = None) -> Run:
    return Run(project.root, interrupts or Interrupts(), project.environment)


def thing(name: str = "thing") -> None:
    pulumi.ComponentResource("test:index:Thing", name)


def failing(error: Exception) -> Callable[[], None]:
    def program() -> None:
        raise error

    return program


def test_version_of_the_private_server() -> None:
    """The server is no public part of Pulumi's SDK: another version needs a look at it first."""
    assert version("pulumi") == "3.272.0"


@needs_pulumi
def test_stacks_at_the_same_time_have_their_own_settings(project: Pulumi) -> None:
    both = threading.Barrier(2, timeout=60)
    seen: dict[str, tuple[str | None, bool]] = {}

    def program() -> None:
        both.wait()  # neither goes on before both have begun
        stack, config = pulumi.get_stack(), pulumi.Config()
        both.wait()
        thing(f"{stack}-{config.require('text')}")
        seen[stack] = (config.get("text"), config.get("hidden") == f"secret of {stack}")

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda stack: engine.up(run_in(project), stack, program), STACKS))
    assert [one.ok for one in ended] == [True, True], ended
    assert [one.changes for one in ended] == ["+ 2 created"] * 2
    assert seen == {stack: (f"of {stack}", True) for stack in STACKS}
    for stack in STACKS:
        urns = [one["urn"] for one in project.exported(stack)["resources"]]
        assert sum(urn.endswith(f"::{stack}-of {stack}") for urn in urns) == 1
        assert len(urns) == 2


@needs_pulumi
def test_nothing_but_the_engine_is_started(project: Pulumi, tmp_path: Path) -> None:
    """A language host would plan again, and ask pip what is installed."""
    for name in ("pulumi-language-python", "python", "python3", "pip"):
        trap = tmp_path / "traps" / name
        trap.parent.mkdir(exist_ok=True)
        trap.write_text(f"#!/bin/sh\ntouch '{tmp_path}/started'\nexit 1\n")
        trap.chmod(trap.stat().st_mode | stat.S_IXUSR)
    path = f"{tmp_path / 'traps'}{os.pathsep}{os.environ['PATH']}"
    run = Run(project.root, Interrupts(), {**project.environment, "PATH": path})
    assert engine.up(run, "alpha", thing).ok
    assert not (tmp_path / "started").exists()


@needs_pulumi
def test_a_refusal_of_the_program_is_told(project: Pulumi) -> None:
    ended = engine.up(run_in(project), "alpha", failing(pulumi.RunError("refused: too early")))
    assert not ended.ok
    assert any("refused: too early" in line for line in ended.diagnostics)
    assert "Traceback" not in "\n".join(ended.lines)


@needs_pulumi
def test_any_other_error_of_the_program_is_told_without_a_traceback(project: Pulumi) -> None:
    ended = engine.up(run_in(project), "alpha", failing(KeyError("rank")))
    assert not ended.ok
    assert any("KeyError: 'rank'" in line for line in ended.diagnostics)
    assert "Traceback" not in "\n".join(ended.lines)
    assert __file__ not in "\n".join(ended.lines)


@needs_pulumi
def test_what_the_engine_refuses_is_told_without_a_traceback(project: Pulumi) -> None:
    def program() -> None:
        thing()
        thing()

    ended = engine.up(run_in(project), "alpha", program)
    assert not ended.ok
    assert any("uplicate resource URN" in line for line in ended.diagnostics)
    assert "Traceback" not in "\n".join(ended.lines)


@needs_pulumi
def test_an_interrupt_ends_a_run_in_order(project: Pulumi) -> None:
    interrupts, goes_on = Interrupts(), threading.Event()
    pids: list[int] = []

    def program() -> None:
        thing()
        interrupts.interrupt()
        goes_on.wait(60)

    run = Run(project.root, interrupts, project.environment, pids.append)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(engine.up, run, "alpha", program)
        try:
            # The engine has ended when its process is gone, whatever the program still does.
            while not pids or _runs(pids[0]):
                threading.Event().wait(0.05)
        finally:
            goes_on.set()
        ended = running.result(60)
    assert not ended.ok
    assert not list(project.locks.glob("*"))
    with pytest.raises(CommandError, match="interrupted"):
        engine.up(run, "alpha", thing)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


@needs_pulumi
def test_a_preview_counts_what_would_be_done(project: Pulumi) -> None:
    said = engine.preview(run_in(project), "alpha", thing)
    assert (dict(said.operations), said.errors) == ({"create": 2}, ())
    assert not project.exported("alpha").get("resources")


@needs_pulumi
def test_errors_of_a_preview_are_read(project: Pulumi) -> None:
    said = engine.preview(run_in(project), "alpha", failing(pulumi.RunError("refused: too early")))
    assert any("refused: too early" in line for line in said.errors)
    assert "Traceback" not in "\n".join(said.errors)


@needs_pulumi
def test_a_preview_of_a_stack_that_is_not_there(project: Pulumi) -> None:
    with pytest.raises(CommandError, match=r"pulumi preview: exit code \d+: .*'gamma'"):
        engine.preview(run_in(project), "gamma", thing)


@pytest.mark.parametrize("said", ["", "error: no JSON", "{half", "error: {not} JSON", "[1]"])
def test_a_preview_whose_output_is_not_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    program = tmp_path / "pulumi"
    program.write_text(f"#!{sys.executable}\nimport sys\nprint({said!r})\nsys.exit(7)\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(CommandError, match="exit code 7"):
        engine.preview(Run(tmp_path, Interrupts(), {}), "alpha", thing)


def test_a_preview_that_fails_without_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pulumi"
    program.write_text('#!/bin/sh\necho \'{"changeSummary": {"same": 3}}\'\nexit 255\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    said = engine.preview(Run(tmp_path, Interrupts(), {}), "alpha", thing)
    assert said.errors == ("pulumi preview ended with exit code 255",)
    assert dict(said.operations) == {"same": 3}


def test_what_pulumi_throws_away_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its coroutine would stop a server on an event loop that is gone; all else is told."""
    said: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda failure: said.append(repr(failure.object)))

    class Awaited:
        def __await__(self) -> Iterator[None]:
            yield

    async def run_in_stack() -> None:
        try:
            await Awaited()
        finally:
            asyncio.get_running_loop()

    async def of_somebody_else() -> None:
        try:
            await Awaited()
        finally:
            asyncio.get_running_loop()

    with engine._served(lambda: None):
        for function in (run_in_stack, of_somebody_else):
            coroutine = function()
            coroutine.send(None)
            del coroutine
            gc.collect()
    assert [("of_somebody_else" in one) for one in said] == [True]
