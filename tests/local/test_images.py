"""Images: pulled from a registry where there is one, else made; built only when something changed.

The registry is a real one on loopback; small images stand in for the large ones.
"""

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from airgap import base_image, node_image
from local import docker, images, versions
from local.errors import Failed
from local.place import Place
from local.process import ProgramFailed, capture
from local.system import this_machine
from tests.local.standins import ROOT, Shown


@pytest.fixture
def pushed(registry: str, tiny_image: str) -> str:
    """Return the name of an official image that the registry has and the engine has not."""
    name = tiny_image.split("/", maxsplit=1)[0] + "-official:1"
    capture(["docker", "tag", tiny_image, f"{registry}/library/{name}"], timeout=60)
    capture(["docker", "push", f"{registry}/library/{name}"], timeout=60)
    docker.remove_images(f"{registry}/library/{name}")
    return name


@pytest.fixture
def removed(pushed: str, tiny_image: str) -> Iterator[None]:
    """Remove what a test has pulled or built."""
    yield
    listed = capture(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"], timeout=60)
    mine = tiny_image.split("/", maxsplit=1)[0]
    tags = [tag for tag in listed.out.split() if mine in tag and tag != tiny_image]
    assert pushed.startswith(mine)
    if tags:
        docker.remove_images(*tags)


@pytest.mark.usefixtures("removed")
def test_an_image_of_a_mirror_gets_its_usual_name(
    registry: str, pushed: str, tmp_path: Path
) -> None:
    docker.pull(pushed, registry, "sha256:" + "0" * 64, tmp_path / "log")
    assert docker.image_id(pushed)
    assert docker.image_id(f"{registry}/library/{pushed}") is None


@pytest.mark.usefixtures("removed")
def test_the_base_image_is_pulled_once(
    where: Place, shown: Shown, registry: str, pushed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "BASE_IMAGE", pushed)
    monkeypatch.setattr(base_image, "build", lambda *_: pytest.fail("it was made"))
    there = replace(where, registry=registry)
    assert images.base(there, this_machine(), shown.report) == "pulled"
    assert images.base(where, this_machine(), shown.report) == "present"


@pytest.mark.parametrize(("given", "asked"), [("", None), (f"sha256:{'0a' * 32}",) * 2])
def test_the_base_image_is_pulled_by_its_digest_if_there_is_one(
    where: Place, shown: Shown, given: str, asked: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled: list[str | None] = []
    monkeypatch.setattr(versions, "BASE_IMAGE", "cellwright-no-such-image:1")
    monkeypatch.setattr(base_image, "build", lambda *_: None)

    def pull(_: str, __: str, digest: str | None, ___: Path) -> None:
        pulled.append(digest)
        raise ProgramFailed("docker pull failed")

    monkeypatch.setattr(docker, "pull", pull)
    images.base(replace(where, base_digest=given), this_machine(), shown.report)
    assert pulled == [asked]


@pytest.mark.parametrize("given", ["latest", "sha256:abc", "sha256:" + "0A" * 32, "0a" * 32])
def test_what_is_no_digest_is_refused(where: Place, shown: Shown, given: str) -> None:
    with pytest.raises(Failed, match=r"CELLWRIGHT_BASE_DIGEST is .*64 hexadecimal digits"):
        images.base(replace(where, base_digest=given), this_machine(), shown.report)


def test_a_base_image_that_the_registry_lacks_is_made(
    where: Place, shown: Shown, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(versions, "BASE_IMAGE", "cellwright-no-such-image:1")
    monkeypatch.setattr(base_image, "build", lambda tag, *_: made.append(tag))
    there = replace(where, registry=registry)
    said = images.base(there, this_machine(), shown.report)
    assert said == "made from Debian's packages"
    assert made == ["cellwright-no-such-image:1"]
    assert f"docker pull {registry}/library/cellwright-no-such-image:1 failed" in shown.text


def test_a_silent_registry_is_given_up(
    where: Place, shown: Shown, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(docker, "PULL_PATIENCE_S", 0.5)
    monkeypatch.setattr(versions, "NODE_IMAGE", "cellwright-no-such/node:1")
    monkeypatch.setattr(node_image, "build", lambda tag, *_: made.append(tag))
    there = replace(where, registry=silent)
    assert (
        images.node(there, this_machine(), shown.report)
        == "made from Go modules and Debian's packages"
    )
    assert made == ["cellwright-no-such/node:1"]
    assert "no answer within 0.5 s" in shown.text


@pytest.mark.usefixtures("removed")
def test_a_node_image_of_another_maker_is_used_as_it_is(
    where: Place, shown: Shown, tiny_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "NODE_IMAGE", tiny_image)
    monkeypatch.setattr(node_image, "build", lambda *_: pytest.fail("it was made"))
    assert images.node(where, this_machine(), shown.report) == "present"


@pytest.mark.usefixtures("removed")
def test_a_node_image_that_was_made_here_follows_its_sources(
    where: Place, shown: Shown, tiny_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    tag = tiny_image.replace("tiny", "node")
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "Dockerfile").write_text(f"FROM {tiny_image}\n")
    docker.build(tmp_path / "context", tag, "the inputs", tmp_path / "log")
    monkeypatch.setattr(versions, "NODE_IMAGE", tag)
    monkeypatch.setattr(node_image, "build", lambda tag, *_: made.append(tag))
    monkeypatch.setattr(docker, "pull", lambda *_: pytest.fail("it was pulled"))
    monkeypatch.setattr(node_image, "inputs", lambda: "the inputs")
    assert images.node(where, this_machine(), shown.report) == "present"
    monkeypatch.setattr(node_image, "inputs", lambda: "other inputs")
    images.node(where, this_machine(), shown.report)
    assert made == [tag]


@pytest.fixture
def project(
    where: Place, tiny_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    """Return a project with one image, on a base that is small."""
    root = tmp_path / "project"
    (root / "images" / "demo" / "__pycache__").mkdir(parents=True)
    (root / "images" / "demo" / "Dockerfile").write_text(f"FROM {tiny_image}\nCOPY . /demo\n")
    (root / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1.2.3"\n')
    (root / ".venv").symlink_to(ROOT / ".venv")
    monkeypatch.setattr(versions, "BASE_IMAGE", tiny_image)
    return replace(where, root=root)


@pytest.mark.usefixtures("removed")
def test_an_image_is_built_again_only_when_something_changed(
    project: Place, shown: Shown, tiny_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert images.own(project) == {"demo": "cellwright/demo:1.2.3"}
    tag = tiny_image.replace("tiny", "demo")

    def build() -> tuple[str, str | None]:
        return images.build("demo", tag, project, shown.report), docker.image_id(tag)

    said, first = build()
    assert said == "built"
    assert build() == ("present", first)
    (project.root / "images/demo/__pycache__/x.pyc").write_text("")
    assert build() == ("present", first)
    (project.root / "images/demo/new").write_text("")
    said, second = build()
    assert (said, second == first) == ("built", False)
    assert first is not None
    assert docker.image_id(first) is None, "the former image has no name left, and must go"
    monkeypatch.setattr(versions, "BASE_IMAGE", tag)
    assert build()[0] == "built"


@pytest.mark.usefixtures("removed")
def test_what_an_image_takes_from_another_is_in_its_context_and_counts(
    project: Place, shown: Shown, tiny_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "BORROWED", {"demo": {"parts": "other/inside"}})
    inside = project.root / "images" / "other" / "inside"
    inside.mkdir(parents=True)
    (inside / "part").write_text("1")
    file = project.root / "images" / "demo" / "Dockerfile"
    file.write_text(f"FROM {tiny_image}\nCOPY parts/part /part\n")
    tag = tiny_image.replace("tiny", "demo")
    assert images.build("demo", tag, project, shown.report) == "built"
    assert images.build("demo", tag, project, shown.report) == "present"
    (inside / "part").write_text("2")
    assert images.build("demo", tag, project, shown.report) == "built"


def test_what_is_taken_from_another_image_is_there() -> None:
    for parts in images.BORROWED.values():
        for source in parts.values():
            assert (ROOT / "images" / source).is_dir()


@pytest.mark.parametrize(
    ("host", "wheels"), [("x86_64", "x86_64"), ("aarch64", "aarch64"), ("arm64", "aarch64")]
)
def test_wheels_are_for_linux_on_the_hosts_processor(
    where: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, wheels: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: host)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    digest = wheel(tmp_path, f"cp313-cp313-manylinux_2_28_{wheels}")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"tiny==1.0 --hash=sha256:{digest}")
    images._download_wheels(requirements, tmp_path / "wheels", where, tmp_path / "log")
    assert len(list((tmp_path / "wheels").iterdir())) == 1


def wheel(folder: Path, tag: str) -> str:
    """Make an empty package for one kind of Python; return its digest."""
    file = folder / f"tiny-1.0-{tag}.whl"
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(
            "tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
        )
        packed.writestr("tiny-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        packed.writestr("tiny-1.0.dist-info/RECORD", "")
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.usefixtures("removed")
def test_wheels_are_those_of_the_images_python(
    project: Place, shown: Shown, tiny_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    kinds = [f"cp{version}-cp{version}-manylinux_2_28_x86_64" for version in (311, 313)]
    digests = [wheel(index, kind) for kind in kinds]
    requirements = project.root / "images" / "demo" / "requirements.txt"
    requirements.write_text("tiny==1.0 " + " ".join(f"--hash=sha256:{one}" for one in digests))
    tag = tiny_image.replace("tiny", "demo")
    images.build("demo", tag, project, shown.report)
    exported = tmp_path / "exported"
    exported.mkdir()
    name = tiny_image.split("/", maxsplit=1)[0]
    capture(["docker", "create", "--name", name, tag], timeout=60)
    try:
        capture(["docker", "cp", f"{name}:/demo/wheels", exported], timeout=60)
    finally:
        capture(["docker", "rm", name], timeout=60)
    assert [file.name for file in (exported / "wheels").iterdir()] == [f"tiny-1.0-{kinds[1]}.whl"]
    requirements.write_text(f"tiny==1.0 --hash=sha256:{'0' * 64}")
    with pytest.raises(ProgramFailed, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        images.build("demo", tag, project, shown.report)
