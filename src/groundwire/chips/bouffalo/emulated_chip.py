"""What is inside an emulated BL602: eFuse, RAM, flash, and what the options make wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from groundwire.chips.bouffalo.codec import U32
from groundwire.chips.bouffalo.facts import ChipFacts, find_flash
from groundwire.chips.bouffalo.replies import BootInfo, JedecId, LongBootInfo, Reply, zero_bits
from groundwire.chips.nor_flash import NorFlash

EFUSE_SIZE: Final = 128
SW_USAGE_AT: Final = 0x10
MAC_AT: Final = 0x14
LARGE_PACKAGE: Final = 0x80  # of the byte behind the MAC and its check
RAM_BASE: Final = 0x0200_8000  # the same RAM shows at 0x22…, 0x32…, 0x42… and 0x52…
RAM_END: Final = 0x0204_C000
ALIASES: Final = frozenset({0x2, 0x3, 0x4, 0x5})
EFUSE_REGISTERS: Final = 0x4000_7000
DEFAULT_MAC: Final = bytes.fromhex("7CB94C000001")
SHA_BYTES_PER_S: Final = 1_000_000.0  # believed: the vendor's host allows 2 s for 2 MiB


@dataclass(frozen=True, slots=True)
class ChipOptions:
    """How one emulated module is made, and what is wrong with it.

    `boot_by_hands`: whoever resets the module by hand or by modem lines holds BOOT meanwhile, so
    that it comes up in download mode; `boot_strapped`: BOOT is tied high, so that it always does.
    """

    mac: bytes = DEFAULT_MAC
    sw_usage: int = 3
    boot_by_hands: bool = True
    boot_strapped: bool = False
    efuse_tells: bool = True  # of a chip in a large package, that it is one
    signed: bool = False
    rerun_unknown: bool = True
    old_loader: bool = False  # knows no PD
    small_frames: int = 0  # the largest payload of the loader, where it is less than usual
    double_ok: bool = False
    erase_fails: bool = False
    program_fails: bool = False
    flash_unknown: bool = False
    sha_bytes_per_s: float = SHA_BYTES_PER_S


@dataclass(slots=True)
class Inside:
    """The memories of one chip; `ready_flash` is whether the boot ROM has set the flash up."""

    facts: ChipFacts
    flash: NorFlash
    options: ChipOptions
    efuse: bytearray = field(default_factory=lambda: bytearray(EFUSE_SIZE))
    ram: bytearray = field(default_factory=lambda: bytearray(RAM_END - RAM_BASE))
    words: dict[int, int] = field(default_factory=dict)
    ready_flash: bool = False

    def __post_init__(self) -> None:
        wire_mac = self.options.mac[::-1]
        if self.options.signed:
            self.efuse[0] |= 1 << 2
        U32.pack_into(self.efuse, SW_USAGE_AT, self.options.sw_usage)
        self.efuse[MAC_AT : MAC_AT + 7] = wire_mac + bytes([zero_bits(wire_mac)])
        if self.facts.large_package and self.options.efuse_tells:
            self.efuse[MAC_AT + 7] = LARGE_PACKAGE

    def reset(self) -> None:
        """RAM is lost, eFuse and flash stay."""
        self.ram = bytearray(RAM_END - RAM_BASE)
        self.words.clear()
        self.ready_flash = False

    @property
    def sign(self) -> int:
        return self.efuse[0] >> 2 & 1

    def boot_info(self, version: int) -> Reply:
        """Who answers, with `version` in front."""
        if self.facts.info_size != 20:
            return LongBootInfo(
                version, bytes(self.efuse[:8]) + bytes(4) + self.options.mac + b"\0\0"
            )
        mac = bytes(self.efuse[MAC_AT : MAC_AT + 6])
        (usage,) = U32.unpack_from(self.efuse, SW_USAGE_AT)
        return BootInfo(version, self.sign, 0, 0, 0, usage, mac, self.efuse[MAC_AT + 6])

    def jedec(self) -> JedecId:
        """The flash id with the loader's opinion of it."""
        row = find_flash(self.flash.jedec_id)
        known = row is not None and row.known and not self.options.flash_unknown
        return JedecId(bytes.fromhex(self.flash.jedec_id), 0x80 if known else 0)

    # --- the processor's address space ---------------------------------------------------------

    def in_ram(self, address: int, size: int) -> bool:
        """Whether a range lies in RAM, under any of its addresses."""
        at = address & 0x0FFF_FFFF
        return address >> 28 in ALIASES and at >= RAM_BASE and at + size <= RAM_END

    def load(self, address: int, data: bytes) -> None:
        """Put bytes into RAM; the range was checked."""
        at = (address & 0x0FFF_FFFF) - RAM_BASE
        self.ram[at : at + len(data)] = data

    def write_word(self, address: int, word: int) -> None:
        """A store to any address; outside RAM it is remembered and has no effect."""
        address &= ~3
        if self.in_ram(address, 4):
            self.load(address, U32.pack(word))
        elif len(self.words) < EFUSE_SIZE:
            self.words[address] = word

    def read_word(self, address: int) -> bytes:
        """A load from any address; nothing reads as zero."""
        if self.in_ram(address, 4):
            at = (address & 0x0FFF_FFFF) - RAM_BASE
            return bytes(self.ram[at : at + 4])
        if address in self.words:
            return U32.pack(self.words[address])
        if 0 <= address - EFUSE_REGISTERS < EFUSE_SIZE:
            at = address - EFUSE_REGISTERS
            return bytes(self.efuse[at : at + 4])
        return bytes(4)

    def read_words(self, address: int, size: int) -> bytes:
        """Whole words from an address on."""
        first = address & ~3
        return b"".join(self.read_word(first + at) for at in range(0, size & ~3, 4))

    def burn(self, offset: int, data: bytes) -> None:
        """Set eFuse bits; nothing ever clears them."""
        for at, byte in enumerate(data[: EFUSE_SIZE - offset]):
            self.efuse[offset + at] |= byte


class Then(Enum):
    """What a chip does when it has answered a command."""

    STAY = auto()
    RESET = auto()
    RUN_IMAGE = auto()
    BOOT_FLASH = auto()
    HANG_UP = auto()


@dataclass(slots=True)
class Work:
    """What one command makes the chip do: bytes to send, each after a time, and what follows."""

    sends: list[tuple[float, bytes]] = field(default_factory=list)
    busy_s: float = 0.0
    then: Then = Then.STAY
    rate_factor: float = 1.0

    def say(self, data: bytes, after_s: float = 0.0) -> None:
        """Send these bytes `after_s` later than the ones before."""
        self.sends.append((after_s, data))
