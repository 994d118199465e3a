"""What of the world may fail, as errors that the command line tells in a sentence."""


class CommandError(Exception):
    """A command could not be started, failed, or ran out of time."""


class NoWorkspaceError(Exception):
    """There is no workspace."""
