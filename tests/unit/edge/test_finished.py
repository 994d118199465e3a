"""What is made of Pulumi's words."""

from cellwright.edge.engine import Finished

FAILED = """\
Updating (alpha):
 +  kubernetes:apps/v1:StatefulSet cell-alpha/postgres creating failed
Diagnostics:
  kubernetes:apps/v1:StatefulSet (cell-alpha/postgres):
    error: the volume is full

Resources:
    + 3 created
    1 errored

Duration: 5s
"""


def finished(text: str, *, ok: bool) -> Finished:
    return Finished(ok, tuple(text.splitlines()))


def test_the_summary_of_changes_stands_on_one_line() -> None:
    assert finished(FAILED, ok=False).changes == "+ 3 created, 1 errored"
    assert finished("nothing to see", ok=True).changes == "no summary"


def test_the_diagnostics_are_what_went_wrong() -> None:
    assert finished(FAILED, ok=False).diagnostics == (
        "  kubernetes:apps/v1:StatefulSet (cell-alpha/postgres):",
        "    error: the volume is full",
        "",
    )


def test_pulumis_total_is_left_out() -> None:
    text = "Resources:\n    + 1 created\n    ~ 1 updated\n    2 changes. 31 unchanged\n\n"
    assert finished(text, ok=True).changes == "+ 1 created, ~ 1 updated, 31 unchanged"
