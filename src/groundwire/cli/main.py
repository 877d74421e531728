"""The entry of the command line: finds the verb, runs it, and turns every ending into one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click

from groundwire._version import __version__
from groundwire.cli.invocation import Invocation
from groundwire.cli.streams import finish_streams, prepare_streams

# What a verb does, in one line. Its module is `groundwire.cli.<verb>` and is imported only when
# the verb is used, so that the list of verbs appears at once.
VERBS: Final = {
    "ports": "list serial adapters, who holds them and what keeps you from opening them",
    "identify": "tell all that can be known of the module without writing to it",
    "backup": "read the whole flash, prove every byte and keep it with a manifest",
    "read": "read a range of the flash into a file, proven",
    "erase": "erase a range of the flash after a backup",
    "plan": "show what writing an image would erase, write and keep",
    "write": "write an image after a backup, and prove the whole flash",
    "verify": "compare an image with the module by its own checksum",
    "restore": "bring a module back to its backup",
    "free": "the whole job: identify, back up, plan, write, prove, reboot, report",
    "inspect": "tell everything that a dump or a firmware file holds",
    "convert": "make another form of an image, cut a part out, join parts",
    "redact": "make a copy of a dump that can be posted in public",
    "corpus": "inspect folders of dumps into one table",
    "loader": "fetch or keep the vendor's RAM loader, which a BL602 needs",
    "console": "show what a module prints; finds the speed, marks each boot",
    "diagnose": "say what is wrong with a module, from its log and whatever else is known",
    "report": "make one masked text of a case that can be posted in a forum",
    "emulate": "serve an emulated module on a pty or a TCP port",
    "demo": "run the whole job on an emulated module, in memory",
    "meter": "read, watch, calibrate and record BL0942 clamp meters, one or several a line",
    "explain": "say what an error code means and how to go on",
    "completion": "print the completion script for a shell",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = import_module(f"groundwire.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=LazyGroup,
    subcommand_metavar="VERB [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every verb has its own page: groundwire VERB --help",
)
@click.version_option(__version__, "--version", message="groundwire %(version)s")
def main() -> None:
    """Bring cloud-only Wi-Fi modules to proven local operation, over a serial adapter."""


def entry(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit status; nothing but SystemExit ever escapes."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    invocation = Invocation.of(given, tuple(VERBS))
    prepare_streams()
    try:
        status = main.main(
            given or ["--help"], prog_name="groundwire", standalone_mode=False, obj=invocation
        )
        exit_code = status if isinstance(status, int) else 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - each becomes one message
        # what is needed to fail well is not needed to succeed, and takes time to import
        from groundwire.cli.endings import end  # noqa: PLC0415

        exit_code = end(invocation, error)
    return finish_streams(exit_code, is_json=invocation.is_json)
