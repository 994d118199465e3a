"""Text that definitions may hold arrives in the directory, the Service and HAProxy as it is.

Where the schema does not allow it, nothing is made; there is no third way.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.edge.files import read
from cellwright.entry import Entries
from cellwright.loading import load
from cellwright.model import Fleet, Rule
from cellwright.redact import redacted
from cellwright.template import Templates
from tests.fleets import ROOT, demo
from tests.hostile import SNIPPETS, texts
from tests.manifests import rendered

SNAPSHOT = read(ROOT)
DIRECTORY = Templates({"fleet/x.yaml.j2": SNAPSHOT.templates["fleet/directory.yaml.j2"]})
ROUTER = Templates(
    {
        f"router/{name}": SNAPSHOT.templates[f"router/{name}"]
        for name in ("access.yaml.j2", "haproxy.cfg.j2", "app-key.cfg.j2")
    }
)
LABEL = "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?"

names = st.from_regex("[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
words_of_paths = st.from_regex(LABEL, fullmatch=True)
hosts = st.from_regex(rf"{LABEL}(\.{LABEL}){{1,3}}\.example", fullmatch=True)
headers = st.from_regex("[A-Wa-w][A-Za-z0-9-]{0,63}", fullmatch=True)
networks = st.ip_addresses().map(lambda one: f"{one}/{one.max_prefixlen}")


def spoilt(good: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return good text, good text with something hostile at either end or inside, or others."""
    snippet = st.sampled_from(SNIPPETS)
    mixed = st.tuples(good, snippet, good)
    return st.one_of(
        good,
        st.tuples(good, snippet).map("".join),
        st.tuples(snippet, good).map("".join),
        mixed.map("".join),
        texts,
    )


def organization(name: str, path: str, listed: Iterable[str], number: int = 9001) -> dict[str, Any]:
    spec = {"id": number, "cell": "alpha", "path": path, "hosts": list(listed)}
    head = {"apiVersion": "cellwright/v1", "kind": "Organization"}
    return {**head, "metadata": {"name": name}, "spec": spec}


def loaded(one: dict[str, Any], ending: str) -> Fleet | None:
    """Return the demo fleet with one organization more, read from text; None with problems."""
    data = (json.dumps(one) + "\n").encode()
    fleet, problems = load(
        replace(SNAPSHOT, definitions={**SNAPSHOT.definitions, f"organizations/x.{ending}": data})
    )
    assert (fleet is None) == bool(problems)
    return fleet


def shards(fleet: Fleet) -> dict[str, str]:
    """Return the text of every shard, as a reader of the YAML gets it."""
    found = rendered(replace(fleet, shards=4), DIRECTORY, "fleet")
    assert found.problems == ()
    tables = {}
    for one in found.manifests:
        body = yaml.load(one.text, yaml.CSafeLoader)
        assert body == redacted(one.body)
        tables[one.name] = (body.get("data") or {}).get("table", "")
    return tables


def assert_arrives(fleet: Fleet, one: dict[str, Any]) -> None:
    spec, said = one["spec"], Entries()
    for shard, text in shards(fleet).items():
        assert re.fullmatch(r"([0-9]{6} ,([a-z0-9@.-]+=[a-z0-9@:/-]+,)+\n)*", text, re.ASCII)
        said.read(shard, text)
    found = {entry.organization: entry for entry in said}
    assert found.keys() == fleet.organizations.keys()
    entry = found[one["metadata"]["name"]]
    assert entry.home == ("alpha", "active")
    assert (entry.id, entry.path) == (spec["id"], spec["path"])
    assert list(entry.hosts) == sorted(spec["hosts"])


@pytest.mark.parametrize("ending", ["yaml", "jsonl"])
@settings(max_examples=25)
@given(name=names, path=words_of_paths, listed=st.lists(hosts, max_size=3, unique=True))
def test_what_the_schema_allows_arrives_in_its_shard(
    ending: str, name: str, path: str, listed: list[str]
) -> None:
    one = organization(f"n{name}"[:60], f"p{path}"[:60], listed)
    fleet = loaded(one, ending)
    assert fleet is not None
    assert_arrives(fleet, one)


@pytest.mark.parametrize("ending", ["yaml", "jsonl"])
@settings(max_examples=40)
@given(name=spoilt(names), path=spoilt(words_of_paths), host=spoilt(hosts))
def test_hostile_text_is_refused_or_arrives(ending: str, name: str, path: str, host: str) -> None:
    for one in (
        organization(name, "p", ["h.example"]),
        organization("n", path, ["h.example"]),
        organization("n", "p", [host]),
    ):
        fleet = loaded(one, ending)
        if fleet is not None:
            assert_arrives(fleet, one)


@settings(max_examples=40)
@given(st.lists(texts, max_size=4))
def test_the_networks_of_a_load_balancer_arrive_as_they_are(sources: list[str]) -> None:
    one = replace(demo(), routers_type="LoadBalancer", sources=tuple(sources))
    found = rendered(one, ROUTER, "alpha")
    assert found.problems == ()
    (service,) = [m for m in found.manifests if (m.kind, m.name) == ("Service", "router")]
    assert service.body["spec"].get("loadBalancerSourceRanges", []) == sources
    read_again = yaml.load(service.text, yaml.CSafeLoader)
    assert read_again == service.body
    assert read_again["spec"]["type"] == "LoadBalancer"


@settings(max_examples=40)
@given(spoilt(networks))
def test_a_network_is_refused_or_arrives(network: str) -> None:
    text = SNAPSHOT.definitions["cells/fleet.yaml"].decode()
    wanted = f"type: LoadBalancer\n    sourceRanges: [{json.dumps(network)}]"
    changed = text.replace("type: NodePort\n    nodePortBase: 30080", wanted)
    assert changed != text
    definitions = {**SNAPSHOT.definitions, "cells/fleet.yaml": changed.encode()}
    fleet, _ = load(replace(SNAPSHOT, definitions=definitions))
    if fleet is not None:
        assert fleet.sources == (network,)
        assert set(network) <= set("0123456789abcdef.:/")


def configuration(header: str) -> tuple[str | None, list[str]]:
    """Return HAProxy's configuration with a rule by this header, and the codes of problems."""
    rules = tuple(_with_header(rule, header) for rule in demo().routing.rules)
    one = replace(demo(), routing=replace(demo().routing, rules=rules))
    found = rendered(one, ROUTER, "alpha")
    maps = [m for m in found.manifests if (m.kind, m.name) == ("ConfigMap", "router")]
    text = maps[0].body["data"]["haproxy.cfg"] if maps else None
    return text, [one.code for one in found.problems]


def _with_header(rule: Rule, header: str) -> Rule:
    return replace(rule, header=header) if rule.by == "header" else rule


MARK = "X-Mark-Of-The-Test"
MARKED, _ = configuration(MARK)


@settings(max_examples=40)
@given(headers)
def test_the_header_of_a_rule_stands_where_it_belongs(header: str) -> None:
    text, problems = configuration(header)
    assert problems == []
    assert MARKED is not None
    assert MARKED.count(MARK) >= 2
    assert text == MARKED.replace(MARK, header)


@settings(max_examples=50)
@given(spoilt(headers))
def test_a_header_that_is_no_word_is_in_no_configuration(header: str) -> None:
    text, problems = configuration(header)
    is_word = bool(header) and all(
        letter.isascii() and (letter.isalnum() or letter in "._:/@-") for letter in header
    )
    assert (text is not None) == is_word
    assert set(problems) == (set() if is_word else {"CW301"})


@settings(max_examples=50)
@given(spoilt(headers))
def test_the_schema_takes_headers_that_are_tokens(header: str) -> None:
    text = SNAPSHOT.definitions["cells/fleet.yaml"].decode()
    changed = text.replace("header: X-Organization", f"header: {json.dumps(header)}")
    definitions = {**SNAPSHOT.definitions, "cells/fleet.yaml": changed.encode()}
    fleet, _ = load(replace(SNAPSHOT, definitions=definitions))
    if fleet is not None:
        assert header.isascii()
        assert header.replace("-", "").isalnum()
        assert not header.lower().startswith("x-cellwright")
