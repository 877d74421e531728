"""groundwire completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from groundwire.cli.streams import put

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_GROUNDWIRE_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    r"""Print the completion script for a shell: verbs, flags, ports, chips and error codes.

    \b
    bash   eval "$(groundwire completion bash)"     in ~/.bashrc
    zsh    eval "$(groundwire completion zsh)"      in ~/.zshrc
    fish   groundwire completion fish > ~/.config/fish/completions/groundwire.fish
    """
    completion(shell)


def completion(shell: str) -> None:
    """The script, as click makes it."""
    root = click.get_current_context().find_root().command
    cls = get_completion_class(shell)
    if cls is not None:
        put(_quiet_source(cls(root, {}, "groundwire", VARIABLE)))


def _quiet_source(made: click.shell_completion.ShellComplete) -> str:
    """The script without click's check of the bash version, which starts a bash of its own."""
    return made.source_template % made.source_vars()
