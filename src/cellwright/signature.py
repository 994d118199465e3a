"""What shows that a ConfigMap of the directory was written by whoever has the root secret.

Whoever may write ConfigMaps could else send every organization's requests anywhere, and collect the
key by which routers believe each other. A signature (HMAC-SHA256) covers all that routers take from
a ConfigMap, and where: its fleet, cluster and name, of how many shards it is one, the checksum of
its text, and the rules. A second one covers the homes that stand beside a shard's text, which
placements take and routers do not: routers of a release without them check the first alone. It is
put on when an object is applied, since nothing before that knows
the root secret. Refuses to read clusters.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from cellwright.changes import DIRECTORY
from cellwright.identity import FLEET_ID_LABEL
from cellwright.manifest import Manifest
from cellwright.secret import derive

SIGNATURE = "cellwright.dev/signature"
HOMES_SIGNATURE = "cellwright.dev/homes-signature"
_KEY = "fleet/directory-key"
"""The secret that templates call `fleet_secret("directory-key")`."""
_CHECKSUM = "cellwright.dev/checksum"
_SIGNED = tuple(f"cellwright.dev/{key}" for key in ("shards", "checksum", "epoch", "maximum-loss"))
"""The annotations that it covers, in their order; one that is not there counts as empty."""


def signed(body: Mapping[str, Any], cluster: str, root: bytes) -> Mapping[str, Any]:
    """Return an object with the fleet's id as it is applied to a cluster: signed, if routers take
    it.
    """
    if not _is_for_routers(body):
        return body
    metadata = body["metadata"]
    notes = metadata.get("annotations") or {}
    said = [metadata["labels"][FLEET_ID_LABEL], cluster, metadata["name"]]
    proofs = {
        SIGNATURE: _proof(
            root, "cellwright directory", *said, *(notes.get(key, "") for key in _SIGNED)
        )
    }
    if _is_shard(body):
        text = body["data"]["homes"].encode()
        about = (notes[_CHECKSUM], hashlib.sha256(text).hexdigest())
        proofs[HOMES_SIGNATURE] = _proof(root, "cellwright homes", *said, *about)
    return _with_annotations(body, proofs)


def with_signature_of(body: Mapping[str, Any], live: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object with the signatures that a live one has.

    So they are compared without the root secret: what is signed differs, if anything does.
    """
    notes = live["metadata"].get("annotations") or {}
    found = {key: notes[key] for key in (SIGNATURE, HOMES_SIGNATURE) if notes.get(key)}
    return _with_annotations(body, found) if found and _is_for_routers(body) else body


def unsigned(held: Iterable[Manifest]) -> frozenset[str]:
    """Return the clusters with a directory that routers or placements do not take: an older release
    has written it, and not signed it, or not its homes.
    """
    return frozenset(
        one.cluster
        for one in held
        if _is_for_routers(one.body)
        and not _needed(one.body) <= (one.body["metadata"].get("annotations") or {}).keys()
    )


def _needed(body: Mapping[str, Any]) -> set[str]:
    return {SIGNATURE, HOMES_SIGNATURE} if _is_shard(body) else {SIGNATURE}


def _proof(root: bytes, *said: str) -> str:
    key = derive(root, _KEY).encode()
    return hmac.new(key, "\n".join(said).encode(), hashlib.sha256).hexdigest()


def _is_for_routers(body: Mapping[str, Any]) -> bool:
    return body["kind"] == "ConfigMap" and DIRECTORY in (body["metadata"].get("labels") or {})


def _is_shard(body: Mapping[str, Any]) -> bool:
    return bool(body["metadata"]["labels"][DIRECTORY] == "shard")


def _with_annotations(body: Mapping[str, Any], more: Mapping[str, str]) -> dict[str, Any]:
    metadata = body["metadata"]
    annotations = {**(metadata.get("annotations") or {}), **more}
    return {**body, "metadata": {**metadata, "annotations": annotations}}
