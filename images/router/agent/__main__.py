"""`python3 -m agent`: the agent's main loop and the threads around it.

Any thread's death is the end of the process, which kubelet starts again; HAProxy goes on
meanwhile. Refuses to linger: asked to stop, it writes what is not yet on disk and ends.
"""

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable

from agent.agent import Agent
from agent.bodies import Bodies
from agent.certificate import Certificate
from agent.follow import follow
from agent.log import log
from agent.server import Server
from agent.settings import SettingsError, read_settings
from agent.status import Status

OBJECTS = 500_000
"""New objects between two looks for garbage that refers to itself, of which there is hardly any.
Python's 700 would take half of the agent's time while a large table comes in."""


def main() -> int:
    """Run until a signal asks to stop."""
    gc.set_threshold(OBJECTS)
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        log("the agent can't start", error=str(error))
        return 2
    stopping = threading.Event()
    # SIGUSR1 too: it is HAProxy's signal to stop, and the image's.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, lambda *_: stopping.set())
    threading.excepthook = _die
    status = Status()
    agent = Agent(settings, status)
    if settings.tls:
        certificate = Certificate(settings.tls, settings.certificate, settings.socket)
        status.certificate = certificate.status
        _start("certificate", certificate.run)
    bodies = Bodies(settings.socket)
    status.bodies = bodies
    server = Server(settings.address, settings.port, status)
    _start("server", server.run)
    _start("resolver", agent.resolver.run)
    _start("publisher", agent.publisher.run)
    _start("bodies", bodies.run)
    _start("directory", lambda: follow(agent.directory, agent.put))
    agent.run(stopping)
    log("the agent ends")
    return 0


def _start(name: str, run: Callable[[], None]) -> None:
    threading.Thread(target=run, name=name, daemon=True).start()


def _die(failure: threading.ExceptHookArgs) -> None:
    thread = failure.thread.name if failure.thread else ""
    trace = "".join(traceback.format_exception(failure.exc_type, failure.exc_value, None))
    log("a thread died, and the agent with it", thread=thread, error=trace)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
