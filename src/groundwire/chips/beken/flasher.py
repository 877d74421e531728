"""The host side of a linked Beken module: read, prove, erase, program."""

# Ref: PROTOCOL.md

from __future__ import annotations

from typing import Final

from groundwire.chips.beken import identify, unlock
from groundwire.chips.beken.codec import SECTOR_SIZE, U32, encode_command
from groundwire.chips.beken.exchange import RETRIED, Exchange
from groundwire.chips.beken.facts import ChipFacts, Group, build_layout
from groundwire.chips.beken.identify import SECTOR_READ_S, Findings, chip_crc, read_sector
from groundwire.chips.beken.linking import LINK_RATE
from groundwire.chips.beken.messages import (
    ERASE_BYTES,
    BaudSet,
    Erase,
    Erased,
    EraseSize,
    Programmed,
    Read4K,
    Reboot,
    SectorData,
    SetBaud,
    Write4K,
    status_meaning,
)
from groundwire.chips.family import Identity, Layout, RegionKind
from groundwire.errors import (
    CommandRefused,
    SpanOutside,
    SpanUnaligned,
    UnsupportedHere,
    WrongReply,
)
from groundwire.framing.crc import crc32_uninverted
from groundwire.quantities import Span, hex_address
from groundwire.wire import Procedure, Send, SetBaudrate, Wait

# Served after the switch: long enough for a CH340 and a 16 ms latency timer
BAUD_DELAY: Final = 20
BAUD_WITHIN_S: Final = 2 * (BAUD_DELAY + 1) * 0.002
SPEED_LINK_CHECKS: Final = 5
SPEED_SECTORS: Final = 2
SPEED_ATTEMPTS: Final = 4
ERASE_WITHIN_S: Final = {
    EraseSize.SECTOR_4K: 1.0,
    EraseSize.BLOCK_32K: 3.0,
    EraseSize.BLOCK_64K: 5.0,
}
PROGRAM_WITHIN_S: Final = 0.2
REBOOTS: Final = 3
QUEUED_READS: Final = 3  # loaders hold 512 bytes of commands while they work


class BekenFlasher:
    """A `family.Flasher` for every chip of this family; see there for the contract."""

    def __init__(self) -> None:
        self._link = Exchange(LINK_RATE)
        self._facts: ChipFacts | None = None
        self._identity: Identity | None = None
        self._layout: Layout | None = None
        self._found = Findings()
        self._protection: unlock.Protection | None = None
        self._locked = True  # loaders: protection as at start, or set by CheckCRC

    # --- what is known ------------------------------------------------------------------------

    @property
    def identity(self) -> Identity:
        if self._identity is None:
            raise UnsupportedHere(asked="working with the module", reason="it was not identified")
        return self._identity

    @property
    def layout(self) -> Layout:
        if self._layout is None:
            raise UnsupportedHere(asked="planning", reason="the module was not identified")
        return self._layout

    @property
    def facts(self) -> ChipFacts:
        """The row of the chip that answered."""
        if self._facts is None:
            raise UnsupportedHere(asked="working with the module", reason="it was not identified")
        return self._facts

    @property
    def erase_units(self) -> tuple[int, ...]:
        # loaders answer the 32 KiB erase with success and erase nothing
        if self.facts.group is Group.LOADER:
            return (0x1000, 0x10000)
        return (0x1000, 0x8000, 0x10000)

    @property
    def idle_limit_s(self) -> float | None:
        return self.facts.idle_restart_s / 2 or None

    @property
    def digest_name(self) -> str:
        return "crc32"

    @property
    def damaged(self) -> int:
        return self._link.damaged

    @property
    def rate(self) -> int:
        """The speed in use."""
        return self._link.rate

    def digest_of(self, data: bytes) -> bytes:
        return U32.pack(crc32_uninverted(data))

    # --- identify -----------------------------------------------------------------------------

    def identify(self, flash_size: int | None = None) -> Procedure[Identity]:
        link, found = self._link, Findings()
        chip_id = yield from identify.find_group(link, found)
        if flash_size is not None:
            found.size, found.size_source = flash_size, "given by the user"
        if link.group is Group.ROM:
            facts = yield from identify.identify_rom(link, found, chip_id)
        else:
            facts = yield from identify.identify_loader(link, found)
        yield from identify.find_radio(link, found, facts)
        self._facts, self._found, self._locked = facts, found, True
        self._identity = identify.finish(found, facts)
        self._layout = build_layout(facts, found.size, found.rf_addresses)
        return self._identity

    def relinked(self) -> None:
        self._link = Exchange(LINK_RATE)
        self._locked = True

    # --- speed --------------------------------------------------------------------------------

    def set_speed(self, rate: int) -> Procedure[None]:
        link = self._link
        old = link.rate
        if rate != old:
            # an adapter that cannot do it says so here, before the chip is told
            yield SetBaudrate(rate)
            yield SetBaudrate(old)
            yield from self._switch(rate)
        try:
            yield from self._prove_speed()
        except RETRIED:
            yield from self._fall_back(old)
            raise
        link.damaged = 0

    def _switch(self, rate: int) -> Procedure[None]:
        """Tell the chip, follow it, and require its answer at the new speed."""
        link = self._link
        old = link.rate
        command = SetBaud(rate, BAUD_DELAY)
        yield Send(encode_command(command))
        yield Wait(BAUD_DELAY / 2 * 0.001)
        yield SetBaudrate(rate)
        link.rate = rate
        try:
            reply = yield from link.await_reply(command, BaudSet, within_s=BAUD_WITHIN_S)
            if (reply.rate, reply.delay) != (rate, BAUD_DELAY):
                raise WrongReply(command="SetBaud", asked=f"{rate} baud", got=f"{reply.rate} baud")
        except RETRIED:
            link.out_of_step = False
            link.rate = rate
            yield from self._fall_back(old)
            raise

    def _fall_back(self, rate: int) -> Procedure[None]:
        """Both sides to a slower speed, from whatever speed the chip has now."""
        link = self._link
        yield from link.find_rate("SetBaud")
        if link.rate == rate:
            return
        yield Send(encode_command(SetBaud(rate, BAUD_DELAY)))
        yield Wait(BAUD_DELAY / 2 * 0.001)
        yield SetBaudrate(rate)
        link.rate = rate
        yield from link.pause(0.05)
        yield from link.find_rate("SetBaud")

    def _prove_speed(self) -> Procedure[None]:
        """Five link checks and two sectors whose bytes the chip's own CRC confirms.

        One damaged sector is no verdict on a speed; more damaged than good ones are.
        """
        link = self._link
        for _ in range(SPEED_LINK_CHECKS):
            yield from link.keep_alive()
        start = self.layout.of_kind(RegionKind.APP)[0].span.start
        for at in range(SPEED_SECTORS):
            span = Span(start + at * SECTOR_SIZE, SECTOR_SIZE)
            reply = yield from link.ask_once(Read4K(span.start), SectorData, within_s=SECTOR_READ_S)
            identify.check_sector(reply, span.start)
            digest = yield from self.digest(span)
            if digest != self.digest_of(reply.data):
                raise WrongReply(command="Read4K", asked="the bytes in flash", got="other bytes")

    # --- read and prove -----------------------------------------------------------------------

    def _check(self, span: Span) -> None:
        if span.end > self.identity.flash_size:
            raise SpanOutside(span=span, flash_size=self.identity.flash_size)
        if not span.is_aligned(SECTOR_SIZE):
            raise SpanUnaligned(span=span, unit=SECTOR_SIZE)

    def _read_address(self, address: int) -> int:
        """Loaders guard their own sectors against reading, but not under their wrapped address."""
        if address < self.facts.guard:
            return address + self.identity.flash_size
        return address

    def read(self, span: Span) -> Procedure[bytes]:
        self._check(span)
        addresses = [self._read_address(at) for at in range(span.start, span.end, SECTOR_SIZE)]
        if self.facts.group is Group.ROM or len(addresses) == 1:
            return (yield from self._read_singly(addresses))
        return (yield from self._read_queued(addresses))

    def _read_singly(self, addresses: list[int]) -> Procedure[bytes]:
        out = bytearray()
        for address in addresses:
            out += yield from read_sector(self._link, address)
        return bytes(out)

    def _read_queued(self, addresses: list[int]) -> Procedure[bytes]:
        """Keep some requests with the loader, so that the line never waits for the adapter."""
        link = self._link
        out = bytearray()
        sent = 0
        for at, address in enumerate(addresses):
            while sent < min(at + QUEUED_READS, len(addresses)):
                yield Send(encode_command(Read4K(addresses[sent])))
                sent += 1
            try:
                reply = yield from link.await_reply(
                    Read4K(address), SectorData, within_s=SECTOR_READ_S
                )
                identify.check_sector(reply, address)
            except RETRIED:
                link.damaged += 1
                yield from link.recover("Read4K")
                out += yield from self._read_singly(addresses[at:])
                return bytes(out)
            out += reply.data
        return bytes(out)

    def digest(self, span: Span) -> Procedure[bytes]:
        self._check(span)
        value = yield from chip_crc(self._link, span.start, span.end - 1)
        if self.facts.crc_locks:
            self._locked = True
        return U32.pack(value)

    # --- write --------------------------------------------------------------------------------

    def begin_writing(self) -> Procedure[None]:
        if self.facts.group is Group.LOADER:
            self._locked = True  # the first erase after a LinkCheck lifts the protection
            return
        found = self._found
        lifted = yield from unlock.lift(self._link, found.flash, found.flash_id)
        if self._protection is None or self._protection.written is None:
            self._protection = lifted  # after a reset only the first look shows how it was

    def end_writing(self) -> Procedure[None]:
        if self._protection is not None:
            found = self._found
            yield from unlock.put_back(self._link, found.flash, found.flash_id, self._protection)
            self._protection = None

    def erase(self, span: Span) -> Procedure[None]:
        self._check(span)
        sizes = {size: code for code, size in ERASE_BYTES.items() if size in self.erase_units}
        if span.size not in sizes or span.start % span.size:
            raise SpanUnaligned(span=span, unit=min(sizes))
        code = sizes[span.size]
        yield from self._link.insist("Erase", lambda: self._erase_once(code, span.start))

    def _erase_once(self, code: EraseSize, address: int) -> Procedure[None]:
        link = self._link
        if self._locked and self.facts.group is Group.LOADER:
            yield from link.keep_alive()  # arms the unprotect step of the erase that follows
        reply = yield from link.ask_once(
            Erase(code, address), Erased, within_s=ERASE_WITHIN_S[code]
        )
        _check_echo("Erase", address, reply.address, reply.status)
        if reply.size_command != code:
            raise WrongReply(
                command="Erase", asked=f"unit 0x{code:02X}", got=f"unit 0x{reply.size_command:02X}"
            )
        self._locked = False

    def program(self, address: int, data: bytes) -> Procedure[None]:
        self._check(Span(address, len(data)))
        for at in range(0, len(data), SECTOR_SIZE):
            yield from self._program_sector(address + at, data[at : at + SECTOR_SIZE])

    def _program_sector(self, address: int, data: bytes) -> Procedure[None]:
        try:
            if self._locked and self.facts.group is Group.LOADER:
                # only an erase lifts a loader's protection, and this sector is to be written anyway
                yield from self._erase_once(EraseSize.SECTOR_4K, address)
            reply = yield from self._link.ask_once(
                Write4K(address, data), Programmed, within_s=PROGRAM_WITHIN_S
            )
            _check_echo("Write4K", address, reply.address, reply.status)
        except RETRIED:
            # never repeated here: what the sector holds now is unknown until it is erased
            self._link.damaged += 1
            yield from self._link.recover("Write4K")
            raise

    def cannot_write(self, span: Span) -> str:
        if span.start < self.facts.guard:
            return f"its loader refuses addresses below {hex_address(self.facts.guard)}"
        return ""

    # --- the rest -----------------------------------------------------------------------------

    def keep_alive(self) -> Procedure[None]:
        yield from self._link.keep_alive()

    def release(self) -> Procedure[None]:
        # a boot ROM stays linked for ever, at the speed that it was brought to
        if self._link.rate == LINK_RATE:
            return
        yield Send(encode_command(SetBaud(LINK_RATE, BAUD_DELAY)))
        yield Wait(BAUD_DELAY / 2 * 0.001)
        yield SetBaudrate(LINK_RATE)
        self._link.rate = LINK_RATE
        yield from self._link.pause(BAUD_WITHIN_S)

    def reboot(self) -> Procedure[None]:
        for _ in range(REBOOTS):
            yield Send(encode_command(Reboot()))
            yield Wait(0.01)
        yield SetBaudrate(LINK_RATE)
        self._link.rate = LINK_RATE


def _check_echo(command: str, asked: int, got: int, status: int) -> None:
    """Whether the chip did what was asked: requests carry no checksum, replies echo them."""
    if status:
        raise CommandRefused(command=command, status=status, meaning=status_meaning(status))
    if got != asked:
        raise WrongReply(command=command, asked=hex_address(asked), got=hex_address(got))
