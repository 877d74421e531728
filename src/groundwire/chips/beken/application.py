"""What the firmware of an emulated module does on its UART: nothing, unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from groundwire.chips.beken.codec import encode_command
from groundwire.chips.beken.messages import LinkCheck
from groundwire.chips.beken.serving import LINK_RATE

LONGEST_LINE: Final = 128
LINK_CHECK: Final = encode_command(LinkCheck())


@dataclass(frozen=True, slots=True)
class Application:
    """The firmware as it is seen from UART1.

    `boot_text` is printed at `baudrate`, `starts_after_s` after the bootloader has let go.
    `console_reboot`: a line `reboot` restarts the module, as test builds and OpenBeken with its
    UART console do. `restarts_on_link_check`: a LinkCheck does, as in LibreTiny.
    """

    boot_text: bytes = b""
    baudrate: float = float(LINK_RATE)
    starts_after_s: float = 0.05
    console_reboot: bool = False
    restarts_on_link_check: bool = False


class RunningApplication:
    """A firmware that listens; says when something it heard makes it restart."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._heard = bytearray()

    def take(self, data: bytes) -> int | None:
        """How many of the bytes went by until one made it restart; None where none did."""
        application = self._application
        if not (application.console_reboot or application.restarts_on_link_check):
            return None
        before = len(self._heard)
        self._heard += data
        ends = [end for end in (self._reboot_ends(), self._link_check_ends()) if end]
        if ends:
            return max(min(ends) - before, 1)
        del self._heard[:-LONGEST_LINE]
        return None

    def _reboot_ends(self) -> int:
        """Where the first line `reboot` ends, or 0."""
        if not self._application.console_reboot:
            return 0
        at = 0
        while (end := self._heard.find(b"\n", at)) >= 0:
            if self._heard[at:end].strip() == b"reboot":
                return end + 1
            at = end + 1
        return 0

    def _link_check_ends(self) -> int:
        if not self._application.restarts_on_link_check:
            return 0
        at = self._heard.find(LINK_CHECK)
        return at + len(LINK_CHECK) if at >= 0 else 0
