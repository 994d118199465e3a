"""The threads of a process that all live or none: any one's death is the end of the process.

Kubelet starts it again. Refuses to end threads in any other way.
"""

import os
import signal
import threading
import traceback
from collections.abc import Callable

from agent.log import log


def prepare() -> threading.Event:
    """Return what is set by the signals to stop; from now on threads die together."""
    stopping = threading.Event()
    # SIGUSR1 too: it is HAProxy's signal to stop, and the image's.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, lambda *_: stopping.set())
    threading.excepthook = _die
    return stopping


def start(name: str, run: Callable[[], None]) -> None:
    """Start a thread, which never ends."""
    threading.Thread(target=run, name=name, daemon=True).start()


def _die(failure: threading.ExceptHookArgs) -> None:
    thread = failure.thread.name if failure.thread else ""
    trace = "".join(traceback.format_exception(failure.exc_type, failure.exc_value, None))
    log("a thread died, and the process with it", thread=thread, error=trace)
    os._exit(1)
