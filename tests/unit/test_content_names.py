"""A Job that would run something else is another Job, and one that would not is the same."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cellwright.content_names import named_by_content
from cellwright.edge.files import read
from cellwright.manifest import Manifest
from cellwright.model import Cell, Fleet, Resources
from cellwright.render import Renderer
from cellwright.template import Templates
from tests.fleets import ROOT, cell, fleet
from tests.manifests import TYPES, manifest, rendered

SHIPPED = {
    name: text
    for name, text in read(ROOT).templates.items()
    if name.startswith(("app/", "pod/")) and not name.startswith("shipped/")
}
PATCH = """apiVersion: batch/v1
kind: Job
metadata: {name: app-migrate}
spec: {template: {spec: {containers: [{name: migrate, env: [{name: EXTRA, value: "1"}]}]}}}
"""


def job(
    one: Cell, patch: str = "", whole: Callable[[Fleet], Fleet] = lambda all_: all_
) -> Manifest:
    templates = {**SHIPPED, **({"patches/app.yaml.j2": patch} if patch else {})}
    found = rendered(whole(fleet([one], [])), Templates(templates), one.name)
    assert not found.problems
    (made,) = [manifest for manifest in found.manifests if manifest.kind == "Job"]
    return made


ALPHA = cell("alpha", 1)
SIZE = Resources("1", "1Gi", "2", "2Gi")


@pytest.mark.parametrize(
    "other",
    [
        replace(ALPHA, app=replace(ALPHA.app, image="example.com/app:2")),
        replace(ALPHA, app=replace(ALPHA.app, image=f"{ALPHA.app.image}@sha256:{'0' * 64}")),
        replace(ALPHA, app=replace(ALPHA.app, resources=SIZE)),
        replace(ALPHA, postgres=replace(ALPHA.postgres, max_connections=20)),
        replace(ALPHA, id_range=None),
        replace(ALPHA, name="alpha-2"),
    ],
)
def test_what_runs_otherwise_has_another_name(other: Cell) -> None:
    before, after = job(ALPHA), job(other)
    assert before.body["spec"] != after.body["spec"]
    assert before.name != after.name


def test_a_patch_and_the_fleet_s_timeout_count_too() -> None:
    assert job(ALPHA, PATCH).name != job(ALPHA).name
    assert job(ALPHA, PATCH).name.startswith("app-migrate-")
    assert job(ALPHA, whole=lambda one: replace(one, timeout=999)).name != job(ALPHA).name


@pytest.mark.parametrize(
    "other",
    [
        replace(ALPHA, router=replace(ALPHA.router, image="example.com/router:2")),
        replace(ALPHA, ring=7),
        replace(ALPHA, capacity=3),
    ],
)
def test_what_runs_the_same_keeps_its_name(other: Cell) -> None:
    assert job(other).name == job(ALPHA).name == job(ALPHA).name


def test_the_name_is_the_object_s_and_stands_in_its_text() -> None:
    for made in (job(ALPHA), job(ALPHA, PATCH)):
        assert made.identity.name == made.body["metadata"]["name"] == made.name
        assert f"name: {made.name}\n" in made.text
        assert len(made.name) == len("app-migrate-") + 10


def test_cells_share_a_shape() -> None:
    """What is found out of the unchanging part of a manifest counts for all cells."""
    both = fleet([cell("alpha", 1), cell("beta", 2)], [])
    renderer = Renderer(both, Templates(SHIPPED), dict.fromkeys(both.clusters, TYPES))
    jobs = [
        one
        for name in ("alpha", "beta")
        for one in renderer.stack(name).manifests
        if one.kind == "Job"
    ]
    assert jobs[0].shape is jobs[1].shape
    assert jobs[0].name != jobs[1].name


def annotated(**body: Any) -> Manifest:
    return manifest(
        "Job", metadata={"annotations": {"cellwright.dev/name-suffix": "content"}}, **body
    )


def test_objects_of_a_workspace_may_ask_for_it() -> None:
    one, two = (named_by_content(annotated(spec={"n": number})) for number in (1, 2))
    assert one.name.startswith("it-")
    assert one.name != two.name
    assert named_by_content(annotated(spec={"n": 1})).name == one.name
    assert named_by_content(manifest("Job", spec={"n": 1})).name == "it"


@pytest.mark.parametrize("asked", ["", "image", 1, None, ["content"]])
def test_other_words_are_refused(asked: Any) -> None:
    one = manifest("Job", metadata={"annotations": {"cellwright.dev/name-suffix": asked}})
    with pytest.raises(ValueError, match="not 'content'"):
        named_by_content(one)


def test_a_template_that_asks_for_something_else_is_a_problem() -> None:
    text = SHIPPED["app/migrate.yaml.j2"].replace("name-suffix: content", "name-suffix: image")
    templates = Templates({**SHIPPED, "app/migrate.yaml.j2": text})
    (problem,) = rendered(fleet([ALPHA], []), templates, "alpha").problems
    assert problem.code == "CW302"
    assert problem.place.file == "templates/app/migrate.yaml.j2"
    assert "name-suffix is 'image'" in problem.message
