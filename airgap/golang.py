"""Command-line programs built from pinned Go modules.

`go/<set>/go.mod` has the versions as `tool` directives and `go.sum` the checksums, so a build is
the same everywhere. Kubernetes is published with its staging modules replaced by folders of its
own repository; its go.mod here replaces them with the published modules.
"""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from local import versions
from local.errors import Failed
from local.files import digest, publish, recorded, write_atomically
from local.place import Place
from local.process import capture, logged
from local.report import Report
from local.system import System, need
from local.workshop import workshop

GO = Path(__file__).parent / "go"
STAMP = ".built-from"
BUILD_TIMEOUT_S = 3600.0
OLDEST_GO = (1, 21)
"""From here on `go` fetches the toolchain that a go.mod asks for."""


@dataclass(frozen=True, slots=True)
class Module:
    """One go.mod below `go/`, how its programs are linked, and its program's name."""

    name: str
    ldflags: str = ""
    program: str = ""
    """Name of the only program, where the package is called otherwise; empty: as `go` does."""
    beside: tuple[str, ...] = ()
    """`module:path` of scripts that the programs expect in their own folder."""


@dataclass(frozen=True, slots=True)
class GoSet:
    """Programs that belong together; they are built into one folder of the cache."""

    name: str
    version: str
    modules: tuple[Module, ...]
    minutes: float
    """From nothing, on two cores."""


def _kubernetes_ldflags() -> str:
    major, minor, _ = versions.KUBERNETES.split(".")
    values = {
        "gitVersion": f"v{versions.KUBERNETES}",  # kubeadm derives image tags from it
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(f"-X {package}.{k}={v}" for package in packages for k, v in values.items())


_PULUMI_LDFLAGS = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{versions.PULUMI}"
_SDK = "github.com/pulumi/pulumi/sdk/v3"

SETS = {
    one.name: one
    for one in (
        GoSet("kind", versions.KIND, (Module("kind"),), 0.2),
        GoSet(
            "pulumi",
            versions.PULUMI,
            (
                Module("pulumi", _PULUMI_LDFLAGS),
                # The newest language host that is published as a Go module; it works with newer
                # engines and says the engine's version.
                Module(
                    "pulumi-language-python",
                    _PULUMI_LDFLAGS,
                    beside=(
                        f"{_SDK}:python/cmd/pulumi-language-python-exec",
                        f"{_SDK}:python/dist/pulumi-resource-pulumi-python",
                        f"{_SDK}:python/dist/pulumi-analyzer-policy-python",
                    ),
                ),
            ),
            4,
        ),
        GoSet("kubernetes", versions.KUBERNETES, (Module("kubernetes", _kubernetes_ldflags()),), 7),
        GoSet("etcd", "3.6.13", (Module("etcd", program="etcd"),), 0.5),
        GoSet("coredns", "1.12.1", (Module("coredns"),), 2),
        GoSet("local-path-provisioner", "0.0.30", (Module("local-path-provisioner"),), 1),
        GoSet("pause", "1", (Module("pause", program="pause"),), 0.1),
    )
}


def folder(name: str, place: Place) -> Path:
    """Return where the programs of a set lie once they are built."""
    return place.cache / "bin" / f"{name}-{SETS[name].version}"


def key(name: str) -> str:
    """Return the digest of everything that a set is built from."""
    go_set = SETS[name]
    sources = [GO / module.name for module in go_set.modules]
    return digest(sources, *(f"{m.ldflags} {m.program} {m.beside}" for m in go_set.modules))


def is_built(name: str, place: Place) -> bool:
    """Tell whether a set lies in the cache, complete and from the present sources."""
    return recorded(folder(name, place) / STAMP) == key(name)


def built(name: str, place: Place, system: System, report: Report) -> Path:
    """Build a set unless the cache has it, and return its folder.

    One build at a time per set on one cache; a build that is killed leaves the cache as it was.
    """
    final = folder(name, place)
    if is_built(name, place):
        return final
    go_set = SETS[name]
    with workshop(f"go-{name}", place, report) as work:
        if is_built(name, place):
            return final
        go = program(place, system, report)
        minutes = f"from nothing about {go_set.minutes:g} min"
        report.say(f"building {name} {go_set.version} from Go modules ({minutes})")
        out = work / "out"
        out.mkdir()
        for module in go_set.modules:
            _build(go, module, out, place.cache / "logs" / f"go-{module.name}.log")
        write_atomically(out / STAMP, key(name))
        publish(out, final)
    return final


def source(go: str, module: str, package: str) -> Path:
    """Return the folder of a Go module that set `module` requires, downloading it if need be."""
    argv = [go, "mod", "download", package]
    capture(argv, timeout=BUILD_TIMEOUT_S, cwd=GO / module, env=_environment())
    argv = [go, "list", "-m", "-f", "{{.Dir}}", package]
    return Path(capture(argv, timeout=60, cwd=GO / module, env=_environment()).out.strip())


def _build(go: str, module: Module, out: Path, log: Path) -> None:
    target = f"{out}/{module.program}"
    argv = [go, "build", "-trimpath", "-ldflags", f"-s -w {module.ldflags}".strip(), "-o", target]
    argv.append("tool" if "tool " in (GO / module.name / "go.mod").read_text() else ".")
    logged(argv, log, timeout=BUILD_TIMEOUT_S, cwd=GO / module.name, env=_environment())
    for script in module.beside:
        package, path = script.split(":")
        copy = out / Path(path).name
        shutil.copyfile(source(go, module.name, package) / path, copy)
        copy.chmod(0o755)


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


def program(place: Place, system: System, report: Report) -> str:
    """Return the `go` that builds what cannot be downloaded; errors name the one that is needed."""
    need(["go"], system, place, report)
    go = system.find("go") or "go"
    wanted = f"Go {'.'.join(map(str, OLDEST_GO))} or newer"
    text = capture([go, "env", "GOVERSION"], timeout=120, cwd=GO).out
    found = re.match(r"go(\d+)\.(\d+)", text)
    if not found or (int(found[1]), int(found[2])) < OLDEST_GO:
        raise Failed(
            f"{wanted} is needed to build what cannot be downloaded, found {text.strip()} at {go}; "
            "put a newer one first in PATH"
        )
    return go
