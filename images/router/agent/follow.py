"""The directory, followed for ever: listed, watched, and listed again where a watch can't go on.

Refuses to give up: while the API server is away it tries again with growing pauses, and the
routers go on with what they have.
"""

import random
import time
from collections.abc import Callable

from agent.answers import AnswerError
from agent.api import ApiError, Batch, Directory, ExpiredError
from agent.log import log

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 15.0


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
        except AnswerError as error:
            directory.odd_answers += 1
            directory.stale = True  # what it left out is in the next list
            log(
                "the API server's answer can't be used; what was good before is kept",
                error=str(error),
            )
        lasted = time.monotonic() - began
        pause = SHORTEST_PAUSE if lasted > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (spreads the routers)


def _once(directory: Directory, put: Callable[[Batch], None]) -> None:
    if directory.stale:
        directory.stale = False
        try:
            for page in directory.listed():
                put(page)
        except (ApiError, AnswerError):
            directory.stale = True
            raise
        log("the directory is listed", version=directory.version)
    else:
        directory.check()
    for changed in directory.watched():
        put(changed)
