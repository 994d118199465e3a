"""The real Prometheus scrapes real routers and evaluates every expression that is shipped."""

import math
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.monitoring.prometheus import Prometheus, Target, running
from tests.monitoring.test_dashboard import DASHBOARD, PANELS
from tests.monitoring.test_rules import PAGE, _rules
from tests.placement.pods import Placement, new_placement, running_database
from tests.postgres.containers import (
    APP_IMAGE,
    PASSWORDS,
    Container,
    container,
    until,
    write_passwords,
)
from tests.router.conftest import Fleet
from tests.router.directory import config_map

pytestmark = pytest.mark.docker

ONLY_IN_TROUBLE = {"Routers that do not serve their agent's table"}
"""Panels that are empty while all is well."""

SELECTOR = re.compile(r"\b(?:up|(?:haproxy|cellwright|app)_[a-z_]+)(?:\{[^}]*\})?(?=[\s()\[]|$)")


@dataclass(frozen=True, slots=True)
class Monitored:
    fleet: Fleet
    placement: Placement
    prometheus: Prometheus


@pytest.fixture(scope="module")
def monitored(
    programs: dict[str, Path],
    new_fleet: Callable[[], AbstractContextManager[Fleet]],
    new_address: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Monitored]:
    """Return a fleet with some traffic of every kind and one refused ConfigMap, and its monitor.

    Beside it there is one real app, without a database and without requests, and alpha's placement
    with one.
    """
    key = tmp_path_factory.mktemp("key")
    write_passwords(key, {**PASSWORDS, "router-key": "a-key-that-nobody-asks-with"})
    with new_fleet() as fleet, _app(key) as app, running_database(key) as database:
        # Else its fence lasts for as long as an alert about it wants.
        fleet.directory.change("in-fenced", state="active")
        fleet.publish()
        placement = new_placement(
            tmp_path_factory.mktemp("placement"),
            new_address(),
            fleet.api.address,
            database,
            mounts={"secrets": key, "account": fleet.account},
        )
        placement.start()
        fleet.api.put(config_map("directory-01", "nonsense\n", "none", 4))
        targets = [
            Target(f"{one.address}:{port}", name, one.cell, f"router-{one.cell}")
            for one in fleet.routers
            for name, port in (("health", 8404), ("agent", 8405), ("http", 8080))
        ]
        targets += [
            Target(f"127.0.0.1:{app.port(port)}", name, "alpha", "app-alpha", "app")
            for name, port in (("health", 8081), ("http", 8080))
        ]
        address = f"{placement.address}:8405"
        targets += [
            Target(address, "placement", cell, f"placement-{cell}", "placement")
            for cell in ("alpha", "beta")  # which has no database here: one stands for both
        ]
        folder = tmp_path_factory.mktemp("prometheus")
        try:
            with running(programs["prometheus"], new_address(), folder, targets) as prometheus:
                _traffic(fleet, prometheus)
                yield Monitored(fleet, placement, prometheus)
        finally:
            placement.remove()


@contextmanager
def _app(key: Path) -> Iterator[Container]:
    options = (
        *("--publish=127.0.0.1::8080", "--publish=127.0.0.1::8081", f"--volume={key}:/key:ro"),
        *("--env=CELL=alpha", "--env=PGHOST=127.0.0.1", "--env=ROUTER_KEY_FILE=/key/router-key"),
    )
    with container(APP_IMAGE, *options) as running:
        running.follow("Uvicorn running on http://0.0.0.0:8081")
        yield running


def _traffic(fleet: Fleet, prometheus: Prometheus) -> None:
    """Send requests of every kind until rates can be told of all of them."""

    def told() -> bool:
        for router in fleet.routers:
            for path in (
                "/o/acme/",
                "/o/umb/",
                "/o/nobody/",
                "/o/in-gone/",
                "/o/in-maintenance/",
                "/../",
            ):
                router.get(path)
        answers = 'haproxy_backend_http_responses_total{proxy=~"app|cells|refused"}'
        found = prometheus.query(f"min(sum by (cell, proxy) (rate({answers}[1m]))) > 0")
        scraped = prometheus.query("count(count_over_time(up[1m]) > 5) == 7")
        return bool(found and scraped)

    until(told, "Prometheus knows the rates of all backends")


def _asked(expression: str) -> str:
    """Return what Grafana would ask with all cells chosen."""
    replaced = {"$__rate_interval": "1m", "$cluster": ".*", "$cell": ".*"}
    for name, value in replaced.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def test_the_targets_are_all_exporters(monitored: Monitored) -> None:
    found = monitored.prometheus.query("up == 1")
    assert {
        (one["metric"]["job"], one["metric"]["cell"], one["metric"]["pod"]) for one in found
    } == {
        (f"cellwright-{job}", cell, f"router-{cell}")
        for job in ("router", "agent")
        for cell in ("alpha", "beta")
    } | {
        ("cellwright-app", "alpha", "app-alpha"),
        ("cellwright-placement", "alpha", "placement-alpha"),
        ("cellwright-placement", "beta", "placement-beta"),
    }


def test_every_series_that_is_asked_for_is_exported(monitored: Monitored) -> None:
    expressions = [target["expr"] for panel in PANELS for target in panel["targets"]]
    expressions += [rule["expr"] for rule in _rules()]
    selectors = {one for expression in expressions for one in SELECTOR.findall(_asked(expression))}
    assert len(selectors) > 40
    missing = [one for one in selectors if not monitored.prometheus.query(one)]
    assert missing == []


@pytest.mark.parametrize(
    ("title", "expression"),
    [
        pytest.param(panel["title"], target["expr"], id=f"{panel['title']} {target['refId']}")
        for panel in PANELS
        for target in panel["targets"]
    ],
)
def test_a_panel_has_something_to_show(monitored: Monitored, title: str, expression: str) -> None:
    found = monitored.prometheus.query(_asked(expression))
    if title in ONLY_IN_TROUBLE:
        assert found == []
    else:
        assert any(math.isfinite(float(one["value"][1])) for one in found), found


def test_the_variables_have_something_to_choose(monitored: Monitored) -> None:
    _, cluster, cell = DASHBOARD["templating"]["list"]
    for variable, values in ((cluster, []), (cell, ["alpha", "beta"])):
        asked = re.fullmatch(r"label_values\((.*), ([a-z]+)\)", variable["query"]["query"])
        assert asked
        found = monitored.prometheus.ask(f"label/{asked[2]}/values", **{"match[]": asked[1]})
        assert found == values


def test_prometheus_evaluates_every_rule(monitored: Monitored) -> None:
    def evaluated() -> bool:
        return all(rule["health"] != "unknown" for rule in monitored.prometheus.rules())

    until(evaluated, "every rule is evaluated")
    found = {rule["name"]: rule for rule in monitored.prometheus.rules()}
    assert found.keys() == {rule["alert"] for rule in _rules()}
    assert {
        name: rule.get("lastError") for name, rule in found.items() if rule["health"] != "ok"
    } == {}


@pytest.mark.parametrize("whose", ["agent", "placement"])
def test_its_metrics_are_well_formed_and_explained(
    monitored: Monitored, programs: dict[str, Path], whose: str
) -> None:
    one = monitored.fleet.alpha if whose == "agent" else monitored.placement
    text = httpx.get(f"http://{one.address}:8405/metrics").text
    done = subprocess.run(
        [str(programs["promtool"]), "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    page = PAGE.read_text()
    names = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    assert names
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_trouble_is_seen(monitored: Monitored) -> None:
    """A refused ConfigMap and alpha's certificate for an hour, and then a HAProxy that is away."""
    fleet, prometheus = monitored.fleet, monitored.prometheus
    before = {
        "CellwrightTableRefused",
        "CellwrightPlacementRefuses",
        "CellwrightCertificateExpires",
    }
    until(lambda: prometheus.active() == before, "the refusal and the certificate are seen")
    (refused,) = prometheus.query("max by (configmap, kind) (cellwright_table_refused)")
    assert refused["metric"] == {"configmap": "directory-01", "kind": "malformed"}
    fleet.beta.remove(fleet.beta.haproxy)
    away = {
        "CellwrightRouterDown",
        "CellwrightTableNotServed",
        "CellwrightCertificateRefused",
    }
    until(lambda: prometheus.active() == before | away, "the HAProxy that is away is seen")
    (panel,) = (one for one in PANELS if one["title"] in ONLY_IN_TROUBLE)
    (row,) = prometheus.query(_asked(panel["targets"][0]["expr"]))
    assert row["metric"] == {"cell": "beta", "pod": "router-beta"}
    fleet.beta.start_haproxy()
    until(lambda: prometheus.active() == before, "it is back")
