"""kindest/node from programs built from Go modules, Debian's packages and kind's own files.

kind's Go module ships the files of its base image (entrypoint, containerd and kubelet
configuration) and the manifest of its storage provisioner. The images of the control plane and
of that provisioner are packed in and imported when the node boots, so the node pulls nothing.
What differs from the official image is the network: the `ptp` plugin instead of kind's own.
"""

import re
import shutil
import sys
from pathlib import Path

from airgap import golang
from local import docker, versions
from local.errors import Failed
from local.files import digest
from local.place import Place
from local.process import capture
from local.report import Report
from local.system import System
from local.workshop import workshop

NODE = Path(__file__).parent / "node"
KIND = "sigs.k8s.io/kind"
SETS = ("kubernetes", "etcd", "coredns", "pause", "local-path-provisioner")

ENTRYPOINTS = {
    "kube-apiserver": "/usr/local/bin/kube-apiserver",
    "kube-controller-manager": "/usr/local/bin/kube-controller-manager",
    "kube-scheduler": "/usr/local/bin/kube-scheduler",
    "etcd": "/usr/local/bin/etcd",
    "coredns": "/coredns",
    "pause": "/pause",
    "local-path-provisioner": "/usr/local/bin/local-path-provisioner",
}
"""Images that are one program, and where the official ones have it."""

DOCKERFILES = {
    "kube-proxy": (NODE / "kube-proxy.Dockerfile").read_text(),
    # The provisioner makes and removes folders with a shell in this image.
    "local-path-helper": f"FROM {versions.BASE_IMAGE}\n",
    **{
        program: f'FROM scratch\nCOPY {program} {entry}\nENTRYPOINT ["{entry}"]\n'
        for program, entry in ENTRYPOINTS.items()
    },
}


def inputs() -> str:
    """Return the digest of everything that the image is made from."""
    return digest([NODE, Path(__file__)], *(golang.key(name) for name in (*SETS, "kind")))


def build(tag: str, place: Place, system: System, report: Report) -> None:
    """Build the programs that the cache lacks, then the image."""
    if sys.platform != "linux":
        raise Failed(f"{tag} cannot be pulled, and only a Linux machine builds its programs")
    folders = {name: golang.built(name, place, system, report) for name in SETS}
    kind = golang.source(golang.program(place, system, report), "kind", KIND)
    manifest = storage_manifest((kind / "pkg/build/nodeimage/const_storage.go").read_text())
    report.say(f"making {tag} (about 1 min)")
    with workshop("node-image", place, report) as work:
        context = work / "node"
        shutil.copytree(NODE, context)
        files = kind / "images/base/files"  # read-only, as all modules; the copies are not
        shutil.copytree(files, context / "files", copy_function=shutil.copyfile)
        for name in ("kubeadm", "kubelet", "kubectl"):
            shutil.copy2(folders["kubernetes"] / name, context / name)
        (context / "default-storage.yaml").write_text(manifest)
        images = _component_images(folders, manifest, work, place)
        archive = context / "images.tar"
        capture(["docker", "save", "-o", str(archive), *images.values()], timeout=600)
        docker.remove_images(*images.values())
        arguments = {"VERSION": f"v{versions.KUBERNETES}", "PAUSE": images["pause"]}
        options = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        docker.build(context, tag, inputs(), place.logs / "node-image.log", *options)


def storage_manifest(source: str) -> str:
    """Take the manifest of the storage provisioner out of kind's Go source.

    There it is one constant, a raw string with the names of two images spliced in.
    """
    names = dict(re.findall(r'^const (\w+) = "([^"]+)"$', source, re.MULTILINE))
    raw = re.search(r"^const defaultStorageManifest = `(.*?)^`$", source, re.MULTILINE | re.DOTALL)
    if raw is None:
        raise Failed(f"{KIND} keeps the manifest of its storage provisioner elsewhere now")
    return re.sub(r"` \+ (\w+) \+ `", lambda splice: names[splice[1]], raw[1])


def _component_images(
    folders: dict[str, Path], manifest: str, work: Path, place: Place
) -> dict[str, str]:
    """Build the images that a node runs; return their full names by program."""
    kubeadm = folders["kubernetes"] / "kubeadm"
    version = f"--kubernetes-version=v{versions.KUBERNETES}"
    wanted = capture([kubeadm, "config", "images", "list", version], timeout=60).out.split()
    wanted += re.findall(r"docker\.io/kindest/\S+", manifest)
    names = {name.rsplit("/", 1)[1].split(":")[0]: name for name in wanted}
    for program, name in names.items():
        context = work / program
        context.mkdir()
        (context / "Dockerfile").write_text(DOCKERFILES[program])
        made = folders.get(program, folders["kubernetes"]) / program
        if made.is_file():
            shutil.copy2(made, context / program)
        docker.build(context, name, "component", place.logs / f"image-{program}.log")
    return names
