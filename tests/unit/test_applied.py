"""What an apply makes of an object where the server's dry run can't tell."""

from typing import Any

from cellwright.applied import merged, owned_fields, without_given_up


def entry(manager: str, fields: dict[str, Any], operation: str = "Apply") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields}


def given_up(live: Any, manifest: Any, *entries: dict[str, Any]) -> Any:
    held = {**live, "metadata": {"managedFields": list(entries)}}
    return without_given_up(held, live, manifest, ("pulumi",))


OURS = {"f:spec": {"f:a": {}, "f:b": {}}}


def test_a_field_that_the_manifest_lacks_goes() -> None:
    live = {"spec": {"a": 1, "b": 2, "c": 3}}
    assert given_up(live, {"spec": {"a": 1}}, entry("pulumi-1", OURS)) == {"spec": {"a": 1, "c": 3}}


def test_a_field_that_another_manager_owns_too_stays() -> None:
    live = {"spec": {"a": 1, "b": 2}}
    other = entry("kubectl", {"f:spec": {"f:b": {}}}, "Update")
    assert given_up(live, {"spec": {"a": 1}}, entry("pulumi-1", OURS), other) == live


def test_fields_of_others_are_none_of_our_business() -> None:
    live = {"spec": {"a": 1, "b": 2}}
    assert given_up(live, {"spec": {"a": 1}}, entry("kubectl", OURS)) == live
    assert given_up(live, {"spec": {"a": 1}}, entry("pulumi-1", OURS, "Update")) == live


ITEMS = {"f:env": {'k:{"name":"A"}': {".": {}, "f:value": {}}, 'k:{"name":"B"}': {".": {}}}}


def test_an_item_that_the_manifest_lacks_goes() -> None:
    live = {"env": [{"name": "A", "value": 1}, {"name": "B"}, {"name": "C"}]}
    kept = given_up(live, {"env": [{"name": "A"}]}, entry("pulumi-1", ITEMS))
    assert kept == {"env": [{"name": "A"}, {"name": "C"}]}


def test_a_key_that_the_manifest_leaves_to_its_default_names_the_item() -> None:
    fields = {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}}
    live = {"ports": [{"port": 80, "protocol": "TCP"}]}
    assert given_up(live, {"ports": [{"port": 80}]}, entry("pulumi-1", fields)) == live


def test_an_item_by_value_that_the_manifest_lacks_goes() -> None:
    fields = {"f:finalizers": {'v:"a"': {}, 'v:"b"': {}}}
    live = {"finalizers": ["a", "b", "c"]}
    kept = given_up(live, {"finalizers": ["b"]}, entry("pulumi-1", fields))
    assert kept == {"finalizers": ["b", "c"]}


def test_a_manifest_lies_over_what_is_there() -> None:
    live = {"spec": {"kept": 1, "items": [{"name": "a", "x": 1}, {"name": "b"}], "plain": [1, 2]}}
    manifest = {"spec": {"items": [{"name": "a", "y": 2}, {"name": "c"}], "plain": [3]}}
    assert merged(live, manifest) == {
        "spec": {
            "kept": 1,
            "items": [{"name": "a", "x": 1, "y": 2}, {"name": "b"}, {"name": "c"}],
            "plain": [3],
        }
    }


def test_items_without_names_are_merged_by_number() -> None:
    assert merged([{"a": 1}, {"b": 2}], [{"c": 3}, {"b": 4}]) == [{"a": 1, "c": 3}, {"b": 4}]


def owned(fields: Any) -> Any:
    return owned_fields({"metadata": {"managedFields": [{"fieldsV1": fields}, {"manager": "m"}]}})


RULES = [{"ports": [{"port": 80, "protocol": "TCP"}]}]
OPENED = [{"ports": [{"port": 80, "protocol": "TCP"}, {"port": 22, "protocol": "TCP"}]}]


def test_a_list_that_is_owned_as_a_whole_is_replaced() -> None:
    """A port that was opened by hand in a NetworkPolicy goes when the manifest is applied."""
    fields = owned({"f:spec": {"f:ingress": {}}})
    live, manifest = {"spec": {"ingress": OPENED}}, {"spec": {"ingress": RULES}}
    assert merged(live, manifest, fields) == manifest
    assert merged(live, manifest) == live, "without its managers nothing is known of it"


def test_items_that_are_owned_one_by_one_stay() -> None:
    fields = owned({"f:ports": {'k:{"port":80}': {"f:port": {}}, 'k:{"port":22}': {"f:port": {}}}})
    live, manifest = {"ports": OPENED[0]["ports"]}, {"ports": RULES[0]["ports"]}
    assert merged(live, manifest, fields) == live


def test_in_what_is_owned_as_a_whole_only_the_server_knows_what_it_fills_in() -> None:
    fields = owned({"f:spec": {"f:ingress": {}}})
    live = {"spec": {"ingress": RULES, "policyTypes": ["Ingress"]}}
    manifest = {"spec": {"ingress": [{"ports": [{"port": 80}]}]}}
    assert merged(live, manifest, fields) == live
    strict = merged(live, manifest, fields, strict=True)
    assert strict == {"spec": {**live["spec"], **manifest["spec"]}}


def test_an_object_without_managers_is_merged_as_far_as_can_be_known() -> None:
    assert owned_fields({"metadata": {}}) is None
    live = {"spec": {"a": 1, "b": {"c": 2}}}
    assert merged(live, {"spec": {"a": 3}}, None, strict=True) == {"spec": {"a": 3, "b": {"c": 2}}}
