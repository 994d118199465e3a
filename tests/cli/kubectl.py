"""A stand-in for `kubectl`: answers from one file for each context, in the folder it is copied to.

It knows only what cellwright asks. What kubectl really says is shown by the end-to-end tests.
Writes are one after the other, also those of several processes, and are refused where the
object has another resourceVersion.
"""

import fcntl
import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

HERE = Path(sys.argv[0]).parent
CURRENT = "current"
OBJECT = re.compile(
    r"/apis?/\S*?v\d\w*/namespaces/(?P<namespace>[^/]+)/(?P<kind>[a-z]+)s(/(?P<name>[^/]+))?"
)

COLLECTION = re.compile(
    r"/apis?/(?P<version>\S*?v\d\w*)/(?P<kind>[a-z]+)s[?]labelSelector=(?P<selector>\S+)"
)
KINDS = {
    "persistentvolumeclaim": "PersistentVolumeClaim",
    "rolebinding": "RoleBinding",
    "configmap": "ConfigMap",
    "statefulset": "StatefulSet",
    "namespace": "Namespace",
}


def main(words: list[str]) -> None:  # noqa: C901, PLR0912 - a branch for each question
    """Answer one call; a context without a file is a server that is away."""
    context = CURRENT
    if words[0] == "--context":
        context, words = words[1], words[2:]
    file = HERE / f"{context}.json"
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            sys.exit("The connection to the server was refused")
        state = json.loads(file.read_text())
        verb, *asked = words
        if verb == "apply" and "--dry-run=server" not in asked:
            for one in given():
                stored(state, one)
            file.write_text(json.dumps(state))
            return
        if verb in WRITES:
            print(json.dumps(WRITES[verb](state, asked)))
            file.write_text(json.dumps(state))
            return
    path = asked[1] if asked[0] == "--raw" else ""
    if verb == "exec":
        print(executed(state["tables"], asked))
    elif verb == "apply":
        show(given())
    elif COLLECTION.fullmatch(path):
        print(json.dumps(collection(state["objects"], path)))
    elif path not in state["tables"] and OBJECT.fullmatch(path):
        show([at(state, path)])
    elif path:
        print(json.dumps(document(state["tables"], path, file.with_suffix(".asked"))))
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


def collection(objects: list[dict[str, Any]], path: str) -> dict[str, Any]:
    """Return a list as the API server does, whose objects do not say what they are."""
    asked = COLLECTION.fullmatch(path)
    assert asked, path
    found = selected(objects, [asked["kind"], "--selector", unquote(asked["selector"])])
    bare = [{key: one[key] for key in one if key not in ("apiVersion", "kind")} for one in found]
    kind = f"{KINDS[asked['kind']]}List"
    return {"apiVersion": asked["version"], "kind": kind, "items": bare}


def at(state: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the object at a path of the API."""
    wanted = OBJECT.fullmatch(path)
    assert wanted, path
    for one in state["objects"]:
        kind, namespace, name = key(one)
        if (kind.lower(), namespace, name) == (wanted["kind"], wanted["namespace"], wanted["name"]):
            return dict(one)
    raise refusal("NotFound", f'{wanted["kind"]}s "{wanted["name"]}" not found')


def create(state: dict[str, Any], asked: list[str]) -> dict[str, Any]:
    """Put the object on the standard input; a namespace is absent if the state says so."""
    body: dict[str, Any] = json.load(sys.stdin)
    namespace = body["metadata"].get("namespace", "")
    assert body["kind"] == "Namespace" or f"/namespaces/{namespace}/" in asked[1], asked
    if namespace in state.get("absent", []):
        raise refusal("NotFound", f'namespaces "{namespace}" not found')
    if any(key(one) == key(body) for one in state["objects"]):
        raise refusal("AlreadyExists", f'"{body["metadata"]["name"]}" already exists')
    return stored(state, body)


def replace(state: dict[str, Any], asked: list[str]) -> dict[str, Any]:
    """Put the object on the standard input in the place of the one that it is a version of."""
    body: dict[str, Any] = json.load(sys.stdin)
    versions = [one["metadata"].get("resourceVersion") for one in (body, at(state, asked[1]))]
    if versions[0] != versions[1]:
        raise refusal("Conflict", "the object has been modified")
    return stored(state, body)


def annotate(state: dict[str, Any], asked: list[str]) -> dict[str, Any]:
    """Set annotations of a namespace."""
    _, kind, name, *pairs = [word for word in asked if not word.startswith("--request-timeout")]
    assert kind == "namespace", asked
    for one in state["objects"]:
        if key(one) == ("Namespace", "", name):
            pairs_of = dict(pair.split("=", 1) for pair in pairs)
            return stored(state, merged(one, {"metadata": {"annotations": pairs_of}}))
    raise refusal("NotFound", f'namespaces "{name}" not found')


def label(state: dict[str, Any], asked: list[str]) -> dict[str, Any]:
    """Set labels of the objects on the standard input."""
    wanted = [key(one) for one in given()]
    pairs = dict(word.split("=", 1) for word in asked if "=" in word and word[0] != "-")
    for one in [one for one in state["objects"] if key(one) in wanted]:
        stored(state, merged(one, {"metadata": {"labels": pairs}}))
    return {}


def patch(state: dict[str, Any], asked: list[str]) -> dict[str, Any]:
    """Merge what is on the standard input into an object."""
    kind, name = asked[:2]
    namespace = asked[asked.index("--namespace") + 1] if "--namespace" in asked else ""
    for one in state["objects"]:
        if key(one) == (one["kind"], namespace, name) and one["kind"].lower() == kind.lower():
            return stored(state, merged(one, json.load(sys.stdin)))
    raise refusal("NotFound", f'{kind}s "{name}" not found')


def merged(before: Any, change: Any) -> Any:
    """Return what a merge patch (RFC 7396) makes of a value."""
    if not isinstance(change, dict):
        return change
    kept = dict(before) if isinstance(before, dict) else {}
    for name, value in change.items():
        kept[name] = merged(kept.get(name), value)
    return {name: value for name, value in kept.items() if change.get(name, "") is not None}


def stored(state: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Keep an object under a version that none had before, and return it."""
    state["version"] = state.get("version", 900_000) + 1
    body["metadata"]["resourceVersion"] = str(state["version"])
    state["objects"] = [one for one in state["objects"] if key(one) != key(body)] + [body]
    return body


def refusal(reason: str, message: str) -> SystemExit:
    """Return the end of kubectl where the server refuses."""
    return SystemExit(f"Error from server ({reason}): {message}")


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
        wanted = asked[asked.index("--selector") + 1]
        found = [one for one in found if fits(one, wanted)]
    return found


def fits(one: dict[str, Any], selector: str) -> bool:
    """Return whether an object has the labels of a selector: `a=b`, `a`, `!a`, `a in (b,c)`."""
    has = labels(one)
    for term in re.split(r",(?![^(]*[)])", selector):
        name, is_in, values = term.partition(" in ")
        options = {f"{name}={value}" for value in values.strip("()").split(",")} if is_in else set()
        if term.startswith("!"):
            if term[1:] in has:
                return False
        elif not (options or {term}) & has:
            return False
    return True


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


WRITES = {
    "annotate": annotate,
    "create": create,
    "label": label,
    "patch": patch,
    "replace": replace,
}

if __name__ == "__main__":
    main(sys.argv[1:])
