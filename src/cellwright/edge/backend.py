"""Finds the folder in which Pulumi keeps its stacks, and the stacks in it that are damaged.

Only a self-managed backend in a folder (`file://…`) has files that can be judged here.
"""

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote

import yaml

from cellwright.edge.failure import CommandError
from cellwright.edge.process import run
from cellwright.edge.root import MARK
from cellwright.edge.state_files import STACK_NAME, Backend, StackFiles, known_stacks, read_stack

_VARIABLE = "PULUMI_BACKEND_URL"
_TIMEOUT = 60.0  # seconds
_UNREADABLE = re.compile(
    r"failed to load checkpoint"
    r"|unsupported checkpoint version"
    r"|unexpected end of JSON input"
    r"|error: (?:place \d+:|(?:unexpected )?EOF\b)"
    r"|cannot unmarshal .* apitype\."
)


def is_unreadable_state(message: str) -> bool:
    """Return whether a message of Pulumi says that it can't read a stack's state or lock.

    None of these messages names the stack, and one broken stack makes `pulumi stack ls` fail for
    all stacks of its project: `explained` finds which it is.
    """
    return bool(_UNREADABLE.search(message))


def explained(root: Path, message: str) -> CommandError | None:
    """Return an error that says which states can't be read, and what to do about it.

    None if the message is about something else, or nothing is wrong with the files.
    """
    if not is_unreadable_state(message):
        return None
    try:
        damaged = damaged_stacks(find_backend(root))
    except (CommandError, OSError):  # the first message says more
        return None
    lines = [
        f"the state of stack {files.stack} can't be read ({_damage(files)}): "
        f"run `cellwright restore-state {files.stack}`"
        for files in damaged
    ]
    return CommandError("\n".join(lines)) if lines else None


def damaged_stacks(backend: Backend) -> tuple[StackFiles, ...]:
    """Return the project's stacks that Pulumi can't work with.

    A stack whose state is missing while its history is there is one of them: Pulumi takes it
    for a stack that does not exist.
    """
    stacks = (read_stack(backend, name) for name in known_stacks(backend))
    return tuple(files for files in stacks if files.is_damaged)


def find_backend(root: Path) -> Backend:
    """Return the backend that Pulumi uses for a workspace.

    Raises CommandError if it is not a folder of this machine, or can't be found.
    """
    url = json.loads(_pulumi(root, "whoami", "--json")).get("url") or ""
    if not url.startswith("file://"):
        shown = re.sub(r"//[^/]*@", "//", url.partition("?")[0])  # without credentials
        raise CommandError(
            f"the state is kept at {shown}, not in a folder: use the versions of the objects that "
            "this store keeps, or `pulumi stack export --version N` and `pulumi stack import`"
        )
    folder = _folder(url, root) / ".pulumi"
    if not folder.is_dir():
        raise CommandError(f"{folder}: no such folder; the state is kept at {url}")
    return Backend(folder, _project(root))


def named_backend(root: Path) -> Backend | None:
    """Return the backend in a folder that PULUMI_BACKEND_URL names, without asking Pulumi.

    None for any other. Raises CommandError for a project without a name.
    """
    url = os.environ.get(_VARIABLE, "")  # Pulumi lets nothing else decide where it is set
    if not url.startswith("file://"):
        return None
    return Backend(_folder(url, root) / ".pulumi", _project(root))


def verify(root: Path, stack: str) -> int:
    """Return the number of resources that Pulumi reads from a stack; raises CommandError."""
    exported = json.loads(_pulumi(root, "stack", "export", "--stack", stack))
    deployment = exported.get("deployment") or {}
    return len(deployment.get("resources") or [])


def _damage(files: StackFiles) -> str:
    if files.state.flaw:
        return f"{files.state.path}: {files.state.flaw}"
    return next(f"{lock.path}: an unreadable lock" for lock in files.locks if not lock.holder)


def _folder(url: str, root: Path) -> Path:
    """Return the folder of a `file://` address, which Pulumi takes relative to where it runs."""
    path = Path(unquote(url.removeprefix("file://").partition("?")[0])).expanduser()
    return (root / path).absolute()


def _project(root: Path) -> str:
    try:
        document = yaml.safe_load((root / MARK).read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise CommandError(f"{root / MARK}: not YAML") from None
    name = document.get("name") if isinstance(document, dict) else None
    if not isinstance(name, str) or not STACK_NAME.fullmatch(name):
        raise CommandError(f"{root / MARK}: `name` is not the name of a project")
    return name


def _pulumi(root: Path, *arguments: str) -> str:
    command = ["pulumi", *arguments, "--non-interactive"]
    return run(command, directory=root, timeout=_TIMEOUT).output
