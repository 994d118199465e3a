"""Whether a ConfigMap is the fleet's own.

Anybody who may write ConfigMaps can make one that is well-formed, and two fleets can share a
cluster. Only whoever has the fleet's root secret can sign it; routers know the public keys, two of
them while the root secret is rotated. Refuses to look into what a ConfigMap says.
"""

from dataclasses import dataclass

from agent.config_map import ConfigMap
from agent.ed25519 import PublicKey
from agent.guard import RefusedError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where what is taken comes from: the fleet with this id and these keys, for this cluster."""

    fleet: str
    cluster: str
    keys: tuple[PublicKey, ...]

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
        if not self._is_signed(one):
            said = "its signature is not the fleet's" if one.signature else "it is not signed"
            raise RefusedError(
                "signature",
                f"{said}: somebody else has written it, or an older release; `cellwright up --all` "
                "writes the fleet's own; where that is refused for what it says, delete it first, "
                "and `cellwright adopt` makes it anew",
            )

    def _is_signed(self, one: ConfigMap) -> bool:
        """Tell whether one of the keys has signed it: lines, of which a ConfigMap's have no end."""
        where = ("cellwright directory", self.fleet, self.cluster, one.name)
        said = (one.shards, one.checksum, one.epoch, one.maximum_loss)
        text = "\n".join((*where, *said)).encode()
        try:
            signature = bytes.fromhex(one.signature)
        except ValueError:
            return False
        return any(key.verifies(signature, text) for key in self.keys)
