"""What a command needs of the machine is asked before anything that takes long."""

from collections.abc import Callable

import pytest

from local import commands, engine, images, suite
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
