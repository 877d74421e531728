"""The root of all errors, and the exit statuses."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The exit status of the command line: one number for each kind of ending."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    LINK = 3
    PROTOCOL = 4
    FLASH = 5
    IMAGE = 6
    UNSUPPORTED = 7
    REFUSED = 8
    RESUMABLE = 9
    UNDECIDED = 10
    CANCELLED = 130


EXIT_CODE_MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done, and proven where something was to be proven",
    ExitCode.INTERNAL: "a defect in groundwire itself",
    ExitCode.USAGE: "the request cannot be understood or carried out as written",
    ExitCode.LINK: "the port, or getting a module to answer",
    ExitCode.PROTOCOL: "the module answers, but not with what was asked",
    ExitCode.FLASH: "erasing, programming or verifying the flash; or a proof that failed",
    ExitCode.IMAGE: "the file is not an image, is damaged, or is for another chip",
    ExitCode.UNSUPPORTED: "this chip, boot ROM or flash cannot do that",
    ExitCode.REFUSED: "a safety rule forbids it",
    ExitCode.RESUMABLE: "stopped part-way; the same command again finishes the job",
    ExitCode.UNDECIDED: "the module was not seen to come up, or nothing that is known explains it",
    ExitCode.CANCELLED: "stopped by the user before anything was changed",
}


@dataclass(eq=False, kw_only=True)
class GroundwireError(Exception):
    """The root of all errors that groundwire raises on purpose."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL
    # what `means` is: a guess at the cause, or the rule or evidence behind a refusal
    means_label: ClassVar[str] = "likely"

    @property
    def what(self) -> str:
        """What happened, with numbers and units."""
        return "something went wrong"

    @property
    def means(self) -> str:
        """What it most likely means."""
        return ""

    @property
    def next_step(self) -> str:
        """One physical or software act."""
        return ""

    def __str__(self) -> str:
        lines = [self.what]
        if self.means:
            lines.append(f"  {self.means_label:8} {self.means}")
        if self.next_step:
            lines.append(f"  next     {self.next_step}")
        return "\n".join(lines)

    def fields(self) -> dict[str, object]:
        """The typed values the error was raised with."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
