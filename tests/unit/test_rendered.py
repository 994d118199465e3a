"""Manifests as files: their names, and secrets that can't be seen."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from cellwright.rendered import files, from_files
from cellwright.secret_text import composed
from tests.manifests import manifest, secret

# fmt: off
SURPRISES = (
    "no", "Yes", "1e3", "0o7", "0x1", "~", "", "null", "2020-01-01", "12:30:45", "<<", "=", "y",
    "a: b", "#x", "a #b", "- a", "---", "...", "|", "> x", "\t", "a:", "&a", "*a", "!!x", "%d",
    "@x", "`", "{{ x }}", "{% %}", "[", "{", "'", '"', "\\", ".inf", "1_000", "+1", "1.",
    "a\n", "\n", "a\n\n", " a\nb", "a\nb ", "a\r\nb", "a\n  b\n", "a\n---\nb\n", "a\n# c\n",
    "a\tb\nc\n", "\u2028", "\x85", "\ufeff", "\x00", "\x7f", "\ud7ff", "\U0001f600",
)
# fmt: on
TEXTS = st.one_of(
    st.sampled_from(SURPRISES),
    st.text(st.characters(exclude_categories=("Cs",))),
    st.lists(st.sampled_from(SURPRISES)).map("".join),
)


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


def test_secrets_are_only_named() -> None:
    derived = secret("cell/alpha/x")
    texts = {"a": derived, "b": "hidden", "d": composed(["hidden:", derived])}
    one = manifest("Secret", stringData=texts, data={"c": "aGlkZGVu"})
    (text,) = files([one]).values()
    assert 'd: "…(secret cell/alpha/x)"' in text
    assert 'a: "(secret cell/alpha/x)"' in text
    assert "hidden" not in text
    assert "aGlkZGVu" not in text


@given(st.dictionaries(TEXTS, TEXTS, min_size=1))
def test_every_reader_finds_what_was_rendered(data: dict[str, str]) -> None:
    one = manifest("ConfigMap", data=data)
    texts = files([one])
    found = from_files({path: text.encode() for path, text in texts.items()})
    assert found.problems == ()
    assert [read.body for read in found.stacks["alpha"]] == [one.body]
    assert [yaml.safe_load(text) for text in texts.values()] == [one.body], "YAML 1.1 too"


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
