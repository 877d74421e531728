"""The write job: what it takes, what it refuses before anything changes, and what it leaves."""

from dataclasses import replace

import pytest

from contract.module import Module, attempt, open_session, request_for, write
from contract.rigs import rig_of
from groundwire.chips.family import BootloaderPolicy
from groundwire.errors import (
    BackupUnusable,
    Cancelled,
    DamagedImage,
    ExitCode,
    InputUnreadable,
    OutputUnwritable,
    RefusedBySafety,
    UnknownImage,
    WrongFamily,
)
from groundwire.events import Notice, Phase, Progress
from groundwire.jobs.backup import take_backup
from groundwire.jobs.write import change_flash, image_request
from groundwire.quantities import Span
from groundwire.sim.modules import (
    bootloader,
    firmware_image,
    radio_sector,
    stock_flash,
)

KEEP, REPLACE = BootloaderPolicy.KEEP, BootloaderPolicy.REPLACE
OTHER_MAC = bytes.fromhex("02005e10aabb")
N, M, T = rig_of("BK7231N"), rig_of("BK7231M"), rig_of("BK7231T")


def put(rig, image, tmp_path, *, policy=KEEP, content=None, **changes):
    """Write an image; the module, and the report or the error."""
    module = Module(rig, content)
    bench = module.plug()
    session = open_session(bench, loader=rig.loader)
    request = replace(image_request(image, "image.bin", session, policy, tmp_path), **changes)
    outcome = []
    error = attempt(lambda: outcome.append(change_flash(session, request)))
    return module, bench, (outcome[0] if outcome else error)


def refused(rig, image, tmp_path, kind, *, policy=KEEP, **changes):
    """A write that must be refused before anything is read or changed."""
    module, bench, error = put(rig, image, tmp_path, policy=policy, **changes)
    assert isinstance(error, kind), error
    assert module.now == rig.stock
    assert not module.flash.wear.sectors_erased
    assert not module.flash.wear.programs_by_page
    assert not list(tmp_path.iterdir())
    assert bench.bytes_in < 80_000, "nothing big was read before the refusal"
    return error


# --- images for something else ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "image_of"),
    [
        ("BK7231N", "BK7231M"),
        ("BK7231M", "BK7231N"),
        ("BK7231N", "BK7231T"),
        ("BK7231T", "BK7231N"),
        ("BK7231T", "BK7231U"),
        ("BK7231N", "BK7238"),
        ("BK7238", "BK7231N"),
        ("BK7231N", "BL602"),
        ("BL602", "BK7231N"),
    ],
)
def test_an_image_for_another_chip_or_key_is_refused_with_what_was_found(tmp_path, part, image_of):
    error = refused(rig_of(part), firmware_image(image_of), tmp_path, WrongFamily)
    assert error.exit_code is ExitCode.IMAGE
    assert part in error.expected
    assert error.found
    assert error.evidence


def test_a_ua_image_for_the_other_key_is_refused(tmp_path):
    error = refused(N, firmware_image("BK7231M")[0x11000:], tmp_path, WrongFamily)
    assert "tuya" in error.expected


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"\xff" * 0x20000,
        bytes(0x20000),
        bytes(range(256)) * 512,
        b"PK\x03\x04" + bytes(5000),
        bootloader("BK7231N"),
        radio_sector(),
    ],
    ids=["empty", "erased", "zeros", "counting", "archive", "only a loader", "only calibration"],
)
def test_what_is_no_image_is_called_unknown(tmp_path, image):
    assert refused(N, image, tmp_path, UnknownImage).exit_code is ExitCode.IMAGE


@pytest.mark.parametrize("cut", [0x11001, 0x12000, 0x40000, 0xC0000])
def test_a_download_that_broke_off_is_refused(tmp_path, cut):
    error = refused(N, N.image[:cut], tmp_path, (DamagedImage, UnknownImage, WrongFamily))
    assert error.exit_code is ExitCode.IMAGE


@pytest.mark.parametrize("at", [0x11000, 0x11400, 0x20001, 0x80000])
def test_an_image_with_one_wrong_bit_is_refused(tmp_path, at):
    image = bytearray(N.image)
    image[at] ^= 0x10
    error = refused(N, bytes(image), tmp_path, (DamagedImage, UnknownImage, WrongFamily))
    assert error.exit_code is ExitCode.IMAGE


# --- where images go --------------------------------------------------------------------------------


def test_a_ua_image_goes_where_the_application_goes(tmp_path):
    module, _, report = put(N, N.image[0x11000:], tmp_path)
    assert module.now == N.written()
    assert report.plan.intended[0].start == 0x11000


@pytest.mark.parametrize("size", [0x1D0800, 0x1E0000, 0x1FF000])
def test_an_image_padded_over_the_calibration_leaves_it_and_the_settings_alone(tmp_path, size):
    """A release file filled up with FF far behind its application."""
    module, _, report = put(N, N.image.ljust(size, b"\xff"), tmp_path)
    assert N.radio.of(module.now) == N.radio.of(N.stock)
    assert N.settings.of(module.now) == N.settings.of(N.stock)
    assert Span(0, 0x11000).of(module.now) == Span(0, 0x11000).of(N.stock)
    assert report.outcome is not None


def test_an_image_as_large_as_the_flash_counts_as_a_dump_but_calibration_stays(tmp_path):
    """FF where a whole dump holds settings means erased settings, and the plan says so."""
    module, _, report = put(N, N.image.ljust(N.size, b"\xff"), tmp_path)
    assert N.radio.of(module.now) == N.radio.of(N.stock)
    assert N.settings.of(module.now) == b"\xff" * N.settings.size
    assert any(span.contains(N.settings) for span in report.plan.intended)


def test_an_image_with_another_modules_calibration_does_not_bring_it(tmp_path):
    image = bytearray(N.image.ljust(N.size, b"\xff"))
    image[N.radio.start : N.radio.end] = radio_sector(OTHER_MAC)
    module, _, report = put(N, bytes(image), tmp_path)
    assert N.radio.of(module.now) == N.radio.of(N.stock)
    assert report.outcome is not None


@pytest.mark.parametrize("rig", [N, T], ids=["BK7231N", "BK7231T"])
def test_another_modules_dump_as_image_brings_all_but_loader_and_calibration(tmp_path, rig):
    dump = stock_flash(rig.part, OTHER_MAC)
    module, _, report = put(rig, dump, tmp_path, content=rig.written())
    kept = Span(0, 0x11000)
    assert kept.of(module.now) == kept.of(rig.stock)
    assert rig.radio.of(module.now) == rig.radio.of(rig.stock)
    assert rig.room.of(module.now) == rig.room.of(dump)
    assert rig.settings.of(module.now) == rig.settings.of(dump)
    assert report.outcome is not None


# --- the bootloader ---------------------------------------------------------------------------------


def test_the_bootloader_is_replaced_when_asked_for(tmp_path):
    content = bytearray(N.stock)
    content[0x8C00:0x8C10] = b"another loader!!"
    module, _, report = put(N, N.image, tmp_path, policy=REPLACE, content=bytes(content))
    assert module.now[:0x11000] == N.image[:0x11000]
    assert module.now[0x11000:] == N.written()[0x11000:]
    assert report.backup.read_bytes() == bytes(content)


@pytest.mark.parametrize("at", [0x110, 0x40, 0x1000])
def test_a_damaged_bootloader_is_not_written(tmp_path, at):
    image = bytearray(N.image)
    image[at] ^= 1
    refused(N, bytes(image), tmp_path, (DamagedImage, UnknownImage, WrongFamily), policy=REPLACE)


def test_a_ua_image_brings_no_bootloader_to_replace_with(tmp_path):
    module, _, _report = put(N, N.image[0x11000:], tmp_path, policy=REPLACE)
    assert Span(0, 0x11000).of(module.now) == Span(0, 0x11000).of(N.stock)


@pytest.mark.parametrize("part", ["BK7231T", "BK7231U", "BK7252"])
def test_a_loader_that_serves_the_protocol_is_never_replaced_by_a_write(tmp_path, part):
    rig = rig_of(part)
    error = refused(rig, rig.image, tmp_path, RefusedBySafety, policy=REPLACE)
    assert error.exit_code is ExitCode.REFUSED


# --- backups ------------------------------------------------------------------------------------------


def test_a_given_backup_that_is_current_saves_reading(tmp_path):
    given = tmp_path / "given.bin"
    given.write_bytes(N.stock)
    module, bench, report = put(N, N.image, tmp_path, given_backup=given)
    assert module.now == N.written()
    assert report.backup == given
    assert bench.bytes_in < 80_000


def test_a_given_backup_that_is_stale_is_refused_with_the_place(tmp_path):
    stale = bytearray(N.stock)
    stale[0x1EE010] ^= 0xFF
    given = tmp_path / "given.bin"
    given.write_bytes(stale)
    module, _, error = put(N, N.image, tmp_path, given_backup=given)
    assert isinstance(error, RefusedBySafety)
    assert "0x1EE000..0x1EF000" in error.finding
    assert module.now == N.stock
    assert [path.name for path in tmp_path.iterdir()] == ["given.bin"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (stock_flash("BK7231N", OTHER_MAC), RefusedBySafety),
        (N.stock[:-0x1000], RefusedBySafety),
        (b"\xff" * N.size, BackupUnusable),
        (bytes(N.size), BackupUnusable),
        (N.stock[: N.size // 2] * 2, BackupUnusable),
        (b"", RefusedBySafety),
    ],
    ids=["another module", "shorter", "erased", "zeros", "repeating", "empty"],
)
def test_a_given_backup_that_is_none_of_this_module_is_refused(tmp_path, content, kind):
    given = tmp_path / "given.bin"
    given.write_bytes(content)
    module, _, error = put(N, N.image, tmp_path, given_backup=given)
    assert isinstance(error, kind), error
    assert module.now == N.stock


def test_a_given_backup_that_does_not_exist_is_unreadable_input(tmp_path):
    _, _, error = put(N, N.image, tmp_path, given_backup=tmp_path / "missing.bin")
    assert isinstance(error, InputUnreadable)


def test_without_a_kept_backup_the_proof_is_the_same_and_a_warning_is_told(tmp_path):
    module = Module(N)
    session = open_session(module.plug())
    request = replace(request_for(session, N, tmp_path), keep_backup=False)
    report = change_flash(session, request)
    assert module.now == N.written()
    assert not report.backup_kept
    assert not list(tmp_path.rglob("*.bin"))
    assert Notice("no backup is kept, as asked", "warning") in session.tell.events


def test_a_place_that_cannot_be_written_is_found_out_before_reading(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    module = Module(N)
    bench = module.plug()
    session = open_session(bench)
    error = attempt(lambda: change_flash(session, request_for(session, N, tmp_path / "file")))
    assert isinstance(error, OutputUnwritable)
    assert error.exit_code is ExitCode.USAGE
    assert bench.bytes_in < 80_000
    assert module.now == N.stock


def test_a_disk_that_fills_up_during_the_backup_leaves_no_file(tmp_path, monkeypatch):
    from groundwire.backup import files

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    module, _, error = put(N, N.image, tmp_path)
    assert isinstance(error, OutputUnwritable)
    assert module.now == N.stock
    assert not list(tmp_path.iterdir())


def test_a_journal_that_cannot_be_written_stops_before_the_first_erase(tmp_path, monkeypatch):
    from groundwire.backup import journal

    def full(_handle, _data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal.os, "write", full)
    module, _, error = put(N, N.image, tmp_path)
    assert isinstance(error, OutputUnwritable)
    assert module.now == N.stock


# --- asking, telling ------------------------------------------------------------------------------------


def test_no_consent_changes_nothing(tmp_path):
    module, _, error = put(N, N.image, tmp_path, consent=lambda _plan, _identity: False)
    assert isinstance(error, Cancelled)
    assert error.exit_code is ExitCode.CANCELLED
    assert module.now == N.stock


def test_only_the_plan_changes_nothing(tmp_path):
    module, _, report = put(N, N.image, tmp_path, only_plan=True)
    assert report.outcome is None
    assert report.plan.after == N.written()
    assert module.now == N.stock
    assert not list(tmp_path.iterdir())


def test_events_come_in_order_and_progress_never_goes_back(tmp_path):
    module = Module(N)
    session = open_session(module.plug())
    change_flash(session, request_for(session, N, tmp_path))
    names = [event.name for event in session.tell.events if isinstance(event, Phase)]
    assert names == ["link", "identify", "backup", "plan", "write", "prove", "reboot"]
    phase, last = "", {}
    for event in session.tell.events:
        if isinstance(event, Phase):
            phase, last = event.name, {}
        if isinstance(event, Progress):
            assert 0 <= last.get(event.action, 0) <= event.done <= event.total, (phase, event)
            last[event.action] = event.done


def test_a_cancel_after_the_proof_does_not_call_the_job_cancelled(tmp_path):
    """Nothing is undone by then: the report says done, and a warning that it was not started."""
    module = Module(N)
    session = open_session(module.plug())
    asked = []

    def stop():
        names = [event.name for event in session.tell.events if isinstance(event, Phase)]
        asked.append(names[-1])
        return names[-1] == "reboot"

    session.stop = stop
    report = change_flash(session, request_for(session, N, tmp_path))
    assert "reboot" in asked
    assert report.outcome is not None
    assert module.now == N.written()
    warnings = [event.text for event in session.tell.events if isinstance(event, Notice)]
    assert any("the firmware was not started" in text for text in warnings)


def test_two_jobs_in_one_second_get_two_folders(tmp_path):
    folders = {write(Module(N), tmp_path).folder for _ in range(2)}
    assert len(folders) == 2
    for folder in folders:
        assert (folder / "backup.bin").read_bytes() == N.stock


def test_a_backup_never_overwrites_a_file(tmp_path):
    path = tmp_path / "backup.bin"
    path.write_bytes(b"precious")
    bench = Module(N).plug()
    session = open_session(bench)
    error = attempt(lambda: take_backup(session, path))
    assert isinstance(error, OutputUnwritable)
    assert path.read_bytes() == b"precious"
    path.unlink()
    (tmp_path / "backup.bin.json").write_bytes(b"precious too")
    error = attempt(lambda: take_backup(session, path))
    assert isinstance(error, OutputUnwritable)
    assert [one.name for one in tmp_path.iterdir()] == ["backup.bin.json"]
