"""Whether a ConfigMap is the fleet's own.

Anybody who may write ConfigMaps can make one that is well-formed, and two fleets can share a
cluster. Only whoever has the fleet's root secret can sign it; routers and placements know the
public keys, two of them while the root secret is rotated. Refuses to look into what a ConfigMap
says.
"""

import hashlib
from dataclasses import dataclass

from agent.config_map import CELLS, ConfigMap
from agent.ed25519 import PublicKey
from agent.guard import RefusedError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where what is taken comes from: the fleet with this id and these keys, for this cluster.

    Whoever takes the `homes` of shards asks for their signature, too.
    """

    fleet: str
    cluster: str
    keys: tuple[PublicKey, ...]
    homes: bool = False

    def check(self, one: ConfigMap) -> None:
        """Raise RefusedError for a ConfigMap of another fleet, or one that it has not signed.

        With the signatures everything is the fleet's word that is read of it, the text by its
        checksum.
        """
        if one.fleet != self.fleet:
            whose = f"another fleet, with the id {one.fleet!r:.80}" if one.fleet else "no fleet"
            raise RefusedError(
                "fleet",
                f"its label cellwright.dev/fleet-id says that it is of {whose}: this cell is of "
                f"{self.fleet!r}; `cellwright up --all` writes the fleet's own directory",
            )
        said = (one.shards, one.checksum, one.epoch, one.maximum_loss)
        if not self._is_signed(one, one.signature, "cellwright directory", *said):
            has = "its signature is not the fleet's" if one.signature else "it is not signed"
            raise _unsigned(has)
        if self.homes and one.name != CELLS:
            homes = hashlib.sha256(one.homes.encode()).hexdigest()
            about = (one.checksum, homes)
            if not self._is_signed(one, one.homes_signature, "cellwright homes", *about):
                wrong = "its homes' signature is not the fleet's"
                raise _unsigned(wrong if one.homes_signature else "its homes are not signed")

    def _is_signed(self, one: ConfigMap, proof: str, kind: str, *said: str) -> bool:
        """Tell whether one of the keys has signed lines, of which a ConfigMap's have no end."""
        text = "\n".join((kind, self.fleet, self.cluster, one.name, *said)).encode()
        try:
            signature = bytes.fromhex(proof)
        except ValueError:
            return False
        return any(key.verifies(signature, text) for key in self.keys)


def _unsigned(has: str) -> RefusedError:
    return RefusedError(
        "signature",
        f"{has}: somebody else has written it, or an older release; `cellwright up --all` "
        "writes the fleet's own; where that is refused for what it says, delete it first, "
        "and `cellwright adopt` makes it anew",
    )
