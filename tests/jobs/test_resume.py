"""Jobs that broke off: what continues them, and what must not."""

import json
from dataclasses import replace

import pytest

from contract.module import Module, attempt, open_session, request_for, write
from contract.rigs import rig_of
from groundwire.errors import StoppedPartWay
from groundwire.events import Notice
from groundwire.jobs.erase import erase_request, erase_span
from groundwire.jobs.restore import RestoreRequest, restore_backup
from groundwire.jobs.write import JOURNAL, change_flash, image_request
from groundwire.sim.modules import firmware_image, stock_flash

N, T = rig_of("BK7231N"), rig_of("BK7231T")
SETTING = slice(0x1EE100, 0x1EE110)


def break_off(module, tmp_path, at=500):
    """A write that power cuts at a flash operation; the folder of the job."""
    module.flash.cut_at_operation = at
    error = attempt(lambda: write(module, tmp_path))
    assert isinstance(error, StoppedPartWay)
    assert 0 < error.done_sectors < error.total_sectors
    return next(tmp_path.glob(f"groundwire-*/{JOURNAL}")).parent


@pytest.mark.parametrize("rig", [N, T], ids=["BK7231N", "BK7231T"])
def test_the_same_request_continues_with_the_first_backup(tmp_path, rig):
    module = Module(rig)
    folder = break_off(module, tmp_path)
    report = write(module, tmp_path)
    assert report.resumed
    assert report.folder == folder
    assert report.backup == folder / "backup.bin"
    assert report.backup.read_bytes() == rig.stock
    assert module.now == rig.written()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_job_may_be_interrupted_many_times(tmp_path):
    module = Module(N)
    cuts = 0
    for at in (200, 900, 300, 5):
        module.flash.cut_at_operation = module.flash.wear.operations + at
        error = attempt(lambda: write(module, tmp_path))
        if error is None:
            break
        assert isinstance(error, StoppedPartWay)
        cuts += 1
    assert cuts > 2
    module.flash.cut_at_operation = None
    assert write(module, tmp_path).resumed or error is None
    assert module.now == N.written()


def test_damage_outside_the_plan_is_repaired_when_continued(tmp_path):
    module = Module(N)
    break_off(module, tmp_path)
    module.flash.data[0x3000:0x4000] = b"\xff" * 0x1000
    report = write(module, tmp_path)
    assert [(span.start, span.size) for span in report.outcome.repaired] == [(0x3000, 0x1000)]
    assert module.now == N.written()


@pytest.mark.parametrize("rig", [N, T], ids=["BK7231N", "BK7231T"])
def test_a_journal_torn_at_any_place_never_loses_the_module(tmp_path, rig):
    module = Module(rig)
    folder = break_off(module, tmp_path)
    broken = module.now
    whole = (folder / JOURNAL).read_bytes()
    head_ends = whole.index(b"\n")
    for cut in (1, head_ends, head_ends + 9):
        (folder / JOURNAL).write_bytes(whole[:cut])
        again = Module(rig, broken)
        report = write(again, tmp_path)
        assert report.resumed is (cut >= head_ends)
        assert again.now == rig.written()
        assert (folder / "backup.bin").read_bytes() == rig.stock
        if report.resumed:
            lines = (folder / JOURNAL).read_bytes().splitlines()
            assert json.loads(lines[-1]) == {"done": True}


def test_a_backup_that_was_damaged_meanwhile_is_not_continued_with(tmp_path):
    module = Module(N)
    folder = break_off(module, tmp_path)
    (folder / "backup.bin").write_bytes(b"\0" * N.size)
    session = open_session(module.plug())
    report = change_flash(session, request_for(session, N, tmp_path))
    assert not report.resumed
    assert N.room.of(module.now)[: len(N.image) - 0x11000] == N.image[0x11000:]
    notices = [event.text for event in session.tell.events if isinstance(event, Notice)]
    assert any("its bytes are not those of its manifest" in text for text in notices)


def test_another_image_does_not_continue_a_job(tmp_path):
    module = Module(N)
    folder = break_off(module, tmp_path)
    half = module.now
    session = open_session(module.plug())
    other = firmware_image("BK7231N", "1.18.301")
    report = change_flash(
        session, replace(request_for(session, N, tmp_path), source_sha256="0" * 64)
    )
    assert not report.resumed
    assert report.folder != folder
    assert report.backup.read_bytes() == half
    assert other != N.image


def test_another_module_does_not_continue_a_job(tmp_path):
    break_off(Module(N), tmp_path)
    stranger = stock_flash("BK7231N", bytes.fromhex("02005e10aabb"))
    module = Module(N, stranger)
    report = write(module, tmp_path)
    assert not report.resumed
    assert module.now == N.written(stranger)


def test_a_finished_job_is_not_continued(tmp_path):
    module = Module(N)
    write(module, tmp_path)
    assert not write(module, tmp_path).resumed


def test_a_job_that_another_one_has_overtaken_is_not_continued(tmp_path):
    """It would bring back the settings of its day."""
    module = Module(N)
    folder = break_off(module, tmp_path)
    session = open_session(module.plug())
    restore_backup(session, RestoreRequest(folder / "backup.bin", tmp_path))
    assert module.now == N.stock
    module.flash.data[SETTING] = b"a new password!!"
    report = write(module, tmp_path)
    assert not report.resumed
    assert bytes(module.flash.data[SETTING]) == b"a new password!!"


def test_an_erase_that_broke_off_is_continued(tmp_path):
    module = Module(N)
    module.flash.cut_at_operation = 2
    request = erase_request(N.settings, tmp_path)
    session = open_session(module.plug())
    assert isinstance(attempt(lambda: erase_span(session, N.settings, request)), StoppedPartWay)
    session = open_session(module.plug())
    report = erase_span(session, N.settings, request)
    assert report.resumed
    assert N.settings.of(module.now) == b"\xff" * N.settings.size


@pytest.mark.parametrize(
    "journal",
    [b"", b"\0" * 100, b"[" * 100_000, b'{"job": "write"}\n', b'{"done": true}\n'],
    ids=["empty", "zeros", "nested", "bare head", "only done"],
)
def test_hostile_journals_are_passed_over(tmp_path, journal):
    folder = tmp_path / "groundwire-hostile"
    folder.mkdir()
    (folder / JOURNAL).write_bytes(journal)
    module = Module(N, N.nearly_written())
    assert not write(module, tmp_path).resumed
    assert module.now == N.written()


@pytest.mark.parametrize(
    "backup",
    ["/etc/passwd", "/dev/zero", "missing", "..", "zero\0byte", "half \ud800 pair", "x" * 300],
)
def test_a_journal_that_names_a_hostile_backup_is_passed_over(tmp_path, backup):
    module = Module(N)
    folder = break_off(module, tmp_path)
    head, rest = (folder / JOURNAL).read_bytes().split(b"\n", 1)
    forged = json.dumps(json.loads(head) | {"backup": backup}).encode()
    (folder / JOURNAL).write_bytes(forged + b"\n" + rest)
    report = write(module, tmp_path)
    assert not report.resumed
    assert N.room.of(module.now)[: len(N.image) - 0x11000] == N.image[0x11000:]


def test_a_journal_that_is_a_folder_is_passed_over(tmp_path):
    (tmp_path / "groundwire-x" / JOURNAL).mkdir(parents=True)
    module = Module(N, N.nearly_written())
    assert not write(module, tmp_path).resumed


def test_image_and_policy_together_name_a_job(tmp_path):
    from groundwire.chips.family import BootloaderPolicy

    session = open_session(Module(N).plug())
    keep = image_request(N.image, "a", session, BootloaderPolicy.KEEP, tmp_path)
    replaced = image_request(N.image, "a", session, BootloaderPolicy.REPLACE, tmp_path)
    assert keep.source_sha256 != replaced.source_sha256
