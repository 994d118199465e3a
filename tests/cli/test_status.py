"""What `status` tells of the cells of a fleet."""

from tests.cli.conftest import Program
from tests.cli.standins import Cluster


def test_a_state_is_told_to_programs_as_json(program: Program, cluster: Cluster) -> None:
    cluster.declared(program.root, lambda body: body["metadata"].update(generation=1))
    done = program("status", "--format", "json")
    assert done.code == 1, "nothing is ready here"
    assert [one["cell"] for one in done.json] == ["alpha", "beta", "gamma"]
