"""Evidence of every kind becomes one diagnosis."""

from __future__ import annotations

import io
import json
import os
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwire.bootlog.evidence import ImageForm
from groundwire.errors import Cancelled, InputUnreadable
from groundwire.events import Notice
from groundwire.jobs import diagnose as job
from groundwire.jobs.diagnose import (
    FileKind,
    Known,
    add_address,
    add_backup,
    add_chip,
    add_folder,
    add_image,
    diagnose_log,
    diagnose_without_log,
    kind_of,
    read_log,
)
from groundwire.sim.modules import application, firmware_image, stock_flash
from talking import APP_N, BOOT_N, LATER_N

DOTS = b"." * 400


def facts_of(data):
    return read_log(io.BytesIO(data))


@pytest.fixture
def folder(tmp_path):
    """The folder of a finished write on a BK7231N."""
    report = {
        "verb": "free",
        "proven": True,
        "module": {"chip": "BK7231N", "key_class": "tuya", "rf": "present"},
        "plan": {
            "kind": "qio, OpenBK7231N 1.18.300",
            "intended": [{"start": 0x11000, "size": 4096}],
        },
    }
    (tmp_path / "report.json").write_text(json.dumps(report))
    return tmp_path


def test_a_sound_log():
    diagnosis = diagnose_log(facts_of(BOOT_N + APP_N + LATER_N), Known())
    assert diagnosis.ids() == ("healthy",)


def test_dots_a_foreign_key_and_the_chip_are_one_finding(folder, tmp_path):
    image = tmp_path / "OpenBK7231M.bin"
    image.write_bytes(firmware_image("BK7231M"))
    known = add_image(add_folder(Known(), folder), image)
    diagnosis = diagnose_log(facts_of(DOTS), known)
    assert diagnosis.ids() == ("wrong-key",)
    (finding,) = diagnosis.findings
    assert finding.text == (
        "the application was built for key class 'zero' and the chip applies 'tuya', so that the "
        "module runs nothing of it"
    )
    assert finding.because[1:] == (
        "the image was built for key class 'zero'",
        "the chip applies key class 'tuya'",
    )


def test_the_same_without_a_log(folder, tmp_path):
    image = tmp_path / "OpenBK7231M.bin"
    image.write_bytes(firmware_image("BK7231M"))
    diagnosis = diagnose_without_log(add_image(add_folder(Known(), folder), image))
    assert diagnosis.ids() == ("wrong-key",)
    assert not any("the log" in one for one in diagnosis.findings[0].because)


def test_a_chip_that_is_named_and_an_image_for_another(tmp_path):
    image = tmp_path / "i.bin"
    image.write_bytes(firmware_image("BK7231T"))
    diagnosis = diagnose_without_log(add_image(add_chip(Known(), "BK7231N"), image))
    assert diagnosis.ids() == ("wrong-chip-checked",)


def test_a_ua_image_over_the_bootloader(tmp_path):
    image = tmp_path / "ua.bin"
    image.write_bytes(application("BK7231T", b"OpenBK7231T 1.18.300 Aug  2 2026 19:38:04"))
    known = add_address(add_image(Known(), image), 0)
    assert known.other.image_form is ImageForm.APP
    diagnosis = diagnose_without_log(known)
    assert "over the bootloader" in diagnosis.sentence


def test_a_damaged_image_explains_a_module_that_hangs(tmp_path):
    data = bytearray(firmware_image("BK7231N"))
    data[0x20000:0x20040] = bytes(64)
    image = tmp_path / "i.bin"
    image.write_bytes(data)
    known = add_image(Known(), image)
    assert "damaged at" in known.other.image_damage
    diagnosis = diagnose_log(facts_of(BOOT_N), known)
    assert diagnosis.ids()[0] == "image-damaged"


def test_an_unfinished_write(folder):
    head = {
        "job": "write", "image_sha256": "", "after_sha256": "", "chip": "BK7231N", "mac": "",
        "flash_id": "", "backup": "backup.bin", "total_sectors": 7,
    }  # fmt: skip
    (folder / "journal.jsonl").write_text(json.dumps(head) + '\n{"erase": [0, 4096]}\n{"torn')
    known = add_folder(Known(), folder)
    assert known.other.unproven == 7 * 4096
    assert diagnose_without_log(known).ids() == ("write-unfinished",)
    (folder / "journal.jsonl").write_text(json.dumps(head) + '\n{"done": true}\n')
    assert add_folder(Known(), folder).other.unproven == 0


def test_a_backup_brings_its_manifest_and_its_radio(tmp_path):
    flash = bytearray(stock_flash("BK7231N"))
    flash[0x1D0000:0x1D1000] = b"\xff" * 0x1000
    path = tmp_path / "b.bin"
    path.write_bytes(flash)
    known = add_backup(Known(), path)
    assert known.other.rf_erased is True
    assert (known.other.image_chip, known.other.image_key) == ("BK7231N", "tuya")


def test_nothing_that_is_known_says_so_and_names_tests():
    diagnosis = diagnose_log(facts_of(b"hello\n"), Known())
    assert not diagnosis.known
    assert diagnosis.sentence == "I don't know; 7 tests would tell"


# --- what a file is ---------------------------------------------------------------------------


def test_files_are_told_apart_by_content(tmp_path, folder):
    cases = {
        "flash.log": (stock_flash("BK7231N"), FileKind.BACKUP),
        "image.txt": (firmware_image("BK7231N"), FileKind.IMAGE),
        "log.bin": ((BOOT_N + APP_N) * 20, FileKind.LOG),
        "noise.bin": (os.urandom(20_000), FileKind.LOG),
        "erased.bin": (b"\xff" * 8192, FileKind.LOG),
        "empty": (b"", FileKind.LOG),
    }
    for name, (data, kind) in cases.items():
        (tmp_path / name).write_bytes(data)
        assert kind_of(tmp_path / name) == kind, name
    assert kind_of(folder) == FileKind.FOLDER
    with pytest.raises(InputUnreadable):
        kind_of(tmp_path / "missing")


def test_a_folder_without_a_job_is_refused(tmp_path):
    with pytest.raises(InputUnreadable, match="neither"):
        add_folder(Known(), tmp_path)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_a_hostile_report_is_no_crash(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("job")
    members = {"module": value, "plan": value, "verb": value, "proven": value}
    for document in (members, value, {"module": {"chip": value, "rf": value}}):
        (folder / "report.json").write_text(json.dumps(document))
        diagnosis = diagnose_without_log(add_folder(Known(), folder))
        assert len(diagnosis.sentence) < 2000


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=4000))
def test_any_bytes_are_a_log(data):
    diagnosis = diagnose_log(facts_of(data), Known())
    assert diagnosis.facts.bytes_total == len(data)
    assert diagnosis.sentence


# --- size -------------------------------------------------------------------------------------


class Endless(io.RawIOBase):
    """A pipe that gives the same bytes for ever so long."""

    def __init__(self, piece, size):
        self._piece = piece
        self._left = size

    def readable(self):
        return True

    def read(self, size=-1):
        take = min(len(self._piece), self._left)
        self._left -= take
        return self._piece[:take]


@pytest.mark.parametrize("piece", [b"\x00" * 65536, b"no end " * 9000, BOOT_N * 400])
def test_a_long_stream_takes_little_memory(piece):
    tracemalloc.start()
    read_log(Endless(piece, 70_000))
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    facts = read_log(Endless(piece, 400_000))
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert facts.bytes_total == 400_000
    assert peak < 2 << 20


def test_of_a_huge_file_beginning_and_end_are_read(tmp_path):
    path = tmp_path / "huge.log"
    with path.open("wb") as file:  # a hole of four gigabytes between two boots
        file.write(BOOT_N)
        file.seek(4 << 30)
        file.write(b"\r\n" + BOOT_N + APP_N + LATER_N)
    told = []
    with path.open("rb") as file:
        facts = read_log(file, tell=told.append)
    assert facts.boots_total == 2
    assert facts.boot_complete == 1
    assert [type(one) for one in told] == [Notice]
    assert "left out" in told[0].text


def test_reading_can_be_stopped():
    with pytest.raises(Cancelled):
        read_log(Endless(b"x\n", 1 << 30), stop=lambda: True)


def test_a_stream_that_fails():
    class Broken(io.RawIOBase):
        def readable(self):
            return True

        def read(self, size=-1):
            raise OSError(5, "Input/output error")

    with pytest.raises(InputUnreadable, match="Input/output error"):
        read_log(Broken())


def test_limits_are_as_documented():
    assert job.LARGEST_READ == 32 << 20
