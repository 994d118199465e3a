"""The commands by name, and what becomes of their failures.

The only place that turns anything into an exit code: 0 done, 1 a step failed, 2 usage,
3 unexpected (with a log), 130 interrupted.
"""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType

from local import commands
from local.environment import is_prepared, prepare
from local.errors import Failed
from local.files import locked, write_atomically
from local.place import Place, place
from local.report import Report
from local.system import this_machine

COMMANDS: dict[str, Callable[[commands.Run], None]] = {
    "setup": commands.setup,
    "cluster": commands.make_cluster,
    "up": commands.up,
    "down": commands.down,
    "env": commands.env,
    "lint": commands.lint,
    "sbom": commands.bills,
    "test": commands.test,
    "test-provider": commands.test_provider,
}
UNLOCKED = frozenset({"env", "lint"})
"""Commands that change nothing, and may run beside others."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m local", description="The local environment.")
    chosen = parser.add_argument("command", choices=COMMANDS, help="see docs/local.md")
    chosen.metavar = "|".join(COMMANDS)
    name: str = parser.parse_args(arguments).command
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _interrupt)
    where = place(os.environ)
    keeps_times = name not in UNLOCKED and name != "down"
    report = Report(sys.stdout, where.state / "times.json" if keeps_times else None)
    run = commands.Run(where, this_machine(), report)
    try:
        if name in UNLOCKED:
            COMMANDS[name](run)
        else:
            waiting = f"waiting for another command on {where.state}"
            # Not in the state folder, which another command may be about to remove.
            with locked(where.cache / "locks" / where.cluster, lambda: report.say(waiting)):
                prepare(where)
                COMMANDS[name](run)
    except Failed as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"{name}: interrupted; the same command goes on where this one was\n")
        return 130
    except Exception as error:  # noqa: BLE001 - no traceback ever reaches a user
        details = _keep(traceback.format_exc(), where)
        sys.stderr.write(f"{name}: unexpected: {error!r}; {details}\n")
        return 3
    return 0


def _keep(details: str, where: Place) -> str:
    """Write the details of a failure to a file; return where they are, in words."""
    log = (where.state if is_prepared(where) else where.cache / "logs") / "unexpected.log"
    try:
        write_atomically(log, details)
    except OSError as error:
        return f"the details cannot be written to {log}: {error.strerror}"
    return f"the details are in {log}"


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
