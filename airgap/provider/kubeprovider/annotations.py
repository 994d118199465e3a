"""The `pulumi.com/...` annotations with which users steer the official plugin."""

from .objects import Json, dig

DEFAULT_TIMEOUT = 600.0
PREFIX = "pulumi.com/"
OFFICIAL_ONLY = ("waitFor",)
POLICIES = {"foreground": "Foreground", "background": "Background", "orphan": "Orphan"}


def _annotation(obj: Json, name: str) -> str:
    return str(dig(obj, "metadata", "annotations", PREFIX + name) or "")


def skip_await(obj: Json) -> bool:
    """`pulumi.com/skipAwait: "true"`: do not wait until the object is ready."""
    return _annotation(obj, "skipAwait") == "true"


def replace_unready(obj: Json) -> bool:
    """`pulumi.com/replaceUnready: "true"`: a Job that is not complete is made anew."""
    return _annotation(obj, "replaceUnready") == "true"


def force(obj: Json) -> bool:
    """`pulumi.com/patchForce: "true"`: fields of other managers are taken over."""
    return _annotation(obj, "patchForce") == "true"


def field_manager(obj: Json) -> str:
    """`pulumi.com/patchFieldManager`, empty when absent."""
    return _annotation(obj, "patchFieldManager")


def timeout_seconds(requested: float, obj: Json) -> float:
    """How long to wait: the resource's customTimeouts, else the annotation, else ten minutes."""
    if requested > 0:
        return requested
    try:
        return float(_annotation(obj, "timeoutSeconds")) or DEFAULT_TIMEOUT
    except ValueError:
        return DEFAULT_TIMEOUT


def bad_annotations(obj: Json) -> list[tuple[str, str]]:
    """Annotations with values that cannot be used: (name, what was expected)."""
    found = []
    seconds = _annotation(obj, "timeoutSeconds")
    if seconds and not seconds.isdecimal():
        found.append((f"{PREFIX}timeoutSeconds", "a whole number of seconds"))
    policy = _annotation(obj, "deletionPropagationPolicy")
    if policy and policy.lower() not in POLICIES:
        found.append((f"{PREFIX}deletionPropagationPolicy", "one of " + ", ".join(POLICIES)))
    found += [
        (PREFIX + name, "the official plugin, which alone knows it")
        for name in OFFICIAL_ONLY
        if _annotation(obj, name)
    ]
    return found


def propagation_policy(obj: Json) -> str:
    """How dependents go with the object: foreground unless the annotation says otherwise."""
    return POLICIES.get(_annotation(obj, "deletionPropagationPolicy").lower(), "Foreground")
