"""Whether a ConfigMap is the fleet's own.

Anybody who may write ConfigMaps can make one that is well-formed, and two fleets can share a
cluster. Only whoever has the fleet's root secret can sign it. Refuses to look into what a ConfigMap
says.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

from agent.config_map import CELLS, ConfigMap
from agent.guard import RefusedError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where what is taken comes from: the fleet with this id and key, for this cluster.

    Whoever takes the `homes` of shards asks for their signature, too.
    """

    fleet: str
    cluster: str
    key: bytes = field(repr=False)
    homes: bool = False

    def check(self, one: ConfigMap) -> None:
        """Raise RefusedError for a ConfigMap of another fleet, or one that it has not signed.

        With the signature everything is the fleet's word that is read of it, the text by its
        checksum.
        """
        if one.fleet != self.fleet:
            said = f"another fleet, with the id {one.fleet!r:.80}" if one.fleet else "no fleet"
            raise RefusedError(
                "fleet",
                f"its label cellwright.dev/fleet-id says that it is of {said}: this cell is of "
                f"{self.fleet!r}; `cellwright up --all` writes the fleet's own directory",
            )
        self._check_signature(one.signature, self._signature(one), "its signature", "it")
        if self.homes and one.name != CELLS:
            wanted = self._homes_signature(one)
            self._check_signature(one.homes_signature, wanted, "its homes' signature", "its homes")

    def _check_signature(self, found: str, wanted: str, called: str, subject: str) -> None:
        if not hmac.compare_digest(found.encode(), wanted.encode()):
            is_or_are = "is" if subject == "it" else "are"
            said = f"{called} is not the fleet's" if found else f"{subject} {is_or_are} not signed"
            raise RefusedError(
                "signature",
                f"{said}: somebody else has written it, or an older release; `cellwright up --all` "
                "writes the fleet's own; where that is refused for what it says, delete it first, "
                "and `cellwright adopt` makes it anew",
            )

    def _signature(self, one: ConfigMap) -> str:
        """Return the right one: HMAC-SHA256 of lines, of which a ConfigMap's own have no end."""
        said = (one.shards, one.checksum, one.epoch, one.maximum_loss)
        return self._signed("cellwright directory", one, *said)

    def _homes_signature(self, one: ConfigMap) -> str:
        """Return that of a shard's homes; it holds for the text beside them alone."""
        homes = hashlib.sha256(one.homes.encode()).hexdigest()
        return self._signed("cellwright homes", one, one.checksum, homes)

    def _signed(self, kind: str, one: ConfigMap, *said: str) -> str:
        text = "\n".join((kind, self.fleet, self.cluster, one.name, *said))
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()
