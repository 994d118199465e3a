"""Property maps on the wire, secrets in them, and the shapes of objects in the state."""

import base64
from typing import Any

import pytest
from google.protobuf import struct_pb2
from kubeprovider.properties import (
    OUTPUT,
    SECRET,
    SIGNATURE,
    Properties,
    decode,
    encode,
    has_unknowns,
    render,
    secret_texts,
)
from kubeprovider.redaction import Redactor
from kubeprovider.state import (
    imported_inputs,
    live_of,
    manifest_of,
    outputs_of,
    preview_of,
    refreshed_inputs,
)

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def _struct(values: dict[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


def _secret(value: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET, "value": value}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _wrapped(struct: struct_pb2.Struct, *path: str) -> bool:
    value: Any = struct
    for part in path:
        value = value[part]
    return isinstance(value, struct_pb2.Struct) and SIGNATURE in value


def test_values_come_back_with_the_paths_of_secrets() -> None:
    sent = {
        "data": {"a": _secret("x"), "b": {SIGNATURE: OUTPUT, "value": "y", "secret": True}},
        "plain": {SIGNATURE: OUTPUT, "value": 3, "secret": False},
        "list": [{"v": _secret({"deep": 1.5})}],
        "nothing": None,
    }
    got = decode(_struct(sent))
    assert got.values == {
        "data": {"a": "x", "b": "y"},
        "plain": 3,
        "list": [{"v": {"deep": 1.5}}],
    }
    assert isinstance(got.values["plain"], int)
    assert got.secrets == {("data", "a"), ("data", "b"), ("list", 0, "v")}


def test_encoding_keeps_secrets_secret_and_lists_of_them_whole() -> None:
    values = {"data": {"a": "x", "b": "y"}, "env": [{"v": "z"}], "n": 1, "t": True, "no": None}
    struct = encode(values, frozenset({("data", "a"), ("env", 0, "v"), ("absent",)}))
    assert _wrapped(struct, "data", "a")
    assert not _wrapped(struct, "data", "b")
    assert _wrapped(struct, "env")
    assert decode(struct).values == {key: v for key, v in values.items() if v is not None}


def test_data_of_a_secret_is_secret_whatever_the_program_said() -> None:
    obj = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}, "stringData": {"b": "x"}}
    struct = encode(obj, frozenset())
    assert _wrapped(struct, "data")
    assert _wrapped(struct, "stringData")
    assert not _wrapped(encode({**obj, "kind": "ConfigMap"}, frozenset()), "data")


def test_assets_are_refused_by_path() -> None:
    with pytest.raises(ValueError, match=r"data\.file"):
        decode(_struct({"data": {"file": {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17"}}}))


def test_unknowns_are_found_at_any_depth() -> None:
    assert has_unknowns({"a": [{"b": UNKNOWN}]})
    assert not has_unknowns({"a": [{"b": "known"}]})


def test_paths_are_written_as_pulumi_does() -> None:
    assert render(("spec", "ports", 0, "name")) == "spec.ports[0].name"
    assert render(("metadata", "labels", "a.b/c")) == 'metadata.labels["a.b/c"]'


def test_redaction_knows_the_clear_text_of_base64() -> None:
    redactor = Redactor()
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"p": _base64("hunter2-hunter2")}}
    redactor.remember(Properties(secret, frozenset()))
    redactor.remember(
        Properties({"env": [{"value": "in-a-list"}]}, frozenset({("env", 0, "value")}))
    )
    text = f"got hunter2-hunter2, {_base64('hunter2-hunter2')} and in-a-list"
    assert redactor.redact(text) == "got [secret], [secret] and [secret]"


def test_redaction_knows_string_data_as_it_is_applied() -> None:
    redactor = Redactor()
    redactor.remember(Properties(_hidden(stringData={"p": "hunter2-hunter2"}), frozenset()))
    assert redactor.redact(f"data: {_base64('hunter2-hunter2')}") == "data: [secret]"


def test_of_secrets_that_begin_alike_no_end_is_left() -> None:
    redactor = Redactor()
    for length in (10, 16, 13):
        value = "0123456789abcdef"[:length]
        redactor.remember(Properties({"a": value}, frozenset({("a",)})))
    assert redactor.redact("0123456789abcdef") == "[secret]"


def test_short_values_do_not_blot_out_words() -> None:
    redactor = Redactor()
    redactor.remember(Properties({"a": "on"}, frozenset({("a",)})))
    assert redactor.redact("waiting on pods") == "waiting on pods"
    assert list(secret_texts(Properties({"a": "on"}, frozenset()))) == []
    redactor.remember(Properties({"a": "sixsix"}, frozenset({("a",)})))
    assert redactor.redact("sixsix") == "[secret]"


def _hidden(**rest: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **rest}


def test_string_data_is_applied_as_data_over_data() -> None:
    inputs = _hidden(data={"a": _base64("old"), "b": _base64("b")}, stringData={"a": "new"})
    manifest = manifest_of(inputs)
    assert manifest["data"] == {"a": _base64("new"), "b": _base64("b")}
    assert "stringData" not in manifest
    assert "stringData" in inputs


def test_a_manifest_carries_nothing_that_only_the_server_writes() -> None:
    metadata = {"name": "a", "uid": "x", "resourceVersion": "1", "managedFields": []}
    assert manifest_of({"kind": "A", "metadata": metadata})["metadata"] == {"name": "a"}


def test_the_state_has_no_ownership_records_and_no_copy_by_kubectl() -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "yes"}
    metadata = {"name": "a", "managedFields": [{}], "annotations": annotations}
    live = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    outputs = outputs_of(live, "me")
    assert outputs["metadata"] == {"name": "a", "annotations": {"kept": "yes"}}
    assert outputs["__fieldManager"] == "me"
    assert live_of(outputs) == {**live, "metadata": outputs["metadata"]}


def test_a_preview_shows_the_place_that_the_object_will_have() -> None:
    inputs = {"metadata": {"name": "a", "namespace": "to-come"}}
    dry = {"metadata": {"name": "a-1234", "namespace": "default"}, "status": {}, "kind": "A"}
    outputs = preview_of(dry, inputs, "me")
    assert outputs["metadata"] == inputs["metadata"]
    assert "status" not in outputs


def test_a_manual_change_of_string_data_shows_in_the_refreshed_inputs() -> None:
    inputs = _hidden(stringData={"a": "one", "b": "two"})
    outputs = outputs_of(_hidden(data={"a": _base64("one"), "b": _base64("two")}), "me")
    live = _hidden(data={"a": _base64("changed"), "b": _base64("two")})
    assert refreshed_inputs(inputs, outputs, live)["stringData"] == {"a": "changed", "b": "two"}
    assert refreshed_inputs(inputs, outputs, live_of(outputs)) == inputs


def test_an_imported_object_has_what_a_person_could_have_written() -> None:
    metadata = {
        "name": "a",
        "uid": "x",
        "annotations": {"deployment.kubernetes.io/revision": "3"},
    }
    live = {"kind": "A", "metadata": metadata, "spec": {"x": 1}, "status": {"y": 2}}
    assert imported_inputs(live) == {"kind": "A", "metadata": {"name": "a"}, "spec": {"x": 1}}
