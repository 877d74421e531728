"""Real dumps as the flash of a module: backed up, written, restored, byte for byte."""

import pytest

from contract.module import BoundedBench, attempt, differing_sectors
from corpus import dump
from groundwire.chips.family import BootloaderPolicy, RegionKind
from groundwire.chips.ladder import LadderOptions
from groundwire.chips.registry import families, family_of
from groundwire.errors import DamagedImage, ImageError, WrongFamily
from groundwire.events import NeedHands
from groundwire.jobs.backup import take_backup
from groundwire.jobs.restore import RestoreRequest, restore_backup
from groundwire.jobs.session import Session, SessionOptions
from groundwire.jobs.verify import verify_image
from groundwire.jobs.write import change_flash, image_request
from groundwire.quantities import Span

pytestmark = pytest.mark.corpus
KEEP = BootloaderPolicy.KEEP
MODULES = {
    "n-allegro-mi0014": ("BK7231N", "obk-n-qio"),
    "n-lspa9-clone1": ("BK7231N", "obk-n-qio"),
    "n-gd4301-evcharger": ("BK7231N", "obk-n-qio"),
    "t-brilo-8464455": ("BK7231T", "obk-t-qio"),
    "t-roomlux-b15515-bulb": ("BK7231T", "obk-t-qio"),
    "t-woox-r5111": ("BK7231T", "obk-t-qio"),
}


def session_on(part, content):
    emulator = family_of(part).emulator(part, content)
    bench = BoundedBench(emulator)

    def hands(event):
        if isinstance(event, NeedHands) and not bench.hands_are_busy:
            bench.press_reset(0.3)

    options = SessionOptions(ladder=LadderOptions(hands_s=10))
    session = Session(bench, families(), options, tell=hands)
    session.link()
    return session, emulator.flash


@pytest.mark.parametrize("name", MODULES)
def test_a_real_module_is_backed_up_written_and_restored(tmp_path, name):
    part, image_name = MODULES[name]
    content, image = dump(name), dump(image_name)
    session, flash = session_on(part, content)
    assert session.identity.chip == part
    assert session.identity.mac
    request = image_request(image, f"{image_name}.bin", session, KEEP, tmp_path)
    report = change_flash(session, request)
    assert report.backup.read_bytes() == content
    app = Span.between(0x11000, min(len(image), session.layout.of_kind(RegionKind.APP)[0].span.end))
    assert app.of(flash.data) == app.of(image)
    kept = [region.span for region in session.layout.regions if region.kind is not RegionKind.APP]
    for span in kept:
        for sector in differing_sectors(span.of(flash.data), span.of(content)):
            at = span.start + sector.start
            assert any(piece.contains(Span(at, 0x1000)) for piece in report.plan.intended)
    loader = Span(0, 0x11000)
    assert loader.of(flash.data) == loader.of(content)
    for region in session.layout.of_kind(RegionKind.RF):
        assert region.span.of(flash.data) == region.span.of(content)

    session, flash = session_on(part, bytes(flash.data))
    verify_image(session, image, f"{image_name}.bin", KEEP)
    restore_backup(session, RestoreRequest(report.backup, tmp_path))
    assert bytes(flash.data) == content


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("n-allegro-mi0014", "obk-t-qio"),
        ("t-brilo-8464455", "obk-n-qio"),
        ("n-allegro-mi0014", "obk-7238-qio"),
        ("t-brilo-8464455", "obk-7252-qio"),
        ("n-allegro-mi0014", "ug-kickstart-n"),
        ("n-allegro-mi0014", "obk-n-cfg-pwm3700"),
    ],
)
def test_a_real_image_for_something_else_is_refused(tmp_path, name, image):
    part, _ = MODULES[name]
    session, flash = session_on(part, dump(name))
    request = image_request(dump(image), image, session, KEEP, tmp_path)
    error = attempt(lambda: change_flash(session, request))
    if image == "obk-n-cfg-pwm3700":  # a whole dump of an N module with OpenBeken on it
        assert error is None or isinstance(error, ImageError)
        return
    assert isinstance(error, ImageError), error
    if image.endswith("qio"):
        assert isinstance(error, WrongFamily)
    assert bytes(flash.data) == dump(name)


def test_a_real_dump_of_one_module_is_no_backup_of_another(tmp_path):
    path = tmp_path / "other.bin"
    path.write_bytes(dump("n-lspa9-clone1"))
    session, flash = session_on("BK7231N", dump("n-allegro-mi0014"))
    error = attempt(lambda: restore_backup(session, RestoreRequest(path, tmp_path)))
    assert error is not None
    assert error.exit_code in (6, 8)
    assert bytes(flash.data) == dump("n-allegro-mi0014")


def test_a_real_image_with_one_wrong_bit_is_refused(tmp_path):
    image = bytearray(dump("obk-n-qio"))
    image[0x60123] ^= 0x04
    session, flash = session_on("BK7231N", dump("n-allegro-mi0014"))
    request = image_request(bytes(image), "image", session, KEEP, tmp_path)
    assert isinstance(attempt(lambda: change_flash(session, request)), DamagedImage)
    assert bytes(flash.data) == dump("n-allegro-mi0014")


@pytest.mark.parametrize("name", ["n-atorch-at4p", "t-ledvance-cw-bulb"])
def test_a_backup_of_a_real_module_is_its_dump(tmp_path, name):
    part = "BK7231N" if name.startswith("n-") else "BK7231T"
    session, _ = session_on(part, dump(name))
    take_backup(session, tmp_path / "backup.bin")
    assert (tmp_path / "backup.bin").read_bytes() == dump(name)
