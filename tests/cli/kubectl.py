"""A stand-in for `kubectl`: answers from one file for each context, in the folder it is copied to.

It knows only what cellwright asks. What kubectl really says is shown by the end-to-end tests.
"""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(sys.argv[0]).parent
CURRENT = "current"


def main(words: list[str]) -> None:
    """Answer one call; a context without a file is a server that is away."""
    context = CURRENT
    if words[0] == "--context":
        context, words = words[1], words[2:]
    file = HERE / f"{context}.json"
    if not file.exists():
        sys.exit("The connection to the server was refused")
    state = json.loads(file.read_text())
    verb, *asked = words
    if verb == "exec":
        print(executed(state["tables"], asked))
    elif verb == "apply":
        show(given())
    elif asked[0] == "--raw":
        print(json.dumps(document(state["tables"], asked[1], file.with_suffix(".asked"))))
    elif "--filename" in asked:
        wanted = [key(one) for one in given()]
        show([one for one in state["objects"] if key(one) in wanted])
    else:
        assert verb == "get", verb
        found = selected(state["objects"], asked)
        if any("resourceVersion" in word for word in asked):
            print(*[one["metadata"]["resourceVersion"] for one in found])
        else:
            show(found)


def executed(tables: dict[str, Any], asked: list[str]) -> Any:
    """Return what a command prints in a container: one text for each of them."""
    namespace, pod = asked[asked.index("--namespace") + 1 :][:2]
    command = asked[asked.index("--") + 1]
    if (said := tables.get(f"{command} {namespace}/{pod}")) is None:
        sys.exit("error: unable to upgrade connection")
    return said


def document(tables: dict[str, Any], path: str, log: Path) -> Any:
    """Return what is at a path: the answers in turn, the last one again and again."""
    if path == "/version":
        return {}
    said = tables.get(path, "the server could not find the requested resource")
    if isinstance(said, str):
        sys.exit(f"Error from server: {said}")
    with log.open("a") as noted:
        noted.write(f"{path}\n")
    times = log.read_text().splitlines().count(path)
    return said[min(times, len(said)) - 1]


def selected(objects: list[dict[str, Any]], asked: list[str]) -> list[dict[str, Any]]:
    """Return the objects of some kinds: of one namespace, by their names, by their labels."""
    kinds = [word.partition(".")[0].removesuffix("s") for word in asked[0].split(",")]
    found = [one for one in objects if one["kind"].lower() in kinds]
    if "--namespace" in asked:
        at = asked.index("--namespace")
        found = [one for one in found if one["metadata"]["namespace"] == asked[at + 1]]
        names = [] if "--selector" in asked else asked[1:at]
        found = [one for one in found if not names or one["metadata"]["name"] in names]
    if "--selector" in asked:
        wanted = asked[asked.index("--selector") + 1].split(",")
        found = [one for one in found if set(wanted) <= labels(one)]
    return found


def labels(one: dict[str, Any]) -> set[str]:
    """Return what selectors may say that an object fits."""
    has = one["metadata"].get("labels", {})
    return {*has, *(f"{name}={value}" for name, value in has.items())}


def given() -> list[dict[str, Any]]:
    """Return the objects on the standard input."""
    items: list[dict[str, Any]] = json.load(sys.stdin)["items"]
    return items


def key(one: dict[str, Any]) -> tuple[str, str, str]:
    """Return what an object is found by."""
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


def show(found: list[dict[str, Any]]) -> None:
    """Print as kubectl does: nothing, a single object, or a list."""
    if len(found) == 1:
        print(json.dumps(found[0]))
    elif found:
        print(json.dumps({"kind": "List", "items": found}))


if __name__ == "__main__":
    main(sys.argv[1:])
