"""A workspace of its own for each test."""

from pathlib import Path

import pytest

from tests.workspaces import demo_in


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return demo_in(tmp_path)
