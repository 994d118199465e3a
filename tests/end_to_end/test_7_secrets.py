"""No secret is in the clear where users or logs can see it."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

from cellwright.authority import pem
from cellwright.secret import decode_root, derive
from tests.end_to_end.workspace import Workspace


def secrets(fleet: Workspace) -> dict[str, str]:
    """The values that must not be seen, read from the encrypted settings."""
    shown = fleet.must(
        "pulumi", "config", "--show-secrets", "--json", "--stack", "fleet", "--non-interactive"
    )
    root = json.loads(shown)["cellwright:rootSecret"]["value"]
    found = {
        "the root secret": root,
        "the directory's key": derive(decode_root(root), "fleet/directory-key"),
    }
    for cell in ("alpha", "beta", "gamma"):
        for name in ("postgres-owner", "postgres-app", "postgres-replication", "app-key"):
            info = f"cell/{cell}/{name}"
            found[info] = derive(decode_root(root), info)
        for part in ("router", "app"):
            info = f"cell/{cell}/{part}-ca.key"
            found[info] = pem(decode_root(root), info).splitlines()[1]
    return found


def texts(fleet: Workspace) -> Iterator[tuple[str, str]]:
    """Everything that a run leaves or prints, but for Kubernetes' own Secrets."""
    url = fleet.environment["PULUMI_BACKEND_URL"]
    backend = Path(url.removeprefix("file://").partition("?")[0])
    for folder in (backend, fleet.root / "stacks"):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield str(path), path.read_text(encoding="utf-8", errors="replace")
    for stack in ("fleet", "alpha"):
        yield f"export of {stack}", fleet.must("pulumi", "stack", "export", "--stack", stack)
        done = fleet.pulumi("up", "--yes", "--diff", "--stack", stack)
        yield f"up of {stack}", done.stdout + done.stderr
        done = fleet.pulumi("preview", "--diff", "--json", "--stack", stack)
        yield f"preview of {stack}", done.stdout + done.stderr
    yield "render", fleet.must("cellwright", "render")
    for kind in ("deployments", "statefulsets", "jobs", "pods", "configmaps", "events"):
        yield kind, fleet.must("kubectl", "get", kind, "--all-namespaces", "--output", "json")
    for cell in ("cell-alpha", "cell-beta"):
        for pod in fleet.pods(cell):
            name = pod.partition("/")[2]
            logs = ("logs", "--all-containers", "--namespace", cell, name)
            yield f"logs of {pod}", fleet.must("kubectl", *logs)


def test_no_secret_is_seen_anywhere(fleet: Workspace) -> None:
    hidden = secrets(fleet)
    owner = fleet.kubectl("get", "secret", "postgres-owner", "--namespace", "cell-alpha")
    held = base64.b64decode(owner["data"]["password"]).decode()
    assert held == hidden["cell/alpha/postgres-owner"], "these are the secrets in use"
    seen = 0
    for where, text in texts(fleet):
        seen += len(text)
        for name, value in hidden.items():
            assert value not in text, f"{name} is in the clear in {where}"
            encoded = base64.b64encode(value.encode()).decode()
            assert encoded not in text, f"{name} is in the clear (base64) in {where}"
    assert seen > 100_000


def test_no_secret_is_an_argument_of_a_process(fleet: Workspace) -> None:
    arguments = fleet.must("ps", "-eo", "args", "--width", "100000")
    for name, value in secrets(fleet).items():
        assert value not in arguments, name
