"""The relay between HAProxy and who reads its log: a program's output, exit code and signals."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from agent.relay import HANDED_ON, Signals

from tests.postgres.containers import docker, processes, until
from tests.router.conftest import Fleet

PROGRAM = Path(__file__).parents[2] / "images" / "router"
PYTHON = sys.executable
MANY = 200_000
FLOOD = f"""
import os
for n in range({MANY}):
    os.write(1, b"line %d\\n" % n)
"""


@contextmanager
def relay(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(
        [PYTHON, "-m", "agent.relay", *command],
        cwd=PROGRAM,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        assert started.stdout is not None
        started.stdout.close()


def output(*command: str) -> tuple[int, bytes]:
    with relay(*command) as started:
        said, _ = started.communicate(timeout=60)
        return started.returncode, said


def test_all_that_is_written_comes_out_in_order() -> None:
    code, said = output(PYTHON, "-c", FLOOD)
    assert code == 0
    assert said.splitlines() == [b"line %d" % number for number in range(MANY)]


def test_what_was_written_last_comes_out_though_the_program_has_ended() -> None:
    code, said = output("sh", "-c", "echo first; sleep 0.3; echo last; exit 3")
    assert (code, said) == (3, b"first\nlast\n")


def test_a_line_by_itself_does_not_wait_for_others() -> None:
    with relay("sh", "-c", "echo one; exec sleep 60") as started:
        assert started.stdout is not None
        assert started.stdout.read(100) == b"one\n"
        assert started.poll() is None


@pytest.mark.parametrize("number", HANDED_ON)
def test_signals_to_stop_are_handed_on(number: signal.Signals) -> None:
    program = "import signal, sys\n" + "".join(
        f"signal.signal({one:d}, lambda n, _: sys.exit(n))\n" for one in HANDED_ON
    )
    program += (
        "import os\nos.write(1, b'ready\\n')\nsignal.pause()"  # at once: print may write twice
    )
    with relay(PYTHON, "-c", program) as started:
        assert started.stdout is not None
        assert started.stdout.read(100) == b"ready\n"
        started.send_signal(number)
        assert started.wait(20) == number


def test_a_signal_that_comes_before_the_program_is_handed_on() -> None:
    before = {one: signal.getsignal(one) for one in HANDED_ON}
    try:
        signals = Signals()
        os.kill(os.getpid(), signal.SIGUSR1)
        with subprocess.Popen(["sleep", "60"]) as program:
            signals.go_to(program)
            assert program.wait(20) == -signal.SIGUSR1
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def test_a_program_that_a_signal_ended_is_told_as_shells_do() -> None:
    assert output("sh", "-c", "kill -KILL $$")[0] == 128 + signal.SIGKILL


def test_a_program_does_not_wait_for_who_reads_its_log(tmp_path: Path) -> None:
    """As HAProxy does, it writes what finds room and goes on; the rest is lost."""
    done = tmp_path / "done"
    program = (
        "import os, pathlib\n"
        "os.set_blocking(1, False)\n"
        "sent = 0\n"
        "for n in range(300_000):\n"
        "    try:\n"
        "        sent += os.write(1, b'%060d\\n' % n)\n"
        "    except BlockingIOError:\n"
        "        pass\n"
        f"pathlib.Path({str(done)!r}).write_text(str(sent))\n"
    )
    with relay(PYTHON, "-c", program) as started:
        until(done.exists, "all is written, and nobody has read")
        said, _ = started.communicate(timeout=60)
        assert started.returncode == 0
        assert len(said) == int(done.read_text()) > 1_000_000
        assert all(len(line) == 60 for line in said.splitlines())


def test_a_program_goes_on_when_nobody_reads_its_log_any_more(tmp_path: Path) -> None:
    done = tmp_path / "done"
    with relay("sh", "-c", f"echo one; sleep 0.2; echo two; sleep 0.2; touch {done}") as started:
        assert started.stdout is not None
        started.stdout.close()
        assert started.wait(20) == 0
        assert done.exists()


def test_a_program_that_is_missing_is_said() -> None:
    done = subprocess.run(
        [PYTHON, "-m", "agent.relay", "no-such-program"],
        cwd=PROGRAM,
        capture_output=True,
        text=True,
        check=False,
    )
    said = "no-such-program can't be started: No such file or directory\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_every_request_has_its_line_or_is_counted_as_dropped(fleet: Fleet) -> None:
    """HAProxy drops a line while another thread of it is busy with one; the relay drops none."""

    def dropped() -> int:
        text = httpx.get(f"http://{fleet.alpha.address}:8404/metrics").text
        found = re.search(r"^haproxy_process_dropped_logs_total (\d+)$", text, re.MULTILINE)
        assert found
        return int(found[1])

    def asked(client: int) -> list[str]:
        ids = [f"relayed-{client}-{number}" for number in range(500)]
        with httpx.Client(base_url=f"http://{fleet.alpha.address}:8080") as connection:
            for one in ids:
                assert connection.get("/o/acme/", headers={"X-Request-Id": one}).status_code == 200
        return ids

    def logged() -> list[str]:
        lines = fleet.alpha.logs(fleet.alpha.haproxy).splitlines()
        found = [json.loads(line)["request_id"] for line in lines if line.startswith("{")]
        return [one for one in found if one.startswith("relayed-")]

    before = dropped()
    with ThreadPoolExecutor(4) as pool:
        clients = list(pool.map(asked, range(4)))
    until(lambda: len(logged()) + dropped() - before == 2000, "all lines are there")
    found = logged()
    for number, ids in enumerate(clients):
        ours = [one for one in found if one.startswith(f"relayed-{number}-")]
        assert ours == [one for one in ids if one in set(ours)], "in order, and each once"


def test_a_killed_haproxy_ends_the_container(fleet: Fleet) -> None:
    """Else kubelet would not start it again."""
    _, haproxy = processes(fleet.alpha.haproxy)
    os.kill(haproxy, signal.SIGKILL)
    try:
        assert docker("wait", fleet.alpha.haproxy).strip() == str(128 + signal.SIGKILL)
    finally:
        fleet.alpha.restart_haproxy(fleet.directory.mark())


def test_lines_wait_for_each_other_but_not_for_long() -> None:
    """A thousand lines in half a second are passed on in some pieces."""
    program = "import os, time\nfor n in range(1000):\n    os.write(1, b'x\\n'); time.sleep(0.0005)"
    with relay(PYTHON, "-c", program) as started:
        assert started.stdout is not None
        pieces = 0
        while started.stdout.read(1_000_000):
            pieces += 1
        assert started.wait(20) == 0
    assert 2 < pieces < 500
