"""Router pods: the agent and HAProxy in containers of the real image, on loopback addresses.

As in a cluster, both share one folder and a network, and HAProxy starts when the agent is ready.
"""

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cellwright.authority import pem
from cellwright.model import Routing, Rule
from cellwright.router_room import SHARE, room
from tests.postgres.containers import docker, new_name, until
from tests.router import authorities
from tests.router.directory import CLUSTER, FLEET_ID, public

IMAGE = os.environ.get("ROUTER_IMAGE", "cellwright/router:0.1.0")
APP_KEY = "a-key-of-one-cell-in-tests-"
"""What a cell's router proves itself to its app with; the cell's name is added."""
RULES = ("path", "host", "header:X-Organization")
HOLD = 3
"""Seconds for which requests of a fenced organization are held."""
LIFETIME = 24 * 3600
"""Seconds for which routers issue their own certificates."""
MEMORY = "512Mi"
"""Of the demo's routers; the connections and shares of these are those that it has room for."""
ROOM = room(MEMORY, None, SHARE)
TRUSTED = ("127.99.0.0/16", "2001:db8::/32")
"""Networks of proxies that the routers believe."""
_TEMPLATES = Path(__file__).parents[2] / "templates"
_RESTRICTED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
_DUMP = """
import json, pathlib
from agent.haproxy import session
run = pathlib.Path("/run/cellwright")
names = ("table", "cells")
with session(run / "haproxy.sock") as opened:
    maps = {name: opened.lines(run / "table" / f"{name}.map") for name in names}
print(json.dumps({m: {k.decode(): v.decode() for k, v in one.items()} for m, one in maps.items()}))
"""
_ASK = """
import pathlib, sys
from agent.haproxy import session
with session(pathlib.Path("/run/cellwright/haproxy.sock")) as opened:
    print(opened.ask(sys.argv[1])[0])
"""


def rule_of(text: str) -> Rule:
    """Return the rule that a test writes as `path`, `host`, or KIND:WHAT."""
    by, _, what = text.partition(":")
    field = {"cookie": "cookie", "default": "cell"}.get(by, "header")
    return Rule(by, **{field: what} if what else {})  # type: ignore[arg-type]


def configuration(pod: "Pod") -> str:
    """Return the configuration of a router, as the templates make it."""
    environment = Environment(  # noqa: S701 (not HTML)
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found = [rule_of(rule) for rule in pod.rules]
    template = environment.from_string(
        f'{{% extends "router/haproxy.cfg.j2" %}}{{% block requests %}}{pod.extra}{{% endblock %}}'
    )
    fleet = SimpleNamespace(routing=Routing(tuple(found), pod.hold, TRUSTED))
    router = SimpleNamespace(tls_secret="tls" if pod.secret else None, **ROOM._asdict())
    app = SimpleNamespace(tls=pod.app_tls)
    cell = SimpleNamespace(name=pod.cell, app=app, router=router)
    return template.render(cell=cell, fleet=fleet)


@dataclass(slots=True)
class Pod:
    """One router; `folder` holds what its containers share. Its app is at port 9000.

    A rule is `path` or such as `header:NAME`; `extra` stands where the workspace's own templates
    may put theirs. `secret` is the mounted folder of the Secret with its certificate for clients,
    if it has one. Its own it issues for `lifetime` seconds.
    """

    cell: str
    address: str
    folder: Path
    api: str
    options: tuple[str, ...]
    rules: tuple[str, ...] = RULES
    extra: str = ""
    secret: Path | None = None
    hold: int = HOLD
    lifetime: int = LIFETIME
    app_tls: bool = True
    directory_keys: tuple[str, ...] = (public(),)
    agent: str = field(default_factory=new_name)
    haproxy: str = field(default_factory=new_name)

    def start(self) -> None:
        self.start_agent()
        self.start_haproxy()

    def start_agent(self) -> None:
        self.launch_agent()
        self._until(self.ready, "the agent is ready", self.agent)

    def launch_agent(self) -> None:
        environment = {
            "CELL": self.cell,
            "FLEET_ID": FLEET_ID,
            "CLUSTER": CLUSTER,
            "APP_HOST": self.address,
            "APP_PORT": "9000",
            "KUBERNETES_SERVICE_HOST": self.api,
            "KUBERNETES_SERVICE_PORT": "6443",
            "ROUTER_ADDRESS": self.address,
            "CERTIFICATE_LIFETIME": str(self.lifetime),
        }
        if self.secret:
            environment["TLS_DIRECTORY"] = "/etc/tls"
        self._run(self.agent, environment, ("python3", "-m", "agent"))

    def ready(self) -> bool:
        return self._probe(8405, "/readyz")

    def start_haproxy(self) -> None:
        config = self.folder / "etc"
        config.mkdir(exist_ok=True)
        (config / "haproxy.cfg").write_text(configuration(self))
        self._run(self.haproxy, {"ROUTER_ADDRESS": self.address})
        self._until(lambda: self._probe(8404, "/healthz"), "HAProxy is up", self.haproxy)

    def restart_haproxy(self, mark: str) -> None:
        """Kill and start it; its files may lag behind the table with this checksum for a second."""
        self.remove(self.haproxy)
        self.start_haproxy()
        self._until(lambda: self.mark() == mark, f"HAProxy has {mark}", self.agent)

    def _run(self, name: str, environment: Mapping[str, str], command: Iterable[str] = ()) -> None:
        run, certificate = self.folder / "run", self.folder / "certificate"
        key = self.folder / "key"
        key.mkdir(parents=True, exist_ok=True)
        (key / "directory-key").write_text("\n".join(self.directory_keys))
        trust, authority = self.folder / "trust", self.folder / "authority"
        trust.mkdir(exist_ok=True)
        (trust / "ca.crt").write_text(pem(authorities.ROOT, "fleet/ca.crt"))
        key_of_app = f"global\n    set-var proc.app_key str({APP_KEY}{self.cell})\n"
        (trust / "app-key.cfg").write_text(key_of_app)
        authorities.give(authority, "router", self.cell)
        if not run.exists():
            for each in (run, certificate):
                each.mkdir(parents=True)
                each.chmod(0o777)  # as kubelet makes an emptyDir
        variables = [f"--env={key}={value}" for key, value in environment.items()]
        mounts = [f"--volume={run}:/run/cellwright", f"--volume={self.folder}/etc:/etc/cellwright"]
        mounts.append(f"--volume={certificate}:/run/certificate")
        if name == self.agent:
            mounts.append(f"--volume={key}:/var/run/secrets/cellwright-directory:ro")
            mounts.append(f"--volume={authority}:/var/run/secrets/cellwright-authority:ro")
            if self.secret:
                mounts.append(f"--volume={self.secret}:/etc/tls:ro")
        else:
            mounts.append(f"--volume={trust}:/var/run/secrets/cellwright:ro")
        start = ("run", "--detach", "--name", name, "--network=host", *_RESTRICTED)
        docker(*start, *self.options, *variables, *mounts, IMAGE, *command)

    def _until(self, reached: Callable[[], bool], what: str, container: str) -> None:
        """Wait; the error shows the container's log."""
        try:
            until(reached, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs(container)}") from None

    def _probe(self, port: int, path: str) -> bool:
        try:
            return httpx.get(f"http://{self.address}:{port}{path}").status_code == 200
        except httpx.TransportError:
            return False

    def remove(self, *names: str) -> None:
        """Kill containers, this pod's both if none is named."""
        for name in names or (self.haproxy, self.agent):
            subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=True)

    def logs(self, name: str) -> str:
        done = subprocess.run(
            ["docker", "logs", name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        return done.stdout

    def access(self, request_id: str) -> dict[str, Any]:
        """Return the line of the access log about one request."""
        found: list[dict[str, Any]] = []

        def logged() -> bool:
            lines = [line for line in self.logs(self.haproxy).splitlines() if line[:1] == "{"]
            found[:] = [one for one in map(json.loads, lines) if one["request_id"] == request_id]
            return bool(found)

        until(logged, f"a line of the access log about {request_id}")
        assert len(found) == 1
        return found[0]

    def process(self) -> str:
        """Return what changes when HAProxy's container is started again."""
        return docker("inspect", "--format", "{{.State.Pid}} {{.State.StartedAt}}", self.haproxy)

    def table(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"http://{self.address}:8405/table").json()
        return found

    def agent_metrics(self) -> str:
        return httpx.get(f"http://{self.address}:8405/metrics").text

    def wait(self, mark: str) -> None:
        """Wait until HAProxy serves the table with this checksum."""

        def serves() -> bool:
            table = self.table()
            return table["checksum"] == mark and table["served"] is True

        self._until(serves, f"{self.cell} serves {mark}", self.agent)

    def mark(self) -> str:
        """Return the checksum of the table that HAProxy's map was made from."""
        said = self.ask("get map /run/cellwright/table/table.map /table")
        return said.partition('value="')[2].partition('"')[0]

    def maps(self) -> dict[str, dict[str, str]]:
        """Return what HAProxy's maps hold, marks included."""
        found: dict[str, dict[str, str]] = json.loads(
            docker("exec", self.agent, "python3", "-c", _DUMP)
        )
        return found

    def ask(self, command: str) -> str:
        """Return what HAProxy says to a command of its runtime API."""
        return docker("exec", self.agent, "python3", "-c", _ASK, command)

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        url = f"http://{self.address}:8080{path}"
        return httpx.request(options.pop("method", "GET"), url, headers=headers, **options)

    def hop(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        cell: str = "beta",
        timeout: float = 5,
    ) -> httpx.Response:
        """Return the answer to a request that a cell's router passes on."""
        context = authorities.client_context(authorities.shown_by("router", cell))
        named = {"sni_hostname": authorities.name_of("router", self.cell)}
        url = f"https://{self.address}:8444{path}"
        with httpx.Client(verify=context, timeout=timeout) as client:
            return client.get(url, headers=headers, extensions=named)

    def answered_by(self, path: str, headers: Mapping[str, str] | None = None) -> str:
        """Return the name of the app or stub that answered, or the router's own status."""
        answer = self.get(path, headers)
        return str(answer.json().get("app", answer.status_code))

    def raw(self, data: bytes) -> bytes:
        """Send bytes on a new connection, and return all that comes back."""
        with socket.create_connection((self.address, 8080), timeout=20) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))
