"""Differences between manifests, field by field."""

from typing import Any

from cellwright.changes import MISSING, assignment, changes, compare, line_changes
from cellwright.effects import Effect
from cellwright.manifest import Manifest
from cellwright.secret_text import composed
from tests.manifests import manifest, secret


def differing(before: Manifest, after: Manifest) -> list[tuple[str, Any, Any]]:
    change = compare(before, after)
    return [(one.path, one.before, one.after) for one in change.fields] if change else []


def test_objects_are_added_changed_and_removed() -> None:
    kept, gone, new = (manifest("ConfigMap", name) for name in ("kept", "gone", "new"))
    changed = manifest("ConfigMap", "kept", data={"a": "b"})
    found = changes({"alpha": [kept, gone]}, {"alpha": [changed, new]})
    assert [(one.action, one.manifest.name) for one in found] == [
        ("change", "kept"),
        ("add", "new"),
        ("remove", "gone"),
    ]


def test_the_same_manifests_differ_in_nothing() -> None:
    one = manifest("ConfigMap", data={"a": "b"})
    assert changes({"alpha": [one]}, {"alpha": [one]}) == ()


def test_a_stack_that_is_gone_is_removed_whole() -> None:
    found = changes({"alpha": [manifest("Namespace")]}, {})
    assert [(one.stack, one.action, one.effect) for one in found] == [
        ("alpha", "remove", Effect.DATA_LOSS)
    ]


def test_what_stays_in_the_cluster_is_no_loss() -> None:
    one = manifest("Namespace")
    found = changes({"alpha": [one]}, {}, {one.identity})
    assert found[0].effect == Effect.IN_PLACE


def test_one_is_not_true() -> None:
    before, after = (manifest("Unheard", spec={"a": [value]}) for value in (1, True))
    assert differing(before, after) == [("spec.a[0]", 1, True)]


def test_null_is_not_absent() -> None:
    before, after = manifest("Unheard", spec={"a": None}), manifest("Unheard", spec={})
    assert differing(before, after) == [("spec.a", None, MISSING)]


def test_named_items_are_compared_by_name() -> None:
    before = manifest("Unheard", spec={"env": [{"name": "a", "value": 1}, {"name": "b"}]})
    after = manifest("Unheard", spec={"env": [{"name": "b"}, {"name": "a", "value": 2}]})
    assert differing(before, after) == [
        ("spec.env[a].value", 1, 2),
        ("spec.env[order]", ["[a]", "[b]"], ["[b]", "[a]"]),
    ]


def test_mounts_of_one_volume_are_told_apart() -> None:
    first, second = {"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}
    before = manifest("Unheard", spec={"mounts": [first, second]})
    after = manifest("Unheard", spec={"mounts": [first, {**second, "readOnly": True}]})
    assert differing(before, after) == [("spec.mounts[/b].readOnly", MISSING, True)]


def test_other_items_are_compared_by_number() -> None:
    before, after = manifest("Unheard", spec=["a", "b"]), manifest("Unheard", spec=["a"])
    assert differing(before, after) == [("spec[1]", "b", MISSING)]


def test_keys_with_dots_stand_in_quotes() -> None:
    before = manifest("Unheard", metadata={"annotations": {"a.b/c": "1"}})
    after = manifest("Unheard", metadata={"annotations": {"a.b/c": "2"}})
    assert differing(before, after) == [('metadata.annotations["a.b/c"]', "1", "2")]


def test_a_derived_secret_is_compared_by_its_name() -> None:
    before = manifest("Secret", stringData={"a": secret("one")})
    after = manifest("Secret", stringData={"a": secret("two")})
    assert differing(before, after) == [("stringData.a", "(secret one)", "(secret two)")]


def test_text_around_a_secret_differs_unseen() -> None:
    before, after = (
        manifest("Secret", stringData={"url": composed(["app:", secret("one"), host])})
        for host in ("@hidden", "@hush")
    )
    shown = "…(secret one)…"
    assert differing(before, after) == [("stringData.url", shown, shown)]
    assert compare(before, before) is None
    plain = manifest("Secret", stringData={"url": shown})
    assert differing(before, plain) == [("stringData.url", shown, "(secret)")]


def test_values_of_a_secret_differ_unseen() -> None:
    before, after = (manifest("Secret", stringData={"a": word}) for word in ("hidden", "hush"))
    assert differing(before, after) == [("stringData.a", "(secret)", "(secret)")]
    assert differing(before, manifest("Secret")) == [("stringData", {"a": "(secret)"}, MISSING)]


def shard(table: str) -> Manifest:
    labels = {"cellwright.dev/directory": "shard"}
    return manifest("ConfigMap", stack="fleet", data={"table": table}, metadata={"labels": labels})


def test_the_directory_tells_where_organizations_are_sent() -> None:
    text = "131072 ,acme=active:alpha:1:acme,old=gone:beta:2:old,\n"
    assert assignment({"fleet": [shard(text)]}) == {"acme": "alpha", "old": "beta"}


def test_an_object_that_is_no_shard_sends_nobody() -> None:
    one = manifest("ConfigMap", data={"table": "131072 ,acme=active:alpha:1:acme,\n"})
    assert assignment({"x": [one]}) == {}


def test_lines_that_only_one_side_has() -> None:
    assert line_changes("a\nb\nb\nc", "b\nc\nd\nd") == (["a", "b"], ["d", "d"])
