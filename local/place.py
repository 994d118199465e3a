"""Where everything of one local environment lies.

A value, made once from the process environment and handed to every step, so that no step reads
the environment for itself. It names folders and never makes one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one environment, and the mirrors that stand in for the public sites."""

    root: Path
    state: Path
    cache: Path
    registry: str
    """Prefix of a container registry, as `127.0.0.1:5000`; empty: the official one."""
    downloads: str
    """URL under which a mirror holds `<host>/<path>` of each download; empty: the hosts."""
    base_digest: str = ""
    """Digest by which the base image is pulled, as `sha256:…`; empty: by its tag."""

    @property
    def cluster(self) -> str:
        """Name of the kind cluster: one per state folder, stable as long as it stays there."""
        return "cellwright-" + hashlib.sha256(str(self.state).encode()).hexdigest()[:6]

    @property
    def node(self) -> str:
        """Name of the container that is the cluster's only node."""
        return f"{self.cluster}-control-plane"

    @property
    def kubeconfig(self) -> Path:
        """The cluster's credentials, mode 0600."""
        return self.state / "kubeconfig"

    @property
    def kube_cache(self) -> Path:
        """What kubectl has learnt of the API, instead of the user's ~/.kube/cache."""
        return self.state / "kube-cache"

    @property
    def passphrase(self) -> Path:
        """What Pulumi encrypts the stacks' secrets with, mode 0600."""
        return self.state / "passphrase"

    @property
    def pulumi_home(self) -> Path:
        """Pulumi's own folder (plugins, workspaces), instead of the user's ~/.pulumi."""
        return self.state / "pulumi"

    @property
    def stacks(self) -> Path:
        """Pulumi's file backend."""
        return self.state / "stacks"

    @property
    def logs(self) -> Path:
        """What the programs that the steps start have printed."""
        return self.state / "logs"

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.root / ".venv"


def place(environ: Mapping[str, str], root: Path = ROOT) -> Place:
    """Read the environment variables that move things; see docs/local.md for their names."""
    home = Path(environ.get("HOME") or Path.home())
    caches = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    return Place(
        root=root,
        state=Path(environ.get("CELLWRIGHT_STATE") or root / ".state").absolute(),
        cache=Path(environ.get("CELLWRIGHT_CACHE") or caches / "cellwright").absolute(),
        registry=environ.get("CELLWRIGHT_REGISTRY", "").strip("/"),
        downloads=environ.get("CELLWRIGHT_DOWNLOADS", "").rstrip("/"),
        base_digest=environ.get("CELLWRIGHT_BASE_DIGEST", ""),
    )
