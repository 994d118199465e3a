"""A project with stacks of the real Pulumi, whose state is kept in a folder."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellwright.cli.main import main

PROGRAM = """\
import pathlib, time
import pulumi
for number in range(int(pathlib.Path("resources.txt").read_text())):
    pulumi.ComponentResource("test:index:Thing", f"thing-{number}")
here = pathlib.Path(".")
if (here / "text.txt").exists():
    pulumi.export("text", (here / "text.txt").read_text())
if (here / "wait").exists():
    (here / "waits").touch()
    while (here / "wait").exists():
        time.sleep(0.05)
"""


@dataclass(frozen=True)
class Pulumi:
    """A project in `root`, and the folder of its backend; `query` ends its address."""

    root: Path
    folder: Path
    project: str = "cellwright"
    query: str = "?metadata=skip"

    @property
    def environment(self) -> dict[str, str]:
        return {
            # An older language host takes the Python that it finds there.
            "PATH": f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(self.root / "pulumi-home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_CONFIG_PASSPHRASE": "passphrase",
            "PULUMI_BACKEND_URL": f"file://{self.folder}{self.query}",
        }

    @property
    def state(self) -> Path:
        """The file of the state of stack `alpha`."""
        return self.folder / ".pulumi/stacks" / self.project / "alpha.json"

    @property
    def backup(self) -> Path:
        return self.state.with_name("alpha.json.bak")

    @property
    def history(self) -> Path:
        return self.folder / ".pulumi/history" / self.project / "alpha"

    @property
    def backups(self) -> Path:
        return self.folder / ".pulumi/backups" / self.project / "alpha"

    @property
    def locks(self) -> Path:
        return self.folder / ".pulumi/locks/organization" / self.project / "alpha"

    @property
    def checkpoints(self) -> list[Path]:
        """The files of the history, newest first."""
        return sorted(self.history.glob("*.checkpoint.json*"), reverse=True)

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """Run Pulumi and return what it printed; with `check` it has to end well."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.root,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def prepare(self) -> None:
        """Write the program and the project's settings."""
        for folder in (self.root, self.folder, self.root / "pulumi-home"):
            folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "name": self.project,
            "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}},
        }
        (self.root / "Pulumi.yaml").write_text(json.dumps(settings))
        (self.root / "__main__.py").write_text(PROGRAM)

    def up(self, resources: int, *, check: bool = True, stack: str = "alpha") -> str:
        """Apply a stack with so many resources, beside the one of the stack itself."""
        (self.root / "resources.txt").write_text(str(resources))
        return self("up", "--yes", "--skip-preview", "--stack", stack, check=check)

    def resources(self, stack: str = "alpha") -> int:
        """Return how many resources Pulumi reads from a stack."""
        return len(self.exported(stack).get("resources", ()))

    def exported(self, stack: str = "alpha") -> dict[str, Any]:
        return dict(json.loads(self("stack", "export", "--stack", stack))["deployment"] or {})

    def contents(self) -> dict[str, bytes]:
        """Return all files of the backend by path."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def restore(self, *arguments: str, stack: str = "alpha") -> int:
        """Run the verb in this process and return its exit code."""
        return main(["--root", str(self.root), "restore-state", stack, *arguments])


def cut(path: Path, size: int = 700) -> None:
    """Leave only the beginning of a file."""
    os.truncate(path, size)
