"""What tests say of a run that `up` refuses or begins."""

from tests.cli.conftest import Done
from tests.cli.standins import World

CALLED = "pulumi was called"
"""What `up` ends with where nothing is refused, and Pulumi is a stand-in."""


def only_asked(world: World) -> bool:
    """Tell whether nothing was made or run by Pulumi."""
    return all(line.startswith(("stack ls", "config --show")) for line in world.pulumi)


def codes(done: Done) -> list[str]:
    """Return the codes of the problems that were printed."""
    return [line.split()[1] for line in done.out.splitlines() if ": CW" in line]
