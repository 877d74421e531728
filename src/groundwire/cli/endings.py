"""How a run ends when it does not end well: one message, one exit status, never a traceback."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Final

import click

from groundwire.cli.failures import BadCommandLine, next_step
from groundwire.cli.invocation import Invocation
from groundwire.cli.shapes import failed_result, json_line
from groundwire.cli.streams import clean, note, put
from groundwire.errors import Cancelled, ExitCode, GroundwireError, InternalError

LONGEST_TRACEBACK: Final = 100_000


def end(invocation: Invocation, error: BaseException) -> int:
    """Say how a call ended and give its exit status."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.ClickException):
        return end_usage(invocation, error)
    if isinstance(error, GroundwireError):
        return end_failed(invocation, error)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return end_failed(invocation, Cancelled())
    return end_broken(invocation, error)


def end_failed(invocation: Invocation, error: GroundwireError) -> int:
    """Say what went wrong, in three parts or as one JSON object."""
    code = int(error.exit_code)
    if invocation.is_json:
        put(json_line(failed_result(invocation.verb, error, next_step(error))))
        return code
    note(message(error))
    return code


def message(error: GroundwireError) -> str:
    """The three-part text of an error with the command line's own next step, fit to be shown."""
    lines = [f"error: {clean(error.what)}"]
    if error.means:
        lines.append(f"  {error.means_label:8} {clean(error.means)}")
    step = next_step(error)
    if step:
        lines.append(f"  next     {clean(step)}")
    if error.exit_code is not ExitCode.CANCELLED:
        lines.append(f"  more     groundwire explain {error.code}")
    return "\n".join(lines)


def end_usage(invocation: Invocation, error: click.ClickException) -> int:
    """A command line that cannot be parsed."""
    verb = f"groundwire {invocation.verb}" if invocation.verb else "groundwire"
    text = error.format_message().strip().rstrip(".")
    if type(error).__name__ == "NoArgsIsHelpError":  # newer releases of click only
        text = "a command is missing"
    text = text[:1].lower() + text[1:]
    return end_failed(invocation, BadCommandLine(message=text, help_command=f"{verb} --help"))


def end_broken(invocation: Invocation, error: BaseException) -> int:
    """A defect: one clear message; the traceback only into the trace file or with -vv."""
    text = "".join(traceback.format_exception(error))
    detail = f"{type(error).__name__}: {error}"
    if invocation.trace is not None:
        _append_traceback(invocation.trace, text)
    status = end_failed(invocation, InternalError(detail=clean(detail, 300)))
    if invocation.verbosity > 1:
        note(clean(text, LONGEST_TRACEBACK))
    return status


def _append_traceback(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="ascii") as file:
            file.write(json.dumps({"traceback": text}) + "\n")
    except OSError:
        return  # the message itself still reaches the user
