"""The local environment: from a bare machine to a running fleet, and back to nothing.

Runs before the virtual environment exists, so only the standard library is used here. Each step
first tries the official way with a short time-out, then builds from package registries
(`airgap`). Nothing here knows what a cell is: that is the business of the `cellwright` command,
which the last step calls.
"""
