"""Whether a ConfigMap is the fleet's own.

Anybody who may write ConfigMaps can make one that is well-formed, and two fleets can share a
cluster. Only whoever has the fleet's root secret can sign it. Refuses to look into what a ConfigMap
says.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

from agent.config_map import ConfigMap
from agent.guard import RefusedError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where what is taken comes from: the fleet with this id and key, for this cluster."""

    fleet: str
    cluster: str
    key: bytes = field(repr=False)

    def check(self, one: ConfigMap) -> None:
        """Raise RefusedError for a ConfigMap of another fleet, or one that it has not signed.

        With the signature everything is the fleet's word that is read of it, the text by its
        checksum.
        """
        if one.fleet != self.fleet:
            said = f"another fleet, with the id {one.fleet!r:.80}" if one.fleet else "no fleet"
            raise RefusedError(
                "fleet",
                f"its label cellwright.dev/fleet-id says that it is of {said}: this router is of "
                f"{self.fleet!r}; `cellwright up --all` writes the fleet's own directory",
            )
        signature = one.signature.encode()
        if not hmac.compare_digest(signature, self._signature(one).encode()):
            said = "its signature is not the fleet's" if signature else "it is not signed"
            raise RefusedError(
                "signature",
                f"{said}: somebody else has written it, or an older release; `cellwright up --all` "
                "writes the fleet's own; where that is refused for what it says, delete it first, "
                "and `cellwright adopt` makes it anew",
            )

    def _signature(self, one: ConfigMap) -> str:
        """Return the right one: HMAC-SHA256 of lines, of which a ConfigMap's own have no end."""
        where = ("cellwright directory", self.fleet, self.cluster, one.name)
        said = (one.shards, one.checksum, one.epoch, one.maximum_loss)
        return hmac.new(self.key, "\n".join((*where, *said)).encode(), hashlib.sha256).hexdigest()
