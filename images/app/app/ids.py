"""Ids of rows that are unique over all cells without asking anyone.

An organization moves between cells with its rows, so that no cell may hand out an id that another
could. UUID version 7 (RFC 9562, 5.7): 48 bits of Unix time in milliseconds, then 74 random bits.
Ids made later sort later (by the millisecond), which keeps inserts at the end of the index. Python
3.14 has it in its standard library.
"""

import os
import time
from uuid import UUID

_RANDOM_BITS = 74
_RAND_B_BITS = 62


def uuid7(milliseconds: int, random: int) -> UUID:
    """Return the UUID of a Unix time in milliseconds (48 bits) and a random number (74 bits)."""
    rand_a, rand_b = divmod(random, 1 << _RAND_B_BITS)
    return UUID(int=milliseconds << 80 | 7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


def new_id() -> UUID:
    """Return an id for a row made now."""
    random = int.from_bytes(os.urandom(10), "big") >> (80 - _RANDOM_BITS)
    return uuid7(time.time_ns() // 1_000_000, random)
