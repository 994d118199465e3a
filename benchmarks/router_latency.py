"""Requests at a fixed rate, evenly spaced, and how long each took from when it was due.

wrk's clock counts milliseconds: at ten requests for each of them it sends ten at once, and measures
how long the last one waits for the others. Here each has its own time, and one that is sent late
counts from then, too. Takes about half of a core at 10,000 requests per second, before the router
as before the origin that it is compared with.
"""

import gc
import select
import socket
import time
from collections import deque
from itertools import cycle
from pathlib import Path

from router_load import Outcome

CONNECTIONS = 64


def spaced(address: str, paths: Path, seconds: float, rate: float) -> Outcome:
    """Send so many requests per second; answers other than 200 count as failed."""
    host, _, port = address.partition(":")
    idle = deque(socket.create_connection((host, int(port))) for _ in range(CONNECTIONS))
    names = cycle(paths.read_text().split()[: int(rate * seconds)])
    due: dict[socket.socket, float] = {}
    took: list[float] = []
    failed = 0
    gc.disable()
    step, begin = 1 / rate, time.perf_counter()
    following, end = begin, begin + seconds
    while due or following < end:
        now = time.perf_counter()
        while following <= now and following < end and idle:
            one = idle.popleft()
            one.sendall(f"GET /o/{next(names)}/notes HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            due[one] = following
            following += step
        patience = max(0, following - time.perf_counter()) if idle else 1
        for one in select.select(list(due), (), (), patience)[0]:
            answer = one.recv(4096)
            took.append(time.perf_counter() - due.pop(one))
            failed += not answer.startswith(b"HTTP/1.1 200 ")
            idle.append(one)
    gc.enable()
    for one in idle:
        one.close()
    took.sort()
    middle, last = took[len(took) // 2], took[int(len(took) * 0.99)]
    return Outcome(len(took) / (time.perf_counter() - begin), middle * 1e3, last * 1e3, failed, 0)
