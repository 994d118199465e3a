"""The ids' form, against the example of RFC 9562; the module is loaded by its path."""

import importlib.util
from pathlib import Path
from types import ModuleType
from uuid import UUID

import pytest

SOURCE = Path(__file__).parents[2] / "images/app/app/ids.py"


@pytest.fixture(scope="module")
def ids() -> ModuleType:
    """Return the module without the app's libraries around it."""
    spec = importlib.util.spec_from_file_location("ids", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_of_the_standard(ids: ModuleType) -> None:
    """Appendix A.6: rand_a is 0xCC3, rand_b 0x18C4DC0C0C07398F."""
    random = 0xCC3 << 62 | 0x18C4DC0C0C07398F
    assert ids.uuid7(0x017F22E279B0, random) == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


def test_every_bit_has_its_place(ids: ModuleType) -> None:
    largest = ids.uuid7(2**48 - 1, 2**74 - 1)
    assert largest == UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")
    assert ids.uuid7(0, 0) == UUID("00000000-0000-7000-8000-000000000000")


def test_later_ids_sort_later(ids: ModuleType) -> None:
    assert ids.uuid7(1, 2**74 - 1) < ids.uuid7(2, 0)


def test_new_ids_differ_and_are_of_version_7(ids: ModuleType) -> None:
    made = {ids.new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
