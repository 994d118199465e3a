"""What would change an id, or lose data, is refused before anything is touched."""

from tests.end_to_end.workspace import Workspace

CUSTOMERS = "organizations/customers.yaml"


def test_check_and_up_refuse_the_same_and_touch_nothing(fleet: Workspace) -> None:
    fleet.must("cellwright", "up", "--yes", "--all", timeout=900)
    assert fleet.run("cellwright", "check", "--against", "live").returncode == 0
    kept = {name: (fleet.root / name).read_text() for name in ("cells/beta.yaml", CUSTOMERS)}
    smaller = kept["cells/beta.yaml"].replace("spec:", "spec:\n  postgres: {storage: 512Mi}", 1)
    fleet.write("cells/beta.yaml", smaller.replace("id: 2", "id: 7"))
    fleet.write(CUSTOMERS, kept[CUSTOMERS].replace("1001", "1099"))
    before = fleet.pods("cell-alpha", "cell-beta", "cell-gamma")
    try:
        checked = fleet.run("cellwright", "check", "--against", "live")
        refused = fleet.run("cellwright", "up", "--yes", "--all")
    finally:
        for name, text in kept.items():
            fleet.write(name, text)
    assert (checked.returncode, refused.returncode) == (1, 1)
    assert refused.stdout == checked.stdout
    codes = [line.split()[1] for line in checked.stdout.splitlines()]
    assert sorted(codes) == ["CW401", "CW401", "CW404"]
    assert "nothing was touched" in refused.stderr
    assert fleet.pods("cell-alpha", "cell-beta", "cell-gamma") == before


def test_a_cluster_that_is_away_is_no_silent_pass(fleet: Workspace) -> None:
    nowhere = {**fleet.environment, "KUBECONFIG": "/dev/null"}
    away = Workspace(fleet.root, nowhere)
    for command in (("check", "--against", "live"), ("up", "--yes")):
        done = away.run("cellwright", *command)
        assert done.returncode == 1
        assert "cluster local does not answer" in done.stderr
