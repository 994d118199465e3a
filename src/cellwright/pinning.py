"""Whether images are named by what is in them, where the fleet asks for that.

A tag can be pushed again with other content. Nodes that have the old one go on with it, others get
the new one, and no definition has changed that would bring the migration with it.
"""

from collections.abc import Iterable, Iterator

from cellwright.declared import problem, spec
from cellwright.document import Document
from cellwright.problem import Path, Problem

_IMAGES = ("postgres", "app", "router", "placement")


def image_problems(fleet: Document, cells: Iterable[Document]) -> Iterator[Problem]:
    """Yield the images of a fleet with `spec.images.pinned` that are not named by digest."""
    images = spec(fleet)["images"]
    if not images.get("pinned"):
        return
    for part in _IMAGES:
        yield from _tag_problems(fleet, ("spec", "images", part), images[part])
    for called, size in spec(fleet)["sizes"].items():
        path: Path = ("spec", "sizes", called, "app", "image")
        yield from _tag_problems(fleet, path, size["app"].get("image"))
    for cell in cells:
        yield from _tag_problems(
            cell, ("spec", "app", "image"), spec(cell).get("app", {}).get("image")
        )


def _tag_problems(document: Document, path: Path, image: str | None) -> Iterator[Problem]:
    if image is not None and "@sha256:" not in image:
        message = f"{image} is named by its tag alone, which can be pushed again"
        hint = f"write {image}@sha256:… with the digest that the registry tells for it"
        yield problem(document, path, "CW236", message, hint)
