"""One builder at a time for each thing in the cache, in a folder of its own.

What is being made is nobody else's business until it is complete: see `files.publish`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.files import locked, scratch
from local.place import Place
from local.report import Report


@contextmanager
def workshop(name: str, place: Place, report: Report) -> Iterator[Path]:
    """Wait until nobody else makes `name` on this cache; give an empty folder to make it in.

    The caller looks again whether it still has to be made: another run may just have done so.
    """
    lock = place.cache / "locks" / name
    with (
        locked(lock, lambda: report.say(f"waiting for another run that makes {name}")),
        scratch(place.cache / "tmp" / name) as folder,
    ):
        yield folder
