"""What an image is made of, as a CycloneDX bill of materials (JSON).

Read from the image itself: Debian's database of packages, which stays in it when dpkg goes, and the
metadata of Python distributions. Equal images give equal bytes. Licences of Debian packages are
texts, not names, and stand in the image: /usr/share/doc/<package>/copyright.
Format: https://cyclonedx.org/docs/1.6/json/, https://github.com/package-url/purl-spec.
"""

import json
import tarfile
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local import docker
from local.errors import Failed
from local.files import write_atomically
from local.place import Place
from local.report import Report
from local.workshop import workshop

_STATUS = "var/lib/dpkg/status"
_SYSTEM = "usr/lib/os-release"
_INSTALLED = "install ok installed"
_METADATA = ".dist-info/METADATA"

Component = dict[str, Any]


def write(tag: str, path: Path, place: Place, report: Report) -> str:
    """Write the bill of an image that is there; return what it says in a few words."""
    if docker.image_id(tag) is None:
        raise Failed(f"there is no image {tag}: run `make cluster` first")
    with workshop("sbom", place, report) as work:
        archive = work / "image.tar"
        docker.export(tag, archive)
        components = read(archive)
    write_atomically(path, json.dumps(document(tag, components), indent=1) + "\n")
    return f"{len(components)} components"


def document(tag: str, components: list[Component]) -> dict[str, Any]:
    """Return the bill of the image `tag` with these components."""
    name, _, version = tag.rpartition(":")
    image = {"type": "container", "bom-ref": tag, "name": name, "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": image},
        "components": components,
    }


def read(archive: Path) -> list[Component]:
    """Return what is in the file system of an image (a tar file), in order of type and name.

    Raises Failed for one without a database of Debian packages.
    """
    found: list[Component] = []
    with tarfile.open(archive) as files:
        for member in files:
            name = member.name.removeprefix("./")
            if name in (_STATUS, _SYSTEM) or name.endswith(_METADATA):
                file = files.extractfile(member)
                text = file.read().decode() if file else ""
                found += _components(name, text)
    if not any(one["purl"].startswith("pkg:deb/") for one in found if "purl" in one):
        raise Failed(f"expected the packages of Debian in /{_STATUS} of the image")
    return sorted(found, key=lambda one: (one["type"], one["bom-ref"]))


def _components(name: str, text: str) -> Iterator[Component]:
    if name == _STATUS:
        for paragraph in text.split("\n\n"):
            fields = message_from_string(paragraph.lstrip("\n"))
            if fields["Status"] == _INSTALLED:
                yield _package(fields)
    elif name == _SYSTEM:
        yield _system(text)
    else:
        yield _distribution(message_from_string(text))


def _package(fields: Message) -> Component:
    name, version = str(fields["Package"]), str(fields["Version"])
    purl = f"pkg:deb/debian/{_quoted(name)}@{_quoted(version)}?arch={fields['Architecture']}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _distribution(fields: Message) -> Component:
    name, version = str(fields["Name"]), str(fields["Version"])
    purl = f"pkg:pypi/{_quoted(name.lower().replace('_', '-'))}@{_quoted(version)}"
    found = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if expression := fields["License-Expression"]:
        return {**found, "licenses": [{"expression": expression}]}
    if licence := fields["License"]:
        return {**found, "licenses": [{"license": {"name": licence}}]}
    return found


def _system(text: str) -> Component:
    pairs = (line.partition("=") for line in text.splitlines())
    fields = {key: value.strip('"') for key, _, value in pairs}
    name, version = fields["ID"], fields["VERSION_ID"]
    reference = f"{name}-{version}"
    return {
        "type": "operating-system",
        "bom-ref": reference,
        "name": name,
        "version": version,
    }


def _quoted(text: str) -> str:
    return quote(text, safe=".-_~")
