"""Reduces a cluster's OpenAPI documents to the types that manifests are held against.

Source: OpenAPI 3.0 as an API server publishes it under /openapi/v3, one document for each group
and version, with the `x-kubernetes-*` extensions. Refuses to fetch anything.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

_PREFIXES = ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apimachinery.pkg.", "io.k8s.")
_WHOLE = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "any",
}
_LABELS = {
    ("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "labels"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector", "matchLabels"),
}
"""Maps whose keys and values have a form that OpenAPI does not tell."""
_REFERENCE = "#/components/schemas/"


def reduce(version: str, documents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the reduced document of a Kubernetes version from all of its OpenAPI documents."""
    schemas: dict[str, Any] = {}
    scopes: dict[tuple[str, str], bool] = {}
    for document in documents:
        schemas |= document.get("components", {}).get("schemas", {})
        scopes |= _scopes(document.get("paths", {}))
    kinds: dict[str, dict[str, Any]] = {}
    used: dict[str, Any] = {}
    for name, schema in schemas.items():
        for gvk in schema.get("x-kubernetes-group-version-kind", ()):
            api_version = "/".join(part for part in (gvk["group"], gvk["version"]) if part)
            if (api_version, gvk["kind"]) in scopes:
                kinds.setdefault(api_version, {})[gvk["kind"]] = {
                    "type": _short(name),
                    "namespaced": scopes[api_version, gvk["kind"]],
                }
                _use(name, schemas, used)
    return {"kubernetes": version, "kinds": _sorted(kinds), "types": dict(sorted(used.items()))}


def dump(document: Mapping[str, Any]) -> str:
    """Return a reduced document as JSON with one kind or type a line, for readable changes."""
    lines = [f'{{"kubernetes": {json.dumps(document["kubernetes"])}']
    for part in ("kinds", "types"):
        entries = [
            f"  {json.dumps(name)}: {json.dumps(body, separators=(',', ':'))}"
            for name, body in document[part].items()
        ]
        lines.append(f'"{part}": {{\n' + ",\n".join(entries) + "\n}")
    return ",\n".join(lines) + "}\n"


def _sorted(kinds: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: dict(sorted(kinds[name].items())) for name in sorted(kinds)}


def _scopes(paths: Mapping[str, Any]) -> dict[tuple[str, str], bool]:
    """Return which kinds can be created, and whether that is done in a namespace."""
    found = {}
    for path, methods in paths.items():
        gvk = methods.get("post", {}).get("x-kubernetes-group-version-kind")
        if gvk and not path.endswith("}") and "/{name}/" not in path:
            api_version = "/".join(part for part in (gvk["group"], gvk["version"]) if part)
            found[api_version, gvk["kind"]] = "/namespaces/{namespace}/" in path
    return found


def _short(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def _use(name: str, schemas: Mapping[str, Any], used: dict[str, Any]) -> str:
    """Return the reduced name of a schema, and see that it is among `used`."""
    if name in _WHOLE:
        return _WHOLE[name]
    short = _short(name)
    if short not in used:
        used[short] = "any"  # in case it refers to itself
        used[short] = _type(schemas[name], schemas, used)
        for owner, field in _LABELS:
            if owner == name:
                used[short]["fields"][field] = {"map": "label"}
    return short


def _type(schema: Mapping[str, Any], schemas: Mapping[str, Any], used: dict[str, Any]) -> Any:
    reference = schema.get("$ref")
    if reference is None and len(schema.get("allOf", ())) == 1:
        reference = schema["allOf"][0].get("$ref")
    if reference is not None:
        return _use(reference.removeprefix(_REFERENCE), schemas, used)
    if schema.get("type") == "object" or "properties" in schema:
        return _object(schema, schemas, used)
    if schema.get("type") == "array":
        items = _type(schema["items"], schemas, used)
        return {"list": items, "key": _list_key(schema)}
    return _simple(schema)


def _simple(schema: Mapping[str, Any]) -> Any:
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return "int-or-string"
    kind = schema.get("type")
    if kind == "string" and "enum" in schema:
        return {"enum": schema["enum"]}
    if kind == "integer":
        return "int32" if schema.get("format") == "int32" else "int64"
    return kind if kind in ("string", "boolean", "number") else "any"


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], used: dict[str, Any]) -> Any:
    is_open = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    if schema.get("x-kubernetes-embedded-resource"):
        return "any"
    if "properties" in schema:
        fields = {
            name: _type(one, schemas, used) for name, one in sorted(schema["properties"].items())
        }
        found: dict[str, Any] = {"fields": fields}
        if schema.get("required"):
            found["required"] = sorted(schema["required"])
        if is_open:
            found["open"] = True
        return found
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping):
        return {"map": _type(values, schemas, used)}
    return "any" if is_open or values is not False else {"fields": {}}


def _list_key(schema: Mapping[str, Any]) -> str:
    """Return the field that tells a list's items apart when it is patched; none: it is replaced.

    The strategic merge's key where there is one; or else that of server-side apply.
    """
    if schema.get("x-kubernetes-patch-strategy", "") in ("merge", "merge,retainKeys"):
        return str(schema.get("x-kubernetes-patch-merge-key", ""))
    keys = schema.get("x-kubernetes-list-map-keys", ())
    return str(keys[0]) if len(keys) == 1 else ""
