"""A stand-in for `pulumi`: stacks in a file beside it, and settings files as the real one has them.

It knows only what cellwright asks, and runs no program: tests of `up` stand in for the engine.
What the real one says is shown by the tests of the state and the end-to-end tests.
"""

import fcntl
import json
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(sys.argv[0]).parent
STATE = HERE / "stacks.json"


def main(words: list[str]) -> None:
    """Answer one call, which is noted in a log."""
    with (HERE / "pulumi.log").open("a") as log:
        print(*words, file=log)
    if not STATE.exists():
        sys.exit("pulumi was called")
    with STATE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer(json.loads(STATE.read_text()), words)


def answer(stacks: dict[str, Any], words: list[str]) -> None:
    """Answer one call, given the stacks."""
    words = [word for word in words if word not in ("--non-interactive", "--yes", "--json")]
    match words:
        case ["stack", "ls"]:
            print(json.dumps([{"name": name, **one} for name, one in stacks.items()]))
        case ["stack", "init", name, *_]:
            if name in stacks:
                sys.exit(f"error: stack '{name}' already exists")
            stacks[name] = {"lastUpdate": "", "resourceCount": 0}
            STATE.write_text(json.dumps(stacks))
        case ["config", "--show-secrets", "--stack", name]:
            print(json.dumps({key: {"value": text(value)} for key, value in config(name).items()}))
        case ["config", "set", "--secret", "--stack", name, key]:
            keep(name, {**config(name), key: {"secure": sys.stdin.read()}})
        case ["config", "set-all", "--path", "--stack", name, *rest]:
            keep(name, changed(config(name), rest[1::2]))
        case ["config", "rm", "--stack", name, key]:
            keep(name, {one: value for one, value in config(name).items() if one != key})
        case ["cancel", *_]:
            pass
        case _:
            sys.exit("pulumi was called")


def config(stack: str) -> dict[str, Any]:
    """Return the settings of a stack of the workspace that this runs in."""
    file = Path("stacks") / f"Pulumi.{stack}.yaml"
    return dict(yaml.safe_load(file.read_text())["config"]) if file.exists() else {}


def keep(stack: str, settings: dict[str, Any]) -> None:
    """Write the settings of a stack."""
    Path("stacks").mkdir(exist_ok=True)
    (Path("stacks") / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": settings}))


def changed(settings: dict[str, Any], pairs: list[str]) -> dict[str, Any]:
    """Return settings with others over them, each as `key=value` or `key.below=value`."""
    for pair in pairs:
        key, _, value = pair.partition("=")
        key, _, below = key.partition(".")
        settings[key] = {**settings.get(key, {}), below: value} if below else value
    return settings


def text(value: Any) -> str:
    """Return a setting as `pulumi config` shows it."""
    if isinstance(value, dict):
        return str(value.get("secure", json.dumps(value)))
    return str(value)


if __name__ == "__main__":
    main(sys.argv[1:])
