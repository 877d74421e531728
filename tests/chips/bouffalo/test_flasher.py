"""The host side against the emulated module on the bench: all acts, and all that goes wrong."""

import hashlib

import pytest

from groundwire.chips.bouffalo import linking
from groundwire.chips.bouffalo.access import checked_last, program_frames
from groundwire.chips.bouffalo.codec import checksum, encode_command
from groundwire.chips.bouffalo.emulated_chip import RAM_BASE, ChipOptions
from groundwire.chips.bouffalo.emulator import BouffaloEmulator, Mode
from groundwire.chips.bouffalo.flasher import BouffaloFlasher
from groundwire.chips.bouffalo.loader import LOADER_DESTINATION, ready_to_send
from groundwire.chips.family import RegionKind, RfHealth
from groundwire.chips.nor_flash import NorFlash
from groundwire.errors import (
    Cancelled,
    FlashProtected,
    GroundwireError,
    LinkLost,
    LoaderMissing,
    NotALoader,
    SpanOutside,
    SpanUnaligned,
    UnsupportedHere,
)
from groundwire.link.runner import run
from groundwire.quantities import Span
from groundwire.sim.bench import Adapter, BenchPort
from groundwire.sim.bouffalo import stand_in_loader, stock_flash
from groundwire.sim.faults import LineFaults

LOADER = stand_in_loader()
STOCK = stock_flash()


def module(faults=None, content=STOCK, jedec="ef4015", chip="BL602", status=0, **options):
    flash = NorFlash(content, jedec, status=status)
    emulator = BouffaloEmulator(chip, flash, ChipOptions(**options))
    return BenchPort(emulator, Adapter(), faults), emulator


def linked(loader=LOADER, rate=2_000_000, **kwargs):
    port, emulator = module(**kwargs)
    assert run(linking.try_link(0.2), port).linked
    flasher = BouffaloFlasher(loader)
    run(flasher.identify(), port)
    if rate:
        run(flasher.set_speed(rate), port)
    return port, emulator, flasher


# --- linking and identify ------------------------------------------------------------------------


def test_links_within_one_try_after_power_up():
    port, emulator = module()
    found = run(linking.try_link(0.05), port)
    assert found.linked
    assert port.now() < 0.2
    assert emulator.mode is Mode.ROM


def test_a_conversation_that_is_open_already_is_found():
    port, _ = module()
    run(linking.try_link(0.05), port)
    port.wait(0.5)
    assert run(linking.try_link(0.05), port).linked


def test_link_checks_of_another_family_do_not_keep_us_out():
    port, _ = module()
    run(linking.try_link(0.05), port)
    for _ in range(60):
        port.send(bytes.fromhex("01e0fc0100"))
        port.wait(0.001)
    for _ in range(3):
        found = run(linking.try_link(0.2), port)
        if found.linked:
            break
    assert found.linked


def test_a_silent_line_ends_in_time():
    port, _ = module(boot_by_hands=False)
    port.wait(1.0)
    before = port.now()
    found = run(linking.try_link(1.0), port)
    assert not found.linked
    assert port.now() - before < 1.5


def test_babble_ends_a_try():
    port, _ = module(faults=LineFaults(babble=b"OKFLPD\x55" * 10), boot_by_hands=False)
    found = run(linking.try_link(0.5), port)
    assert not found.linked
    assert port.now() < 12


def test_firmware_text_is_recognised():
    port, _ = module(boot_by_hands=False)
    port.set_baudrate(2_000_000)
    heard = port.receive(0.5, at_least=400)
    assert linking.looks_like_bouffalo(heard) == "a BL602 running its firmware"
    assert linking.looks_like_bouffalo(b"\x04\x0e\x05\x01\xe0\xfc\x01\x00") == ""


def test_identify_needs_no_loader():
    port, emulator, flasher = linked(loader=b"", rate=None)
    identity = flasher.identity
    assert (identity.chip, identity.mac, identity.flash_size) == ("BL602", "7C:B9:4C:00:00:01", 0)
    assert identity.protocol == "boot ROM"
    assert emulator.mode is Mode.ROM
    for act in (
        flasher.read(Span(0, 4096)),
        flasher.digest(Span(0, 4096)),
        flasher.erase(Span(0, 4096)),
        flasher.program(0, bytes(4096)),
        flasher.set_speed(921_600),
        flasher.begin_writing(),
    ):
        with pytest.raises(LoaderMissing) as caught:
            run(act, port)
        assert caught.value.next_step == "run: groundwire loader get"
    assert str(caught.value) == (
        "writing the flash on a BL602 needs the vendor's RAM loader, and none is at hand\n"
        "  likely   groundwire ships no vendor software; the file is fetched once and kept\n"
        "  next     run: groundwire loader get"
    )
    assert emulator.flash.wear.operations == 0


def test_efuse_tells_package_and_flash_to_the_boot_rom():
    port, emulator = module()
    emulator.inside.efuse[0x1B] = 2 << 3 | 1 << 7
    run(linking.try_link(0.1), port)
    identity = run(BouffaloFlasher().identify(), port)
    assert (identity.chip, identity.flash_size) == ("BL604", 0x200000)
    assert identity.flash_size_source == "eFuse device info"


def test_identify_with_the_loader_finds_everything():
    port, emulator, flasher = linked(rate=None)
    identity = flasher.identity
    assert (identity.flash_id, identity.flash_part, identity.flash_size) == (
        "ef4015",
        "W25Q16JV",
        0x200000,
    )
    assert identity.rf is RfHealth.PRESENT
    assert identity.bootloader == "boot2, 32,768 bytes"
    assert identity.protocol == "RAM loader"
    assert not identity.warnings
    (app,) = flasher.layout.of_kind(RegionKind.APP)
    assert app.span == Span(0x10000, 0xC8000)
    assert [one.span for one in flasher.layout.of_kind(RegionKind.RF)] == [Span(0x1F8000, 0x8000)]
    assert flasher.layout.serves_protocol is None
    assert port.now() < 6
    assert emulator.mode is Mode.LOADER


@pytest.mark.parametrize("chip", ["BL702", "BL616"])
def test_relatives_are_named_and_refused_with_the_reason(chip):
    port, _ = module(chip=chip, content=bytes(0x100000))
    run(linking.try_link(0.1), port)
    flasher = BouffaloFlasher(LOADER)
    identity = run(flasher.identify(), port)
    assert identity.chip == chip
    assert "not supported" in identity.warnings[0]
    with pytest.raises(UnsupportedHere, match=chip):
        run(flasher.read(Span(0, 4096)), port)


def test_a_locked_chip_is_identified_and_left_alone():
    port, emulator = module(signed=True)
    run(linking.try_link(0.1), port)
    flasher = BouffaloFlasher(LOADER)
    identity = run(flasher.identify(), port)
    assert "locked" in identity.warnings[0]
    assert emulator.mode is Mode.ROM
    with pytest.raises(UnsupportedHere, match="locked"):
        run(flasher.read(Span(0, 4096)), port)


def test_a_file_that_is_no_loader_is_refused_at_once():
    with pytest.raises(NotALoader, match="does not begin with a boot header"):
        BouffaloFlasher(b"not a loader")


def test_a_loader_that_runs_already_is_used():
    port, emulator, _ = linked()
    port.wait(1.0)
    port.set_baudrate(115_200)
    again = BouffaloFlasher()
    before = port.now()
    assert any(run(linking.try_link(0.15), port).linked for _ in range(20))
    assert port.now() - before < 1.0
    identity = run(again.identify(), port)
    assert identity.flash_id == "ef4015"
    assert run(again.read(Span(0, 4096)), port) == STOCK[:4096]
    assert not identity.warnings  # the running loader is one of ours
    assert emulator.resets == 1


# --- reading and proving -------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [921_600, 1_500_000, 2_000_000, 460_800, 230_400])
def test_speeds(rate):
    port, emulator, flasher = linked(rate=rate)
    assert flasher.rate == rate
    assert run(flasher.read(Span(0x10000, 0x8000)), port) == STOCK[0x10000:0x18000]
    assert abs(emulator.baudrate / rate - 1) < 0.02


def test_changing_the_speed_is_quick():
    port, _, flasher = linked(rate=921_600)
    before = port.now()
    run(flasher.set_speed(2_000_000), port)
    assert port.now() - before < 0.5


def test_a_speed_that_the_adapter_cannot_do_changes_nothing():
    port, _, flasher = linked(rate=921_600)
    port.adapter = Adapter(top_rate=1_000_000)
    with pytest.raises(GroundwireError, match="cannot do"):
        run(flasher.set_speed(2_000_000), port)
    assert flasher.rate == 921_600
    assert run(flasher.read(Span(0, 4096)), port) == STOCK[:4096]


def test_full_read_is_near_the_wire():
    port, _, flasher = linked()
    started, bytes_before = port.now(), port.bytes_in
    data = run(flasher.read(Span(0, 0x100000)), port)
    took = port.now() - started
    assert data == STOCK[:0x100000]
    assert took / ((port.bytes_in - bytes_before) * 10 / 2_000_000) < 1.1


def test_digests():
    port, _, flasher = linked()
    for span in (Span(0, 0x1000), Span(0x10000, 0x20000), Span(0, 0x200000)):
        digest = run(flasher.digest(span), port)
        assert digest == hashlib.sha256(span.of(STOCK)).digest()
        assert digest == flasher.digest_of(span.of(STOCK))
    assert flasher.digest_name == "sha256"


def test_a_loader_with_small_frames_is_read_and_written_in_small_ones():
    port, emulator, flasher = linked(small_frames=0x1000, rate=None)
    assert flasher.frame == 0x2000  # of a loader that nobody knows
    assert run(flasher.read(Span(0, 0x8000)), port) == STOCK[:0x8000]
    assert flasher.frame == 0x1000
    run(flasher.erase(Span(0x20000, 0x1000)), port)
    flasher._link.frame = 0x2000
    data = b"\x5a" * 0x1000
    with pytest.raises(GroundwireError):  # 4096 bytes and their address are four too many
        run(flasher.program(0x20000, data), port)
    with pytest.raises(GroundwireError):
        run(flasher.program(0x20000, data), port)
    run(flasher.program(0x20000, data), port)
    assert emulator.flash.data[0x20000:0x21000] == data


def test_bad_spans_are_refused_before_anything_is_sent():
    port, _, flasher = linked()
    before = port.bytes_out
    with pytest.raises(SpanOutside):
        run(flasher.read(Span(0x1FF000, 0x2000)), port)
    with pytest.raises(SpanUnaligned):
        run(flasher.digest(Span(0x10, 0x1000)), port)
    with pytest.raises(SpanUnaligned):
        run(flasher.erase(Span(0x1000, 0x10000)), port)
    assert port.bytes_out == before


# --- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0x1000, 0x8000, 0x10000])
def test_erase_touches_its_unit_and_nothing_else(size):
    port, emulator, flasher = linked()
    run(flasher.begin_writing(), port)
    run(flasher.erase(Span(0x20000, size)), port)
    wanted = bytearray(STOCK)
    wanted[0x20000 : 0x20000 + size] = b"\xff" * size
    assert emulator.flash.data == wanted


def test_program_and_prove():
    port, emulator, flasher = linked()
    data = hashlib.shake_128(b"x").digest(0x8000)
    span = Span(0x30000, 0x8000)
    run(flasher.erase(span), port)
    run(flasher.program(span.start, data), port)
    assert run(flasher.digest(span), port) == flasher.digest_of(data)
    wanted = bytearray(STOCK)
    wanted[span.start : span.end] = data
    assert emulator.flash.data == wanted


def test_frames_never_carry_a_checksum_that_counts_as_none():
    for seed in range(400):
        data = hashlib.shake_128(bytes([seed % 256, seed // 256])).digest(4096)
        frames = program_frames(0x10000, data, 0x4000)
        assert all(encode_command(frame)[1] for frame in frames)
        assert all(len(frame.data) != 4 for frame in frames)
        whole = bytearray(b"\xff" * 4096)
        for frame in frames:
            whole[frame.address - 0x10000 : frame.address - 0x10000 + len(frame.data)] = frame.data
        assert whole == data
    assert program_frames(0, b"\xff" * 4096, 0x4000) == []
    for start in range(0, 0x200000, 0x1000):
        span = Span(start, 0x1000)
        last = checked_last(span)
        assert span.start <= last < span.end
        assert checksum(start.to_bytes(4, "little") + last.to_bytes(4, "little"))


def test_protection_is_lifted_and_put_back():
    port, emulator, flasher = linked(status=0x003C)
    run(flasher.begin_writing(), port)
    assert emulator.flash.status & 0x7C == 0
    run(flasher.erase(Span(0x20000, 0x1000)), port)
    run(flasher.end_writing(), port)
    assert emulator.flash.status & 0x7C == 0x3C
    assert emulator.flash.data[0x20000:0x21000] == b"\xff" * 0x1000


def test_protection_that_stays_is_an_error_of_its_own():
    port, emulator, flasher = linked(status=0x013C)
    emulator.flash._status_locked = True  # by a pin, say
    with pytest.raises(FlashProtected):
        run(flasher.begin_writing(), port)


def test_an_old_loader_without_signs_of_life_erases_too():
    port, emulator, flasher = linked(old_loader=True)
    run(flasher.erase(Span(0x10000, 0x10000)), port)
    assert emulator.flash.data[0x10000:0x20000] == b"\xff" * 0x10000


def test_reboot_starts_the_firmware():
    port, emulator, flasher = linked()
    run(flasher.reboot(), port)
    port.wait(0.1)
    assert emulator.mode is Mode.FIRMWARE
    assert flasher.rate == port.baudrate == 115_200


# --- what goes wrong -----------------------------------------------------------------------------


def test_a_lost_reply_is_asked_for_again():
    port, _, flasher = linked()
    emitted = port._emissions
    port.faults.lose_replies = frozenset({emitted, emitted + 2})
    assert run(flasher.read(Span(0, 0x8000)), port) == STOCK[:0x8000]
    assert flasher.damaged >= 1


@pytest.mark.parametrize("seed", range(6))
def test_reads_over_a_bad_line_are_right_or_fail(seed):
    faults = LineFaults(seed=seed)
    port, emulator, flasher = linked(faults=faults)
    faults.flips_to_chip = faults.flips_to_host = 1e-5
    faults.drops_to_host = faults.drops_to_chip = 1e-5
    wrong = 0
    for span in Span(0, 0x40000).units(0x1000):
        data = run(flasher.read(span), port)
        while run(flasher.digest(span), port) != flasher.digest_of(data):
            wrong += 1
            assert wrong < 100
            data = run(flasher.read(span), port)
        assert data == span.of(STOCK)
    assert emulator.flash.data == STOCK  # no read ever became an erase


@pytest.mark.parametrize("seed", range(4))
def test_writes_over_a_bad_line_end_proven(seed):
    faults = LineFaults(seed=seed)
    port, emulator, flasher = linked(faults=faults)
    faults.flips_to_chip = faults.flips_to_host = 1e-5
    data = hashlib.shake_128(b"y").digest(0x10000)
    span = Span(0x40000, 0x10000)
    for _ in range(12):
        try:
            run(flasher.erase(span), port)
            run(flasher.program(span.start, data), port)
        except LinkLost:
            raise
        except GroundwireError:
            continue
        if run(flasher.digest(span), port) == flasher.digest_of(data):
            break
    wanted = bytearray(STOCK)
    wanted[span.start : span.end] = data
    assert emulator.flash.data == wanted


@pytest.mark.parametrize("flips", [1e-6, 1e-5])
@pytest.mark.parametrize("seed", range(6))
def test_the_loader_arrives_whole_over_a_bad_line(seed, flips):
    faults = LineFaults(seed=seed, flips_to_chip=flips, flips_to_host=flips)
    port, emulator = module(faults=faults)
    for _ in range(4):
        if run(linking.try_link(0.2), port).linked:
            break
    flasher = BouffaloFlasher(LOADER)
    assert run(flasher.identify(), port).flash_id == "ef4015"
    assert emulator.flash.data == STOCK
    assert not any(emulator.inside.efuse[0x20:])
    at = (LOADER_DESTINATION & 0x0FFFFFFF) - RAM_BASE
    sent = ready_to_send(LOADER).data
    assert emulator.inside.ram[at : at + len(sent)] == sent


@pytest.mark.parametrize("bit", range(8))
def test_no_flipped_command_bit_of_a_read_or_hash_changes_the_flash(bit):
    port, emulator, flasher = linked()

    for ask in (flasher.read(Span(0, 0x1000)), flasher.digest(Span(0, 0x4000))):
        port.faults = _FlipsOne(port.faults, 1 << bit)
        run(ask, port)
        assert port.faults.done
    assert emulator.flash.data == STOCK
    assert not any(emulator.inside.efuse[0x20:])


class _FlipsOne:
    """Line faults that damage the command byte of the first read or hash."""

    def __init__(self, faults, mask):
        self._faults, self._mask, self.done = faults, mask, False

    def to_chip(self, data):
        if not self.done and data and data[0] in (0x32, 0x3D):
            self.done = True
            return bytes([data[0] ^ self._mask]) + data[1:]
        return data

    def __getattr__(self, name):
        return getattr(self._faults, name)


def test_silence_is_the_loss_of_the_link_in_bounded_time():
    port, _, flasher = linked()
    before = port.now()
    port.faults.deaf = True
    with pytest.raises(LinkLost):
        run(flasher.read(Span(0, 0x1000)), port)
    assert port.now() - before < 30


def test_babble_ends_in_an_error_in_bounded_time():
    port, _, flasher = linked()
    before = port.now()
    port.faults.babble = b"PDFL\x03\x01\x55PD" * 4
    with pytest.raises(GroundwireError):
        run(flasher.read(Span(0, 0x1000)), port)
    assert port.now() - before < 200


def test_a_reset_in_between_is_the_loss_of_the_link():
    port, emulator, flasher = linked()
    emulator.hold_reset(held=True, at_s=port.now())
    emulator.hold_reset(held=False, at_s=port.now())
    with pytest.raises(LinkLost):
        run(flasher.read(Span(0, 0x1000)), port)
    flasher.relinked()
    port.set_baudrate(115_200)
    for _ in range(4):
        if run(linking.try_link(0.3), port).linked:
            break
    run(flasher.identify(0x200000), port)
    run(flasher.set_speed(2_000_000), port)
    assert run(flasher.read(Span(0, 0x1000)), port) == STOCK[:0x1000]


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_cancel_at_any_operation(at):
    port, emulator, flasher = linked()
    count = 0

    def stop():
        nonlocal count
        count += 1
        return count > at

    procedure = flasher.read(Span(0, 0x100000))
    with pytest.raises(Cancelled):
        run(procedure, port, stop=stop)
    port.wait(5.0)
    assert emulator.flash.data == STOCK


def test_idle_conversations_come_back():
    port, _, flasher = linked()
    port.wait(10.0)
    assert run(flasher.read(Span(0, 0x1000)), port) == STOCK[:0x1000]
    for _ in range(12):
        run(flasher.keep_alive(), port)
        port.wait(1.0)
    damaged = flasher.damaged
    run(flasher.read(Span(0, 0x1000)), port)
    assert flasher.damaged == damaged
