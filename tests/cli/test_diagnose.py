"""diagnose, console and report as commands: screens, JSON, exit statuses."""

from __future__ import annotations

import io
import json
import stat
import sys
import threading
from pathlib import Path

import pytest

from cli_desk import Desk, Runner
from groundwire.jobs.emulate import make_emulator
from groundwire.sim.bench import BenchPort
from groundwire.sim.modules import firmware_image, stock_flash
from speaking_pty import SpeakingPty
from talking import APP_N, BOOT_N, LATER_N, Talker

RATE = 115_200.0
SOUND = BOOT_N + APP_N + LATER_N


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "module.log"
    path.write_bytes(SOUND)
    return path


def test_a_log_in_one_sentence(groundwire: Runner, log: Path) -> None:
    ran = groundwire("diagnose", log)
    assert ran.code == 0
    assert ran.out.splitlines()[0].startswith("the firmware starts in order")
    assert "  how sure     high (healthy)\n" in ran.out
    assert ran.err == ""


def test_a_fault_says_how_sure_on_what_evidence_and_what_next(
    groundwire: Runner, tmp_path: Path
) -> None:
    path = tmp_path / "pasted.txt"
    path.write_bytes(
        b"".join(
            b"[12:00:%02d] Info:OTHER:Failed to read reg 0%d: bad checksum 00 wanted A%d\n"
            % (at, at, 7 - at)
            for at in (3, 4)
        )
        + SOUND
    )
    ran = groundwire("diagnose", path)
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].startswith("the SPI driver")
    assert "no second chip collides here" in lines[0]
    assert lines[1] == "  how sure     high (meter-spi-on-uart)"
    assert "line 1 (" in lines[2]
    assert "bad checksum 00 wanted A4" in lines[2]
    (advice,) = (line for line in lines if line.startswith("  next  "))
    assert advice.startswith("  next         start the driver BL0942, not BL0942SPI")
    assert advice.endswith("docs/two-clamps.md")


def test_nothing_that_fits_is_exit_status_10(groundwire: Runner, tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"hello\nworld\n")
    ran = groundwire("diagnose", path)
    assert ran.code == 10
    assert ran.out.startswith("I don't know what is wrong, but these would tell:\n  1. record")
    assert ran.err == (
        "error: no diagnosis of this log: 12 bytes, 2 lines, 1 boots\n"
        "  likely   7 tests would tell\n"
        "  next     record for a minute across two power-ons, with times\n"
        "  more     groundwire explain diagnosis.unknown\n"
    )


def test_json_holds_the_diagnosis_and_a_result(
    groundwire: Runner, log: Path, tmp_path: Path
) -> None:
    ran = groundwire("diagnose", log, "--json")
    diagnosis = ran.lines[0]
    assert diagnosis["type"] == "diagnosis"
    assert diagnosis["findings"][0]["id"] == "healthy"
    assert diagnosis["facts"]["app_version"] == "1.18.300"
    assert ran.result["sound"] is True
    (tmp_path / "x.log").write_bytes(b"hello\n")
    ran = groundwire("diagnose", tmp_path / "x.log", "--json")
    assert ran.lines[0]["known"] is False
    assert ran.lines[0]["tests"][0]["name"] == "longer-capture"
    assert ran.result["error"]["code"] == "diagnosis.unknown"


def test_standard_input(groundwire: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    class Given:
        buffer = io.BytesIO(SOUND)

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", Given())
    ran = groundwire("diagnose", "-")
    assert ran.code == 0
    assert "OpenBK7231N 1.18.300 runs" in ran.out


def test_several_logs_each_with_its_name(groundwire: Runner, log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.log"
    other.write_bytes(BOOT_N + b"\r\n[ARM ANOMALY][2]\r\n" + BOOT_N)
    ran = groundwire("diagnose", log, other)
    assert ran.code == 0
    assert "module.log:\n" in ran.out
    assert "other.log:\n" in ran.out


def test_files_are_taken_for_what_they_are(groundwire: Runner, tmp_path: Path) -> None:
    (tmp_path / "dots.log").write_bytes(b"." * 400)
    (tmp_path / "image.bin").write_bytes(firmware_image("BK7231M"))
    (tmp_path / "job").mkdir()
    module = {"chip": "BK7231N", "key_class": "tuya"}
    (tmp_path / "job/report.json").write_text(json.dumps({"module": module}))
    ran = groundwire("diagnose", tmp_path / "dots.log", tmp_path / "image.bin", tmp_path / "job")
    assert ran.code == 0
    assert ran.out.startswith("the application was built for key class 'zero'")
    assert "what else is known" in ran.out
    assert "\nalso" not in ran.out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["diagnose"], "nothing to diagnose"),
        (["diagnose", "--guided", "x"], "--guided needs a port"),
        (["diagnose", "/nowhere/x.log"], "No such file"),
        (["diagnose", "--chip", "ESP32", "x"], "none of"),
        (["diagnose", "--read-at", "1", "x"], "not between"),
        (["diagnose", "--folder", "/nowhere", "-"], "neither"),
        (["console", "-p", "/nowhere/port", "--until", "("], "regular expression"),
        (["console", "-p", "/nowhere/port", "--for", "-1"], "not between"),
        (["report"], "missing argument"),
        (["report", "/nowhere"], "no such file"),
    ],
)
def test_bad_calls(groundwire: Runner, arguments: list[str], text: str) -> None:
    ran = groundwire(*arguments)
    assert ran.code == 2
    assert text.lower() in ran.err.lower()
    assert ran.err.count("error:") == 1


def test_a_port_that_is_not_there(groundwire: Runner) -> None:
    for verb in ("console", "diagnose"):
        ran = groundwire(verb, "-p", "/nowhere/port", "--json")
        assert ran.code == 3
        assert ran.result["error"]["code"] == "port.missing"


# --- live ---------------------------------------------------------------------------------------


def put(desk: Desk, name: str, *said: tuple[float, bytes, float]) -> None:
    desk.benches[name] = BenchPort(Talker(*said))


def test_a_port_is_listened_to_until_enough_is_known(groundwire: Runner, desk: Desk) -> None:
    put(desk, "log", (0.1, BOOT_N, RATE), (0.3, APP_N, RATE), (5, LATER_N, RATE))
    ran = groundwire("diagnose", "-p", "log")
    assert ran.code == 0, ran
    assert "the firmware starts in order" in ran.out
    assert "prvHeap" not in ran.out
    assert "listening at 115200 baud" in ran.err


def test_two_ports_and_the_one_with_the_log_is_diagnosed(groundwire: Runner, desk: Desk) -> None:
    put(desk, "log", (0.1, BOOT_N, RATE), (0.3, APP_N, RATE), (5, LATER_N, RATE))
    put(desk, "flashing")
    ran = groundwire("diagnose", "-p", "flashing", "--log-port", "log", "--for", "8", "--json")
    assert ran.code == 0
    assert ran.lines[-2]["findings"][0]["id"] == "healthy"


def test_console_shows_lines_boots_and_pins(groundwire: Runner, desk: Desk, tmp_path: Path) -> None:
    put(desk, "log", (0.1, BOOT_N, RATE), (0.3, APP_N, RATE), (5, LATER_N, RATE))
    ran = groundwire("console", "-p", "log", "--for", "7", "--save", tmp_path / "kept")
    assert ran.code == 0
    assert "] V:BK7231N_1.0.1\n" in ran.out
    assert "pins          log pin (an application prints here)" in ran.out
    assert "boot 1 at 0." in ran.err
    assert (tmp_path / "kept.raw").read_bytes() == SOUND
    assert stat.S_IMODE((tmp_path / "kept.raw").stat().st_mode) == 0o600
    put(desk, "log", (0.1, BOOT_N, RATE))
    again = groundwire("console", "-p", "log", "--for", "1", "--save", tmp_path / "kept")
    assert again.code == 2
    assert (tmp_path / "kept.raw").read_bytes() == SOUND


def test_console_as_json(groundwire: Runner, desk: Desk) -> None:
    put(desk, "log", (0.1, b"\x1b]0;x\x07hostile \xe2\x80\xae text\r\n" * 4, RATE))
    ran = groundwire("console", "-p", "log", "--for", "2", "--json")
    kinds = [line["type"] for line in ran.lines]
    assert kinds[0] == "listening"
    assert kinds.count("line") == 4
    assert ran.result["ports"][0]["lines"] == 4
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


def test_console_until_and_not_in_time(groundwire: Runner, desk: Desk) -> None:
    put(desk, "log", (0.1, BOOT_N, RATE))
    assert groundwire("console", "-p", "log", "--until", "J 0x1").code == 0
    put(desk, "log", (0.1, BOOT_N, RATE))
    ran = groundwire("console", "-p", "log", "--until", "never", "--for", "2")
    assert ran.code == 3
    assert "'never' was not seen in 2 s: 5 lines came" in ran.err


def test_console_on_a_real_terminal(groundwire: Runner, tmp_path: Path) -> None:
    port = SpeakingPty(tmp_path / "tty")

    def speak() -> None:
        port.wait_for_listener()
        port.say(SOUND)

    speaker = threading.Thread(target=speak)
    speaker.start()
    ran = groundwire("console", "-p", port.path, "--until", "Boot complete", "--for", "30")
    speaker.join()
    port.close()
    assert ran.code == 0
    assert "OpenBK7231N, version 1.18.300" in ran.out


# --- guided ---------------------------------------------------------------------------------------


def test_guided_needs_somebody_to_ask(groundwire: Runner, desk: Desk) -> None:
    put(desk, "log")
    ran = groundwire("diagnose", "--guided", "-p", "log", "--json")
    assert ran.code == 2
    assert ran.result["error"]["code"] == "usage.consent-missing"


def test_guided_asks_and_decides(
    groundwire: Runner, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.put("module", "BK7231N")
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 20))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    silent = BenchPort(Talker())
    desk.benches["log"] = silent
    ran = groundwire("diagnose", "--guided", "-p", "module", "--log-port", "log", "--for", "2")
    assert "ask for a link on the flashing pins" in ran.err
    assert "after the tests:" in ran.out
    assert ran.code == 0


# --- after a write --------------------------------------------------------------------------------


def test_free_watches_the_boot(groundwire: Runner, desk: Desk, tmp_path: Path, image: Path) -> None:
    desk.put("desk", "BK7231N")
    ran = groundwire(
        "free", image, "-p", "desk", "--log-port", "log", "--yes", "--folder", tmp_path / "job"
    )
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[-1] == (
        "it came up: OpenBeken 1.18.300, access point OpenBK7231N_5E100001"
    )
    (folder,) = (tmp_path / "job").iterdir()
    report = json.loads((folder / "report.json").read_text())
    assert report["boot"]["came_up"] is True
    assert report["boot"]["sentence"].endswith("access point OpenBK7231N_xxxxxxxx")
    assert "## Did it come up" in (folder / "report.md").read_text()
    assert stat.S_IMODE((folder / "boot.log").stat().st_mode) == 0o600
    assert "Boot complete" in (folder / "boot.log").read_text()


def test_free_says_what_is_wrong_where_it_does_not_come_up(
    groundwire: Runner, desk: Desk, tmp_path: Path, image: Path
) -> None:
    module = make_emulator("BK7231N", stock_flash("BK7231N"))
    module._boot_text = lambda _flash: [(0.01, BOOT_N)]
    desk.benches["desk"] = BenchPort(module)
    ran = groundwire(
        "free", image, "-p", "desk", "--log-port", "log", "--yes", "--folder", tmp_path, "--json"
    )
    assert ran.code == 10
    assert ran.result["error"]["code"] == "boot.not-up"
    written = next(line for line in ran.lines if line["type"] == "written")
    assert written["proven"] is True
    assert written["boot"]["diagnosis"]["findings"][0]["id"] == "jump-then-hang"


def test_a_restore_and_a_write_watch_the_boot_too(
    groundwire: Runner, desk: Desk, tmp_path: Path, image: Path
) -> None:
    desk.put("desk", "BK7231N")
    backup = tmp_path / "b.bin"
    assert groundwire("backup", "-p", "desk", "-o", backup).code == 0
    common = ("-p", "desk", "--log-port", "log", "--yes", "--folder", tmp_path / "job", "--json")
    written = groundwire("write", image, *common)
    assert written.result["boot"]["sentence"].startswith("it came up: OpenBeken 1.18.300")
    restored = groundwire("restore", backup, *common)
    assert restored.result["boot"]["sentence"] == "it came up: demo_vendor_plug:1.0.0"


def test_free_refuses_a_log_port_that_is_not_there(
    groundwire: Runner, desk: Desk, tmp_path: Path, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = SpeakingPty(tmp_path / "tty")
    ran = groundwire(
        "free", image, "-p", port.path, "--log-port", tmp_path / "none", "--yes",
        "--folder", tmp_path / "job", "--json",
    )  # fmt: skip
    port.close()
    assert ran.code == 3
    assert ran.result["error"]["code"] == "port.missing"
    assert not (tmp_path / "job").exists()


# --- report ---------------------------------------------------------------------------------------


def test_report_of_a_job(groundwire: Runner, desk: Desk, tmp_path: Path, image: Path) -> None:
    desk.put("desk", "BK7231N")
    job = tmp_path / "job"
    groundwire("free", image, "-p", "desk", "--log-port", "log", "--yes", "--folder", job)
    (folder,) = job.iterdir()
    ran = groundwire("report", folder, "--json")
    assert ran.code == 0
    path = Path(ran.result["file"])
    assert path == folder / "support.md"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "5E100001" not in text.upper()
    assert "5E:10:00:01" not in text.upper()
    again = groundwire("report", folder)
    assert again.code == 0
    assert "can be posted as it is" in again.out


def test_report_does_not_write_over_what_it_reports_on(groundwire: Runner, log: Path) -> None:
    before = log.read_bytes()
    ran = groundwire("report", log, "-o", log)
    assert ran.code == 2
    assert log.read_bytes() == before
