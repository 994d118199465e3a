"""A shell in which the commands of a page are typed one after the other."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.docs.blocks import Step, fits

_MARK = "\x01"


def environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return an environment in which `cellwright` is the program under test."""
    programs = Path(sys.executable).parent
    return {
        **given,
        "PATH": f"{programs}{os.pathsep}{given['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GIT_AUTHOR_NAME": "Tester",
        "GIT_AUTHOR_EMAIL": "tester@example.com",
        "GIT_COMMITTER_NAME": "Tester",
        "GIT_COMMITTER_EMAIL": "tester@example.com",
    }


def play(
    page: str,
    steps: Sequence[Step],
    folder: Path,
    given: Mapping[str, str] = os.environ,
    timeout: float = 300,
) -> None:
    """Run the commands in one bash; fail where one prints something else than is shown.

    A command may fail only where the next one asks for its exit code (`echo $?`).
    """
    script = ""
    for step in steps:
        script += f"{step.command}\n__code=$?; printf '{_MARK}%s{_MARK}' $__code; (exit $__code)\n"
    done = subprocess.run(
        ["bash"],
        input=script,
        cwd=folder,
        env=environment(given),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    parts = re.split(f"{_MARK}([0-9]+){_MARK}", done.stdout)
    assert len(parts) == 2 * len(steps) + 1, f"{page}: the shell ended early: {parts[-1]}"
    follow = [*(step.command for step in steps[1:]), ""]
    for step, next_command, printed, code in zip(
        steps, follow, parts[::2], parts[1::2], strict=False
    ):
        where = f"{page}:{step.line}: {step.command}"
        assert code == "0" or next_command == "echo $?", f"{where}: ended with {code}\n{printed}"
        assert fits(step.output, printed.splitlines()), f"{where}: printed\n{printed}"
