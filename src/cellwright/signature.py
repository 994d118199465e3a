"""What shows routers that a ConfigMap of the directory was written by whoever has the root secret.

Whoever may write ConfigMaps could else send every organization's requests anywhere. A signature
(Ed25519) covers all that routers take from a ConfigMap, and where: its fleet, cluster and name, of
how many shards it is one, the checksum of its text, and the rules. It is put on when an object is
applied, since nothing before that knows the root secret. Refuses to read clusters.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cellwright.changes import DIRECTORY
from cellwright.identity import FLEET_ID_LABEL
from cellwright.manifest import Manifest

SIGNATURE = "cellwright.dev/signature"
_FORM = re.compile("[0-9a-f]{128}")
_SIGNED = tuple(f"cellwright.dev/{key}" for key in ("shards", "checksum", "epoch", "maximum-loss"))
"""The annotations that it covers, in their order; one that is not there counts as empty."""


def signed(
    body: Mapping[str, Any], cluster: str, key: Ed25519PrivateKey | None
) -> Mapping[str, Any]:
    """Return an object with the fleet's id as it is applied to a cluster: signed, if routers take
    it, by whoever has the key.
    """
    if key is None or not _is_for_routers(body):
        return body
    return _with_signature(body, key.sign(_said(body, cluster)).hex())


def is_signed_by(body: Mapping[str, Any], cluster: str, key: Ed25519PrivateKey) -> bool:
    """Return whether an object as read from a cluster was signed with this key."""
    found = (body["metadata"].get("annotations") or {}).get(SIGNATURE, "")
    try:
        key.public_key().verify(bytes.fromhex(found), _said(body, cluster))
    except (InvalidSignature, ValueError):
        return False
    return True


def _said(body: Mapping[str, Any], cluster: str) -> bytes:
    """Return what is signed."""
    metadata = body["metadata"]
    notes = metadata.get("annotations") or {}
    said = [(metadata.get("labels") or {}).get(FLEET_ID_LABEL, ""), cluster, metadata["name"]]
    lines = ["cellwright directory", *said, *(notes.get(key, "") for key in _SIGNED)]
    return "\n".join(lines).encode()


def with_signature_of(body: Mapping[str, Any], live: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object with the signature that a live one has.

    So they are compared without the root secret: what is signed differs, if anything does.
    """
    found = (live["metadata"].get("annotations") or {}).get(SIGNATURE)
    return _with_signature(body, found) if found and _is_for_routers(body) else body


def unsigned(held: Iterable[Manifest]) -> frozenset[str]:
    """Return the clusters with a directory that routers do not take, for it is not signed, or in
    the way of an older release.
    """
    return frozenset(
        one.cluster
        for one in held
        if _is_for_routers(one.body)
        and not _FORM.fullmatch((one.body["metadata"].get("annotations") or {}).get(SIGNATURE, ""))
    )


def _is_for_routers(body: Mapping[str, Any]) -> bool:
    return body["kind"] == "ConfigMap" and DIRECTORY in (body["metadata"].get("labels") or {})


def _with_signature(body: Mapping[str, Any], proof: str) -> dict[str, Any]:
    metadata = body["metadata"]
    annotations = {**(metadata.get("annotations") or {}), SIGNATURE: proof}
    return {**body, "metadata": {**metadata, "annotations": annotations}}
