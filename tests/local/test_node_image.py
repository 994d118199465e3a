"""The node image, where no registry has it."""

import pytest

from airgap import node_image
from local import versions
from local.errors import Failed
from local.place import Place
from local.system import this_machine
from tests.local.standins import Shown


def test_names_of_the_node_image_follow_its_version() -> None:
    assert f"kindest/node:v{versions.KUBERNETES}" == versions.NODE_IMAGE


SOURCE = """
const storageProvisionerImage = "docker.io/kindest/p:v1"
const storageHelperImage = "docker.io/kindest/h:v2"

const defaultStorageManifest = `
image: ` + storageProvisionerImage + `
helper: ` + storageHelperImage + `
`
"""


def test_the_storage_manifest_is_read_from_kinds_source() -> None:
    expected = "\nimage: docker.io/kindest/p:v1\nhelper: docker.io/kindest/h:v2\n"
    assert node_image.storage_manifest(SOURCE) == expected


def test_a_node_image_needs_linux(
    where: Place, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr(node_image.golang, "built", lambda *_: pytest.fail("it was begun"))
    with pytest.raises(Failed, match="only a Linux machine builds its programs"):
        node_image.build("kindest/node:1", where, this_machine(), shown.report)
