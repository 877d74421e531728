"""Errors that only a command line can make, and next steps that name its flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from groundwire.errors import GroundwireError, LinkError, RefusedBySafety, UsageError


@dataclass(eq=False, kw_only=True)
class BadCommandLine(UsageError):
    """The command line cannot be parsed: an unknown verb or flag, a missing or odd value."""

    code = "usage.command-line"
    message: str
    help_command: str

    @property
    def what(self) -> str:
        return self.message

    @property
    def next_step(self) -> str:
        return f"see {self.help_command}"


@dataclass(eq=False, kw_only=True)
class ConsentMissing(UsageError):
    """The command changes a module and nobody could be asked; nothing was changed.

    A question needs a terminal on standard input and a screen to show the plan on.
    """

    code = "usage.consent-missing"
    verb: str
    reason: str

    @property
    def what(self) -> str:
        return f"{self.verb} changes the module and asks first, but {self.reason}"

    @property
    def means(self) -> str:
        return "the command runs in a script; nothing was changed"

    @property
    def next_step(self) -> str:
        return "add --dry-run to see the plan, or --yes to carry it out without being asked"


@dataclass(eq=False, kw_only=True)
class NoAdapter(LinkError):
    """No port was named and none was found."""

    code = "port.none"
    hints: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        return "no serial adapter was found, and no port was named"

    @property
    def means(self) -> str:
        return "; ".join(self.hints) or "the adapter is not plugged in"

    @property
    def next_step(self) -> str:
        return "plug the adapter in, or name a port with -p; without hardware: groundwire demo"


@dataclass(eq=False, kw_only=True)
class SeveralAdapters(UsageError):
    """No port was named and more than one was found."""

    code = "usage.several-ports"
    seen: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"{len(self.seen)} serial adapters are present: " + ", ".join(self.seen)

    @property
    def means(self) -> str:
        return "only one of them leads to the module"

    @property
    def next_step(self) -> str:
        return f"name it: -p {self.seen[0]}"


@dataclass(eq=False, kw_only=True)
class UnknownCode(UsageError):
    """The code to be explained is none of groundwire's."""

    code = "usage.unknown-code"
    wanted: str
    nearest: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"there is no error code {self.wanted!r}"

    @property
    def means(self) -> str:
        return "nearest: " + ", ".join(self.nearest) if self.nearest else ""

    @property
    def next_step(self) -> str:
        return "groundwire explain lists all codes"


# What the command line adds to the library's next step, by error code: flag names live here only.
FLAGS: Final = {
    "usage.span-outside": "groundwire identify shows the flash size; --flash-size overrides it",
    "usage.span-unaligned": "give the range as START+SIZE, for example 0x1E0000+0x1000",
    "usage.output-unwritable": "-o FILE or --folder DIR name another place",
    "port.missing": "groundwire ports lists what is there",
    "port.denied": "groundwire ports shows what this user may open",
    "port.busy": "groundwire ports shows who holds it",
    "port.failed": "--no-lines leaves DTR and RTS alone; groundwire ports shows the driver",
    "link.nothing": "--link-wait SECONDS waits longer; --trace FILE keeps what was heard",
    "link.no-reply": "-b 115200 stays at the slowest speed",
    "link.lost": "-b 115200 stays at the slowest speed",
    "protocol.corrupt-frame": "-b 115200 stays at the slowest speed",
    "protocol.wrong-reply": "-b 115200 stays at the slowest speed",
    "protocol.refused": "groundwire identify, with --trace FILE to keep what was said",
    "flash.mismatch": "-b 115200 rules the line out",
    "flash.changed": "-b 115200 stays at the slowest speed",
    "image.wrong-chip": "groundwire plan IMAGE --over DUMP checks an image without a module",
    "safety.chip-contradicted": "leave -c away",
    "meter.none": "groundwire meter discover asks every way there is",
    "internal": "--trace FILE makes one; -vv shows where it failed",
}

# Safety rules that a flag can override, by words of their finding or rule.
OVERRIDES: Final = (
    ("is no backup of its present content", "leave --backup away, or restore that backup first"),
    ("the MAC in the backup", "--other-module, if you mean it"),
    ("holds no MAC", "--other-module, if you mean it"),
    ("this module shows no MAC", "--other-module, if you mean it"),
    ("the backup's bootloader is damaged", "leave --overwrite-loader away"),
    (
        "unless its replacement",
        "groundwire write IMAGE --bootloader replace",
    ),
)


def next_step(error: GroundwireError) -> str:
    """What to do next: the library's step, with the flag or command that does it."""
    step = error.next_step
    added = FLAGS.get(error.code, "")
    if isinstance(error, RefusedBySafety) and not added:
        said = f"{error.finding} {error.rule}"
        added = next((flag for words, flag in OVERRIDES if words in said), "")
        step = error.override if added else step
    return "; ".join(part for part in (step, added) if part)
