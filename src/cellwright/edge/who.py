"""Who runs this, for what others read: leases, and notes on namespaces."""

import getpass
import os
import socket


def user() -> str:
    """Return the user's name; a container's user may have none but its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def who() -> str:
    """Return the user and the host, as `root@build-7`."""
    return f"{user()}@{socket.gethostname()}"
