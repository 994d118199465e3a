"""How a cell's Postgres starts and stops: new, again, killed half-way, and where it must not."""

import hashlib
from pathlib import Path

import pytest

from tests.postgres.conftest import Start
from tests.postgres.containers import (
    DATA,
    PASSWORDS,
    POSTGRES_IMAGE,
    Postgres,
    container,
    docker,
    tool,
    until,
    volume,
    write_passwords,
)

pytestmark = pytest.mark.docker

PGDATA = f"{DATA}/pgdata"
MARKER = f"{PGDATA}/cellwright-roles"


def last_line(failed: Postgres) -> str:
    """Return what Kubernetes shows of a container that stopped by itself with an error."""
    assert failed.container.exit_code() == 1, failed.container.logs()
    return failed.container.logs().splitlines()[-1]


def test_rows_survive_a_stop_and_a_kill(start: Start) -> None:
    with start() as server:
        server.wait()
        server.value("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1)", role="owner")
        docker("stop", server.container.name)
        assert server.container.inspect("{{.State.ExitCode}}") == "0"
        log = server.container.logs()
        assert "received fast shutdown request" in log
        assert "database system is shut down" in log.splitlines()[-1]

        docker("start", server.container.name)
        server.wait()
        server.value("INSERT INTO kept VALUES (2)", role="app")
        docker("kill", server.container.name)
        docker("start", server.container.name)
        server.wait()
        assert server.value("SELECT sum(n) FROM kept", role="app") == "3"


def test_postgres_itself_is_the_first_process_and_unprivileged(postgres: Postgres) -> None:
    status = postgres.container.shell("cat /proc/1/comm; grep -E '^(Uid|CapEff)' /proc/1/status")
    assert status.split() == ["postgres", "Uid:", *["999"] * 4, "CapEff:", "0" * 16]
    assert postgres.container.shell(f"stat --format=%a:%u {PGDATA}") == "700:999\n"


def test_a_restart_with_nothing_to_change_starts_no_other_server(start: Start) -> None:
    with start() as server:
        server.wait()
        # As a volume plug-in leaves it that applies the pod's fsGroup.
        server.container.shell(f"chmod 2770 {PGDATA}")
        docker("restart", server.container.name)
        server.wait()
        log = server.container.logs()
        assert log.count("setting roles and passwords") == 1
        # The one that set the roles, and one for each of the two starts.
        assert log.count("starting PostgreSQL") == 3


# So slow that the moment cannot be missed.
SLOW = "--cpus=0.2"
DATA_BEING_MADE = "creating configuration files ... ok"
ROLES_BEING_SET = "database system is ready to accept connections"


@pytest.mark.parametrize(("line", "absent"), [(DATA_BEING_MADE, PGDATA), (ROLES_BEING_SET, MARKER)])
def test_killed_half_way(start: Start, data: str, line: str, absent: str) -> None:
    with start(SLOW) as server:
        server.container.follow(line)
        docker("kill", server.container.name)
    with tool(data) as beside:
        assert beside.shell(f"test -e {absent} || echo absent") == "absent\n", "killed too late"
    with start() as server:
        server.wait()
        assert server.value("SELECT current_user", role="app") == "cell_app"
        assert server.container.shell(f"ls {DATA}") == "pgdata\n"


@pytest.mark.parametrize("line", [DATA_BEING_MADE, ROLES_BEING_SET])
def test_told_to_stop_half_way(start: Start, line: str) -> None:
    with start(SLOW) as server:
        server.container.follow(line)
        docker("kill", "--signal=INT", server.container.name)
        assert server.container.exit_code() == 130
        assert "stopped before the database was up" in server.container.logs().splitlines()[-1]


def test_a_changed_password_is_applied_on_the_next_start(start: Start, passwords: Path) -> None:
    changed = "another-password-of-the-app"
    with start() as server:
        server.wait()
        write_passwords(passwords, {"app": f"{changed}\n"})
        docker("restart", server.container.name)
        server.wait()
        assert server.psql("SELECT 1", role="app", password=changed).returncode == 0
        assert server.psql("SELECT 1", role="app").returncode == 2
        assert server.psql("SELECT 1", role="owner").returncode == 0


def test_passwords_are_in_no_log_and_not_in_the_marker(start: Start, tmp_path: Path) -> None:
    talkative = tmp_path / "postgres.conf"
    talkative.write_text(
        "log_statement = 'all'\nlog_min_duration_statement = 0\n"
        "log_min_error_statement = 'debug5'\nlog_min_messages = 'debug1'\n"
    )
    talkative.chmod(0o644)
    with start(f"--volume={talkative}:/etc/cellwright/postgres.conf:ro") as server:
        server.wait()
        assert server.value("SHOW log_statement") == "all"
        log, marker = server.container.logs(), server.container.shell(f"cat {MARKER}")
        assert "SHOW log_statement" in log
        for password in PASSWORDS.values():
            assert password not in log
            assert password not in marker
            assert hashlib.sha256(password.encode()).hexdigest() not in marker


def test_two_cells_with_the_same_passwords_have_different_markers(
    start: Start, postgres: Postgres
) -> None:
    with start() as server:
        server.wait()
        read = f"cut -d ' ' -f 2 {MARKER}"
        assert server.container.shell(read) != postgres.container.shell(read)


def test_sizes_come_from_the_cells_own_file(start: Start, tmp_path: Path) -> None:
    sizes = tmp_path / "postgres.conf"
    sizes.write_text("max_connections = 20\nshared_buffers = '32MB'\n")
    sizes.chmod(0o644)
    with start(f"--volume={sizes}:/etc/cellwright/postgres.conf:ro") as server:
        server.wait()
        assert server.value("SHOW shared_buffers") == "32MB"
        limit = "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'cell_app'"
        assert server.value(limit) == "12"
        sizes.write_text("max_connections = 30\n")
        docker("restart", server.container.name)
        server.wait()
        assert server.value(limit) == "22"


def test_a_full_new_volume_is_named_and_leaves_nothing(start: Start) -> None:
    with start(mount=f"--tmpfs={DATA}:size=20m,uid=999,gid=999,mode=0700") as server:
        assert f"the volume at {DATA} is full" in last_line(server)


def test_a_volume_that_fills_up_later_is_named_and_recovers(start: Start) -> None:
    size = ("--opt=type=tmpfs", "--opt=device=tmpfs", "--opt=o=size=150m,uid=999,gid=999")
    with volume(*size) as small, tool(small) as beside:
        mount = f"--volume={small}:{DATA}"
        with start(mount=mount) as server:
            server.wait()
            docker("stop", server.container.name)
        beside.shell(f"cat /dev/zero >{DATA}/filler 2>/dev/null || true")
        with start(mount=mount) as server:
            until(
                lambda: f"the volume at {DATA} is full" in server.container.logs(),
                "the log says that the volume is full",
            )
        beside.shell(f"rm {DATA}/filler")
        with start(mount=mount) as server:
            server.wait()
            assert server.value("SELECT current_user", role="app") == "cell_app"


def test_a_volume_that_may_not_be_written_is_named(start: Start) -> None:
    with start(mount=f"--tmpfs={DATA}:uid=0,mode=0755") as server:
        assert f"the volume at {DATA} is not writable for uid 999" in last_line(server)


def test_data_of_another_major_version_is_left_alone(start: Start, data: str) -> None:
    with tool(data) as beside:
        beside.shell(f"mkdir {PGDATA} && echo 16 >{PGDATA}/PG_VERSION")
        with start() as server:
            message = last_line(server)
        assert "holds data of PostgreSQL 16, this is PostgreSQL 17" in message
        assert beside.shell(f"cd {DATA} && find . -type f") == "./pgdata/PG_VERSION\n"


def test_a_folder_that_is_no_data_directory_is_left_alone(start: Start, data: str) -> None:
    with tool(data) as beside:
        beside.shell(f"mkdir {PGDATA} && echo mine >{PGDATA}/letter")
        with start() as server:
            assert "holds no PostgreSQL data; nothing was changed" in last_line(server)
        assert beside.shell(f"cat {PGDATA}/letter") == "mine\n"


@pytest.mark.parametrize("password", ["", "short", "two lines of password\nand more"])
def test_a_poor_password_is_refused(start: Start, passwords: Path, password: str) -> None:
    write_passwords(passwords, {"app": password})
    with start() as server:
        message = last_line(server)
    assert message.startswith("cellwright: /etc/cellwright/passwords/app must hold one line")
    assert not password or password not in message


def test_a_missing_password_is_named(start: Start, passwords: Path) -> None:
    (passwords / "owner").unlink()
    with start() as server:
        assert "/etc/cellwright/passwords/owner is missing" in last_line(server)


def test_a_wrong_setting_of_the_cell_is_named(start: Start, tmp_path: Path) -> None:
    wrong = tmp_path / "postgres.conf"
    wrong.write_text("max_connections = many\n")
    wrong.chmod(0o644)
    with start(f"--volume={wrong}:/etc/cellwright/postgres.conf:ro") as server:
        assert "the configuration cannot be read" in last_line(server)
        assert 'invalid value for parameter "max_connections": "many"' in server.container.logs()


def test_a_server_that_cannot_start_for_its_roles_is_not_waited_for(
    start: Start, tmp_path: Path
) -> None:
    wrong = tmp_path / "postgres.conf"
    wrong.write_text("wal_level = minimal\n")
    wrong.chmod(0o644)
    with start(f"--volume={wrong}:/etc/cellwright/postgres.conf:ro") as server:
        assert "the database did not start" in last_line(server)


def test_the_image_needs_its_mounts(passwords: Path) -> None:
    """Without a volume nothing may be written to a layer that is lost with the container."""
    mount = f"--volume={passwords}:/etc/cellwright/passwords:ro"
    with container(POSTGRES_IMAGE, mount) as bare:
        assert bare.exit_code() == 1
        assert f"the volume at {DATA} is not writable" in bare.logs().splitlines()[-1]
