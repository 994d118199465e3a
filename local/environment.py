"""What a shell, or a program that a step starts, needs to work with one state folder."""

import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Mapping

from local.errors import Failed
from local.files import write_atomically
from local.place import Place
from local.programs import Tools

MARKER = ".cellwright"
"""Says that a folder is a state folder: `make down` removes no other."""


def prepare(place: Place) -> None:
    """Make the state folder, its passphrase and Pulumi's folders, readable by their owner only."""
    try:
        place.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_prepared(place):
            if any(place.state.iterdir()):
                raise Failed(
                    f"{place.state} is not empty and not a state folder of cellwright; "
                    "expected CELLWRIGHT_STATE to name a folder of its own"
                )
            place.state.chmod(0o700)
            write_atomically(place.state / MARKER, "")
    except OSError as error:
        raise Failed(f"{place.state} cannot be a state folder: {error.strerror}") from None
    for folder in (place.pulumi_home, place.stacks, place.logs):
        folder.mkdir(mode=0o700, exist_ok=True)
    if not place.passphrase.exists():
        _forget_stacks(place)
        write_atomically(place.passphrase, secrets.token_urlsafe(32) + "\n", 0o600)


def is_prepared(place: Place) -> bool:
    """Tell whether `prepare` has made the state folder."""
    return (place.state / MARKER).exists()


def remove(place: Place) -> str:
    """Remove the state folder, and the stacks' files that its passphrase has encrypted."""
    if not is_prepared(place):
        raise Failed(f"{place.state} is not a state folder of cellwright: it stays")
    shutil.rmtree(place.state)
    _forget_stacks(place)
    return f"{place.state} removed"


def _forget_stacks(place: Place) -> None:
    """Remove the stacks' files: without the passphrase nobody can open them.

    Those of a checkout belong to its own state folder; another one's leave them alone.
    """
    if place.state == place.root / ".state":
        for file in (place.root / "stacks").glob("Pulumi.*.yaml"):
            file.unlink()


def variables(place: Place, tools: Tools, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that differ from `environ`'s.

    Only the cache's folders are put before PATH: programs that were found on it stay where they
    are. The virtual environment comes first, since an older language host of Pulumi takes the
    Python that it finds there.
    """
    cached = [str(one) for one in tools.folders if one.is_relative_to(place.cache)]
    first = [str(place.venv / "bin"), *cached]
    rest = [part for part in environ.get("PATH", "").split(os.pathsep) if part not in first]
    return {
        "PATH": os.pathsep.join([*first, *rest]),
        "CELLWRIGHT_STATE": str(place.state),
        "KUBECONFIG": str(place.kubeconfig),
        "KUBECACHEDIR": str(place.kube_cache),
        "PULUMI_HOME": str(place.pulumi_home),
        # Without `metadata=skip` each file gets a second one beside it, which a killed run can
        # leave empty, and then Pulumi can read neither.
        "PULUMI_BACKEND_URL": f"file://{place.stacks}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(place.passphrase),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def exports(values: Mapping[str, str]) -> str:
    """Return shell commands that set the variables; any value is safe to `eval`."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def print_exports(values: Mapping[str, str]) -> None:
    """Print the commands, for `eval "$(make env)"`."""
    sys.stdout.write(exports(values))
