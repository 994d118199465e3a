"""New definitions: their ids, and what they take from the newest cell."""

from typing import Any

import yaml

from cellwright.definition import new_cell, new_organization
from cellwright.model import IdRange
from tests.fleets import cell, demo, fleet, organization


def spec(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)["spec"]
    return found


def test_a_cell_is_like_the_newest_one() -> None:
    cells = [
        cell("a", 7, region="us", size="large", capacity=5, id_range=IdRange(11, 20)),
        cell("b", 3, id_range=IdRange(1, 10)),
    ]
    assert spec(new_cell(fleet(cells, []), "c", {})) == {
        "id": 8,
        "ring": 1,
        "region": "us",
        "cluster": "local",
        "size": "large",
        "capacity": {"organizations": 5},
        "idRange": {"first": 21, "last": 30},
    }


def test_wishes_come_first() -> None:
    wishes = {"ring": 0, "size": "large"}
    found = spec(new_cell(demo(), "c", wishes))
    assert (found["ring"], found["size"]) == (0, "large")


def test_the_first_cell_takes_what_the_fleet_names_first() -> None:
    found = spec(new_cell(fleet([], []), "c", {}))
    assert found == {"id": 1, "ring": 1, "region": "eu", "cluster": "local", "size": "small"}


def test_an_organization_gets_the_next_id_not_a_gap() -> None:
    held = [organization("a", "alpha", id=5), organization("b", "alpha", id=2)]
    found = spec(new_organization(fleet([], held), "c", {"cell": "alpha"}))
    assert found == {"id": 6, "cell": "alpha"}


def test_a_definition_opens_with_its_schema() -> None:
    first = new_organization(demo(), "c", {}).splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schemas/organization.json"
