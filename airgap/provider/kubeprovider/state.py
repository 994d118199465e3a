"""The shapes of an object between program, state and API server; pure.

inputs: what the program wrote, as Pulumi keeps it. manifest: what is applied. outputs: what the
server answered, as kept in the state, with the names that the official plugin uses, so that either
plugin can go on with the other's state.
"""

import base64
import binascii
from typing import Any

from .diff import drifted
from .objects import LAST_APPLIED, SERVER_METADATA, Json, is_secret

MANAGER = "__fieldManager"
INITIAL_VERSION = "__initialApiVersion"


def manifest_of(inputs: Json) -> Json:
    """What to apply: without fields that only the server writes, `stringData` moved to `data`.

    The API server itself merges `stringData` into `data` but leaves the ownership of the merged
    keys open, so that they would not go away again when the program drops them.
    """
    manifest = {
        **inputs,
        "metadata": {
            key: value for key, value in inputs["metadata"].items() if key not in SERVER_METADATA
        },
    }
    if is_secret(inputs) and "stringData" in inputs:
        texts = manifest.pop("stringData")
        encoded = {
            key: base64.b64encode(str(text).encode()).decode() for key, text in texts.items()
        }
        manifest["data"] = {**inputs.get("data", {}), **encoded}
    return manifest


def outputs_of(live: Json, manager: str) -> Json:
    """What the state keeps of an object: all but the ownership records and kubectl's copy."""
    metadata = {
        key: value for key, value in live.get("metadata", {}).items() if key != "managedFields"
    }
    if LAST_APPLIED in (metadata.get("annotations") or {}):
        kept = {key: v for key, v in metadata["annotations"].items() if key != LAST_APPLIED}
        metadata["annotations"] = kept
    return {
        **live,
        "metadata": metadata,
        MANAGER: manager,
        INITIAL_VERSION: live.get("apiVersion"),
    }


def preview_of(dry: Json, inputs: Json, manager: str) -> Json:
    """What a preview promises: no status, and the object's own place, wherever it was tried."""
    outputs = outputs_of(dry, manager)
    outputs.pop("status", None)
    place = {
        key: inputs["metadata"][key] for key in ("name", "namespace") if key in inputs["metadata"]
    }
    outputs["metadata"] = {**outputs["metadata"], **place}
    return outputs


def live_of(outputs: Json) -> Json:
    """The object of a state, without this provider's and the official one's own fields."""
    return {key: value for key, value in outputs.items() if not key.startswith("__")}


def refreshed_inputs(inputs: Json, outputs: Json, live: Json) -> Json:
    """The inputs with what the cluster changed since `outputs`, so that a diff shows it."""
    before = live_of(outputs)
    if is_secret(inputs) and "stringData" in inputs:
        texts = inputs["stringData"]
        before, live = _with_texts(before, texts), _with_texts(live, texts)
    return drifted(inputs, before, live)


def _with_texts(obj: Json, texts: Json) -> Json:
    data = obj.get("data") or {}
    shown = {key: _text(data[key]) for key in texts if key in data}
    return {**obj, "stringData": shown} if data else obj


def _text(encoded: Any) -> str:
    try:
        return base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return str(encoded)


def imported_inputs(live: Json) -> Json:
    """Inputs for an object that was made by others: all of it that a person could have written."""
    metadata = {k: v for k, v in live["metadata"].items() if k not in SERVER_METADATA}
    annotations = {
        key: value
        for key, value in (metadata.pop("annotations", None) or {}).items()
        if key not in (LAST_APPLIED, "deployment.kubernetes.io/revision")
    }
    if annotations:
        metadata["annotations"] = annotations
    return {key: value for key, value in live.items() if key != "status"} | {"metadata": metadata}
