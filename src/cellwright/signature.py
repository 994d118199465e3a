"""What shows that a ConfigMap of the directory was written by whoever has the root secret.

Whoever may write ConfigMaps could else send every organization's requests anywhere. A signature
(Ed25519) covers all that routers take from a ConfigMap, and where: its fleet, cluster and name, of
how many shards it is one, the checksum of its text, and the rules. A second one covers the homes
that stand beside a shard's text, which placements take and routers do not. They are put on when an
object is applied, since nothing before that knows the root secret. Refuses to read clusters.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cellwright.changes import DIRECTORY
from cellwright.identity import FLEET_ID_LABEL
from cellwright.manifest import Manifest

SIGNATURE = "cellwright.dev/signature"
HOMES_SIGNATURE = "cellwright.dev/homes-signature"
_FORM = re.compile("[0-9a-f]{128}")
_CHECKSUM = "cellwright.dev/checksum"
_SIGNED = tuple(f"cellwright.dev/{key}" for key in ("shards", "checksum", "epoch", "maximum-loss"))
"""The annotations that it covers, in their order; one that is not there counts as empty."""


def signed(
    body: Mapping[str, Any], cluster: str, key: Ed25519PrivateKey | None
) -> Mapping[str, Any]:
    """Return an object with the fleet's id as it is applied to a cluster: signed, if it is one of
    the directory's, by whoever has the key.
    """
    if key is None or not _is_of_directory(body):
        return body
    proofs = {name: key.sign(text).hex() for name, text in _said(body, cluster).items()}
    return _with_annotations(body, proofs)


def is_signed_by(body: Mapping[str, Any], cluster: str, key: Ed25519PrivateKey) -> bool:
    """Return whether an object as read from a cluster was signed with this key."""
    notes = body["metadata"].get("annotations") or {}
    public = key.public_key()
    try:
        for name, text in _said(body, cluster).items():
            public.verify(bytes.fromhex(notes.get(name, "")), text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _said(body: Mapping[str, Any], cluster: str) -> dict[str, bytes]:
    """Return what is signed, by the annotation that has the signature."""
    metadata = body["metadata"]
    notes = metadata.get("annotations") or {}
    where = [(metadata.get("labels") or {}).get(FLEET_ID_LABEL, ""), cluster, metadata["name"]]
    said = {SIGNATURE: ["cellwright directory", *where, *(notes.get(key, "") for key in _SIGNED)]}
    if _is_shard(body):
        homes = hashlib.sha256((body.get("data") or {}).get("homes", "").encode()).hexdigest()
        said[HOMES_SIGNATURE] = ["cellwright homes", *where, notes.get(_CHECKSUM, ""), homes]
    return {name: "\n".join(lines).encode() for name, lines in said.items()}


def with_signature_of(body: Mapping[str, Any], live: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object with the signatures that a live one has.

    So they are compared without the root secret: what is signed differs, if anything does.
    """
    notes = live["metadata"].get("annotations") or {}
    found = {key: notes[key] for key in (SIGNATURE, HOMES_SIGNATURE) if notes.get(key)}
    return _with_annotations(body, found) if found and _is_of_directory(body) else body


def unsigned(held: Iterable[Manifest], keys: Collection[Ed25519PrivateKey] = ()) -> frozenset[str]:
    """Return the clusters with a directory that routers or placements do not take: an older release
    has written it, and not signed it, or in its own way, or not its homes; or somebody has who has
    none of the `keys`, if any are known.
    """
    return frozenset(
        one.cluster
        for one in held
        if _is_of_directory(one.body)
        and not (
            any(is_signed_by(one.body, one.cluster, key) for key in keys)
            if keys
            else _has_signatures(one.body)
        )
    )


def _has_signatures(body: Mapping[str, Any]) -> bool:
    notes = body["metadata"].get("annotations") or {}
    wanted = (SIGNATURE, HOMES_SIGNATURE) if _is_shard(body) else (SIGNATURE,)
    return all(_FORM.fullmatch(notes.get(name, "")) for name in wanted)


def _is_of_directory(body: Mapping[str, Any]) -> bool:
    return body["kind"] == "ConfigMap" and DIRECTORY in (body["metadata"].get("labels") or {})


def _is_shard(body: Mapping[str, Any]) -> bool:
    return bool((body["metadata"].get("labels") or {}).get(DIRECTORY) == "shard")


def _with_annotations(body: Mapping[str, Any], more: Mapping[str, str]) -> dict[str, Any]:
    metadata = body["metadata"]
    annotations = {**(metadata.get("annotations") or {}), **more}
    return {**body, "metadata": {**metadata, "annotations": annotations}}
