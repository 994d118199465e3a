"""How full volumes are, by the output of df."""

import pytest

from cellwright.edge.volumes import used_percent

HEADER = "Filesystem     1024-blocks     Used Available Capacity Mounted on\n"
DEVICE = "/dev/sdb1"
FOLDER = "/var/lib/postgresql/data"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{DEVICE}   10255636  4102254   6153382      40% {FOLDER}", 40),
        (f"{DEVICE}   10255636  4102255   6153382      41% {FOLDER}", 41),
        (f"{DEVICE}   10255636 10255636         0     100% {FOLDER}", 100),
        (f"{DEVICE}          0        0         0       0% {FOLDER}", None),
        (f"nas:/a b   10255636  4102254   6153382      40% {FOLDER}", 40),
        ("df: no such file", None),
        ("", None),
    ],
)
def test_what_df_says(line: str, expected: int | None) -> None:
    assert used_percent(f"{HEADER}{line}\n") == expected
    assert used_percent(line) == expected
