"""While secrets are rotated the app takes both keys, and logs in by whichever password is taken."""

from pathlib import Path

import pytest

from tests.app.conftest import (
    APP_IMAGE,
    CELL,
    SECRETS,
    Environment,
    Organization,
    StartApp,
    placed,
)
from tests.postgres.containers import PASSWORDS, Postgres, container, until, write_passwords

pytestmark = pytest.mark.docker

OLD, NEW = PASSWORDS["app"], "another-password-of-the-app"
OLD_KEY, NEW_KEY = "the-old-key-of-the-cells-router", "the-new-key-of-the-cells-router"


def test_both_passwords_and_both_keys_are_taken(
    start_app: StartApp, postgres: Postgres, tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    write_passwords(folder, {"app": f"{OLD}\n{NEW}", "router-key": f"{OLD_KEY}\n{NEW_KEY}\n"})
    with start_app(
        f"--volume={folder}:/rotated:ro",
        "--env=PASSWORD_FILE=/rotated/app",
        "--env=ROUTER_KEY_FILE=/rotated/router-key",
    ) as app:
        placed(postgres, Organization(app.client, "9999001", name="rotated"))

        def status(key: str) -> int:
            headers = {
                "X-Cellwright-Cell": CELL,
                "X-Cellwright-Organization": "rotated",
                "X-Cellwright-Organization-Id": "9999001",
                "X-Cellwright-Key": key,
            }
            return app.client.get("/notes", headers=headers).status_code

        assert {status(key) for key in (OLD_KEY, NEW_KEY)} == {200}
        assert status(f"{OLD_KEY}\n{NEW_KEY}".replace("\n", " ")) == 403
        set_password(postgres, NEW)
        try:
            drop_connections(postgres)
            until(lambda: status(NEW_KEY) == 200, "it logs in by the second password")
            write_passwords(folder, {"app": f"{NEW}\n{OLD}"})
            drop_connections(postgres)
            until(lambda: status(NEW_KEY) == 200, "it logs in by the first one")
            write_passwords(folder, {"app": OLD})
            drop_connections(postgres)
            until(lambda: status(NEW_KEY) == 503, "the old password is refused")
        finally:
            set_password(postgres, OLD)
        until(lambda: status(NEW_KEY) == 200, "it is taken again")


def test_a_migration_logs_in_by_the_second_password(
    network: str, environment: Environment, postgres: Postgres, tmp_path: Path
) -> None:
    assert postgres.value("SELECT 1") == "1"
    folder = tmp_path / "secrets"
    write_passwords(folder, {"owner": f"a-password-that-is-not-set\n{PASSWORDS['owner']}"})
    options = (f"--network={network}", *environment("owner"))
    options = (*options, f"--volume={folder}:/rotated:ro", "--env=PASSWORD_FILE=/rotated/owner")
    with container(APP_IMAGE, *options, command=("migrate", "--deadline", "20")) as migration:
        assert migration.exit_code() == 0, migration.logs()


@pytest.mark.parametrize("text", ["", "short", f"{OLD}\nshort", f"{OLD}\n\n{NEW}", "a b" * 20])
def test_a_file_that_holds_anything_else_is_refused(
    network: str, environment: Environment, tmp_path: Path, text: str
) -> None:
    write_passwords(tmp_path / "secrets", {"router-key": text})
    options = (f"--network={network}", *environment("app"))
    options = (*options, f"--volume={tmp_path}/secrets/router-key:{SECRETS}-key:ro")
    options = (*options, f"--env=ROUTER_KEY_FILE={SECRETS}-key")
    with container(APP_IMAGE, *options, command=("serve",)) as app:
        assert app.exit_code() == 1
        assert "must hold lines of at least 16 ASCII letters and signs each" in app.logs()


def set_password(postgres: Postgres, password: str) -> None:
    postgres.value(f"ALTER ROLE cell_app PASSWORD '{password}'")


def drop_connections(postgres: Postgres) -> None:
    postgres.value(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cell_app'"
    )
