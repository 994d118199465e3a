"""What stands for the API server and for time in tests of the lease."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import RefusedError
from cellwright.lease_record import LEASE, Record, Running, body_of, record_of

Body = dict[str, Any]
SPACE = "cellwright-directory"
PATH = f"/apis/coordination.k8s.io/v1/namespaces/{SPACE}/leases"
THEN = datetime(2026, 11, 28, 3, 14, 5, tzinfo=UTC)
OTHER = "root@build-7 (pid 4711) 0123456789abcdef"


class Server:
    """An API server that keeps one collection, and refuses what is not up to date."""

    def __init__(self) -> None:
        self.objects: dict[str, str] = {}
        self.version = 0
        self.away = False
        self.refuses: RefusedError | None = None
        self.before_write: Callable[[], None] | None = None
        self.writes = 0
        self.guard = threading.RLock()

    def find(self, path: str, *, seconds: float) -> Body | None:
        with self.guard:
            self.answer(seconds)
            text = self.objects.get(path)
            return None if text is None else json.loads(text)

    def create(self, path: str, body: Any, *, seconds: float) -> Body:
        with self.guard:
            self.answer(seconds, is_write=True)
            name = f"{path}/{body['metadata']['name']}"
            if name in self.objects:
                raise RefusedError("AlreadyExists", "already exists")
            return self.store(name, body)

    def replace(self, path: str, body: Any, *, seconds: float) -> Body:
        with self.guard:
            self.answer(seconds, is_write=True)
            if path not in self.objects:
                raise RefusedError("Conflict", "the object has been deleted")
            metadata = json.loads(self.objects[path])["metadata"]
            if metadata["resourceVersion"] != body["metadata"]["resourceVersion"]:
                raise RefusedError("Conflict", "the object has been modified")
            return self.store(path, body)

    def answer(self, seconds: float, *, is_write: bool = False) -> None:
        assert 0 < seconds <= 5
        if self.away:
            raise CommandError("cluster local: connection refused")
        if is_write:
            if self.refuses:
                raise self.refuses
            self.writes += 1
            hook, self.before_write = self.before_write, None
            if hook:
                hook()

    def store(self, path: str, body: Any) -> Body:
        self.version += 1
        stored = json.loads(json.dumps(body))
        stored["metadata"]["resourceVersion"] = str(self.version)
        self.objects[path] = json.dumps(stored)
        return json.loads(self.objects[path])

    @property
    def lease(self) -> Body:
        return json.loads(self.objects[f"{PATH}/{LEASE}"])

    def put(self, record: Record, **metadata: Any) -> None:
        """Have the Lease say something, whatever it said before."""
        body = json.loads(json.dumps(body_of(record, SPACE, None, {})))
        body["metadata"] |= metadata
        self.store(f"{PATH}/{LEASE}", body)


class Time:
    """Stands for the module `time`; the world goes on while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.on_sleep: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_sleep()


def other(**changes: Any) -> Record:
    parts: dict[str, Any] = {"acquired": THEN, "renewed": THEN, "lasts": 30, "transitions": 4}
    return Record(**{"holder": OTHER, **parts, **changes})


def run_of(stack: str, pid: int | None = 4712) -> Running:
    return Running(stack, OTHER, "build-7", pid, THEN)


def eventually(ask: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not ask():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def stacks(server: Server) -> list[tuple[str, int | None]]:
    return [(run.stack, run.pid) for run in record_of(server.lease).running]
