"""The reference pages are what the schemas and the registry of codes say."""

import importlib.util
from types import ModuleType

import pytest

from tests.docs.blocks import ROOT

FOLDER = ROOT / "docs/reference"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """The program that writes the pages."""
    spec = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["definitions", "problems"])
def test_a_page_is_up_to_date(page: str, generate: ModuleType) -> None:
    written = (FOLDER / f"{page}.md").read_text("utf-8")
    assert written == getattr(generate, page)(), "run `python docs/reference/generate.py`"
