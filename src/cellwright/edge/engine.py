"""Runs the Pulumi engine on a program in this process, as Pulumi's Automation API does.

A typed `pulumi up` starts a language host, which asks pip what is installed, starts Python, and
reads and plans the whole workspace again, for each stack. Here the engine asks this process, which
has planned already; so what is registered is what was checked and shown. The server that the engine
asks is the Automation API's own; its `Stack` is not used, since it starts three more processes for
each run and can't interrupt one.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pulumi
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2_grpc

from cellwright.edge.failure import CommandError
from cellwright.edge.process import Interrupts, stream

Program = Callable[[], None]
_TOTAL = re.compile(r"^[0-9]+ changes?\. ")  # before the number of unchanged resources
_LARGEST = 400 * 1024 * 1024  # bytes of a message, as in Pulumi's SDKs


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run of one stack ended; `lines` is all that Pulumi printed."""

    ok: bool
    lines: tuple[str, ...]

    @property
    def changes(self) -> str:
        """Pulumi's count of changes, on one line."""
        lines = [line.strip() for line in self.lines]
        if "Resources:" not in lines:
            return "no summary"
        counts = lines[lines.index("Resources:") + 1 :]
        counts = counts[: counts.index("")] if "" in counts else counts
        return ", ".join(_TOTAL.sub("", one) for one in counts)

    @property
    def diagnostics(self) -> tuple[str, ...]:
        """What Pulumi says went wrong: the lines from `Diagnostics:` to the summary."""
        if "Diagnostics:" not in self.lines:
            return self.lines[-20:]
        found = self.lines[self.lines.index("Diagnostics:") + 1 :]
        ends = [index for index, line in enumerate(found) if line in ("Outputs:", "Resources:")]
        return found[: ends[0]] if ends else found


@dataclass(frozen=True, slots=True)
class Preview:
    """What Pulumi would do to one stack: the number of resources by operation, and its errors."""

    operations: Mapping[str, int]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Where and how the engine runs: `environment` is added to this process' own."""

    directory: Path
    interrupts: Interrupts
    environment: Mapping[str, str]
    on_start: Callable[[int], None] = lambda _: None


def up(run: Run, stack: str, program: Program, options: Sequence[str] = ()) -> Finished:
    """Apply a program to a stack. Raises CommandError if Pulumi can't be started."""
    lines: list[str] = []
    command = ["pulumi", "up", "--yes", "--skip-preview", "--color=never", *options]
    code = _engine(run, stack, program, command, lines.append)
    return Finished(code == 0, tuple(lines))


def destroy(run: Run, stack: str) -> Finished:
    """Destroy what a stack holds, by its state alone. Raises CommandError if Pulumi can't be
    started.
    """
    lines: list[str] = []
    command = ["pulumi", "destroy", "--yes", "--skip-preview", "--color=never"]
    code = stream(
        [*command, "--non-interactive", "--stack", stack],
        lines.append,
        interrupts=run.interrupts,
        on_start=run.on_start,
        directory=run.directory,
        environment=run.environment,
    )
    return Finished(code == 0, tuple(lines))


def preview(run: Run, stack: str, program: Program, options: Sequence[str] = ()) -> Preview:
    """Return what applying a program to a stack would do. Raises CommandError."""
    lines: list[str] = []
    code = _engine(run, stack, program, ["pulumi", "preview", "--json", *options], lines.append)
    text = "\n".join(lines)
    try:
        said = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        last = next((line for line in reversed(lines) if line.strip()), "no message")
        raise CommandError(f"pulumi preview: exit code {code}: {last}") from None
    errors = tuple(_errors(said))
    if code and not errors:
        errors = (f"pulumi preview ended with exit code {code}",)
    operations = {
        str(name): int(count) for name, count in (said.get("changeSummary") or {}).items()
    }
    return Preview(operations, errors)


def _errors(said: Mapping[str, Any]) -> Iterator[str]:
    """Yield the errors of a preview, each with the resource that it is about."""
    for diagnostic in said.get("diagnostics") or ():
        if diagnostic.get("severity") != "error":
            continue
        name = str(diagnostic.get("urn", "")).rpartition("::")[2]
        text = str(diagnostic.get("message", "")).strip()
        if text and text != "preview failed":
            yield f"{name}: {text}" if name else text


def _engine(
    run: Run,
    stack: str,
    program: Program,
    command: Sequence[str],
    on_line: Callable[[str], None],
) -> int:
    with _served(program) as address:
        how = [
            "--non-interactive",
            "--stack",
            stack,
            f"--client={address}",
            "--exec-kind=auto.inline",
        ]
        return stream(
            [*command, *how],
            on_line,
            interrupts=run.interrupts,
            on_start=run.on_start,
            directory=run.directory,
            environment=run.environment,
        )


def _told(program: Program) -> Program:
    """Return a program whose errors Pulumi shows as a message, without Python's traceback."""

    def telling() -> None:
        try:
            program()
        except (pulumi.RunError, grpc.RpcError):  # the second: the engine has ended, or refuses
            raise
        except Exception as error:
            raise pulumi.RunError(f"{type(error).__name__}: {error}") from error

    return telling


_hooks: list[Callable[[Any], object]] = []


def _unraisable(failure: Any) -> None:
    """Say nothing of Pulumi's coroutine that is thrown away after an engine has ended early: it
    would stop a server on an event loop that is gone.
    """
    if "run_in_stack" not in repr(failure.object):
        _hooks[-1](failure)


@contextmanager
def _served(program: Program) -> Iterator[str]:
    """Serve a program to an engine; gives the address."""
    if sys.unraisablehook is not _unraisable:
        _hooks.append(sys.unraisablehook)
        sys.unraisablehook = _unraisable
    limits = [("grpc.max_receive_message_length", _LARGEST)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        server = grpc.server(pool, options=limits)
        language = LanguageServer(_told(program))
        language_pb2_grpc.add_LanguageRuntimeServicer_to_server(language, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(grace=0).wait()
