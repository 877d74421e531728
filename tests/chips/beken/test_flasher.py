"""The host side of a linked module: speeds, reads, checksums, erases, and what it never sends."""

import pytest

from contract.module import Module, attempt, open_session
from contract.rigs import rig_of
from groundwire.chips.beken.flasher import BekenFlasher
from groundwire.errors import (
    GroundwireError,
    LinkError,
    ProtocolError,
    SpanOutside,
    SpanUnaligned,
    UnsupportedHere,
)
from groundwire.quantities import Span
from groundwire.sim.bench import Adapter
from groundwire.sim.faults import LineFaults

N, T, U = rig_of("BK7231N"), rig_of("BK7231T"), rig_of("BK7231U")
KINDS = pytest.mark.parametrize("rig", [N, T, U], ids=["BK7231N", "BK7231T", "BK7231U"])


def linked(rig, faults=None, adapter=None):
    module = Module(rig)
    bench = module.plug(adapter=adapter)
    session = open_session(bench)
    bench.faults = faults or LineFaults()
    bench.sent.clear()
    return module, bench, session


def test_nothing_works_before_it_was_identified():
    flasher = BekenFlasher()
    for look in (lambda: flasher.identity, lambda: flasher.layout, lambda: flasher.erase_units):
        with pytest.raises(UnsupportedHere, match="not identified"):
            look()


@KINDS
def test_a_digest_is_that_of_the_bytes(rig):
    _, _, session = linked(rig)
    flasher = session.flasher
    for span in (Span(0, 0x1000), Span(0x11000, 0x1000), Span(0, 0x10000), Span(0, rig.size)):
        assert session.run_once(flasher.digest(span)) == flasher.digest_of(span.of(rig.stock))
    assert flasher.digest_name == "crc32"


@KINDS
def test_reads_reach_below_the_guard_and_only_reads(rig):
    _, bench, session = linked(rig)
    assert session.run_once(session.flasher.read(Span(0, 0x4000))) == rig.stock[:0x4000]
    addresses = [int.from_bytes(one[8:12], "little") for one in bench.sent if one[7:8] == b"\x09"]
    assert addresses
    guarded = {"BK7231N": 0, "BK7231T": 4, "BK7231U": 2}[rig.part]
    assert sum(address >= rig.size for address in addresses) == guarded


@KINDS
@pytest.mark.parametrize("size", [0x1000, 0x10000])
def test_an_erase_erases_its_unit(rig, size):
    module, _, session = linked(rig)
    session.run_once(session.flasher.begin_writing())
    session.run_once(session.flasher.erase(Span(0x20000, size)))
    wanted = bytearray(rig.stock)
    wanted[0x20000 : 0x20000 + size] = b"\xff" * size
    assert module.now == bytes(wanted)


@KINDS
@pytest.mark.parametrize(
    "span", [Span(0x20000, 0x2000), Span(0x21000, 0x10000), Span(0x20800, 0x1000)]
)
def test_an_erase_is_one_aligned_unit(rig, span):
    module, bench, session = linked(rig)
    with pytest.raises(SpanUnaligned):
        session.run_once(session.flasher.erase(span))
    assert not bench.sent
    assert module.now == rig.stock


def test_loaders_have_no_erase_of_half_a_block():
    assert linked(N)[2].flasher.erase_units == (0x1000, 0x8000, 0x10000)
    for rig in (T, U):
        assert linked(rig)[2].flasher.erase_units == (0x1000, 0x10000)


@KINDS
def test_programming_after_a_checksum_works_on_every_kind(rig):
    """On loaders a checksum locks the flash, and only an erase after a LinkCheck unlocks it."""
    module, _, session = linked(rig)
    flasher = session.flasher
    session.run_once(flasher.begin_writing())
    session.run_once(flasher.erase(Span(0x20000, 0x1000)))
    session.run_once(flasher.digest(Span(0x20000, 0x1000)))
    session.run_once(flasher.program(0x20000, b"\x5a" * 0x1000))
    assert module.now[0x20000:0x21000] == b"\x5a" * 0x1000


@KINDS
def test_spans_beyond_the_flash_or_between_sectors_are_refused_unsent(rig):
    _, bench, session = linked(rig)
    flasher = session.flasher
    with pytest.raises(SpanUnaligned):
        session.run_once(flasher.read(Span(0x800, 0x1000)))
    with pytest.raises(SpanUnaligned):
        session.run_once(flasher.digest(Span(0, 0x1001)))
    with pytest.raises(SpanUnaligned):
        session.run_once(flasher.program(0x20000, bytes(100)))
    with pytest.raises(SpanOutside):
        session.run_once(flasher.program(rig.size, bytes(0x1000)))
    assert not bench.sent


@KINDS
@pytest.mark.parametrize("rate", [115_200, 460_800, 921_600, 1_500_000, 2_000_000])
def test_a_speed_is_proven_and_kept(rig, rate):
    _, bench, session = linked(rig)
    session.run_once(session.flasher.set_speed(rate))
    assert session.flasher.rate == bench.baudrate == rate
    assert (
        session.run_once(session.flasher.read(Span(0x11000, 0x1000))) == rig.stock[0x11000:0x12000]
    )


@KINDS
@pytest.mark.parametrize("rate", [1_152_000, 3_000_000])
def test_a_speed_that_the_divisor_misses_may_fail_but_the_link_holds(rig, rate):
    """3,000,000 cannot be made from 26 MHz; both ends must be together again afterwards."""
    _, _, session = linked(rig)
    error = attempt(lambda: session.run_once(session.flasher.set_speed(rate)))
    assert error is None or isinstance(error, LinkError | ProtocolError)
    assert (
        session.do(lambda: session.flasher.read(Span(0x11000, 0x1000)))
        == rig.stock[0x11000:0x12000]
    )


@KINDS
def test_an_adapter_that_cannot_do_a_speed_says_so_before_the_chip_is_told(rig):
    _, bench, session = linked(rig, adapter=Adapter(top_rate=921_600))
    assert session.flasher.rate == 921_600
    error = attempt(lambda: session.run_once(session.flasher.set_speed(2_000_000)))
    assert isinstance(error, GroundwireError)
    assert not [one for one in bench.sent if one[:5] == bytes.fromhex("01e0fc060f")]
    assert session.run_once(session.flasher.read(Span(0x11000, 0x1000)))


@KINDS
def test_a_line_that_loses_bytes_is_counted(rig):
    _, _, session = linked(rig, LineFaults(seed=2, drops_to_host=2e-5))
    assert session.flasher.damaged == 0
    session.do(lambda: session.flasher.read(Span(0x11000, 0xC0000)))
    assert session.flasher.damaged > 0


def test_what_cannot_be_written_is_told():
    assert linked(N)[2].flasher.cannot_write(Span(0, 0x1000)) == ""
    for rig, guard in ((T, "0x10000"), (U, "0x02000")):
        assert guard in linked(rig)[2].flasher.cannot_write(Span(0, 0x1000))
        assert linked(rig)[2].flasher.cannot_write(Span(0x11000, 0x1000)) == ""


@KINDS
def test_a_loader_is_never_left_silent_for_longer_than_it_waits(rig):
    _, bench, session = linked(rig)
    limit_s = session.flasher.idle_limit_s
    assert (limit_s is None) is (rig is N)
    if limit_s is not None:
        resets = bench.emulator.resets
        for _ in range(40):
            bench.wait(limit_s * 0.9)
            session.run_once(session.flasher.keep_alive())
        assert bench.emulator.resets == resets


@KINDS
def test_a_reboot_starts_the_firmware(rig):
    _, bench, session = linked(rig)
    session.run_once(session.flasher.reboot())
    bench.wait(1.5)
    assert bench.emulator.state.value == "running"
    assert bench.baudrate == 115_200
