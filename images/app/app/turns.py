"""Who gets the next connection: organizations in turn, not requests in their order.

One organization with hundreds of requests under way must not make its neighbours wait behind all
of them. Three rules, none of which knows what is asked:

- The last few free connections (the reserve) are for organizations that use none. One alone may use
  all the others, so nothing lies idle for want of neighbours, and whoever comes has one at once.
- A connection that becomes free goes to the organization that uses the fewest, and among equals to
  the one that was served the longest ago.
- An organization may have 50 requests waiting, all together 500. What is beyond that is refused at
  once: the newest of the organization with the most waiting.

Nothing here knows of the database, and nothing waits but for a turn.
"""

import asyncio
from collections import Counter, deque

WAITING_EACH = 50
WAITING_ALL = 500


class BusyError(Exception):
    """There is no turn for the request: `own` if for others of its own organization."""

    def __init__(self, *, own: bool) -> None:
        super().__init__(
            "the organization has too many requests under way" if own else "the database is busy"
        )
        self.own = own


class Turns:
    """The turns of `size` connections, `reserve` of them for organizations that use none."""

    def __init__(self, size: int, reserve: int) -> None:
        self._free = size
        self._reserve = reserve
        self._in_use: Counter[int] = Counter()
        # In the order in which organizations were last served.
        self._rows: dict[int, deque[asyncio.Future[None]]] = {}

    def waiting(self) -> int:
        """Return how many requests wait."""
        return sum(map(len, self._rows.values()))

    def uses(self, organization: int) -> bool:
        """Tell whether the organization has a turn now."""
        return self._in_use[organization] > 0

    async def take(self, organization: int) -> None:
        """Wait for a turn, which must be given back. Raises BusyError."""
        if self._may(organization):
            self._use(organization)
            return
        row = self._row_with_room(organization)
        turn = asyncio.get_running_loop().create_future()
        row.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(organization, turn)
            elif turn.exception() is None:
                self.give_back(organization)
            raise

    def give_back(self, organization: int) -> None:
        """End a turn, and give the next ones."""
        self._free += 1
        self._in_use[organization] -= 1
        if not self._in_use[organization]:
            del self._in_use[organization]
        while able := [one for one in self._rows if self._may(one)]:
            served = min(able, key=self._in_use.__getitem__)
            row = self._rows.pop(served)
            turn = row.popleft()
            if row:
                self._rows[served] = row
            if not turn.done():
                self._use(served)
                turn.set_result(None)

    def _may(self, organization: int) -> bool:
        return self._free > (self._reserve if self.uses(organization) else 0)

    def _use(self, organization: int) -> None:
        self._free -= 1
        self._in_use[organization] += 1

    def _row_with_room(self, organization: int) -> deque[asyncio.Future[None]]:
        """Return where the organization's next request waits, or refuse it."""
        row = self._rows.get(organization, deque())
        if len(row) >= WAITING_EACH:
            raise BusyError(own=True)
        if self.waiting() >= WAITING_ALL:
            longest = max(self._rows, key=lambda one: len(self._rows[one]))
            if len(self._rows[longest]) <= len(row) + 1:
                raise BusyError(own=bool(row))
            turn = self._rows[longest].pop()
            if not turn.done():
                turn.set_exception(BusyError(own=True))
        return self._rows.setdefault(organization, row)

    def _leave(self, organization: int, turn: asyncio.Future[None]) -> None:
        row = self._rows.get(organization, deque())
        if turn in row:
            row.remove(turn)
        if not row:
            self._rows.pop(organization, None)
