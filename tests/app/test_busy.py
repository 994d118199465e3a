"""One organization with more requests than the database can take: its neighbours do not notice."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx
import pytest

from tests.app.conftest import App, Organization, StartApp, placed
from tests.app.test_requests import assert_error
from tests.postgres.containers import Postgres, docker, until

pytestmark = pytest.mark.docker

OWN = "the organization has too many requests under way"
REFUSED = 'app_database_busy_total{whose="own"}'
MANY = 90


def locked(organization: Organization) -> str:
    where = f"WHERE organization_id = {organization.id}"
    return f"SELECT FROM organizations {where} FOR UPDATE"


def stuck(postgres: Postgres) -> int:
    """Return how many connections of the app wait for a lock."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cell_app'"
    return int(postgres.value(f"{asked} AND wait_event_type = 'Lock'"))


def counted(app: App, name: str) -> float:
    lines = app.health.get("/metrics").text.splitlines()
    (found,) = [line for line in lines if line.startswith(f"{name} ")]
    return float(found.rpartition(" ")[2])


@pytest.mark.parametrize(
    ("settings", "share"),
    [
        (("--env=POOL_SIZE=8",), 6),
        (("--env=POOL_SIZE=8", "--env=POOL_RESERVE=4"), 4),
        (("--env=POOL_SIZE=2",), 1),
    ],
)
def test_neighbours_are_served_while_one_has_all_that_it_may_have(
    start_app: StartApp, postgres: Postgres, settings: tuple[str, ...], share: int
) -> None:
    with start_app(*settings) as app, ThreadPoolExecutor(MANY) as threads:
        greedy, quiet, new = (
            placed(postgres, Organization(app.client, f"810000{share}{n}")) for n in range(3)
        )
        greedy.note()
        quiet.note()
        with postgres.transaction(locked(greedy)):
            asked = [threads.submit(greedy.ask, "POST", json={"text": "x"}) for _ in range(MANY)]
            until(lambda: stuck(postgres) == share, f"{share} connections are stuck")
            until(lambda: counted(app, "app_pool_waiting") > 0, "others wait")
            assert quiet.texts() == ["a note"]
            new.note()
            assert stuck(postgres) <= share
        answers = [one.result() for one in asked]
        statuses = Counter(answer.status_code for answer in answers)
        assert statuses.keys() <= {201, 429, 503}
        assert statuses[429] >= MANY - share - 50
        refused = [answer for answer in answers if answer.status_code == 429]
        for answer in refused:
            assert_error(answer, 429, OWN)
            assert answer.headers["Retry-After"] == "1"
        assert counted(app, REFUSED) == len(refused)
        assert counted(app, 'app_database_busy_total{whose="all"}') == 0
        assert len(greedy.texts()) == min(50, 1 + statuses[201])
        until(lambda: counted(app, "app_pool_waiting") == 0, "nobody waits any more")


def test_who_asks_again_at_once_is_refused_once_a_second(
    start_app: StartApp, postgres: Postgres
) -> None:
    """Else the app's time would go into refusals."""
    with start_app() as app, ThreadPoolExecutor(MANY) as threads:
        greedy, quiet = (placed(postgres, Organization(app.client, f"850000{n}")) for n in range(2))
        greedy.note()
        quiet.note()
        ended = Event()

        def ask() -> None:
            with httpx.Client(base_url=app.client.base_url, timeout=30) as client:
                while not ended.is_set():
                    Organization(client, greedy.id).ask("POST", json={"text": "x"})

        began = time.monotonic()
        with postgres.transaction(locked(greedy)):
            asking = [threads.submit(ask) for _ in range(MANY)]
            until(lambda: counted(app, REFUSED) > MANY, "some are refused again")
            assert quiet.texts() == ["a note"]
            refused = counted(app, REFUSED)
            seconds = time.monotonic() - began
            ended.set()
        for one in asking:
            one.result()
        assert refused <= (MANY - 50) * (seconds + 1)  # 50 wait, in turn


def test_a_database_that_answers_nobody_is_away_and_not_busy(
    start_app: StartApp, postgres: Postgres
) -> None:
    with start_app("--env=POOL_SIZE=2") as app, ThreadPoolExecutor(20) as threads:
        organizations = [placed(postgres, Organization(app.client, f"830000{n}")) for n in range(4)]
        for one in organizations:
            one.note()
        docker("pause", postgres.container.name)
        try:
            asked = [threads.submit(one.ask, "GET") for one in organizations * 4]
            answers = [one.result() for one in asked]
        finally:
            docker("unpause", postgres.container.name)
        for answer in answers:
            assert_error(answer, 503, "the database is away")
        assert counted(app, "app_database_away_total") == len(answers)
        for whose in ("own", "all"):
            assert counted(app, f'app_database_busy_total{{whose="{whose}"}}') == 0
        until(lambda: organizations[0].ask("GET").status_code == 200, "it is back")
