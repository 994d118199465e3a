"""The API server agrees with the checks: it takes what they pass, and refuses what they refuse."""

from tests.end_to_end.workspace import Workspace

DRY_RUN = ("apply", "--server-side", "--dry-run=server", "--force-conflicts")
MISSPELT = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: {{ cell.namespace }}}
dataa: {a: b}
"""


def test_the_server_takes_every_manifest(fleet: Workspace) -> None:
    rendered = fleet.must("cellwright", "render")
    fleet.write("rendered.yaml", rendered)
    taken = fleet.must("kubectl", *DRY_RUN, "--filename", "rendered.yaml").splitlines()
    assert len(taken) == rendered.count("\n---\n") + 1


def test_a_misspelt_field_is_refused_by_check_and_server(fleet: Workspace) -> None:
    template = fleet.root / "templates" / "extra" / "settings.yaml.j2"
    template.parent.mkdir(parents=True)
    template.write_text(MISSPELT, encoding="utf-8")
    try:
        checked = fleet.run("cellwright", "check")
        assert checked.returncode == 1
        assert "templates/extra/settings.yaml.j2:4:1: CW304 dataa" in checked.stdout
        assert "did you mean 'data'?" in checked.stdout
        fleet.write("misspelt.yaml", MISSPELT.replace("{{ cell.namespace }}", "cell-alpha"))
        refused = fleet.run("kubectl", *DRY_RUN, "--filename", "misspelt.yaml")
        assert refused.returncode != 0
        assert ".dataa" in refused.stderr
    finally:
        template.unlink()
