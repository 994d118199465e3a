"""Whole fleets as they are rendered, byte for byte.

After a change that is meant: `pytest tests/golden --update`, and read the difference.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cellwright.api_types import ApiTypes
from cellwright.check import Checker
from cellwright.edge.files import read
from cellwright.model import (
    FLEET_STACK,
    App,
    Autoscale,
    Cell,
    Cluster,
    Fleet,
    IdRange,
    Organization,
    Placement,
    Postgres,
    Resources,
    Router,
    Routing,
    Rule,
)
from cellwright.render import Renderer
from cellwright.router_room import SHARE, room
from cellwright.template import Templates
from tests.fleets import ROOT

HERE = Path(__file__).parent
SNAPSHOT = read(ROOT)
TYPES = ApiTypes(SNAPSHOT.api_types[""])
ROOM = room("512Mi", None, SHARE)

# Here is every value, so that a change of the demo's definitions changes no golden file.


def cell(name: str, number: int, cluster: str = "local") -> Cell:
    resources = Resources("50m", "192Mi", None, "512Mi")
    return Cell(
        name=name,
        id=number,
        ring=0,
        region="eu",
        cluster=cluster,
        capacity=100,
        id_range=IdRange(number * 1000, number * 1000 + 999),
        postgres=Postgres("postgres:1", 17, "1Gi", None, "64MB", 50, resources, keep_volume=True),
        app=App("app:1", 2, None, resources),
        router=Router("router:1", 1, resources, f"{name}.example.com", 80, 30080 + number, *ROOM),
        placement=Placement("placement:1", resources),
    )


def organization(name: str, number: int, home: str) -> Organization:
    return Organization(name, number, home, name, (f"{name}.example.com",), (), "active")


def fleet(cells: list[Cell], organizations: list[Organization]) -> Fleet:
    return Fleet(
        name="golden",
        rings=(0,),
        clusters={name: Cluster(name, None) for name in sorted({one.cluster for one in cells})},
        routing=Routing((Rule("path", None), Rule("host", None), Rule("header", "X-Organization"))),
        routers_type="NodePort",
        shards=4,
        timeout=180,
        cells={one.name: one for one in cells},
        organizations={one.name: one for one in organizations},
    )


def small() -> Fleet:
    sent = organization("sent", 3, "alpha")
    homes = [organization("acme", 1, "alpha"), organization("globex", 2, "beta")]
    homes += [replace(sent, override="beta", writes="fork")]
    return fleet([cell("alpha", 1), cell("beta", 2)], homes)


def large() -> Fleet:
    """Return a fleet of 200 cells in two clusters that uses what the small one leaves out."""
    limited = Resources("4", "16Gi", "8", "16Gi")
    cells = []
    for number in range(1, 201):
        one = cell(f"c{number:03d}", number, "east" if number % 2 else "west")
        if number % 3 == 0:
            app = App("app:2", None, Autoscale(3, 20, 70), limited)
            postgres = replace(one.postgres, storage_class="fast", resources=limited)
            router = replace(one.router, node_port=None, port=443, tls_secret="certificate")
            one = replace(one, app=app, postgres=postgres, router=router, id_range=None)
        cells.append(one)
    homes = [
        organization(f"o{number:04d}", number, f"c{number % 200 + 1:03d}") for number in range(2000)
    ]
    return replace(fleet(cells, homes), routers_type="LoadBalancer")


def adversarial() -> Fleet:
    """Return a fleet with hostile text wherever no configuration text and no name takes it."""
    evil = "a: b # \"c'\n---\n{{ cell }} \u2028 \x00 \ufeff no"
    resources = Resources("1e3", ".5Gi", "0o7", "1_000")
    one = cell("alpha", 1)
    postgres = replace(one.postgres, image=evil, storage_class=evil, resources=resources)
    app = replace(one.app, image="{% raw %}\r\n", resources=resources)
    router = replace(one.router, image="yes", resources=replace(resources, cpu=" 1", memory="\t"))
    return fleet([replace(one, postgres=postgres, app=app, router=router)], [])


def rendered(one: Fleet, stack: str) -> str:
    """Return a stack's manifests, and what is wrong with them."""
    types = dict.fromkeys(one.clusters, TYPES)
    found = Renderer(one, Templates(SNAPSHOT.templates), types).stack(stack)
    problems = (*found.problems, *Checker(one, types).check(found.manifests))
    texts = [f"# {one.cluster} {one.template}\n{one.text}" for one in found.manifests]
    return "".join(f"# {problem}\n" for problem in problems) + "---\n".join(texts)


def compare(path: Path, text: str, *, update: bool) -> None:
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    assert path.read_bytes().decode() == text


@pytest.mark.parametrize(
    ("made", "stack"),
    [
        (small, FLEET_STACK),
        (small, "alpha"),
        (large, "c001"),
        (large, "c003"),
        (adversarial, "alpha"),
    ],
)
def test_a_stack_is_rendered_as_before(
    made: Callable[[], Fleet], stack: str, update_golden: bool
) -> None:
    text = rendered(made(), stack)
    compare(HERE / made.__name__ / f"{stack}.yaml", text, update=update_golden)


def test_a_large_fleet_is_rendered_as_before(update_golden: bool) -> None:
    one = large()
    types = dict.fromkeys(one.clusters, TYPES)
    renderer, checker = Renderer(one, Templates(SNAPSHOT.templates), types), Checker(one, types)
    lines = []
    for stack in (FLEET_STACK, *one.cells):
        found = renderer.stack(stack)
        assert found.problems == ()
        assert checker.check(found.manifests) == []
        text = "---\n".join(manifest.text for manifest in found.manifests)
        lines.append(f"{hashlib.sha256(text.encode()).hexdigest()}  {stack}\n")
    compare(HERE / "large" / "SHA256SUMS", "".join(lines), update=update_golden)


def test_the_adversarial_fleet_has_problems_only_where_kubernetes_refuses() -> None:
    one = adversarial()
    types = dict.fromkeys(one.clusters, TYPES)
    found = Renderer(one, Templates(SNAPSHOT.templates), types).stack("alpha")
    assert found.problems == ()
    problems = Checker(one, types).check(found.manifests)
    assert {problem.message.split(", not ")[0] for problem in problems} == {
        "expected a quantity such as 250m or 64Mi"
    }
