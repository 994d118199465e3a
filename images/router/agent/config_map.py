"""What the agent reads of the directory's ConfigMaps. Refuses to know what their texts say."""

from dataclasses import dataclass

CELLS = "directory-cells"
"""The ConfigMap of the cells; the others are shards."""


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """One ConfigMap; a `version` of 0 is unknown. `fleet` is the id of the fleet that it is of.

    `shards` is how many there are; `epoch` and `maximum_loss` are said by the cells' only. The
    `homes` beside a shard's text are for placements, and have a signature of their own.
    """

    name: str
    text: bytes
    checksum: str
    shards: str = ""
    version: int = 0
    epoch: str = ""
    maximum_loss: str = ""
    fleet: str = ""
    signature: str = ""
    homes: str = ""
    homes_signature: str = ""
