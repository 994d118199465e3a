"""Why one pod is not ready: what its status says of each container, and events where it does not.

Refuses to repeat what says nothing (`Back-off pulling image`, `ContainerCreating`) where more is
known.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cellwright.readiness import conditions, lacks
from cellwright.seen_events import Events

Body = Mapping[str, Any]
Known = tuple[str, bool]
"""What is wrong, and whether waiting alone is no help."""

_PULLS = ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "SignatureValidationFailed")
_IMAGES = {
    "ErrImageNeverPull": "it is not on the node, and is never pulled",
    "InvalidImageName": "that is not a valid name of an image",
}
_MOST_CHARACTERS = 400
_BACK_OFF = re.compile(r'^Back-off pulling image "[^"]*"(: (ErrImagePull: )?)?')
_STARTS = ("ContainerCreating", "PodInitializing")
_MOUNTS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox")


def pod_reason(pod: Body, events: Events) -> Known | None:
    """Return the most telling reason for which a pod is not ready, None of one that is."""
    if not lacks(pod):
        return None
    status = pod.get("status") or {}
    scheduled = conditions(pod).get("PodScheduled", {})
    if scheduled.get("status") == "False":
        message = _line(scheduled.get("message"))
        return f"it can't be scheduled: {message or scheduled.get('reason')}", True
    candidates = [known for known in _of_containers(pod, events) if known]
    stuck = [known for known in candidates if known[1]]
    if stuck or candidates:
        return (stuck or candidates)[0]
    if status.get("phase") == "Failed":
        why = ": ".join(str(status[key]) for key in ("reason", "message") if status.get(key))
        return f"it has failed{f' ({why})' if why else ''}", True
    return None


def _of_containers(pod: Body, events: Events) -> Iterator[Known | None]:
    status = pod.get("status") or {}
    images = {
        each["name"]: str(each.get("image"))
        for key in ("initContainers", "containers")
        for each in (pod.get("spec") or {}).get(key) or ()
    }
    for key, called in (
        ("initContainerStatuses", "init container"),
        ("containerStatuses", "container"),
    ):
        for container in status.get(key) or ():
            name = container["name"]
            known = _of_container(container, pod, events, images.get(name, "?"))
            if known:
                yield f"{called} {name} {known[0]}", known[1]


def _of_container(container: Body, pod: Body, events: Events, image: str) -> Known | None:
    state = container.get("state") or {}
    if "waiting" in state:
        return _waiting(container, pod, events, image)
    if "terminated" in state:
        ended = state["terminated"]
        return (f"ended with {_ending(ended)}", True) if ended.get("exitCode") else None
    if "running" in state and not container.get("ready"):
        return _running(container, pod, events)
    return None


def _waiting(container: Body, pod: Body, events: Events, image: str) -> Known | None:
    waiting = container["state"]["waiting"]
    reason, message = str(waiting.get("reason") or ""), _line(waiting.get("message"))
    if reason in _PULLS:
        return f"can't get its image {image}: {_pull(message, pod, events, image)}", True
    if reason in _IMAGES:
        return f"can't get its image {image}: {_IMAGES[reason]}", True
    if reason == "CrashLoopBackOff":
        ended = (container.get("lastState") or {}).get("terminated") or {}
        times = int(container.get("restartCount") or 0)
        return f"crashes again and again ({times} restarts), last with {_ending(ended)}", True
    if reason == "CreateContainerConfigError":
        return f"can't be created: {message}", True
    if reason in _STARTS or not reason:
        failure = events.newest(pod, *_MOUNTS)
        return (f"can't start: {_line(failure.message)}", True) if failure else None
    return f"can't start: {reason}{f': {message}' if message else ''}", True


def _pull(message: str, pod: Body, events: Events, image: str) -> str:
    """Return why an image can't be pulled: of the status, or of an event where that lacks it."""
    why = _BACK_OFF.sub("", message)
    if why:
        return why
    event = events.newest(pod, "Failed", containing=f'Failed to pull image "{image}": ')
    return _line(event.message.partition('": ')[2]) if event else "it can't be pulled"


def _running(container: Body, pod: Body, events: Events) -> Known:
    """Tell of a container that runs and is not ready: by its probes since it was started."""
    started = str(container["state"]["running"].get("startedAt") or "")
    last = (container.get("lastState") or {}).get("terminated")
    again = f"; it was restarted after {_ending(last)}" if last else ""
    for probe in ("Startup", "Liveness", "Readiness"):
        failure = events.newest(pod, "Unhealthy", containing=f"{probe} probe")
        if failure and failure.time >= started:
            said = _line(failure.message).removesuffix(":")
            return f"is not ready: {said}{again}", probe == "Liveness"
    return f"runs, but is not ready yet{again}", False


def _ending(ended: Body) -> str:
    """Return how a container ended: exit code, reason where it says more, and its last words."""
    reason = str(ended.get("reason") or "")
    more = f" ({reason})" if reason not in ("", "Error", "Completed") else ""
    message = _line(ended.get("message"))
    return f"exit code {ended.get('exitCode', '?')}{more}{f': {message}' if message else ''}"


def _line(text: Any) -> str:
    """Return text as one line; of long ones the end, where logs say what happened."""
    line = " ".join(str(text or "").split())
    return line if len(line) <= _MOST_CHARACTERS else f"…{line[1 - _MOST_CHARACTERS :]}"
