"""Finds values that stand twice in a long list, quickly if none does."""

from collections.abc import Hashable, Iterator, Sequence


def duplicates(values: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """Yield the number of each value that stood before, and that of the first like it."""
    if len(set(values)) == len(values):
        return
    first: dict[Hashable, int] = {}
    for number, value in enumerate(values):
        before = first.setdefault(value, number)
        if before != number:
            yield number, before
