"""What the pod tells the agent, read once from the environment.

Refuses to start without the cell's name and the fleet's id: a router that does not know its own
cell would pass on what it should answer, and without its fleet's id would believe another's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.directory import Endpoint, is_name
from agent.ed25519 import PublicKey
from agent.issue import AUTHORITY, LIFETIME
from agent.origin import Origin

_FLEET = re.compile("[0-9a-f]{16}")

CREDENTIALS = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where kubelet mounts a service account's token and the cluster's CA."""

DIRECTORY_KEY = Path("/var/run/secrets/cellwright-directory/directory-key")
"""Where kubelet mounts the public keys of those by which the fleet signs its directory."""

CERTIFICATE = Path("/run/certificate/router.pem")
"""The last good certificate for clients with its key, as HAProxy loads it."""

HOP_CERTIFICATE = Path("/run/certificate/hop.pem")
"""The router's own, which it shows to other routers."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Names, addresses and folders; `address` is the one that the agent's own server binds to.

    `tls` is the folder of the Secret with the certificate for clients; None where the cell names
    none. `authority` is that of who issues the router's own, for `lifetime` seconds.
    """

    cell: str
    app: Endpoint
    namespace: str
    origin: Origin
    api: Endpoint
    credentials: Path
    table: Path
    socket: Path
    address: str
    port: int
    tls: Path | None
    certificate: Path
    hop_certificate: Path
    authority: Path
    lifetime: int


class SettingsError(Exception):
    """A variable is missing or makes no sense."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings; raises SettingsError, which names the variable."""
    cell = read_cell(environment)
    run = Path(environment.get("RUN_DIRECTORY", "/run/cellwright"))
    return Settings(
        cell=cell,
        app=Endpoint(
            environment.get("APP_HOST", "app"), read_port(environment, "APP_PORT", "8080")
        ),
        origin=Origin(
            _fleet(environment), _required(environment, "CLUSTER"), _directory_keys(environment)
        ),
        namespace=environment.get("DIRECTORY_NAMESPACE", "cellwright-directory"),
        api=Endpoint(
            _required(environment, "KUBERNETES_SERVICE_HOST"),
            read_port(environment, "KUBERNETES_SERVICE_PORT", "443"),
        ),
        credentials=Path(environment.get("CREDENTIALS_DIRECTORY", str(CREDENTIALS))),
        table=run / "table",
        socket=run / "haproxy.sock",
        address=environment.get("ROUTER_ADDRESS", ""),
        port=read_port(environment, "AGENT_PORT", "8405"),
        tls=Path(environment["TLS_DIRECTORY"]) if "TLS_DIRECTORY" in environment else None,
        certificate=CERTIFICATE,
        hop_certificate=HOP_CERTIFICATE,
        authority=AUTHORITY,
        lifetime=read_lifetime(environment),
    )


def read_cell(environment: Mapping[str, str]) -> str:
    """Return the name of the pod's cell."""
    cell = _required(environment, "CELL")
    if not is_name(cell):
        raise SettingsError(f"CELL: {cell!r} is not the name of a cell")
    return cell


def read_lifetime(environment: Mapping[str, str]) -> int:
    """Return the seconds for which the pod issues itself a certificate."""
    value = environment.get("CERTIFICATE_LIFETIME", str(LIFETIME))
    if not re.fullmatch("[1-9][0-9]{0,6}", value):
        raise SettingsError(f"CERTIFICATE_LIFETIME: {value!r} is not a number of seconds")
    return int(value)


def _fleet(environment: Mapping[str, str]) -> str:
    """Return the id of the fleet, which is put on the pod when it is applied."""
    value = _required(environment, "FLEET_ID")
    if not _FLEET.fullmatch(value):
        raise SettingsError(f"FLEET_ID: {value!r} is not the id of a fleet: 16 digits 0-9a-f")
    return value


def _directory_keys(environment: Mapping[str, str]) -> tuple[PublicKey, ...]:
    """Return the public keys of the fleet's directory, from the file that has a line for each."""
    file = Path(environment.get("DIRECTORY_KEY_FILE", str(DIRECTORY_KEY)))
    try:
        keys = tuple(PublicKey(line) for line in file.read_text("latin-1").split())
    except OSError as error:
        raise SettingsError(f"DIRECTORY_KEY_FILE: {file}: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"DIRECTORY_KEY_FILE: {file}: {error}") from None
    if not keys:
        raise SettingsError(f"DIRECTORY_KEY_FILE: {file}: holds no key")
    return keys


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"{name}: not set")
    return value


def read_port(environment: Mapping[str, str], name: str, default: str) -> int:
    """Return a port, which the environment may set."""
    value = environment.get(name, default)
    if not value.isascii() or not value.isdecimal() or not 0 < int(value) < 65536:
        raise SettingsError(f"{name}: {value!r} is not a port")
    return int(value)
