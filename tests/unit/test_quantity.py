"""Kubernetes quantities as numbers."""

from decimal import Decimal

import pytest

from cellwright.quantity import amount


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", Decimal(1)),
        (1, Decimal(1)),
        ("1000m", Decimal(1)),
        ("0.5Gi", Decimal(512 * 1024**2)),
        (".5k", Decimal(500)),
        ("1e3", Decimal(1000)),
        ("2E-1", Decimal("0.2")),
        ("3E", Decimal(3 * 10**18)),
        ("5n", Decimal("5e-9")),
        ("-1.5Ki", Decimal(-1536)),
        ("+1", Decimal(1)),
    ],
)
def test_a_quantity_is_a_number(text: object, number: Decimal) -> None:
    assert amount(text) == number


@pytest.mark.parametrize(
    "text", ["", "1 Gi", "1gi", "Gi", True, None, ["1"], "1e9999", "--1", "\u0661"]
)
def test_what_is_no_quantity_is_no_number(text: object) -> None:
    assert amount(text) is None
