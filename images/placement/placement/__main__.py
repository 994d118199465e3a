"""`python3 -m placement`: the main loop and the threads around it.

Any thread's death is the end of the process, which kubelet starts again.
"""

import gc
import os
import sys

from agent.follow import follow
from agent.log import log
from agent.server import Server
from agent.settings import SettingsError
from agent.threads import prepare, start

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
    stopping = prepare()
    status = Status()
    placer = Placer(settings, status)
    server = Server(settings.address, settings.port, status, {b"/table": status.table})
    start("server", server.run)
    start("directory", lambda: follow(placer.directory, placer.put))
    placer.run(stopping)
    log("the placement ends")
    return 0


if __name__ == "__main__":
    sys.exit(main())
