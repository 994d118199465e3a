"""What holds for all tests."""

import signal

import pytest
from hypothesis import settings

# A busy machine is no failure: no test depends on how long something takes.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

# A shell that starts the tests in the background has them and all their children ignore Ctrl-C, and
# `nohup` a hang-up; some tests are about what these do.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run write what it finds as what is expected from now on."""
    parser.addoption("--update", action="store_true", help="rewrite expectations; read them")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Return whether golden files are written rather than compared."""
    return bool(request.config.getoption("--update"))
