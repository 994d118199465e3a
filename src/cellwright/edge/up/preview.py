"""What a run of `up` would do: the changes that the API servers foresee, and Pulumi's own previews.

A stack that does not exist yet is previewed in a backend of its own that is thrown away, so that
nothing is made before the question is answered. Refuses to change anything.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cellwright.changes import Change, changes
from cellwright.edge.engine import Preview, Run, preview
from cellwright.edge.live import read_live
from cellwright.edge.process import Interrupts, run
from cellwright.edge.program import registering
from cellwright.edge.settings import project_name
from cellwright.edge.up.reading import Situation
from cellwright.growth import Growth, resized
from cellwright.manifest import Identity, Manifest
from cellwright.model import FLEET_STACK

FORCE = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
"""Fields that somebody else has set on the fleet's own objects are taken back (the official plugin
and ours). Only for runs before which every object was seen to be this fleet's."""

_SCRATCH = "preview"
_TIMEOUT = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would change, object by object, and why a server or Pulumi would refuse it.

    `created` are the stacks of which nothing is there yet, `drifted` those in whose clusters
    something was changed that Pulumi's state does not know: they need a refresh.
    """

    changes: tuple[Change, ...]
    created: frozenset[str]
    drifted: frozenset[str]
    operations: Mapping[str, Mapping[str, int]]
    refused: tuple[str, ...]

    @property
    def changes_something(self) -> bool:
        """Whether anything would change, in a cluster or in a state."""
        counts = [{**one, "same": 0} for one in self.operations.values()]
        return bool(self.changes or self.created or any(any(one.values()) for one in counts))


def propose(
    situation: Situation,
    stacks: Mapping[str, tuple[str, ...]],
    parallel: int,
    interrupts: Interrupts,
    *,
    refresh: bool,
) -> Proposal:
    """Return what applying some stacks to these clusters would do, with a refresh or without.

    Raises CommandError for a cluster or a backend that fails.
    """
    manifests = {
        name: [one for one in situation.manifests[name] if one.cluster in clusters]
        for name, clusters in stacks.items()
    }
    live = read_live(situation.fleet, manifests)
    found = changes(live.before, live.after)
    refused = [line for said in live.refused for line in said.splitlines()]
    operations: dict[str, Mapping[str, int]] = {}

    def one(name: str) -> Preview:
        return _preview(situation, name, stacks[name], interrupts, refresh=refresh)

    with ThreadPoolExecutor(parallel) as pool:
        running = {name: pool.submit(one, name) for name in stacks}
        try:
            wait(running.values())
        except KeyboardInterrupt:
            interrupts.interrupt()
            raise
        for name, future in running.items():
            said = future.result()
            operations[name] = said.operations
            refused += [f"{name}: {line}" for text in said.errors for line in text.splitlines()]
    created = frozenset(
        name
        for name, clusters in stacks.items()
        if not any(situation.is_there(name, cluster) for cluster in clusters)
    )
    differing = Counter(change.stack for change in found)
    missing = Counter(change.stack for change in found if change.action == "add")
    drifted = frozenset(
        name
        for name, counts in operations.items()
        if differing[name] > sum(counts.values()) - counts.get("same", 0)
        or missing[name] > counts.get("create", 0)
    )
    return Proposal(found, created, drifted - created, operations, tuple(refused))


def targets(situation: Situation, stack: str, clusters: Collection[str]) -> list[str]:
    """Return the options that keep a run to some of the clusters of a stack."""
    if stack != FLEET_STACK or set(clusters) == set(situation.clusters_of(stack)):
        return []
    patterns = [f"**::{FLEET_STACK}", *(f"**::{cluster}/**" for cluster in sorted(clusters))]
    return [word for pattern in patterns for word in ("--target", pattern)]


def _preview(
    situation: Situation,
    stack: str,
    clusters: Collection[str],
    interrupts: Interrupts,
    *,
    refresh: bool,
) -> Preview:
    manifests = situation.manifests[stack]
    where: AbstractContextManager[str | Path] = nullcontext(situation.root)
    environment: dict[str, str] = dict(FORCE)
    exists = stack in situation.backend
    if not exists:
        where = TemporaryDirectory()
    with where as folder:
        directory = Path(folder)
        options = targets(situation, stack, clusters)
        if not exists:
            environment |= _scratch(situation.root, directory, stack)
            options = []
            manifests = tuple(one for one in manifests if one.cluster in clusters)
        elif stack != FLEET_STACK and (growing := situation.growths(stack)):
            manifests, is_gone = _before_growing(manifests, growing)
            refresh = refresh or is_gone
        options += ["--refresh"] if refresh and exists else []
        program = registering(situation.fleet, stack, manifests, situation.secrets_of(stack))
        return preview(Run(directory, interrupts, environment), stack, program, options)


def _before_growing(
    manifests: Iterable[Manifest], growing: Iterable[Growth]
) -> tuple[tuple[Manifest, ...], bool]:
    """Return manifests with the sizes that claim templates have now, and whether to refresh.

    Pulumi would replace a set whose templates change, which nothing but its state keeps it from
    here: `up` takes the set away before. A set that is gone already is to be gone from the state.
    """
    held: dict[Identity, dict[str, str]] = {}
    is_gone = False
    for one in growing:
        key = Identity(one.cluster, "apps", "StatefulSet", one.namespace, one.name)
        if one.takes_set_away and one.set_has is not None:
            held.setdefault(key, {})[one.template] = one.set_has
        is_gone = is_gone or one.set_has is None
    return (
        tuple(
            replace(one, body=resized(one.body, held[one.identity]), given=None)
            if one.identity in held
            else one
            for one in manifests
        ),
        is_gone,
    )


def _scratch(root: Path, folder: Path, stack: str) -> dict[str, str]:
    """Make a project with an empty stack in a folder; return the variables that go with it."""
    name = project_name(root)
    (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n", "utf-8")
    (folder / "state").mkdir()
    environment = {
        "PULUMI_BACKEND_URL": f"file://{folder}/state",
        "PULUMI_CONFIG_PASSPHRASE": _SCRATCH,
    }
    command = ["pulumi", "stack", "init", stack, "--no-select", "--non-interactive"]
    run(command, directory=folder, environment=environment, timeout=_TIMEOUT)
    return environment
