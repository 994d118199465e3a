"""The secrets of a fleet and of its cells, by name, for what is applied.

All follow from the root secret. Each cell has a secret of its own that is derived from it, from
which the cell's others follow, so that who has one cell's knows nothing of the others'. What a cell
is given for a typed `pulumi up` is a record: its own secret, and what must not follow from that,
such as certificates that the fleet has signed. Refuses to store or print anything.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cellwright.authority import cell_key, pem
from cellwright.derivation import derive_bytes
from cellwright.directory_key import DIRECTORY_KEY, public_key, signing_key
from cellwright.identity import fleet_id
from cellwright.secret import ROOT_BYTES, decode_root, derive
from cellwright.secret_state import Generation, Phase, State, generation
from cellwright.secret_text import ALL_VALID, PEM_NAME, SecretText, is_pem, names

CA = "fleet/ca.crt"
"""The name of the certificates of the fleet's authorities."""
FIRST = State("1")
"""The state of a fleet whose root secret never changed."""


class MissingSecretError(Exception):
    """A cell's record lacks a secret that its templates name."""


@dataclass(frozen=True, slots=True)
class StackSecrets:
    """What one stack is applied with: secrets by name, and for the fleet's the signing key.

    `tag` is which versions they are.
    """

    fleet_id: str
    tag: str
    value: Callable[[str], str] = field(repr=False)
    signing: Ed25519PrivateKey | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FleetSecrets:
    """The root secrets of a fleet by version, more than one while they are rotated."""

    fleet_id: str
    roots: Mapping[int, bytes] = field(repr=False)
    state: State = FIRST

    @property
    def root(self) -> bytes:
        """The root secret in use."""
        return self.roots[int(self.state.used)]

    def text(self) -> str:
        """Return the root secrets as text, for the settings of the fleet's stack."""
        return " ".join(self._encoded(version) for version in sorted(self.roots))

    def _encoded(self, version: int) -> str:
        """Return one in base64, behind its version and the fleet's id unless it is the first."""
        secret = base64.b64encode(self.roots[version]).decode()
        return secret if version == 1 else f"{version}.{self.fleet_id}.{secret}"

    def with_root(self, secret: bytes) -> "FleetSecrets":
        """Return these with another root secret beside the one in use, in the first phase.

        One that is there already, of a run that ended too early, is kept.
        """
        version = int(self.state.new) + 1
        roots = {version: secret, **self.roots}
        return replace(self, roots=roots, state=self.state.begun(str(version)))

    def in_state(self, state: State) -> "FleetSecrets":
        """Return these in another phase, without root secrets that are of no use in it."""
        kept = {int(one) for one in (state.old, state.new) if one}
        return replace(
            self, roots={key: one for key, one in self.roots.items() if key in kept}, state=state
        )

    def of_fleet(self) -> StackSecrets:
        """Return what the fleet's stack is applied with."""
        root = self.root
        return StackSecrets(
            self.fleet_id, self.state.tag, lambda name: derive(root, name), signing_key(root)
        )

    def new_cell(self, number: int = 1) -> State:
        """Return the state of a cell that is not there yet: it takes part in what is under way.

        `number` is the first version of its own secret: one that no cell of its name ever had.
        """
        new, old = (str(Generation(int(one), number)) if one else "" for one in self.state[:2])
        if self.state.phase in (Phase.ACCEPT, Phase.USE):
            return State(new, old, self.state.phase)
        return State(new)

    def of_cell(self, cell: str, state: State) -> StackSecrets:
        """Return what a cell's stack is applied with."""
        valid = [generation(version) for version in state.valid]
        trusted = self._trusted(valid)

        def value_of(one: Generation) -> Callable[[str], str]:
            return lambda name: self._value(cell, one, name)

        return StackSecrets(self.fleet_id, state.tag, _chosen(trusted, map(value_of, valid)))

    def record(self, cell: str, state: State, named: Iterable[str]) -> str:
        """Return what a cell's stack is told of its secrets, as text: those that are `named`."""
        valid = [generation(version) for version in state.valid]
        wanted = sorted({name.removesuffix(ALL_VALID) for name in named} - {CA, DIRECTORY_KEY})
        said = {
            "tag": state.tag,
            "trusted": self._trusted(valid),
            "valid": [
                {
                    "secret": self._encoded_own(cell, one),
                    "given": {
                        name: self._value(cell, one, name)
                        for name in wanted
                        if one.cell == 0 or not _follows(name)
                    },
                }
                for one in valid
            ],
        }
        return json.dumps(said, sort_keys=True)

    def _encoded_own(self, cell: str, one: Generation) -> str:
        own = self._own(cell, one)
        return "" if own is None else base64.b64encode(own).decode()

    def _own(self, cell: str, one: Generation) -> bytes | None:
        """Return a cell's own secret; None for what was made before cells had one."""
        if one.cell == 0:
            return None
        return derive_bytes(self.roots[one.root], f"cell-secret/{cell}/{one.cell}", ROOT_BYTES)

    def _value(self, cell: str, one: Generation, name: str) -> str:
        root, own = self.roots[one.root], self._own(cell, one)
        if is_pem(name):
            return pem(root, name, own)
        return derive(root if own is None or name.startswith("fleet/") else own, name)

    def _trusted(self, valid: Iterable[Generation]) -> dict[str, str]:
        """Return what receivers trust: the authorities, and the keys of the directory."""
        roots = [self.roots[version] for version in dict.fromkeys(one.root for one in valid)]
        return {
            CA: "\n".join(pem(root, CA) for root in roots),
            DIRECTORY_KEY: "\n".join(public_key(root) for root in roots),
        }


class _Root(NamedTuple):
    version: int
    fleet_id: str
    secret: bytes


def read_secrets(text: str, state: State = FIRST) -> FleetSecrets:
    """Return the root secrets of a text that `FleetSecrets.text` has written.

    Raises ValueError, without the text in its message, for anything else, and for a text without
    the root secrets that the state says are valid.
    """
    found = [_read_root(one) for one in text.split()]
    ids = {one.fleet_id for one in found}
    roots = {one.version: one.secret for one in found}
    if len(ids) != 1 or len(roots) != len(found):
        raise ValueError(f"expected {ROOT_BYTES} bytes in base64")
    if state == FIRST and 1 not in roots:
        state = State(str(max(roots)))
    if missing := [one for one in state.valid if int(one) not in roots]:
        raise ValueError(f"version {missing[0]} of the root secret is missing")
    return FleetSecrets(ids.pop(), roots, state)


def first_secrets(root: bytes) -> FleetSecrets:
    """Return the secrets of a fleet with its first root secret."""
    return FleetSecrets(fleet_id(root), {1: root})


def _read_root(text: str) -> _Root:
    version, _, rest = text.partition(".")
    number, _, secret = rest.partition(".")
    if not rest:
        root = decode_root(text)
        return _Root(1, fleet_id(root), root)
    if not (version.isascii() and version.isdecimal() and int(version) > 1 and number):
        raise ValueError("expected VERSION.FLEET-ID.SECRET")
    return _Root(int(version), number, decode_root(secret))


def read_record(text: str, number: str) -> StackSecrets:
    """Return what a cell's stack is applied with, of the fleet with this id.

    Raises ValueError for a text that `FleetSecrets.record` has not written.
    """
    try:
        said = json.loads(text)
        tag, trusted = str(said["tag"]), dict(said["trusted"])
        valid = [_recorded(one["secret"], dict(one["given"])) for one in said["valid"]]
    except (ValueError, KeyError, TypeError):
        raise ValueError("expected what `cellwright stacks` writes") from None
    return StackSecrets(number, tag, _chosen(trusted, valid))


def _recorded(secret: str, given: Mapping[str, str]) -> Callable[[str], str]:
    own = decode_root(secret) if secret else None

    def value(name: str) -> str:
        if name in given:
            return given[name]
        if own is None or not _follows(name):
            raise MissingSecretError(name)
        match = PEM_NAME.fullmatch(name)
        return cell_key(own, match["cell"], match["part"]) if match else derive(own, name)

    return value


def _follows(name: str) -> bool:
    """Return whether a secret follows from the cell's own."""
    return not name.startswith("fleet/") and not (is_pem(name) and name.endswith(".crt"))


def _chosen(
    trusted: Mapping[str, str], valid: Iterable[Callable[[str], str]]
) -> Callable[[str], str]:
    """Return what gives a secret by its name: what is trusted, all that are valid, or the used."""
    listed = list(valid)

    def value(name: str) -> str:
        if name in trusted:
            return trusted[name]
        only = name.removesuffix(ALL_VALID)
        if only == name:
            return listed[0](name)
        return "\n".join(dict.fromkeys(one(only) for one in listed))

    return value


def named_in(value: Any) -> Iterator[str]:
    """Yield the names of the secrets that something to be applied holds."""
    if isinstance(value, SecretText):
        yield from names(value)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from named_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from named_in(one)
