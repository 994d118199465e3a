"""Pulumi's real engine against the cluster of the tests, with the plugin that the caller chose.

CELLWRIGHT_PROVIDER=airgap (default) installs the provider of this repository, =official the
published plugin, each into a folder of its own; PATH and KUBECONFIG come from `make env`. Nothing
here skips: whoever selects the tests marked `cluster` must have a cluster.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "airgap" / "provider"
VERSION = "4.34.2"
COMMAND_SECONDS = 120

sys.path.insert(0, str(PLUGIN))

PROGRAM = f"""
import base64
import json
import pulumi

given = json.load(open("given.json"))
options = pulumi.ResourceOptions(version="{VERSION}")
provider = pulumi.ProviderResource("kubernetes", "cluster", given["provider"], options)
made = {{}}
for name, manifest in given["objects"].items():
    for key, value in manifest.get("data", {{}}).items():
        if value.startswith("id of "):
            encoded = made[value[6:]].id.apply(lambda id: base64.b64encode(id.encode()).decode())
            manifest["data"][key] = encoded
    for key, value in manifest.get("stringData", {{}}).items():
        manifest["stringData"][key] = pulumi.Output.secret(value)
    group, _, version = manifest["apiVersion"].rpartition("/")
    token = f"kubernetes:{{group or 'core'}}/{{version}}:{{manifest['kind']}}"
    options = pulumi.ResourceOptions(
        provider=provider,
        version="{VERSION}",
        retain_on_delete=name in given["retained"],
        custom_timeouts=pulumi.CustomTimeouts(**given["timeouts"].get(name, {{}})),
    )
    made[name] = pulumi.CustomResource(token, name, manifest, options)
"""

Manifest = dict[str, Any]


def run(
    *command: str, cwd: Path | None = None, env: dict[str, str] | None = None, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; standard output and error as one text."""
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env=env,
            input=text,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
        )
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"{' '.join(command)} took longer than {late.timeout} s:\n{late.output}")


def kubectl(*arguments: str, text: str = "") -> str:
    """What kubectl says; a failure fails the test."""
    done = run("kubectl", *arguments, text=text)
    assert done.returncode == 0, done.stdout
    return done.stdout


def rolled_out(namespace: str, name: str) -> Manifest:
    """The Deployment once all its replicas are new and available."""
    kubectl("rollout", "status", f"deployment/{name}", "-n", namespace, "--timeout=60s")
    return found(namespace, "deployment", name)


def found(namespace: str, kind: str, name: str) -> Manifest:
    """The object in the cluster; empty when there is none."""
    text = kubectl("get", kind, name, "-n", namespace, "-o", "json", "--ignore-not-found")
    return dict(json.loads(text)) if text.strip() else {}


@dataclass
class Stack:
    """A stack of a program that registers the given objects one by one."""

    folder: Path
    env: dict[str, str]
    objects: dict[str, Manifest] = field(default_factory=dict)
    provider: dict[str, str] = field(default_factory=dict)
    retained: list[str] = field(default_factory=list)
    timeouts: dict[str, dict[str, str]] = field(default_factory=dict)
    """customTimeouts by the object's name: `create`, `update`, `delete`."""

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run pulumi in the stack, with the program registering the present objects."""
        given = {
            "objects": self.objects,
            "provider": self.provider,
            "retained": self.retained,
            "timeouts": self.timeouts,
        }
        (self.folder / "given.json").write_text(json.dumps(given), encoding="utf-8")
        return run("pulumi", *arguments, "--non-interactive", cwd=self.folder, env=self.env)

    def up(self) -> subprocess.CompletedProcess[str]:
        """Make the cluster as the program says."""
        return self.pulumi("up", "--yes", "--skip-preview")

    def must(self, *arguments: str) -> str:
        """The output of a pulumi command that has to succeed."""
        done = self.pulumi(*arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def made(self) -> str:
        """`up`, which has to succeed."""
        return self.must("up", "--yes", "--skip-preview")

    def steps(self) -> dict[str, dict[str, Any]]:
        """What a preview would do, by resource name; resources that stay are left out."""
        done = self.pulumi("preview", "--json")
        assert done.returncode == 0, done.stdout
        text = done.stdout[done.stdout.index("{") :]
        steps = json.JSONDecoder().raw_decode(text)[0].get("steps", [])
        chosen: dict[str, dict[str, Any]] = {}
        for step in steps:
            name = step["urn"].rpartition("::")[2]
            if step["op"] != "same" and name in self.objects:
                chosen[name] = {**step, "op": chosen.get(name, {}).get("op", "") + step["op"] + " "}
        return chosen

    def state(self, *arguments: str) -> str:
        """The exported state as text."""
        return self.must("stack", "export", *arguments)

    def kept(self) -> set[str]:
        """Names of the resources in the state."""
        resources = json.loads(self.state())["deployment"].get("resources", [])
        return {resource["urn"].rpartition("::")[2] for resource in resources} & set(self.objects)


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for Pulumi with the chosen plugin installed."""
    home = tmp_path_factory.mktemp("pulumi")
    chosen = os.environ.get("CELLWRIGHT_PROVIDER", "airgap")
    assert chosen in ("airgap", "official"), f"CELLWRIGHT_PROVIDER={chosen}: airgap or official"
    command = ["pulumi", "plugin", "install", "resource", "kubernetes", VERSION]
    if chosen == "airgap":
        command += ["--file", str(PLUGIN)]
    done = run(*command, env={**os.environ, "PULUMI_HOME": str(home)})
    assert done.returncode == 0, done.stdout
    return home


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    """Images that every node of the cluster has: `pause` runs until stopped, `coredns` need not."""
    ready = run("kubectl", "get", "--raw", "/readyz")
    assert ready.returncode == 0, f"these tests need a cluster (make env): {ready.stdout}"
    nodes = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    names = [n for node in nodes for i in node["status"]["images"] for n in i["names"]]
    chosen = {part: [n for n in names if f"/{part}:" in n] for part in ("pause", "coredns")}
    missing = [part for part, found_names in chosen.items() if not found_names]
    assert not missing, f"no node has the image of {missing}"
    return {part: found_names[0] for part, found_names in chosen.items()}


@pytest.fixture
def namespace(images: dict[str, str]) -> Iterator[str]:
    """A fresh namespace."""
    assert images
    name = f"provider-test-{secrets.token_hex(4)}"
    kubectl("create", "namespace", name)
    yield name
    run("kubectl", "delete", "namespace", name, "--wait=false", "--ignore-not-found")


@pytest.fixture
def stack(tmp_path: Path, pulumi_home: Path, images: dict[str, str]) -> Stack:
    """An empty stack in a backend of its own."""
    assert images
    (tmp_path / "Pulumi.yaml").write_text("name: provider-test\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "backend").mkdir()
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
        "PULUMI_HOME": str(pulumi_home),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "for tests",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    settings = {
        "context": kubectl("config", "current-context").strip(),
        "enableConfigMapMutable": "true",
        "enableSecretMutable": "true",
    }
    made = Stack(tmp_path, env, {}, settings)
    made.must("stack", "init", "dev")
    return made


@pytest.fixture
def manifests(namespace: str, images: dict[str, str]) -> "Manifests":
    """Makes manifests for the namespace."""
    return Manifests(namespace, images)


@dataclass(frozen=True)
class Manifests:
    """Small objects of the kinds that the tests need."""

    namespace: str
    images: dict[str, str]

    def make(self, api_version: str, kind: str, name: str, **rest: Any) -> Manifest:
        """An object; `annotations` go to its metadata."""
        metadata: Manifest = {"name": name, "namespace": self.namespace}
        if "annotations" in rest:
            metadata["annotations"] = rest.pop("annotations")
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}

    def config_map(self, name: str, **data: str) -> Manifest:
        """A ConfigMap."""
        return self.make("v1", "ConfigMap", name, data=data)

    def pods(self, name: str, **container: Any) -> Manifest:
        """A pod template whose one container pauses, unless told otherwise."""
        one = {"name": "main", "image": self.images["pause"], **container}
        spec = {"containers": [one], "terminationGracePeriodSeconds": 0}
        return {"metadata": {"labels": {"app": name}}, "spec": spec}

    def deployment(self, name: str, **container: Any) -> Manifest:
        """A Deployment of one pod."""
        spec = {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": self.pods(name, **container),
        }
        return self.make("apps/v1", "Deployment", name, spec=spec)

    def job(self, name: str, *arguments: str, **container: Any) -> Manifest:
        """A Job that runs CoreDNS' program with these arguments once; `-version` succeeds."""
        program = {"image": self.images["coredns"], "args": [*arguments]}
        template = self.pods(name, **program, **container)
        template["spec"]["restartPolicy"] = "Never"
        spec = {"template": template, "backoffLimit": 0}
        return self.make("batch/v1", "Job", name, spec=spec)


ADOPTS = {"upsertExistingObjects": "true"}
"""The provider's setting with which it adopts what exists."""

airgap_only = pytest.mark.skipif(
    os.environ.get("CELLWRIGHT_PROVIDER", "airgap") != "airgap",
    reason="where ours does more than the official plugin",
)

SECRET = "correct-horse-battery"
SECRET_BASE64 = "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"
FORCE = {"pulumi.com/patchForce": "true"}
SOON = {"pulumi.com/timeoutSeconds": "2"}
"""For waits that cannot succeed."""

SEEN = {"pulumi.com/timeoutSeconds": "8"}
"""For waits that cannot succeed, but in which something must have been seen."""


def secret(manifests: "Manifests", value: str) -> dict[str, Any]:
    return manifests.make("v1", "Secret", "hidden", stringData={"password": value})


def uid(obj: dict[str, Any]) -> str:
    return str(obj["metadata"]["uid"])
