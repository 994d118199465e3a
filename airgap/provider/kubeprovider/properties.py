"""Pulumi's property maps as plain values with the paths of what is secret, and back.

The wire form (a protobuf Struct in which objects with a signature key stand for secrets and output
values, and fixed strings for values that a preview cannot know yet) is described in Pulumi's
developer docs under "property values". Assets and archives have no place in Kubernetes objects and
are refused.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, NamedTuple

from google.protobuf import struct_pb2  # type: ignore[import-untyped]  # ships no types

from .objects import Json, is_secret

Path = tuple[str | int, ...]

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark of the wire format
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # a string, or anything
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # a list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    }
)


class Properties(NamedTuple):
    """Plain values, and the paths below which they are secret."""

    values: Json
    secrets: frozenset[Path]


def decode(struct: struct_pb2.Struct) -> Properties:
    """Plain values of a property map; nulls in objects are left out, whole numbers become int."""
    secrets: set[Path] = set()
    values = _decode_fields(struct.fields, (), secrets)
    return Properties(values, frozenset(secrets))


def _decode_fields(fields: Any, path: Path, secrets: set[Path]) -> Json:
    return {
        key: _decode(value, (*path, key), secrets)
        for key, value in fields.items()
        if value.WhichOneof("kind") not in ("null_value", None)
    }


def _decode(value: struct_pb2.Value, path: Path, secrets: set[Path]) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        signature = fields[SIGNATURE].string_value if SIGNATURE in fields else ""
        if signature == SECRET or (signature == OUTPUT and fields["secret"].bool_value):
            secrets.add(path)
        if signature in (SECRET, OUTPUT):
            return _decode(fields["value"], path, secrets)
        if signature:
            raise ValueError(f"{render(path)}: assets and resources are no part of an object")
        return _decode_fields(fields, path, secrets)
    if kind == "list_value":
        items = value.list_value.values
        return [_decode(item, (*path, index), secrets) for index, item in enumerate(items)]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return getattr(value, kind) if kind not in ("null_value", None) else None


def encode(values: Json, secrets: frozenset[Path]) -> struct_pb2.Struct:
    """The property map of plain values.

    A secret inside a list makes the whole list secret, since elements may move; `data` and
    `stringData` of Secrets are secret whatever the program said.
    """
    marked = {_up_to_list(path) for path in secrets}
    if is_secret(values):
        marked |= {("data",), ("stringData",)}
    return struct_pb2.Struct(fields={k: _encode(v, (k,), marked) for k, v in values.items()})


def _up_to_list(path: Path) -> Path:
    first = next((at for at, part in enumerate(path) if isinstance(part, int)), len(path))
    return path[:first]


def _encode(value: Any, path: Path, secrets: set[Path]) -> struct_pb2.Value:
    plain = _encode_plain(value, path, secrets)
    if path not in secrets:
        return plain
    wrapped = {SIGNATURE: struct_pb2.Value(string_value=SECRET), "value": plain}
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=wrapped))


def _encode_plain(value: Any, path: Path, secrets: set[Path]) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, list):
        items = [_encode(item, (*path, at), secrets) for at, item in enumerate(value)]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    fields = {key: _encode(item, (*path, key), secrets) for key, item in value.items()}
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))


def render(path: Path) -> str:
    """A path as Pulumi writes it: `spec.ports[0].name`, `metadata.annotations["a.b/c"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif any(character in part for character in '."[]'):
            escaped = part.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{part}" if text else part
    return text


def has_unknowns(value: Any) -> bool:
    """Whether any part of the value is known only after other resources were made."""
    if isinstance(value, dict):
        return any(has_unknowns(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknowns(item) for item in value)
    return isinstance(value, str) and value in UNKNOWNS


def secret_texts(properties: Properties) -> Iterator[str]:
    """Every secret string of the properties, in the clear and as base64."""
    marked = {_up_to_list(path) for path in properties.secrets}
    if is_secret(properties.values):
        marked |= {("data",), ("stringData",)}
    for path in marked:
        value: Any = properties.values
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        yield from _texts(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
        yield base64.b64encode(value.encode()).decode()
        try:
            yield base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return
