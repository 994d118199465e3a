"""The kind cluster of one state folder.

A cluster counts as made only once it was seen healthy and its container's id was recorded: what
a killed run left half made is deleted and made again. Only the cluster whose name belongs to the
state folder is ever touched.
"""

import json
import shutil
import time

from local import docker, versions
from local.engine import restricted
from local.errors import Failed
from local.files import recorded, write_atomically
from local.place import Place
from local.process import ProgramFailed, capture, logged
from local.programs import Tools
from local.report import Report

NODE_PORTS = range(30081, 30096)
"""Published on random ports of 127.0.0.1; routers listen on 30080 + id of their cell."""
NETWORK = "kind"
"""The Docker network that kind makes and never removes."""

CREATE_TIMEOUT_S = 420.0
HEALTHY_TIMEOUT_S = 180.0


def ensure(place: Place, tools: Tools, report: Report) -> str:
    """Make the cluster, start it, or leave it as it is; return which."""
    present = docker.container(place.node)
    if present and present["id"] != recorded(place.state / "cluster"):
        report.say("a cluster was left half made: deleting it")
        present = None
    outcome = "running"
    if present and present["status"] != "running":
        report.say("starting the stopped node")
        outcome = "started again"
        try:
            capture(["docker", "start", place.node], timeout=60)
        except ProgramFailed as error:
            report.say(str(error))
    if present:
        trouble = _wait_healthy(place, tools)
        if trouble is None:
            return outcome
        report.say(f"not healthy ({trouble}): deleting it")
        outcome = "made again"
    else:
        outcome = "made"
    _create(place, tools)
    return f"{place.cluster} {outcome}"


def delete(place: Place) -> None:
    """Delete the cluster, and Pulumi's record of what was in it."""
    (place.state / "cluster").unlink(missing_ok=True)
    if docker.container(place.node):
        capture(["docker", "rm", "--force", "--volumes", place.node], timeout=180)
    place.kubeconfig.unlink(missing_ok=True)
    if place.stacks.exists():
        shutil.rmtree(place.stacks)


def is_recorded(place: Place) -> bool:
    """Tell whether this state folder's cluster was made, even if no engine runs now."""
    return recorded(place.state / "cluster") is not None


def remove(place: Place) -> str:
    """Delete the cluster and, if it came with it and nobody else uses it, kind's network."""
    delete(place)
    if recorded(place.state / "made-network") is not None:
        question = ["docker", "network", "inspect", "-f", "{{len .Containers}}", NETWORK]
        said = capture(question, timeout=30, check=False)
        if said.out.strip() == "0":
            capture(["docker", "network", "rm", NETWORK], timeout=30)
    return f"{place.cluster} removed"


def kubectl(place: Place, tools: Tools) -> list[str]:
    """Return the beginning of a kubectl command, which leaves the user's ~/.kube alone."""
    folders = ["--kubeconfig", str(place.kubeconfig), "--cache-dir", str(place.kube_cache)]
    return [str(tools.kubectl), *folders]


def configuration(*, own_network_plugin: bool, restricted_host: bool) -> str:
    """Return kind's configuration file."""
    lines = [
        "kind: Cluster",
        "apiVersion: kind.x-k8s.io/v1alpha4",
        "networking:",
        "  apiServerAddress: 127.0.0.1",
        f"  disableDefaultCNI: {json.dumps(own_network_plugin)}",
    ]
    if restricted_host:
        # The kubelet goes on where it may not set scores of the out-of-memory killer and limits.
        lines.append("featureGates: {KubeletInUserNamespace: true}")
    lines += [
        "nodes:",
        "  - role: control-plane",
        f"    image: {versions.NODE_IMAGE}",
        "    extraPortMappings:",
        *(
            f"      - {{containerPort: {port}, hostPort: 0, listenAddress: 127.0.0.1}}"
            for port in NODE_PORTS
        ),
    ]
    return "\n".join(lines) + "\n"


def _create(place: Place, tools: Tools) -> None:
    delete(place)
    place.stacks.mkdir(mode=0o700)
    text = configuration(
        own_network_plugin=docker.inputs_of(versions.NODE_IMAGE) is not None,
        restricted_host=restricted(),
    )
    write_atomically(place.state / "kind.yaml", text)
    networks = capture(["docker", "network", "ls", "--format", "{{.Name}}"], timeout=30).out
    if NETWORK not in networks.split():
        write_atomically(place.state / "made-network", NETWORK)
    argv = [str(tools.kind), "create", "cluster", "--name", place.cluster]
    argv += ["--config", str(place.state / "kind.yaml"), "--kubeconfig", str(place.kubeconfig)]
    logged([*argv, "--wait", "180s"], place.logs / "kind.log", timeout=CREATE_TIMEOUT_S)
    trouble = _wait_healthy(place, tools)
    if trouble:
        raise Failed(f"the cluster was made, but is not healthy: {trouble}")
    place.kubeconfig.chmod(0o600)
    made = docker.container(place.node)
    if made is None:
        raise Failed(f"kind made the cluster, but there is no container {place.node}")
    write_atomically(place.state / "cluster", made["id"])


def _wait_healthy(place: Place, tools: Tools) -> str | None:
    """Wait for the API, the node and name resolution; return what was last seen missing."""
    if not place.kubeconfig.exists():
        argv = [str(tools.kind), "export", "kubeconfig", "--name", place.cluster]
        capture([*argv, "--kubeconfig", str(place.kubeconfig)], timeout=30)
    command = kubectl(place, tools)
    deadline = time.monotonic() + HEALTHY_TIMEOUT_S
    while True:
        trouble = _missing(command)
        if trouble is None or time.monotonic() > deadline:
            return trouble
        time.sleep(0.5)


def _missing(command: list[str]) -> str | None:
    checks = {
        "the API server is ready": ["get", "--raw=/readyz"],
        "the node is ready": ["wait", "--for=condition=Ready", "node", "--all", "--timeout=1s"],
        "DNS is available": [
            *("wait", "--for=condition=Available", "deployment/coredns"),
            *("--namespace=kube-system", "--timeout=1s"),
        ],
        "accounts are made": ["get", "serviceaccount", "default", "--namespace=default"],
    }
    for expected, question in checks.items():
        try:
            capture([*command, *question], timeout=15)
        except ProgramFailed as error:
            return f"expected that {expected}, kubectl says: {str(error).splitlines()[-1].strip()}"
    return None
