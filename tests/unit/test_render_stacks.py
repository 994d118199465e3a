"""What rendering a whole stack gives: equal bytes, manifests that stay, the order they go in."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from jinja2 import Environment

from cellwright.edge.files import read
from cellwright.model import FLEET_STACK
from cellwright.plan import plan
from cellwright.redact import redacted
from cellwright.render import Renderer
from cellwright.template import Templates
from tests.fleets import ROOT, cell, demo, fleet
from tests.manifests import TYPES, rendered

SNAPSHOT = read(ROOT)
TEMPLATES = Templates(
    {name: text for name, text in SNAPSHOT.templates.items() if not name.startswith("shipped/")}
)


def test_equal_input_gives_equal_bytes() -> None:
    one, again = (rendered(demo(), TEMPLATES, "alpha") for _ in range(2))
    assert [manifest.text for manifest in one.manifests] == [
        manifest.text for manifest in again.manifests
    ]


def test_the_ports_of_routers_of_other_clusters_are_known() -> None:
    near, far = cell("near", 1), cell("far", 2, cluster="there")
    far = replace(far, router=replace(far.router, port=8443))
    text = "apiVersion: v1\nkind: X\nmetadata: {name: x}\nspec: {{ far_router_ports }}\n"
    both = fleet([near, far], [])
    clusters = {**both.clusters, "there": both.clusters["local"]}
    (one,) = rendered(
        replace(both, clusters=clusters), Templates({"x.yaml.j2": text}), "near"
    ).manifests
    assert one.body["spec"] == [8443]


def test_one_cell_s_manifests_stay_when_the_next_is_rendered() -> None:
    both = fleet([cell("alpha", 1), cell("beta", 2)], [])
    renderer = Renderer(both, TEMPLATES, dict.fromkeys(both.clusters, TYPES))
    alpha, beta = renderer.stack("alpha"), renderer.stack("beta")
    assert {one.body["metadata"].get("namespace", "") for one in alpha.manifests} == {
        "",
        "cell-alpha",
        "cellwright-directory",
    }
    assert all(
        yaml.load(one.text, Loader=yaml.CSafeLoader) == redacted(one.body)
        for one in (*alpha.manifests, *beta.manifests)
    )


def test_each_template_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = Environment.parse

    def counted(self: Environment, source: str, name: str, filename: str) -> Any:
        parsed.append(name)
        return parse(self, source, name, filename)

    monkeypatch.setattr(Environment, "parse", counted)
    assert plan(SNAPSHOT).problems == ()
    assert "app/deployment.yaml.j2" in parsed
    assert len(parsed) == len(set(parsed))


def test_the_history_is_applied_before_the_shards_tell_no_more_of_it() -> None:
    manifests = rendered(demo(), TEMPLATES, FLEET_STACK).manifests
    (history,) = [one for one in manifests if one.name == "directory-history"]
    shards = [one for one in manifests if one.kind == "ConfigMap" and one is not history]
    assert len(shards) > 1
    assert {one.after >= history.rank for one in shards} == {True}
    labels = history.body["metadata"]["labels"]
    assert "cellwright.dev/directory" not in labels, "routers would refuse it"
