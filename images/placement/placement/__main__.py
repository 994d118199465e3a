"""`python3 -m placement`: the main loop and the threads around it.

Any thread's death is the end of the process, which kubelet starts again.
"""

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable

from agent.follow import follow
from agent.log import log
from agent.server import Server
from agent.settings import SettingsError

from placement.placer import Placer
from placement.settings import read_settings
from placement.status import Status

OBJECTS = 500_000
"""New objects between two looks for garbage that refers to itself, of which there is hardly any."""


def main() -> int:
    """Run until a signal asks to stop."""
    gc.set_threshold(OBJECTS)
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        log("the placement can't start", error=str(error))
        return 2
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    threading.excepthook = _die
    status = Status()
    placer = Placer(settings, status)
    _start("server", Server(settings.address, settings.port, status).run)
    _start("directory", lambda: follow(placer.directory, placer.put))
    placer.run(stopping)
    log("the placement ends")
    return 0


def _start(name: str, run: Callable[[], None]) -> None:
    threading.Thread(target=run, name=name, daemon=True).start()


def _die(failure: threading.ExceptHookArgs) -> None:
    thread = failure.thread.name if failure.thread else ""
    trace = "".join(traceback.format_exception(failure.exc_type, failure.exc_value, None))
    log("a thread died, and the placement with it", thread=thread, error=trace)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
