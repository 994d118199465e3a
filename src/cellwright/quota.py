"""How much CPU and memory a cell may take up, as its ResourceQuota holds it.

Everything that the cell declares counts twice. While it is updated, old pods and new ones are there
together, and the quota is the larger of the old and the new one (`edge.up.loosening`): twice the
larger is never less than the sum. Refuses to look at manifests; a test sums those.
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from cellwright.model import Cell, Resources
from cellwright.quantity import amount

QUOTA_NAME = "compute"
"""The ResourceQuota's name (templates/cell/limits.yaml.j2)."""
DEFAULTS = Resources(cpu="10m", memory="32Mi", cpu_limit="500m", memory_limit="256Mi")
"""What the LimitRange gives a container that says nothing."""
CERTIFICATE = Resources(cpu="5m", memory="32Mi", cpu_limit="200m", memory_limit="64Mi")
"""What the container beside the app asks for that renews its certificate."""
SPARE = 6
"""Pods of one such container that there is room for, as of a debugging session."""
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi")


def compute_quota(cell: Cell, extra: Resources | None) -> dict[str, str]:
    """Return the limits of a cell by their names in a ResourceQuota, with room for `extra`.

    There is one for `limits.cpu` only if every part has such a limit: with it, Kubernetes refuses
    containers without one.
    """
    replicas = cell.app.autoscale.max if cell.app.autoscale else cell.app.replicas or 0
    containers = [
        (cell.postgres.resources, 1),
        (cell.app.resources, replicas + 1),  # and the migration
        (cell.router.resources, 2 * cell.router.replicas),  # HAProxy and its agent
    ]
    if cell.app.tls:
        containers.append((CERTIFICATE, replicas))
    counted = [(resources, 2 * number) for resources, number in containers]
    counted += [(DEFAULTS, SPARE), *([(extra, 1)] if extra else [])]
    found = {
        "requests.cpu": _cpu((one.cpu, number) for one, number in counted),
        "requests.memory": _memory((one.memory, number) for one, number in counted),
        "limits.memory": _memory((one.memory_limit, number) for one, number in counted),
    }
    if all(one.cpu_limit for one, _ in containers):
        found["limits.cpu"] = _cpu((one.cpu_limit or one.cpu, number) for one, number in counted)
    return found


def _cpu(parts: Iterable[tuple[str, int]]) -> str:
    """Return the sum as the API server writes it: cores if they are whole, else thousandths."""
    thousandths = int(_sum(parts) * 1000)
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def _memory(parts: Iterable[tuple[str, int]]) -> str:
    """Return the sum as the API server writes it: in the largest unit that it is a multiple of."""
    number, unit = int(_sum(parts).to_integral_value(ROUND_CEILING)), ""
    for larger in _BINARY:
        if number % 1024:
            break
        number, unit = number // 1024, larger
    return f"{number}{unit}"


def _sum(parts: Iterable[tuple[str, int]]) -> Decimal:
    return sum(((amount(size) or Decimal(0)) * number for size, number in parts), Decimal(0))


def loosened(declared: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, str | None]:
    """Return what to change in a ResourceQuota that is there so that it refuses nothing declared.

    None takes a limit away.
    """
    wanted, there = ((one.get("spec") or {}).get("hard") or {} for one in (declared, live))
    found: dict[str, str | None] = {key: None for key in there if key not in wanted}
    for key in there.keys() & wanted.keys():
        now, then = amount(there[key]), amount(wanted[key])
        if now is not None and then is not None and now < then:
            found[key] = str(wanted[key])
    return found
