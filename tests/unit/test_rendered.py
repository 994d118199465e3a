"""Manifests as files: their names, and secrets that can't be seen."""

from cellwright.manifest import SECRET_KEY
from cellwright.rendered import files, from_files, redacted, stream
from tests.manifests import manifest


def test_a_file_is_named_by_stack_rank_kind_and_name() -> None:
    assert list(files([manifest("ConfigMap", "settings")])) == ["alpha/20-configmap-settings.yaml"]


def test_what_would_share_a_name_is_set_apart() -> None:
    one = manifest("ConfigMap", stack="fleet", cluster="eu")
    other = manifest("ConfigMap", stack="fleet", cluster="us")
    third = manifest("ConfigMap", "only", stack="fleet")
    assert list(files([one, other, third])) == [
        "fleet/20-configmap-it@eu@cell-alpha@.yaml",
        "fleet/20-configmap-it@us@cell-alpha@.yaml",
        "fleet/20-configmap-only.yaml",
    ]


def test_no_name_leaves_the_folder() -> None:
    path = next(iter(files([manifest("../../Kind/x", "a:b")])))
    assert path == "alpha/20-..-..-kind-x-a-b.yaml"


def test_secrets_are_named_and_other_values_of_a_secret_are_hidden() -> None:
    mark = {SECRET_KEY: "cell/alpha/x"}
    body = manifest("Secret", stringData={"a": mark, "b": "visible"}, data={"c": "dmlz"}).body
    shown = redacted(body)
    assert shown["stringData"] == {"a": "(secret cell/alpha/x)", "b": "(secret)"}
    assert shown["data"] == {"c": "(secret)"}
    assert shown["metadata"] == body["metadata"]


def test_a_secret_is_hidden_wherever_it_stands() -> None:
    body = manifest("Other", spec=[{"deep": {SECRET_KEY: "x"}}]).body
    assert redacted(body)["spec"] == [{"deep": "(secret x)"}]


def test_files_are_read_as_the_manifests_that_they_were() -> None:
    whole = [manifest("ConfigMap", data={"a": "no"}), manifest("Role", stack="fleet")]
    texts = {path: text.encode() for path, text in files(whole).items()}
    found = from_files(texts)
    assert found.problems == ()
    assert [one.body for one in found.stacks["alpha"]] == [whole[0].body]
    assert [one.identity[0] for one in found.stacks["fleet"]] == [""], "no cluster is told"


def test_a_file_that_holds_something_else_is_a_problem() -> None:
    found = from_files({"alpha/x.yaml": b"- a\n", "alpha/y.yaml": b"a: [\n"})
    assert [(one.place.file, one.code) for one in found.problems] == [
        ("alpha/x.yaml", "CW302"),
        ("alpha/y.yaml", "CW002"),
    ]


def test_a_stream_names_each_document() -> None:
    assert next(iter(stream([manifest("ConfigMap")]))).startswith(
        "---\n# alpha/20-configmap-it.yaml\napiVersion: v1\n"
    )
