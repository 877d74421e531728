"""Reports of a job: complete, masked, and safe to open whatever a module or file is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundwire.chips.family import (
    SECTOR,
    Identity,
    Layout,
    Piece,
    Placement,
    Region,
    RegionKind,
    RfHealth,
)
from groundwire.errors import OutputUnwritable, StoppedPartWay
from groundwire.jobs.execute import Outcome
from groundwire.jobs.report import (
    ReportInput,
    markdown,
    mask_port,
    mask_text,
    report_values,
    write_reports,
)
from groundwire.jobs.write import WriteReport
from groundwire.planning.plan import plan_over
from groundwire.quantities import Span

MAC = "02:00:5E:10:00:01"
IDENTITY = Identity(
    family="beken",
    chip="BK7231N",
    protocol="boot ROM",
    flash_size=4 * SECTOR,
    flash_size_source="flash id eb6015",
    flash_id="eb6015",
    flash_part="TH25Q16HB",
    key_class="tuya",
    bootloader="1.0.1",
    mac=MAC,
    rf=RfHealth.PRESENT,
    rf_addresses=(0x3000,),
    warnings=(f"another MAC {MAC.lower()} is also there",),
)
LAYOUT = Layout((Region("bootloader", RegionKind.BOOTLOADER, Span(0, SECTOR)),))


def given(folder: Path, **changes: object) -> ReportInput:
    """What a finished job reports, with changes."""
    placement = Placement("qio, 1.0", (Piece(SECTOR, b"\1" * SECTOR, "application"),))
    plan = plan_over(b"\0" * SECTOR * 4, placement, LAYOUT)
    report = WriteReport(
        identity=IDENTITY,
        plan=plan,
        folder=folder,
        backup=folder / "backup.bin",
        backup_kept=True,
        resumed=False,
        outcome=Outcome(4096, 4096, 2, (Span(0x2000, SECTOR),), 2),
        baudrate=921_600,
        relinks=1,
        took_s=12.3456,
    )
    values: dict[str, object] = {
        "verb": "free",
        "port": "/dev/ttyUSB0",
        "is_emulated": False,
        "identity": IDENTITY,
        "source_name": "image.bin",
        "source_sha256": "ab" * 32,
        "source_size": 4096,
        "folder": folder,
        "warnings": (f"damage outside the plan; see {folder}/x and {MAC}",),
        "report": report,
    }
    return ReportInput(**(values | changes))  # type: ignore[arg-type]


def test_the_markdown_of_a_finished_job(tmp_path: Path) -> None:
    text = markdown(given(tmp_path))
    assert text.startswith("# groundwire free: done and proven\n")
    for row in (
        "| chip | BK7231N (beken) |",
        "| MAC | 02:00:5E:xx:xx:xx |",
        "| erased | 4 KiB |",
        "| written twice | 2 sectors |",
        "| repaired from the backup | 0x02000..0x03000 |",
        "| proof | the chip's own checksum over every byte of the flash is as planned |",
        "| backup | backup.bin |",
        "| linked again | 1 x |",
        "| took | 12.3 s |",
    ):
        assert row in text
    assert "emulator" not in text


def test_the_values_of_a_finished_job(tmp_path: Path) -> None:
    values = report_values(given(tmp_path))
    assert values["ok"] is values["proven"] is True
    assert values["exit_code"] == 0
    assert values["backup"] == "backup.bin"
    assert values["outcome"] == {
        "erased_bytes": 4096,
        "programmed_bytes": 4096,
        "rewritten": 2,
        "repaired": [{"start": 0x2000, "size": 0x1000}],
        "rounds": 2,
    }


def test_nothing_that_identifies_gets_out(tmp_path: Path) -> None:
    shown = given(tmp_path)
    for text in (markdown(shown), json.dumps(report_values(shown))):
        assert "10:00:01" not in text
        assert str(tmp_path) not in text


def test_an_emulated_job_says_so(tmp_path: Path) -> None:
    shown = given(tmp_path, is_emulated=True)
    assert "**measured on the emulator: no hardware was involved.**" in markdown(shown)
    assert report_values(shown)["emulated"] is True


def test_a_job_that_failed_says_how_to_go_on(tmp_path: Path) -> None:
    error = StoppedPartWay(
        reason="unplugged", done_sectors=3, total_sectors=9, folder=str(tmp_path)
    )
    shown = given(tmp_path, report=None, error=error)
    text = markdown(shown)
    assert text.startswith("# groundwire free: not done\n")
    assert "stopped after 3 of 9 sectors: unplugged" in text
    assert "- code: `stopped.resumable`, exit status 9" in text
    assert "done and proven" not in text
    values = report_values(shown)
    assert (values["ok"], values["exit_code"]) == (False, 9)
    assert str(tmp_path) not in json.dumps(values)


def test_a_missing_backup_is_recorded(tmp_path: Path) -> None:
    assert "none was kept" in markdown(given(tmp_path, backup_kept=False))


def test_names_cannot_form_markup(tmp_path: Path) -> None:
    name = "a|b`c`<img src=x>[x](http://y)\n# fake\n\x1b[2J\u202e.bin"
    text = markdown(given(tmp_path, source_name=name))
    (row,) = [line for line in text.splitlines() if line.startswith("| source |")]
    for raw in ("`c`", "<img", "[x](", "\x1b", "\u202e"):
        assert raw not in row
    assert "\n# fake" not in text


@pytest.mark.parametrize(
    ("port", "shown"),
    [
        ("/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("/dev/serial/by-id/usb-FTDI_A1234-if00", "/dev/serial/by-id/…"),
        ("socket://192.168.1.7:4000", "socket://…"),
        ("sim:bk7231n", "sim:bk7231n"),
    ],
)
def test_ports_are_masked(port: str, shown: str) -> None:
    assert mask_port(port) == shown


def test_texts_are_masked() -> None:
    assert mask_text("c8:47:8c:01:02:03 and C8-47-8C-01-02-03") == (
        "c8:47:8c:xx:xx:xx and C8-47-8C-xx:xx:xx"
    )
    assert mask_text("x-02005e100001-y", mac=MAC) == "x-02005exxxxxx-y"
    assert mask_text(f"{Path.home()}/a") == "~/a"


def test_both_files_replace_those_of_an_earlier_try(tmp_path: Path) -> None:
    write_reports(given(tmp_path, report=None, error=OutputUnwritable(path="x", reason="full")))
    text, values = write_reports(given(tmp_path))
    assert "done and proven" in text.read_text()
    assert json.loads(values.read_text())["ok"] is True
    with pytest.raises(OutputUnwritable):
        write_reports(given(tmp_path / "missing"))
