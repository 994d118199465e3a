"""Runs one verb, and turns whatever happens into an exit code."""

import argparse
import os
import signal
import sys
from importlib import import_module

from cellwright.cli.report import prepare, tell
from cellwright.edge.failure import CommandError, NoWorkspaceError
from cellwright.edge.root import workspace


def run(parsed: argparse.Namespace) -> int:
    """Run the verb that was parsed and return the exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # whoever started this has closed it
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - without pathlib
    prepare()
    signal.signal(signal.SIGTERM, _interrupt)
    called = f"cellwright {parsed.verb}"
    module = import_module(parsed.module)
    try:
        if getattr(module, "NEEDS_WORKSPACE", True):
            root = workspace(parsed.root)
            # A verb that loads little goes without pathlib, too.
            is_light = getattr(module, "IS_LIGHT", False)
            parsed.root = root if is_light else import_module("pathlib").Path(root)
        return int(module.run(parsed))
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (CommandError, NoWorkspaceError) as error:
        tell(f"{called}: {error}")
        return 1
    except OSError as error:
        tell(f"{called}: {_sentence(error)}")
        return 1
    except KeyboardInterrupt:
        tell(f"{called}: interrupted")
        return 130


def _interrupt(_number: int, _frame: object) -> None:
    """End as after Ctrl-C: what runs is ended in order, and leases are given back."""
    raise KeyboardInterrupt


def _sentence(error: OSError) -> str:
    if error.filename is None or error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror.lower()}"
