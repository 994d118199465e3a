"""What a command needs of the machine is asked before anything that takes long; what runs when."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from local import cluster, commands, engine, images, suite
from local.errors import Failed
from local.place import Place
from local.prometheus import obtain
from local.system import System
from tests.local.standins import Shown

USER = System(root=False, apt=None, path="/nowhere")


@pytest.fixture
def run(where: Place, shown: Shown, monkeypatch: pytest.MonkeyPatch) -> commands.Run:
    """Return a run that may do nothing long."""

    def too_early(*_: object) -> str:
        pytest.fail("something long was begun")

    monkeypatch.setattr("local.venv.ensure", too_early)
    monkeypatch.setattr("local.programs.obtain", too_early)
    monkeypatch.setattr("local.prometheus.obtain", lambda *_: "present")
    monkeypatch.setattr(suite, "lint", too_early)
    monkeypatch.setattr("local.system.SYSTEM_FOLDERS", "/nowhere")
    return commands.Run(where, USER, shown.report)


def test_packages_of_the_tests_are_named_first(run: commands.Run) -> None:
    with pytest.raises(Failed, match=r"missing: docker, docker-registry\. "):
        commands.test(run)


def test_prometheus_for_the_tests_is_asked_for_first(
    run: commands.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "need", lambda *_: "present")
    monkeypatch.setattr("local.prometheus.obtain", obtain)
    with pytest.raises(Failed, match="missing: prometheus, promtool"):
        commands.test(run)


@pytest.mark.parametrize("command", [commands.make_cluster, commands.up, commands.test])
def test_an_engine_is_asked_for_first(
    run: commands.Run,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[[commands.Run], None],
) -> None:
    monkeypatch.setattr(commands, "need", lambda *_: "present")
    monkeypatch.setattr(engine, "need", lambda *_: "present")
    monkeypatch.setattr(engine, "_trouble", lambda: "none here")
    with pytest.raises(Failed, match=r"no Docker engine answers \(none here\)"):
        command(run)


@pytest.mark.parametrize("command", [commands.make_cluster, commands.up, commands.test])
def test_a_base_image_that_only_root_can_make_is_told_first(
    run: commands.Run,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[[commands.Run], None],
) -> None:
    monkeypatch.setattr(commands, "need", lambda *_: "present")
    monkeypatch.setattr(engine, "ensure", lambda *_: "running")
    monkeypatch.setattr(images.docker, "image_id", lambda _: None)
    monkeypatch.setattr(images, "_pulled", lambda *_: False)
    with pytest.raises(Failed, match="only root can make it"):
        command(run)


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Return what `make test` does, with nothing to set up and `pytest` as a list of names."""
    done: list[str] = []

    def ran(paths: list[Path], *_: object) -> str:
        done.append(" ".join(path.name for path in paths))
        return "passed"

    def step(name: str) -> Callable[..., str]:
        return lambda *_: done.append(name) or name

    @contextmanager
    def beside(*_: object) -> Iterator[SimpleNamespace]:
        done.append("containers begin")
        try:
            yield SimpleNamespace(finish=step("containers are waited for"))
        finally:
            done.append("containers end")

    for name in ("_packages", "_engine", "_programs", "_images"):
        monkeypatch.setattr(commands, name, lambda *_: None)
    monkeypatch.setattr(commands, "make_cluster", step("cluster is made"))
    monkeypatch.setattr(commands, "_variables", lambda _: {})
    monkeypatch.setattr("local.prometheus.obtain", lambda *_: "present")
    monkeypatch.setattr("local.environment.prepare", lambda _: None)
    monkeypatch.setattr("local.environment.remove", lambda _: "removed")
    monkeypatch.setattr(engine, "answers", lambda: True)
    monkeypatch.setattr(cluster, "remove", step("cluster is removed"))
    monkeypatch.setattr(suite, "lint", lambda *_: "clean")
    folders = suite.Folders([tmp_path / "plain"], [], [tmp_path / "provider"], [tmp_path / "e2e"])
    monkeypatch.setattr(suite, "folders", lambda _: folders)
    monkeypatch.setattr(suite, "pytest", ran)
    monkeypatch.setattr(suite, "beside", beside)
    monkeypatch.delenv("KEEP", raising=False)
    return done


def test_end_to_end_tests_have_the_machine_to_themselves(
    where: Place, shown: Shown, order: list[str]
) -> None:
    commands.test(commands.Run(where, USER, shown.report))
    assert order == [
        "containers begin",
        "plain",
        "cluster is made",
        "provider",
        "containers are waited for",
        "e2e",
        "cluster is removed",
        "containers end",
    ]


def test_a_failure_in_one_row_ends_both_and_removes_the_cluster(
    where: Place, shown: Shown, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise Failed("the tests of the provider failed")

    monkeypatch.setattr(suite, "pytest", lambda paths, *_: paths[0].name == "plain" or fail())
    with pytest.raises(Failed, match="the tests of the provider failed"):
        commands.test(commands.Run(where, USER, shown.report))
    assert order == ["containers begin", "cluster is made", "cluster is removed", "containers end"]
