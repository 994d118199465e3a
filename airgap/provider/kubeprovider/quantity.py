"""Whether two Kubernetes quantities ("1000m", "1", "0.5Gi") mean the same number.

Format: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from decimal import Decimal
from typing import Any

from .properties import Path

HOLDERS = frozenset(
    {
        "capacity",
        "default",
        "defaultRequest",
        "hard",
        "limits",
        "max",
        "maxLimitRequestRatio",
        "min",
        "overhead",
        "requests",
    }
)
"""Fields whose values are maps of resource names to quantities."""

FIELDS = frozenset({"averageValue", "divisor", "sizeLimit"})
"""Fields that hold one quantity."""

_FORM = re.compile(
    r"([+-]?[0-9]*\.?[0-9]+|[+-]?[0-9]+\.)(?:([eE][+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i))?"
)
_POWERS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def holds_quantity(path: Path) -> bool:
    """Whether the field at `path` is a quantity by Kubernetes' own field names."""
    return bool(path) and (path[-1] in FIELDS or (len(path) > 1 and path[-2] in HOLDERS))


def parse(value: Any) -> Decimal | None:
    """The number that a quantity stands for, or None for what is no quantity."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    matched = _FORM.fullmatch(str(value))
    if not matched:
        return None
    number, exponent, suffix = matched.groups()
    if suffix in _BINARY:
        return Decimal(number) * Decimal(1024) ** _BINARY[suffix]
    if suffix and suffix not in _POWERS:
        return None
    if suffix:
        return Decimal(number).scaleb(_POWERS[suffix])
    return Decimal(number + (exponent or ""))
