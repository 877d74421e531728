"""Every part of every family does every job on the bench, and its flash shows it byte for byte."""

import itertools
import json
from dataclasses import replace

import pytest

from contract.module import Module, open_session, request_for, write
from contract.rigs import KINDS, MAKERS, PARTS, rig_of
from groundwire.chips.family import BootloaderPolicy, RegionKind
from groundwire.chips.registry import families
from groundwire.errors import ExitCode, RefusedBySafety, SpanOutside, VerifyMismatch
from groundwire.jobs.backup import take_backup
from groundwire.jobs.erase import erase_request, erase_span
from groundwire.jobs.read import read_proven
from groundwire.jobs.restore import RestoreRequest, restore_backup
from groundwire.jobs.verify import verify_image
from groundwire.jobs.write import change_flash
from groundwire.quantities import Span

KEEP = BootloaderPolicy.KEEP


EVERY_PART = [pytest.param(part, marks=() if part in KINDS else pytest.mark.slow) for part in PARTS]


@pytest.fixture(params=EVERY_PART)
def rig(request):
    return rig_of(request.param)


def test_every_registered_family_has_a_rig():
    assert {family.name for family in families()} == set(MAKERS)
    assert all(rig_of(part).family.parts.count(part) == 1 for part in PARTS)


def test_a_module_is_linked_and_identified(rig):
    module = Module(rig)
    session = open_session(module.plug(), loader=rig.loader)
    identity = session.identity
    assert (identity.family, identity.chip) == (rig.family.name, rig.part)
    assert identity.flash_size == rig.size
    assert identity.mac == rig.mac
    radio = session.layout.of_kind(RegionKind.RF)
    assert rig.radio in [region.span for region in radio]
    assert session.flasher.rate == 2_000_000
    assert module.now == rig.stock
    assert not module.flash.wear.sectors_erased
    assert not module.flash.wear.programs_by_page
    regions = [region.span for region in session.layout.regions]
    assert regions[0].start == 0
    assert regions[-1].end == rig.size
    assert all(one.end == two.start for one, two in itertools.pairwise(regions))
    assert (session.layout.serves_protocol is not None) is rig.answers_from_flash


def test_every_byte_can_be_read(rig):
    module = Module(rig)
    session = open_session(module.plug(), loader=rig.loader)
    whole = Span(0, rig.size)
    assert session.do(lambda: session.flasher.read(Span(0, 0x20000))) == rig.stock[:0x20000]
    assert read_proven(session, whole) == rig.stock
    assert module.now == rig.stock


def test_a_span_past_the_end_is_never_sent(rig):
    session = open_session(Module(rig).plug(), loader=rig.loader)
    flasher = session.flasher
    for span in (Span(rig.size, 0x1000), Span(rig.size - 0x1000, 0x2000), Span(1 << 40, 0x1000)):
        for procedure in (
            flasher.read(span),
            flasher.digest(span),
            flasher.erase(span),
            flasher.program(span.start, bytes(span.size)),
        ):
            with pytest.raises(SpanOutside):
                session.run_once(procedure)


def test_a_backup_holds_the_flash_and_its_manifest_says_whose(rig, tmp_path):
    module = Module(rig)
    session = open_session(module.plug(), loader=rig.loader)
    backup = take_backup(session, tmp_path / "backup.bin")
    assert (tmp_path / "backup.bin").read_bytes() == rig.stock == backup.data
    manifest = json.loads((tmp_path / "backup.bin.json").read_bytes())
    assert (manifest["chip"], manifest["mac"]) == (rig.part, rig.mac)
    assert manifest["flash_size"] == rig.size
    assert len(manifest["digests"]) == rig.size // 0x10000
    assert module.now == rig.stock


def test_an_image_is_written_verified_and_restored(rig, tmp_path):
    module = Module(rig)
    bench = module.plug()
    session = open_session(bench, loader=rig.loader)
    request = replace(request_for(session, rig, tmp_path), reboot=False)
    report = change_flash(session, request)
    assert module.now == rig.written()
    assert report.outcome is not None
    assert (report.outcome.rounds, report.outcome.repaired) == (1, ())
    assert report.backup is not None
    assert report.backup.read_bytes() == rig.stock

    proven = verify_image(session, rig.image, "image.bin", KEEP)
    assert proven.spans[0].start == rig.pieces[0][0]
    assert proven.size >= len(rig.pieces[0][1])
    module.flash.data[rig.room.start + 0x5123] ^= 1
    with pytest.raises(VerifyMismatch) as caught:
        verify_image(session, rig.image, "image.bin", KEEP)
    assert caught.value.spans == (Span(rig.room.start + 0x5000, 0x1000),)
    assert caught.value.exit_code is ExitCode.FLASH

    restore_backup(session, RestoreRequest(report.backup, tmp_path))
    assert module.now == rig.stock
    assert bench.now() < 120


def test_writing_again_changes_nothing(rig, tmp_path):
    module = Module(rig, rig.written())
    report = write(module, tmp_path)
    assert report.plan.tasks == ()
    assert not module.flash.wear.sectors_erased
    assert not module.flash.wear.programs_by_page
    assert module.now == rig.written()


def test_a_span_is_erased_and_nothing_else(rig, tmp_path):
    module = Module(rig)
    session = open_session(module.plug(), loader=rig.loader)
    span = rig.settings
    assert any(byte != 0xFF for byte in span.of(rig.stock))
    erase_span(session, span, erase_request(span, tmp_path))
    wanted = bytearray(rig.stock)
    wanted[span.start : span.end] = b"\xff" * span.size
    assert module.now == bytes(wanted)


def test_what_a_safety_rule_protects_is_not_erased(rig, tmp_path):
    module = Module(rig)
    session = open_session(module.plug(), loader=rig.loader)
    for span in (Span(0, 0x1000), rig.radio, Span(0, rig.size)):
        with pytest.raises(RefusedBySafety) as caught:
            erase_span(session, span, erase_request(span, tmp_path))
        assert caught.value.exit_code is ExitCode.REFUSED
    huge = Span(0, 1 << 60)
    with pytest.raises(SpanOutside):
        erase_span(session, huge, erase_request(huge, tmp_path))
    assert module.now == rig.stock
    assert not list(tmp_path.iterdir())
