"""The restore job: back to one's own backup, and to nobody else's by accident."""

from dataclasses import replace

import pytest

from contract.module import Module, attempt, open_session
from contract.rigs import PARTS, rig_of
from groundwire.chips.family import RfHealth
from groundwire.errors import (
    BackupUnusable,
    DamagedImage,
    ExitCode,
    InputUnreadable,
    RefusedBySafety,
    StoppedPartWay,
    UnknownImage,
    UnsupportedHere,
    WrongFamily,
)
from groundwire.events import Notice
from groundwire.jobs.backup import take_backup
from groundwire.jobs.restore import RestoreRequest, restore_backup
from groundwire.quantities import Span
from groundwire.sim.modules import radio_sector, stock_flash

OTHER_MAC = bytes.fromhex("02005e10aabb")
N, M, T, U = (rig_of(f"BK7231{letter}") for letter in "NMTU")


def backup_of(rig, tmp_path, content=None, name="own.bin"):
    """A backup with its manifest, made on the bench."""
    session = open_session(Module(rig, content).plug(), loader=rig.loader)
    take_backup(session, tmp_path / name)
    return tmp_path / name


def restore(module, request):
    session = open_session(module.plug(), loader=module.rig.loader)
    outcome = []
    error = attempt(lambda: outcome.append(restore_backup(session, request)))
    return session, (outcome[0] if outcome else error)


@pytest.mark.parametrize("part", PARTS)
def test_a_written_module_goes_back_to_its_backup(tmp_path, part):
    rig = rig_of(part)
    path = backup_of(rig, tmp_path)
    module = Module(rig, rig.written())
    _, report = restore(module, RestoreRequest(path, tmp_path))
    assert module.now == rig.stock
    assert report.outcome is not None


def test_a_bare_dump_that_shows_its_chip_and_mac_is_enough(tmp_path):
    path = tmp_path / "dump.bin"
    path.write_bytes(N.stock)
    module = Module(N, N.written())
    _, report = restore(module, RestoreRequest(path, tmp_path))
    assert module.now == N.stock
    assert report.outcome is not None


def test_calibration_that_changed_is_restored_too(tmp_path):
    path = backup_of(N, tmp_path)
    content = bytearray(N.written())
    content[N.radio.start + 0x200] ^= 0xFF
    module = Module(N, bytes(content))
    restore(module, RestoreRequest(path, tmp_path))
    assert module.now == N.stock


def test_another_modules_backup_needs_insisting(tmp_path):
    path = backup_of(N, tmp_path, stock_flash("BK7231N", OTHER_MAC))
    module = Module(N)
    _, error = restore(module, RestoreRequest(path, tmp_path))
    assert isinstance(error, RefusedBySafety)
    assert error.exit_code is ExitCode.REFUSED
    assert "is not the MAC of this module" in error.finding
    assert module.now == N.stock
    session, report = restore(module, RestoreRequest(path, tmp_path, other_module=True))
    assert report.outcome is not None
    assert module.now == stock_flash("BK7231N", OTHER_MAC)
    assert any(
        "not known to be from this module" in event.text
        for event in session.tell.events
        if isinstance(event, Notice)
    )


@pytest.mark.parametrize("kind", ["module", "backup"])
def test_without_a_mac_on_either_side_nothing_is_taken_for_granted(tmp_path, kind):
    bare = bytearray(N.stock)
    bare[N.radio.start : N.radio.end] = b"\xff" * N.radio.size
    path = backup_of(N, tmp_path, None if kind == "module" else bytes(bare))
    module = Module(N, bytes(bare) if kind == "module" else None)
    before = module.now
    session, error = restore(module, RestoreRequest(path, tmp_path))
    assert isinstance(error, RefusedBySafety)
    assert "no MAC" in error.finding
    assert module.now == before
    if kind == "module":
        assert session.identity.rf is RfHealth.ERASED
        restore(module, RestoreRequest(path, tmp_path, other_module=True))
        assert module.now == N.stock


def test_an_interrupted_restore_of_the_calibration_is_finished_by_the_same_request(tmp_path):
    """The cut leaves no MAC; what was begun for this module may be ended all the same."""
    path = backup_of(N, tmp_path)
    content = bytearray(N.stock)
    content[N.radio.start : N.radio.end] = radio_sector()[:0x900] + bytes(0x700)
    module = Module(N, bytes(content))
    module.flash.cut_at_operation = 1
    request = RestoreRequest(path, tmp_path)
    _, error = restore(module, request)
    assert isinstance(error, StoppedPartWay)
    assert N.radio.of(module.now) != N.radio.of(N.stock)
    session, report = restore(module, request)
    assert session.identity.mac == ""
    assert not isinstance(report, Exception), report
    assert module.now == N.stock


@pytest.mark.parametrize(("rig", "other"), [(N, M), (M, N), (N, T), (T, U)])
def test_a_backup_of_another_chip_is_refused(tmp_path, rig, other):
    path = backup_of(other, tmp_path)
    module = Module(rig)
    for insisting in (False, True):
        _, error = restore(module, RestoreRequest(path, tmp_path, other_module=insisting))
        assert isinstance(error, WrongFamily)
        assert (error.found, error.expected) == (other.part, rig.part)
    assert module.now == rig.stock


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff" * N.size, BackupUnusable),
        (bytes(N.size), BackupUnusable),
        (N.stock[: N.size // 2] * 2, BackupUnusable),
        (b"", UnknownImage),
        (b"some text", UnknownImage),
        (N.image, UnknownImage),
        (N.stock[: N.size // 2], (WrongFamily, UnknownImage)),
    ],
    ids=["erased", "zeros", "repeating", "empty", "text", "image", "half"],
)
def test_what_is_no_backup_is_refused(tmp_path, content, kind):
    path = tmp_path / "dump.bin"
    path.write_bytes(content)
    module = Module(N)
    _, error = restore(module, RestoreRequest(path, tmp_path))
    assert isinstance(error, kind), error
    assert module.now == N.stock


def test_a_backup_that_was_damaged_on_disk_is_refused(tmp_path):
    path = backup_of(N, tmp_path)
    path.write_bytes(N.stock[:-1] + b"\x00")
    _, error = restore(Module(N), RestoreRequest(path, tmp_path))
    assert isinstance(error, DamagedImage)
    path.unlink()
    _, error = restore(Module(N), RestoreRequest(path, tmp_path))
    assert isinstance(error, InputUnreadable)


# --- loaders that serve the protocol ------------------------------------------------------------------


@pytest.mark.parametrize("rig", [T, U], ids=["BK7231T", "BK7231U"])
def test_a_serving_loader_that_differs_is_kept_and_explained(tmp_path, rig):
    path = backup_of(rig, tmp_path)
    content = bytearray(rig.written())
    content[0x8C00:0x8C10] = b"another version!"
    module = Module(rig, bytes(content))
    session, report = restore(module, RestoreRequest(path, tmp_path))
    assert module.now[:0x11000] == bytes(content[:0x11000])
    assert module.now[0x11000:] == rig.stock[0x11000:]
    assert any(
        "bootloader differs" in event.text
        for event in session.tell.events
        if isinstance(event, Notice)
    )
    assert any(keep.span == Span(0, 0x11000) for keep in report.plan.keeps)


def test_overwriting_a_serving_loader_is_not_possible_below_its_guard(tmp_path):
    path = backup_of(T, tmp_path)
    content = bytearray(T.stock)
    content[0x8C00:0x8C10] = b"another version!"
    module = Module(T, bytes(content))
    _, error = restore(module, RestoreRequest(path, tmp_path, overwrite_loader=True))
    assert isinstance(error, UnsupportedHere)
    assert error.exit_code is ExitCode.UNSUPPORTED
    assert module.now == bytes(content)


def test_a_rom_chip_gets_its_bootloader_back(tmp_path):
    path = backup_of(N, tmp_path)
    content = bytearray(N.stock)
    content[:0x11000] = b"\xff" * 0x11000
    module = Module(N, bytes(content))
    restore(module, RestoreRequest(path, tmp_path))
    assert module.now == N.stock


def test_only_the_plan_changes_nothing(tmp_path):
    path = backup_of(N, tmp_path)
    module = Module(N, N.written())
    _, report = restore(module, replace(RestoreRequest(path, tmp_path), only_plan=True))
    assert report.outcome is None
    assert report.plan.after == N.stock
    assert module.now == N.written()
