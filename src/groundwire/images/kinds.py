"""What a file can be, and what recognising it says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from groundwire.evidence import Evidence
from groundwire.quantities import Span

IMAGE_MAX = 64 << 20  # a UF2 file for 16 MiB of flash is 32 MiB; nothing real is larger


class ImageKind(StrEnum):
    """The kinds of file that are told apart, by content only."""

    QIO = "qio"
    UA = "ua"
    DUMP = "dump"
    ROTATED_DUMP = "rotated dump"
    BOOTLOADER = "bootloader"
    UG = "ug"
    RBL = "rbl"
    UF2 = "uf2"
    PLAIN_APP = "plain application"
    SETTINGS_ONLY = "settings only"
    OBK_CONFIG = "openbeken configuration"
    BL602_APP = "bl602 application"
    BL602_WHOLE = "bl602 whole flash"
    BL602_OTA = "bl602 update"
    ERASED = "erased"
    UNKNOWN = "unknown"


class Form(StrEnum):
    """The forms that a file can be converted into.

    `PLAIN` is what a linker made; `ENCIPHERED` is code in its cipher, without checksums.
    """

    QIO = "qio"
    UA = "ua"
    DUMP = "dump"
    PLAIN = "plain"
    ENCIPHERED = "enciphered"
    RBL = "rbl"
    UG = "ug"
    BL602_APP = "bl602-app"
    BL602_RAW = "bl602-raw"
    BL602_OTA = "bl602-ota"
    BL602_WHOLE = "bl602-whole"


class Weight(StrEnum):
    """What a finding means for the verdict."""

    DAMAGE = "damage"
    FOREIGN = "foreign"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file: where, as offsets in the file, what, and how much it weighs."""

    span: Span
    text: str
    weight: Weight = Weight.DAMAGE

    def __str__(self) -> str:
        return f"{self.span}: {self.text}"


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a file is. All spans are offsets in the file.

    `chips` are the chips it can be for, the likeliest first, empty where the content does not
    say. `key_class` names the cipher of the code: "tuya", "zero" (none), "uascent", "other" for a
    stream that was recovered without its key words, "" where there is no code to tell.
    `bootloader_valid` and `app_valid` mean that every checksum packet in use holds and, for the
    bootloader, that its container and partition table do.
    """

    kind: ImageKind
    family: str = ""
    chips: tuple[str, ...] = ()
    key_class: str = ""
    bootloader: Span | None = None
    bootloader_version: str = ""
    bootloader_valid: bool = False
    app: Span | None = None
    app_valid: bool = False
    version: str = ""
    evidence: tuple[Evidence, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def obstacles(self) -> tuple[Problem, ...]:
        """The problems that keep it from booting; notes do not."""
        return tuple(found for found in self.problems if found.weight is not Weight.NOTE)
