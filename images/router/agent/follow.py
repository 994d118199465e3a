"""The directory, followed for ever: listed, watched, and listed again where a watch can't go on.

Refuses to give up: while the API server is away it tries again with growing pauses, and the
routers go on with what they have.
"""

import random
import time
from collections.abc import Callable
from typing import NamedTuple

from agent.api import ApiError, Directory, ExpiredError
from agent.log import log
from agent.table import ConfigMap

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 15.0


class Batch(NamedTuple):
    """ConfigMaps that came together, from a list or from a watch."""

    found: list[ConfigMap]
    listed: bool


def follow(directory: Directory, put: Callable[[Batch], None]) -> None:
    """Put what the directory says; never returns."""
    pause = SHORTEST_PAUSE
    while True:
        began = time.monotonic()
        try:
            _once(directory, put)
        except ApiError as error:
            directory.stale = directory.stale or isinstance(error, ExpiredError)
            log(str(error))
        lasted = time.monotonic() - began
        pause = SHORTEST_PAUSE if lasted > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (spreads the routers)


def _once(directory: Directory, put: Callable[[Batch], None]) -> None:
    if directory.stale:
        directory.stale = False
        try:
            for page in directory.listed():
                put(Batch(page, listed=True))
        except ApiError:
            directory.stale = True
            raise
        log("the directory is listed", version=directory.version)
    for changed in directory.watched():
        put(Batch(changed, listed=False))
