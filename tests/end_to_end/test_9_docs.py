"""The command lines in the docs that need a fleet."""

import pytest

from tests.docs.blocks import PAGES, ROOT, blocks
from tests.docs.session import play
from tests.end_to_end.workspace import Workspace

MARKED = {
    page: marked
    for page in PAGES
    if (marked := [one for one in blocks(page) if one.marks == ("console", "cluster")])
}


@pytest.mark.parametrize("page", MARKED)
def test_a_page(page: str, fleet: Workspace) -> None:
    link = fleet.root / "airgap"
    if not link.exists():
        link.symlink_to(ROOT / "airgap")
    steps = [step for block in MARKED[page] for step in block.steps]
    play(page, steps, fleet.root, fleet.environment, timeout=1200)
