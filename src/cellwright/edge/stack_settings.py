"""The secrets in the settings of stacks: `stacks/Pulumi.<stack>.yaml`, through `pulumi config`.

The fleet's stack has the root secret, a cell's its own and what it is given of the fleet's, so that
who reads the settings of one cell has that cell alone. Beside them stands in the clear whose the
stack is, and which versions are valid. Secrets go to Pulumi by its standard input. Refuses to know
what is in a stack.
"""

import json
import secrets as random
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from cellwright.edge.backend import find_backend
from cellwright.edge.failure import CommandError
from cellwright.edge.settings import CLUSTERS, FLEET_ID, PREFIX, STATE, Settings, read_settings
from cellwright.edge.stacks import asked_of_pulumi
from cellwright.edge.state_files import known_stacks, read_stack
from cellwright.edge.state_listing import Stack
from cellwright.fleet_secrets import FIRST, FleetSecrets, first_secrets, read_secrets
from cellwright.model import FLEET_STACK
from cellwright.secret import CELL_SECRET, ROOT_BYTES, ROOT_SECRET
from cellwright.secret_state import Generation, Phase, State, generation

_ROOT = f"{PREFIX}:{ROOT_SECRET}"
_CELL = f"{PREFIX}:{CELL_SECRET}"
_OLDEST = State(str(Generation(1, 0)))
"""Of cells that an older release has made."""
_LATER = 10**5
"""Beyond what rotations reach, of which each takes the next version."""


class CellThere(NamedTuple):
    """What is known of a cell: whether its namespace is there, with which secrets, and whether the
    fleet ever had one of its name.
    """

    is_there: bool = False
    noted: State | None = None
    was_used: bool = False


class Ownership(NamedTuple):
    """Whose a stack is: the fleet's secrets, and the UIDs of kube-system by name of cluster.

    For a cell also which of its secrets are valid, and those that its manifests name.
    """

    secrets: FleetSecrets
    clusters: Mapping[str, str]
    state: State | None = None
    named: Iterable[str] = ()


def fleet_secrets(
    root: Path, stacks: Iterable[str], there: Mapping[str, Stack], *, may_lack: bool = False
) -> FleetSecrets | None:
    """Return the fleet's root secrets, from its stack; None if it has none.

    Stacks of cells have it where an older release has made them. Raises CommandError where a stack
    has resources and nothing has the secret, unless it `may_lack`: with a new one, every password
    would change.
    """
    names = [FLEET_STACK, *(name for name in stacks if name != FLEET_STACK)]
    for name in names:
        if name in there and (found := _root_text(root, name)):
            return _read(name, found, read_settings(root, FLEET_STACK).state or FIRST)
    used = [name for name in names if name in there and there[name].resources]
    if used and not may_lack:
        raise CommandError(
            f"stack {used[0]} has resources, and no stack has {_ROOT}; restore the files in "
            "stacks/, or see docs/recovery.md"
        )
    return None


def new_root() -> bytes:
    """Return a new root secret."""
    return random.token_bytes(ROOT_BYTES)


def new_secrets() -> FleetSecrets:
    """Return the secrets of a new fleet."""
    return first_secrets(new_root())


def cell_state(name: str, settings: Settings, there: CellThere, secrets: FleetSecrets) -> State:
    """Return which secrets of a cell are valid: as its settings say, or else its namespace.

    A cell without settings that was away while the root secret changed begins anew: its Postgres
    sets the passwords when it starts. Raises CommandError where they follow from a root secret that
    the fleet does not have.
    """
    noted = there.noted
    is_old = settings.has_root or there.is_there
    if not (settings.state or noted or is_old):
        return secrets.new_cell(_number() if there.was_used else 1)
    state = settings.state or noted or _OLDEST
    missing = {generation(one).root for one in state.valid} - secrets.roots.keys()
    if not missing:
        return state
    if not settings.is_made and noted is not None and max(missing) < min(secrets.roots):
        return secrets.new_cell(generation(noted.new).cell + 1)
    raise CommandError(
        f"the secrets of cell {name} ({state}) follow from version {min(missing)} of the root "
        f"secret, which stack {FLEET_STACK} does not have: restore its settings, "
        f"stacks/Pulumi.{FLEET_STACK}.yaml; where the root secret was rotated without this cell, "
        f"delete stacks/Pulumi.{name}.yaml"
    )


def _number() -> int:
    """Return a version for a cell whose name another one had, whose versions nobody knows now."""
    return _LATER + random.randbelow(9 * _LATER)


def ensure(
    root: Path, name: str, owner: Ownership, there: Collection[str], on_made: Callable[[str], None]
) -> None:
    """Make a stack unless it is there, with its settings: its secrets, and whose it is.

    Raises CommandError where the stack is another fleet's, since its routers and the others' would
    reject each other.
    """
    if name not in there:
        _require_undamaged(root, name)
        asked_of_pulumi(root, "stack", "init", name, "--no-select")
        on_made(name)
    if name == FLEET_STACK:
        _set_root(root, owner)
    else:
        _set_cell(root, name, owner)


def _set_root(root: Path, owner: Ownership) -> None:
    """Set the root secrets before what says which are valid: in the last phase one is needed.

    One is dropped at the end of a rotation alone: what another run has made meanwhile stays.
    """
    secrets = owner.secrets
    text, found = secrets.text(), _root_text(root, FLEET_STACK)
    said = read_settings(root, FLEET_STACK).state
    if found is not None:
        known = _read(FLEET_STACK, found, FIRST)
        if not known.roots.items() & secrets.roots.items():
            raise _other(FLEET_STACK)
        dropped = {str(one) for one in known.roots.keys() - secrets.roots.keys()}
        old = {said.old} if said and said.phase == Phase.END else set()
        if dropped - old:
            raise _meanwhile(FLEET_STACK)
    _require_not_before(FLEET_STACK, secrets.state, said)
    if found != text:
        _set_secret(root, FLEET_STACK, _ROOT, text)
    _set_plain(root, FLEET_STACK, owner, str(secrets.state))


def _set_cell(root: Path, name: str, owner: Ownership) -> None:
    secrets = owner.secrets
    settings = read_settings(root, name)
    shown = _shown(root, name) if settings.is_made else {}
    if old := shown.get(_ROOT):
        if not _read(name, old, FIRST).roots.items() & secrets.roots.items():
            raise _other(name)
    elif settings.fleet_id not in ("", secrets.fleet_id):
        raise _other(name)
    state = owner.state or secrets.new_cell()
    _require_not_before(name, state, settings.state)
    record = secrets.record(name, state, owner.named)
    if shown.get(_CELL) != record:
        _set_secret(root, name, _CELL, record)
    if old:
        asked_of_pulumi(root, "config", "rm", "--stack", name, _ROOT)
    _set_plain(root, name, owner, str(state))


def _require_not_before(name: str, state: State, said: State | None) -> None:
    """Raise CommandError where settings say a later state than the one that is to be set."""
    if said is not None and state.is_before(said):
        raise _meanwhile(name)


def _meanwhile(name: str) -> CommandError:
    return CommandError(f"the secrets of stack {name} were changed in the meantime: run this again")


def _other(name: str) -> CommandError:
    return CommandError(
        f"stack {name} has another {_ROOT} than the rest of the fleet: its routers and the "
        "others would reject each other's certificates"
    )


def _set_plain(root: Path, name: str, owner: Ownership, state: str) -> None:
    settings = read_settings(root, name)
    number = owner.secrets.fleet_id
    plain = {f"{PREFIX}:{FLEET_ID}": number} if settings.fleet_id != number else {}
    if settings.state is None or str(settings.state) != state:
        plain[f"{PREFIX}:{STATE}"] = state
    known = settings.clusters or {}
    for cluster, uid in owner.clusters.items():
        if known.get(cluster) != uid:
            plain[f"{PREFIX}:{CLUSTERS}.{cluster}"] = uid
    if plain:
        words = [word for key, value in plain.items() for word in ("--plaintext", f"{key}={value}")]
        asked_of_pulumi(root, "config", "set-all", "--path", "--stack", name, *words)


def _set_secret(root: Path, name: str, key: str, text: str) -> None:
    asked_of_pulumi(root, "config", "set", "--secret", "--stack", name, key, given=text)


def _shown(root: Path, name: str) -> dict[str, str]:
    """Return the settings of a stack with its secrets, by name."""
    shown = json.loads(asked_of_pulumi(root, "config", "--show-secrets", "--json", "--stack", name))
    return {str(key): str(one.get("value", "")) for key, one in shown.items()}


def _root_text(root: Path, name: str) -> str | None:
    return _shown(root, name).get(_ROOT, "") if read_settings(root, name).has_root else None


def _read(name: str, text: str, state: State) -> FleetSecrets:
    try:
        return read_secrets(text, state)
    except ValueError as error:
        raise CommandError(f"{_ROOT} of stack {name}: {error}") from None


def _require_undamaged(root: Path, name: str) -> None:
    """Raise CommandError for a stack whose state is missing while its history is there: Pulumi
    would make a new, empty one in its place.
    """
    if not read_settings(root, name).is_made:
        return  # it was never made
    try:
        backend = find_backend(root)
    except CommandError:  # not in files, so that its store has versions of its own
        return
    if name in known_stacks(backend) and read_stack(backend, name).is_damaged:
        raise CommandError(
            f"the state of stack {name} is missing, and its history is there: run "
            f"`cellwright restore-state {name}`"
        )
