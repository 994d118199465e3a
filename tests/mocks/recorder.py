"""What stands for the Pulumi engine."""

from typing import Any

import pulumi.runtime


class Recorder(pulumi.runtime.Mocks):
    """Keeps every registration."""

    def __init__(self) -> None:
        self.seen: list[pulumi.runtime.MockResourceArgs] = []

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[Any, Any]]:
        self.seen.append(args)
        return f"{args.name}-id", args.inputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[Any, Any]:
        raise AssertionError(f"nothing is invoked, but {args.token} was")
