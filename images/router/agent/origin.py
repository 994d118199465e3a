"""Whether a ConfigMap is the fleet's own.

Anybody who may write ConfigMaps can make one that is well-formed, and two fleets can share a
cluster. Refuses to look into what a ConfigMap says.
"""

from dataclasses import dataclass

from agent.config_map import ConfigMap
from agent.guard import RefusedError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where what is taken comes from: the fleet with this id."""

    fleet: str

    def check(self, one: ConfigMap) -> None:
        """Raise RefusedError for a ConfigMap of another fleet, or of none."""
        if one.fleet != self.fleet:
            said = f"another fleet, with the id {one.fleet!r:.80}" if one.fleet else "no fleet"
            raise RefusedError(
                "fleet",
                f"its label cellwright.dev/fleet-id says that it is of {said}: this router is of "
                f"{self.fleet!r}; `cellwright up --all` writes the fleet's own directory",
            )
