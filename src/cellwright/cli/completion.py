"""The verb `completion`: a script that makes a shell complete cellwright's command line."""

import argparse

import shtab

from cellwright.cli.main import VerbParser, parser
from cellwright.cli.report import put

NEEDS_WORKSPACE = False
EXAMPLES = """examples:
  eval "$(cellwright completion bash)"                  # in ~/.bashrc
  cellwright completion zsh > ~/.zfunc/_cellwright      # a folder of $fpath
  cellwright completion fish > ~/.config/fish/completions/cellwright.fish
"""
_FOLDERS = {"DIR", "DIR|GITREF|live"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    whole = parser()
    _prepare(whole)
    put(shtab.complete(whole, arguments.shell))
    return 0


def _prepare(one: argparse.ArgumentParser) -> None:
    """Load all verbs, and say which arguments are folders."""
    for action in one._actions:  # noqa: SLF001 - argparse has no public way to list arguments
        if action.metavar in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for verb in action.choices.values():
                if isinstance(verb, VerbParser):
                    verb.fill()
                _prepare(verb)
