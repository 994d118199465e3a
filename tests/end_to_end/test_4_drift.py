"""What is applied is what is declared, and stays so."""

import pytest

from tests.end_to_end.workspace import Workspace


@pytest.mark.parametrize("stack", ["fleet", "alpha", "beta", "gamma"])
def test_a_preview_right_after_up_has_no_changes(fleet: Workspace, stack: str) -> None:
    fleet.up(stack)
    done = fleet.pulumi("preview", "--expect-no-changes", "--stack", stack)
    assert done.returncode == 0, done.stdout + done.stderr
    done = fleet.pulumi("refresh", "--yes", "--expect-no-changes", "--stack", stack)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_manual_change_is_reported_by_refresh_and_mended_by_up(fleet: Workspace) -> None:
    deployment = ("deployment/app", "--namespace", "cell-gamma")
    patch = '{"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}}'
    fleet.must("kubectl", "patch", *deployment, "--patch", patch)
    refreshed = fleet.pulumi("refresh", "--yes", "--diff", "--stack", "gamma")
    assert refreshed.returncode == 0, refreshed.stdout
    assert "terminationGracePeriodSeconds" in refreshed.stdout
    fleet.must("cellwright", "up", "--yes", timeout=600)
    mended = fleet.kubectl("get", *deployment)
    assert mended["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 45
