"""A copy of the project's workspace, and the commands that people type in it."""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Workspace:
    """A copy of the project's workspace, and the commands that people type in it."""

    root: Path
    environment: Mapping[str, str]

    def run(self, *command: str, timeout: float = 400) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.root,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def must(self, *command: str, timeout: float = 400) -> str:
        done = self.run(*command, timeout=timeout)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def pulumi(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run("pulumi", *arguments, "--non-interactive", "--color=never")

    def up(self, stack: str) -> str:
        done = self.pulumi("up", "--yes", "--skip-preview", "--stack", stack)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def clear(self, cell: str) -> None:
        """Take a cell off the cluster when no test is about its end: all workloads at once."""
        namespace = f"cell-{cell}"
        kinds = "deployments,statefulsets,jobs,persistentvolumeclaims"
        for named in (
            (kinds, "--all", "--namespace", namespace, "--cascade=foreground"),
            ("namespace", namespace),
            *(
                ("rolebinding", f"{name}-{cell}", "--namespace", "cellwright-directory")
                for name in ("router", "placement")
            ),
        ):
            self.run("kubectl", "delete", *named, "--ignore-not-found", "--timeout=180s")

    def drop(self, cell: str) -> None:
        """Take a cell off the cluster, and its stack with it."""
        self.clear(cell)
        self.must("pulumi", "stack", "rm", "--yes", "--force", cell, "--non-interactive")

    def kubectl(self, *arguments: str) -> Any:
        return json.loads(self.must("kubectl", *arguments, "--output", "json"))

    def pods(self, *namespaces: str, selector: str = "") -> dict[str, tuple[str, int]]:
        """Return each pod's UID and restarts by `namespace/name`; not of those that are ending."""
        found = {}
        for namespace in namespaces:
            chosen = ("--namespace", namespace, "--selector", selector)
            for pod in self.kubectl("get", "pods", *chosen)["items"]:
                if "deletionTimestamp" in pod["metadata"]:
                    continue
                statuses = pod["status"].get("containerStatuses", [])
                restarts = sum(one["restartCount"] for one in statuses)
                name = f"{namespace}/{pod['metadata']['name']}"
                found[name] = (pod["metadata"]["uid"], restarts)
        return found

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")

    def router(self, node_port: int) -> str:
        """Return the address on this machine that the node's port is published to."""
        state = Path(self.environment["CELLWRIGHT_STATE"])
        cluster = "cellwright-" + hashlib.sha256(str(state.absolute()).encode()).hexdigest()[:6]
        shown = self.must("docker", "port", f"{cluster}-control-plane", f"{node_port}/tcp")
        return f"http://127.0.0.1:{shown.split()[0].rpartition(':')[2]}"
