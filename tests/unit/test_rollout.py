"""In which order stacks are applied, and what of the directory is published."""

from cellwright.model import Fleet
from cellwright.rollout import published, steps
from tests.fleets import cell, fleet, organization

ALL = {"fleet", "alpha", "beta", "gamma", "quarantined"}


def rings() -> Fleet:
    cells = [
        cell("alpha", 1, ring=0),
        cell("beta", 2, ring=1),
        cell("gamma", 3, ring=1),
        cell("quarantined", 4, ring=-1),
    ]
    return fleet(cells, [], rings=(-1, 0, 1))


def named(one: Fleet, changed: set[str], missing: set[str]) -> list[tuple[str, tuple[str, ...]]]:
    return [(str(step), step.stacks) for step in steps(one, changed, missing)]


def test_rings_come_in_order_then_the_directory_then_quarantine() -> None:
    assert named(rings(), ALL, set()) == [
        ("ring 0", ("alpha",)),
        ("ring 1", ("beta", "gamma")),
        ("directory", ("fleet",)),
        ("quarantine", ("quarantined",)),
    ]


def test_the_directory_comes_first_where_there_is_none() -> None:
    assert named(rings(), ALL, {"local"})[0] == ("directory", ("fleet",))
    assert len(named(rings(), ALL, {"local"})) == 4


def test_a_cluster_more_gets_its_directory_first_and_all_of_them_the_rest_at_the_end() -> None:
    near, far = cell("alpha", 1, ring=0), cell("beta", 2, ring=0, cluster="far")
    both = steps(fleet([near, far], [], rings=(0,)), {"fleet", "beta"}, {"far"})
    assert [(str(step), step.clusters) for step in both] == [
        ("directory", ("far",)),
        ("ring 0", None),
        ("directory", None),
    ]


def test_a_directory_of_an_older_release_is_published_before_the_cells_and_behind_them() -> None:
    """New routers do not take it, and what is left out at first has to follow."""
    made = steps(rings(), ALL, (), ("local",))
    assert [(str(step), step.clusters) for step in made] == [
        ("directory", ("local",)),
        ("ring 0", None),
        ("ring 1", None),
        ("directory", None),
        ("quarantine", None),
    ]
    near, far = cell("alpha", 1, ring=0), cell("beta", 2, ring=0, cluster="far")
    both = steps(fleet([near, far], [], rings=(0,)), {"fleet", "beta"}, {"far"}, {"local"})
    assert [(str(step), step.clusters) for step in both] == [
        ("directory", ("far", "local")),
        ("ring 0", None),
        ("directory", None),
    ]
    assert steps(rings(), {"alpha"}, (), ("local",)) == steps(rings(), {"alpha"}, ())


def test_only_what_changed_is_applied() -> None:
    assert named(rings(), {"gamma"}, set()) == [("ring 1", ("gamma",))]
    assert named(rings(), set(), set()) == []


def homes(*, new: str, before: str | None, absent: set[str], may_move: bool = True) -> str | None:
    """Return the cell that is published for an organization, None if it is left out."""
    one = fleet([cell("alpha", 1), cell("beta", 2)], [organization("acme", new)])
    known = {} if before is None else {"acme": before}
    made = published(one, known, absent, may_move=may_move)
    kept = made.fleet.organizations.get("acme")
    assert ("acme" in made.held_back) == (kept is None or kept.cell != new)
    return kept.cell if kept else None


def test_nobody_is_sent_to_a_cell_that_is_not_there() -> None:
    assert homes(new="beta", before=None, absent={"beta"}) is None
    assert homes(new="beta", before="alpha", absent={"beta"}) == "alpha"
    assert homes(new="beta", before="beta", absent={"beta"}) == "beta", "it was there before"
    assert homes(new="beta", before=None, absent={"alpha"}) == "beta"
    assert homes(new="beta", before="alpha", absent=set()) == "beta"


def test_nobody_is_sent_elsewhere_while_a_cluster_does_not_learn_of_it() -> None:
    assert homes(new="beta", before="alpha", absent=set(), may_move=False) == "alpha"
    assert homes(new="beta", before=None, absent=set(), may_move=False) == "beta"


def test_a_state_is_published_whatever_else_is_held_back() -> None:
    both = [organization("acme", "beta"), organization("globex", "alpha", state="suspended")]
    one = fleet([cell("alpha", 1), cell("beta", 2)], both)
    made = published(one, {"globex": "alpha"}, {"beta"}, may_move=True)
    assert made.held_back == ("acme",)
    assert made.fleet.organizations["globex"].state == "suspended"
