"""The workspace of docs/templates.md passes the checks, and does what the page says."""

import base64
import json
import re
import shutil
from pathlib import Path

from cellwright.edge.files import read
from cellwright.plan import plan
from cellwright.secret import derive, derived_from, resolve
from cellwright.template import EVERYWHERE, FOR_CELLS, FOR_FLEET, FUNCTIONS
from tests.fleets import ROOT

ROOT_SECRET = bytes(32)
PAGE = (ROOT / "docs" / "templates.md").read_text()
FILES = dict(re.findall(r"^`([^`\n]+)`:\n\n```\w*\n(.*?)```$", PAGE, re.MULTILINE | re.DOTALL))
VALUES = "values for cells/fleet.yaml"


def test_the_workspace_of_the_page_does_what_it_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "cells", tmp_path / "cells")
    files = {name: text for name, text in FILES.items() if name != VALUES}
    values = FILES[VALUES]
    fleet = tmp_path / "cells" / "fleet.yaml"
    indented = "".join(f"    {line}\n" for line in values.splitlines())
    fleet.write_text(fleet.read_text().replace("\nspec:\n", f"\nspec:\n  values:\n{indented}"))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    made = plan(read(tmp_path))
    assert made.problems == ()
    found = {(one.kind, one.name): one.body for one in made.stacks["alpha"]}
    job = found["CronJob", "backup-alpha"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert job["containers"][0]["args"] == ["dump", "--keep-days=14"]
    app = found["Deployment", "app"]["spec"]["template"]["spec"]
    assert [one["name"] for one in app["containers"]] == ["app", "log-shipper"]
    assert {"name": "TEAM", "value": "payments"} in app["containers"][0]["env"]
    texts = resolve(found["Secret", "connection"], derived_from(ROOT_SECRET))
    app, owner = (derive(ROOT_SECRET, f"cell/alpha/postgres-{role}") for role in ("app", "owner"))
    assert texts["stringData"]["url"] == f"postgres://cell_app:{app}@postgres/cell"
    assert texts["stringData"]["userlist.txt"] == f'"cell_app" "{app}"\n"cell_owner" "{owner}"\n'
    start = "postgres:5432:*:cell_"
    assert texts["stringData"][".pgpass"] == f"{start}app:{app}\n{start}owner:{owner}\n"
    assert json.loads(texts["stringData"]["settings.json"])["password"] == app
    assert base64.b64decode(texts["data"]["basic-auth"]).decode() == f"cell_app:{app}"
    conf = found["ConfigMap", "postgres"]["data"]["postgres.conf"]
    assert conf.endswith("work_mem = '8MB'\n")


def test_the_page_names_what_templates_know() -> None:
    names = set(re.findall(r"`([a-z_]+)(?:\([a-z]+\))?`(?=[^|\n]*\|)", PAGE))
    assert (EVERYWHERE | FOR_CELLS | FOR_FLEET) - set(FUNCTIONS) <= names


def test_the_page_names_the_blocks_of_our_templates() -> None:
    blocks = {
        (path.relative_to(ROOT / "templates").as_posix(), name)
        for path in (ROOT / "templates").rglob("*.j2")
        for name in re.findall(r"{% block (\w+) %}", path.read_text())
    }
    rows = re.findall(r"^\| (?:`([\w./]+\.j2)` )?\| `(\w+)` \|", PAGE, re.MULTILINE)
    named, last = set(), ""
    for template, block in rows:
        last = template or last
        named.add((last, block))
    assert named == blocks
