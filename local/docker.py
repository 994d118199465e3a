"""The few things that steps ask of the docker command.

Images carry a label with the digest of what they were made from, so that a step can tell in one
look whether there is anything to do.
"""

import json
from pathlib import Path

from local.process import ProgramFailed, capture, logged

LABEL = "cellwright.dev/inputs"
BUILD_TIMEOUT_S = 1800.0
PULL_TIMEOUT_S = 1800.0
PULL_PATIENCE_S = 15.0
"""How long a registry may take to say that it has an image."""


def image_id(tag: str) -> str | None:
    """Return the id of a local image, or None."""
    return _inspect(tag, "{{.Id}}")


def inputs_of(tag: str) -> str | None:
    """Return the label of an image that was made here; None for others and for no image."""
    return _inspect(tag, f'{{{{with .Config.Labels}}}}{{{{index . "{LABEL}"}}}}{{{{end}}}}') or None


def build(context: Path, tag: str, inputs: str, log: Path, *options: str) -> None:
    """Build a folder's Dockerfile; the host's network, for registries that only it reaches."""
    argv = ["docker", "build", "--network", "host", "--tag", tag]
    argv += ["--label", f"{LABEL}={inputs}", *options, str(context)]
    logged(argv, log, timeout=BUILD_TIMEOUT_S)


def pull(tag: str, registry: str, digest: str | None, log: Path) -> None:
    """Pull an image and give it its usual name.

    `registry` is the prefix of a mirror, under which official images have their full names
    (`library/debian`). A digest is asked for only without a mirror: a mirror answers for what
    it holds.
    """
    source = tag
    if registry:
        source = f"{registry}/{tag}" if "/" in tag else f"{registry}/library/{tag}"
    elif digest:
        source = f"{tag.split(':', maxsplit=1)[0]}@{digest}"
    argv = ["docker", "pull", source]
    logged(argv, log, timeout=PULL_TIMEOUT_S, first_output=PULL_PATIENCE_S)
    if source != tag:
        capture(["docker", "tag", source, tag], timeout=60)
    if registry:
        capture(["docker", "image", "rm", source], timeout=60)


def export(tag: str, archive: Path) -> None:
    """Write the file system of an image to a tar file; nothing of the image is run."""
    container = capture(["docker", "create", tag], timeout=60).out.strip()
    try:
        capture(["docker", "export", "--output", str(archive), container], timeout=300)
    finally:
        capture(["docker", "rm", container], timeout=60)


def prune() -> None:
    """Remove images that were made here and have lost their name to a newer one."""
    argv = ["docker", "image", "prune", "--force", "--filter", f"label={LABEL}"]
    capture(argv, timeout=300)


def remove_images(*tags: str) -> None:
    """Remove names of images; layers that other images share stay."""
    capture(["docker", "image", "rm", *tags], timeout=120)


def container(name: str) -> dict[str, str] | None:
    """Return `{"id", "status"}` of a container, or None where there is none."""
    question = '{"id": "{{.Id}}", "status": "{{.State.Status}}"}'
    try:
        said = capture(["docker", "container", "inspect", "-f", question, name], timeout=30).out
    except ProgramFailed as error:
        if "no such container" in str(error).lower():
            return None
        raise
    parsed: dict[str, str] = json.loads(said)
    return parsed


def ports(name: str) -> dict[int, str]:
    """Return the published TCP ports of a container: its port -> `address:port` of the host."""
    said = capture(["docker", "port", name], timeout=30).out
    found = {}
    for line in said.splitlines():
        inside, _, outside = line.partition(" -> ")
        number, _, protocol = inside.partition("/")
        if protocol == "tcp":
            found[int(number)] = outside
    return found


def _inspect(tag: str, question: str) -> str | None:
    try:
        return capture(["docker", "image", "inspect", "-f", question, tag], timeout=30).out.strip()
    except ProgramFailed as error:
        if "no such image" in str(error).lower():
            return None
        raise
