"""The template of docs/monitoring.md opens the ports that it says, and passes the checks."""

import re
import shutil
from pathlib import Path

from cellwright.edge.files import read
from cellwright.plan import plan
from tests.fleets import ROOT

PAGE = (ROOT / "docs" / "monitoring.md").read_text()


def test_the_template_of_the_page_lets_prometheus_in(tmp_path: Path) -> None:
    found = re.search(
        r"`(templates/[\w./-]+)`:\n\n```yaml\n(.*?)```$", PAGE, re.MULTILINE | re.DOTALL
    )
    assert found
    shutil.copytree(ROOT / "cells", tmp_path / "cells")
    template = tmp_path / found[1]
    template.parent.mkdir(parents=True)
    template.write_text(found[2])
    made = plan(read(tmp_path))
    assert made.problems == ()
    policies = {
        one.name: one.body["spec"] for one in made.stacks["alpha"] if one.kind == "NetworkPolicy"
    }
    for name, opened, others in (
        ("router", [8404], [8080, 8405, 8444]),
        ("app", [8081, 8082], [8080]),
    ):
        (ingress,) = policies[f"{name}-metrics"]["ingress"]
        assert ingress["ports"] == [{"protocol": "TCP", "port": port} for port in opened]
        assert policies[f"{name}-metrics"]["podSelector"] == policies[name]["podSelector"]
        assert [p["port"] for one in policies[name]["ingress"] for p in one["ports"]] == others
