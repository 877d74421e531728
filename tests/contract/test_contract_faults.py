"""Every part survives every fault: proven, or named and resumable, and never worse.

Whatever breaks a job off, the areas that had to stay are untouched, the error and its exit code say
what state the module is in, and the same request finishes the job.
"""

import itertools
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

from contract.module import (
    Module,
    attempt,
    count_stop,
    differing_sectors,
    open_session,
    request_for,
    write,
)
from contract.rigs import KINDS, PARTS, rig_of
from groundwire.errors import (
    Cancelled,
    ExitCode,
    LinkError,
    NothingLinked,
    ProtocolError,
    StoppedPartWay,
    Unplugged,
)
from groundwire.jobs.backup import take_backup
from groundwire.jobs.write import change_flash
from groundwire.sim.bench import Adapter
from groundwire.sim.faults import LineFaults

EVERY_PART = [pytest.param(part, marks=() if part in KINDS else pytest.mark.slow) for part in PARTS]


@pytest.fixture(params=EVERY_PART)
def rig(request):
    return rig_of(request.param)


class ShortJob:
    """A write that lacks little, over a given backup; it can be broken off and asked for again."""

    def __init__(self, rig, tmp_path):
        self.rig = rig
        self.base = tmp_path
        self.start = rig.nearly_written()
        self.module = Module(rig, self.start)
        self.backup = tmp_path / "given.bin"
        self.backup.write_bytes(self.start)

    def run(self, faults=None, adapter=None, stop=lambda: False):
        self.bench = self.module.plug(faults, adapter)
        return attempt(
            lambda: write(self.module, self.base, bench=self.bench, backup=self.backup, stop=stop)
        )

    def check_state(self, error):
        """The state that the ending names is the state that the flash is in."""
        wanted = self.rig.written()
        for sector in differing_sectors(self.module.now, self.start):
            assert self.rig.room.contains(sector), f"{sector} had to stay"
        if error is None:
            assert self.module.now == wanted
        elif isinstance(error, StoppedPartWay):
            assert error.exit_code is ExitCode.RESUMABLE
            assert list(self.base.glob("groundwire-*/journal.jsonl"))
        else:
            assert isinstance(error, LinkError | Cancelled)
            assert error.exit_code in (ExitCode.LINK, ExitCode.CANCELLED)
            assert self.module.now == self.start

    def finish(self, error):
        """The same request again; it must end the job."""
        self.module.flash.cut_at_operation = None
        if error is not None:
            assert self.run() is None
        assert self.module.now == self.rig.written()


@pytest.fixture
def job(rig, tmp_path):
    return ShortJob(rig, tmp_path)


@dataclass(frozen=True)
class Length:
    """How long a short job is when nothing happens to it, in each unit that can break it off."""

    operations: int
    bytes: int
    flash_operations: int
    emissions: int


@lru_cache(maxsize=16)
def length_of(part: str) -> Length:
    with tempfile.TemporaryDirectory() as folder:
        job = ShortJob(rig_of(part), Path(folder))
        operations = itertools.count()
        assert job.run(stop=lambda: next(operations) < 0) is None
        job.check_state(None)
        bench = job.bench
        return Length(
            next(operations),
            bench.bytes_in + bench.bytes_out,
            job.module.flash.wear.operations,
            bench._emissions,
        )


def parts_of(count):
    """So many places in a job as shares of it, the first and nearly the last among them."""
    return [round(index / (count - 1) * 0.99, 3) for index in range(count)]


@pytest.mark.parametrize("share", parts_of(9))
def test_cancel_at_an_operation(job, rig, share):
    error = job.run(stop=count_stop(int(share * length_of(rig.part).operations)))
    assert isinstance(error, Cancelled | StoppedPartWay | None)
    job.check_state(error)
    job.finish(error)


@pytest.mark.parametrize("share", parts_of(7))
def test_unplug_at_a_byte(job, rig, share):
    error = job.run(LineFaults(unplug_at_byte=int(share * length_of(rig.part).bytes)))
    assert isinstance(error, Unplugged | StoppedPartWay)
    job.check_state(error)
    job.finish(error)


@pytest.mark.parametrize("share", parts_of(6))
def test_power_cut_at_a_flash_operation(job, rig, share):
    job.module.flash.cut_at_operation = 1 + int(share * length_of(rig.part).flash_operations)
    error = job.run()
    assert isinstance(error, StoppedPartWay)
    job.check_state(error)
    job.finish(error)


@pytest.mark.parametrize("share", parts_of(4))
def test_a_stall_of_the_adapter(job, rig, share):
    error = job.run(LineFaults(stall_at_byte=int(share * length_of(rig.part).bytes), stall_s=3.0))
    job.check_state(error)
    job.finish(error)


@pytest.mark.parametrize("share", parts_of(8))
def test_a_lost_reply(job, rig, share):
    number = int(share * length_of(rig.part).emissions)
    error = job.run(LineFaults(lose_replies=frozenset([number])))
    assert error is None
    job.check_state(error)


@pytest.mark.parametrize("rate", [1e-6, 1e-5])
def test_noise_in_both_directions(job, rig, rate):
    error = job.run(LineFaults(seed=5, flips_to_chip=rate, flips_to_host=rate))
    if rig.loader and error is not None:
        # what is uploaded to RAM is checked by the chip; nothing is in flash by then
        assert isinstance(error, ProtocolError)
        assert job.module.now == job.start
        return
    assert error is None
    job.check_state(error)


def test_an_adapter_that_cannot_do_the_speed(job, rig):
    stall = LineFaults(stall_at_byte=length_of(rig.part).bytes // 2)
    error = job.run(stall, Adapter(top_rate=921_600))
    assert error is None
    job.check_state(error)


# --- a line on which no module can be met ---------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "heard"),
    [
        ({"deaf": True}, "the line is silent"),
        ({"deaf": True, "echo": True}, "our own bytes come back"),
        ({"deaf": True, "babble": b"\x00\x80\xf0"}, "none formed an answer"),
        ({"deaf": True, "babble": b"\x01\xe0\xfc\x04\x0e"}, "none formed an answer"),
        ({"deaf": True, "babble": b"firmware says hello\r\n"}, "hello"),
    ],
    ids=["silence", "echo", "noise", "half frames", "text"],
)
def test_a_line_without_a_module_ends_in_time_and_says_what_was_heard(rig, faults, heard):
    module = Module(rig)
    bench = module.plug(LineFaults(**faults))
    error = attempt(lambda: open_session(bench, hands=False, loader=rig.loader))
    assert isinstance(error, NothingLinked)
    assert error.exit_code is ExitCode.LINK
    assert heard in error.heard or "same line starts again" in error.heard
    assert bench.now() < 40
    assert module.now == rig.stock


@pytest.mark.slow
@pytest.mark.parametrize(
    "babble",
    [
        b"\x55" * 2000,
        bytes(2000),
        b"\x04\x0e\x05\x01\xe0\xfc\x01\x00" * 250,
        b"\x04\x0e\xff\x01\xe0\xfc\xf4\x06\x10\x09\x00" * 200,
    ],
    ids=["55", "00", "link answers", "heads of sectors"],
)
def test_endless_babble_that_begins_while_linked(rig, tmp_path, babble):
    """A line that never falls quiet again: an end in bounded time, and nothing is changed."""
    module = Module(rig)
    bench = module.plug()
    session = open_session(bench, loader=rig.loader)
    session.tell.hands = False
    began = bench.now()
    bench.faults.babble = babble
    error = attempt(lambda: take_backup(session, tmp_path / "backup.bin"))
    assert error is not None
    assert error.exit_code in (ExitCode.LINK, ExitCode.PROTOCOL)
    assert bench.now() - began < 120
    assert module.now == rig.stock
    assert not list(tmp_path.iterdir())


def test_a_module_that_falls_silent_for_good(rig, tmp_path):
    module = Module(rig)
    bench = module.plug()
    session = open_session(bench, loader=rig.loader)
    bench.faults.deaf = True
    error = attempt(lambda: change_flash(session, request_for(session, rig, tmp_path)))
    assert isinstance(error, LinkError)
    assert module.now == rig.stock
    assert not list(tmp_path.glob("*/backup.bin"))


# --- speeds ---------------------------------------------------------------------------------------


def test_a_chip_that_was_left_linked_at_another_speed(rig):
    """After a run that broke off, the chip still talks fast; a reset by hand brings it back."""
    bench = Module(rig).plug()
    session = open_session(bench, loader=rig.loader)
    session.run_once(session.flasher.set_speed(1_500_000))
    bench.set_baudrate(115_200)
    again = open_session(bench, loader=rig.loader)
    assert again.identity.chip == rig.part
    assert again.flasher.rate == 2_000_000


@pytest.mark.parametrize("honest", [115_200, 921_600])
def test_an_adapter_that_lies_about_its_speed(rig, tmp_path, honest, monkeypatch):
    """Above a limit it runs a tenth slower than it says; the job ends at a speed that holds."""
    job = ShortJob(rig, tmp_path)
    bench = job.module.plug()
    truly = bench.set_baudrate

    def lie(rate):
        truly(rate)
        if rate > honest:
            bench._rate = int(rate * 0.9)

    monkeypatch.setattr(bench, "set_baudrate", lie)
    report = write(job.module, tmp_path, bench=bench, backup=job.backup)
    assert rig.measures_speed or report.baudrate <= honest
    assert job.module.now == rig.written()
