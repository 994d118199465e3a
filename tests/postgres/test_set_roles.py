"""Passwords are set on a server that serves, once their files are as they are to be."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.postgres.conftest import Start
from tests.postgres.containers import PASSWORDS, Postgres, write_passwords

pytestmark = pytest.mark.docker

NEW = {role: f"the-new-{password}" for role, password in PASSWORDS.items()}
NOT_YET = 75


def set_roles(server: Postgres, expected: dict[str, str]) -> subprocess.CompletedProcess[str]:
    digests = {role: hashlib.sha256(text.encode()).hexdigest() for role, text in expected.items()}
    given = "".join(f"{role} {digest}\n" for role, digest in digests.items())
    command = ["docker", "exec", "--interactive", server.container.name, "entrypoint", "set-roles"]
    return subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=60, check=False
    )


def logs_in(server: Postgres, password: dict[str, str]) -> set[int]:
    return {
        server.psql("SELECT 1", role=role, password=password[role]).returncode for role in PASSWORDS
    }


def test_new_passwords_are_set_while_sessions_go_on(
    start: Start, passwords: Path, tmp_path: Path
) -> None:
    talkative = tmp_path / "postgres.conf"
    talkative.write_text("log_statement = 'all'\nlog_min_duration_statement = 0\n")
    talkative.chmod(0o644)
    with start(f"--volume={talkative}:/etc/cellwright/postgres.conf:ro") as server:
        server.wait()
        with server.transaction("CREATE TABLE seen (id int)"):
            early = set_roles(server, NEW)
            assert early.returncode == NOT_YET, early.stderr
            assert "is not as it is to be yet" in early.stderr
            assert logs_in(server, PASSWORDS) == {0}
            write_passwords(passwords, NEW)
            done = set_roles(server, NEW)
            assert done.returncode == 0, done.stderr
        assert server.value("SELECT count(*) FROM seen") == "0"
        assert logs_in(server, NEW) == {0}
        assert logs_in(server, PASSWORDS) == {2}
        again = set_roles(server, NEW)
        assert (again.returncode, again.stderr) == (0, "")
        said = server.container.logs() + early.stderr + done.stderr + done.stdout
        assert not [one for one in NEW.values() if one in said]
        subprocess.run(["docker", "restart", server.container.name], check=True)
        server.wait()
        assert server.container.logs().count("setting roles and passwords") == 1
        assert logs_in(server, NEW) == {0}


def test_half_of_the_files_is_not_enough(start: Start, passwords: Path) -> None:
    with start() as server:
        server.wait()
        write_passwords(passwords, {"owner": NEW["owner"]})
        assert set_roles(server, NEW).returncode == NOT_YET
        assert server.psql("SELECT 1", role="owner").returncode == 0


def test_a_file_that_is_not_there_is_an_error(start: Start) -> None:
    with start() as server:
        server.wait()
        done = set_roles(server, {"nobody": "x"})
        assert (done.returncode, "nobody cannot be read" in done.stderr) == (1, True)
