"""What the app tells Prometheus about itself.

Labels come from the app's own routes, never from what a client sends, so that their number is
bounded; organizations are no label.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.database import Database

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})


class _Pool(Collector):
    """The pool's own figures, read when Prometheus asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        figures = self._database.pool.get_stats()
        for name, key, text in (
            ("app_pool_connections", "pool_size", "Connections to the database"),
            ("app_pool_available", "pool_available", "Connections that nobody uses"),
        ):
            yield GaugeMetricFamily(name, text, value=figures.get(key, 0))
        waiting = self._database.turns.waiting()
        yield GaugeMetricFamily(
            "app_pool_waiting", "Requests that wait for a connection", value=waiting
        )


class Metrics:
    """One registry with everything in it.

    `request`, `away`, `busy`, `wrong_names` and `not_placed` count.
    """

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(_Pool(database))
        self._requests = Counter(
            "app_requests", "Requests", ["route", "method", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "app_request_seconds", "Time to answer", ["route", "method"], registry=self.registry
        )
        self.away = Counter(
            "app_database_away", "Requests that the database failed", registry=self.registry
        )
        self.busy = Counter(
            "app_database_busy",
            "Requests refused since no connection became free: for others of their own"
            " organization (own), or for those of all",
            ["whose"],
            registry=self.registry,
        )
        for whose in ("own", "all"):
            self.busy.labels(whose)
        self.wrong_names = Counter(
            "app_wrong_organization",
            "Requests refused because their organization's id belongs to another one",
            registry=self.registry,
        )

        self.not_placed = Counter(
            "app_not_placed",
            "Requests refused because the cell was not given their organization",
            registry=self.registry,
        )

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        method = method if method in _METHODS else "other"
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)
