"""From a kubeconfig to an HTTP client for its API server, found as kubectl finds it.

`kubeconfig` may be a path or the content itself; without it $KUBECONFIG (a list of files, the
first to name a thing wins), then ~/.kube/config, then the service account of the pod.
"""

import ipaddress
import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2
import msgspec
import yaml
from lightkube.config.client_adapter import AsyncClient, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

from .config import Config
from .objects import Json

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
FILE_FIELDS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where built in


class Connection(NamedTuple):
    """A client of the API server, and where objects go that name no namespace."""

    client: httpx2.AsyncClient
    namespace: str


class KubeconfigError(Exception):
    """The kubeconfig cannot be read, or does not name what was asked for."""


def connect(config: Config) -> Connection:
    """A connection with the server, trust, credentials and namespace of the configured context."""
    try:
        chosen = _chosen(config)
        host = urlsplit(chosen.cluster.server).hostname or ""
        parameters = ConnectionParams(
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS, pool=None),
            trust_env=not _is_loopback(host),  # proxies are never for this machine
        )
        client = AsyncClient(chosen, parameters)
        return Connection(client, config.namespace or chosen.namespace)
    except (ConfigError, msgspec.MsgspecError, OSError, ValueError) as error:
        raise KubeconfigError(f"kubeconfig: {error}") from error


def server_of(config: Config) -> str:
    """The address of the configured API server, empty when the kubeconfig does not name it."""
    try:
        return _chosen(config).cluster.server
    except (ConfigError, KubeconfigError, msgspec.MsgspecError, OSError, ValueError):
        return ""


def _chosen(config: Config) -> SingleConfig:
    loaded = _loaded(config.kubeconfig)
    try:
        chosen = loaded.get(config.context or None)
        if chosen is None:
            raise KubeconfigError("kubeconfig: no current context")
        if config.cluster:
            chosen = chosen._replace(cluster=loaded.clusters[config.cluster])
    except KeyError as missing:
        raise KubeconfigError(f"kubeconfig: there is no cluster or user {missing}") from missing
    return chosen if chosen.user else chosen._replace(user=User())


def _loaded(text: str) -> KubeConfig:
    if text and not _is_path(text):
        return KubeConfig.from_dict(_parsed(text, "its content"))
    named = text or os.environ.get("KUBECONFIG", "")
    paths = [Path(part).expanduser() for part in named.split(os.pathsep) if part]
    paths = paths or [Path("~/.kube/config").expanduser()]
    found = [path for path in paths if path.is_file()]
    if not found:
        if not named and "KUBERNETES_SERVICE_HOST" in os.environ:
            return KubeConfig.from_service_account()
        raise KubeconfigError(f"kubeconfig: no such file: {', '.join(map(str, paths))}")
    merged: Json = {"clusters": [], "contexts": [], "users": []}
    for path in found:
        _merge(merged, _parsed(path.read_text(encoding="utf-8"), str(path)), path.parent)
    return KubeConfig.from_dict(merged)


def _is_path(text: str) -> bool:
    return "\n" not in text and not text.lstrip().startswith("{")


def _parsed(text: str, source: str) -> Json:
    try:
        parsed = yaml.load(text, Loader=YAML_LOADER)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise KubeconfigError(f"kubeconfig: {source} is not YAML: {error}") from error
    if not isinstance(parsed, dict):
        raise KubeconfigError(f"kubeconfig: {source} does not hold one")
    return {**parsed, **{key: parsed.get(key) or [] for key in ("clusters", "contexts", "users")}}


def _merge(merged: Json, parsed: Json, folder: Path) -> None:
    if not merged.get("current-context") and parsed.get("current-context"):
        merged["current-context"] = parsed["current-context"]
    for key in ("clusters", "contexts", "users"):
        known = {item["name"] for item in merged[key]}
        for item in parsed[key]:
            entry = item[key[:-1]] or {}
            for field in FILE_FIELDS:
                if entry.get(field):
                    entry[field] = str(folder / entry[field])
            if item["name"] not in known:
                merged[key].append({**item, key[:-1]: entry})


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
