"""The base image, where no registry has it."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from airgap import base_image
from local.place import Place
from local.process import capture
from local.system import this_machine
from tests.local.standins import Shown


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_no_path_of_a_killed_debootstrap_stays_mounted(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "proc").mkdir(parents=True)
    capture(["mount", "--bind", "/etc", root / "proc"], timeout=20)
    base_image.unmount_below(tmp_path)
    assert list((root / "proc").iterdir()) == []


def test_a_base_image_needs_a_name_that_says_what_it_is(where: Place, shown: Shown) -> None:
    with pytest.raises(Exception, match="expected an image called debian:<suite>-slim"):
        base_image.build("alpine:3", where, this_machine(), shown.report)


def test_a_base_image_needs_root(where: Place, shown: Shown) -> None:
    user = replace(this_machine(), root=False)
    with pytest.raises(Exception, match="only root can make it"):
        base_image.build("debian:trixie-slim", where, user, shown.report)
