"""`python3 -m agent`: the agent's main loop and the threads around it.

Any thread's death is the end of the process, which kubelet starts again; HAProxy goes on
meanwhile. Refuses to linger: asked to stop, it writes what is not yet on disk and ends.
"""

import gc
import os
import sys

from agent.agent import Agent
from agent.bodies import Bodies
from agent.certificate import Certificate, read_pair
from agent.follow import follow
from agent.issue import Issuer
from agent.log import log
from agent.server import Server
from agent.settings import Settings, SettingsError, read_settings
from agent.status import Status
from agent.threads import prepare, start

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
    stopping = prepare()
    status = Status()
    agent = Agent(settings, status)
    for purpose, certificate in _certificates(settings).items():
        status.certificates[purpose] = certificate.status
        start(f"certificate for {purpose}", certificate.run)
    bodies = Bodies(settings.socket)
    status.bodies = bodies
    server = Server(settings.address, settings.port, status, {b"/table": status.table})
    start("server", server.run)
    start("resolver", agent.resolver.run)
    start("publisher", agent.publisher.run)
    start("bodies", bodies.run)
    start("directory", lambda: follow(agent.directory, agent.put))
    agent.run(stopping)
    log("the agent ends")
    return 0


def _certificates(settings: Settings) -> dict[str, Certificate]:
    """Return the certificates by whom they are for."""
    own = Issuer(settings.authority, "router", settings.cell, settings.lifetime)
    socket = settings.socket
    found = {"routers": Certificate(lambda: own.current().text, settings.hop_certificate, socket)}
    if folder := settings.tls:
        found["clients"] = Certificate(lambda: read_pair(folder), settings.certificate, socket)
    return found


if __name__ == "__main__":
    sys.exit(main())
