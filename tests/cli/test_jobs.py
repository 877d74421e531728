"""Each verb on an emulated module: what it does, says and leaves behind."""

from __future__ import annotations

import json
import signal
import stat
from pathlib import Path
from threading import Event

import pytest

from cli_desk import Desk, Runner
from groundwire.cli.screen import JsonScreen
from groundwire.quantities import Span
from groundwire.sim.modules import firmware_image, stock_flash

PORT = "desk"
APP = Span(0x11000, 0x119000)


@pytest.fixture
def module(desk: Desk) -> Desk:
    """A BK7231N on the desk."""
    desk.put(PORT, "BK7231N")
    return desk


def test_identify_tells_the_module_and_that_it_is_emulated(
    groundwire: Runner, module: Desk
) -> None:
    ran = groundwire("identify", "-p", PORT)
    assert ran.code == 0
    for text in ("BK7231N (beken)", "2 MiB", "02:00:5E:10:00:01", "present at 0x1D0000"):
        assert text in ran.out
    assert "no hardware was involved" in ran.out
    assert "how it is known" not in ran.out
    assert "how it is known" in groundwire("identify", "-p", PORT, "-v").out


def test_identify_as_json(groundwire: Runner, module: Desk) -> None:
    ran = groundwire("identify", "-p", PORT, "--json")
    assert ran.err == ""
    assert ran.result["identity"]["chip"] == "BK7231N"
    assert ran.result["emulated"] is True
    kinds = [line["type"] for line in ran.lines]
    assert kinds[:2] == ["phase", "attempt"]


def test_the_port_may_come_from_the_environment(
    groundwire: Runner, module: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDWIRE_PORT", PORT)
    monkeypatch.setenv("GROUNDWIRE_BAUD", "460800")
    ran = groundwire("backup", "-o", tmp_path / "b.bin", "--json")
    assert ran.result["port"] == PORT
    assert ran.result["manifest"]["baudrate"] == 460_800


def test_a_chip_that_is_named_wrongly_is_refused(groundwire: Runner, module: Desk) -> None:
    ran = groundwire("identify", "-p", PORT, "-c", "bk7231t", "--json")
    assert ran.code == 8
    assert ran.result["error"]["code"] == "safety.chip-contradicted"


def test_backup_leaves_dump_and_manifest(groundwire: Runner, module: Desk, tmp_path: Path) -> None:
    path = tmp_path / "b.bin"
    ran = groundwire("backup", "-p", PORT, "-o", path, "--json")
    assert ran.code == 0
    assert path.read_bytes() == module.flash(PORT)
    manifest = json.loads((tmp_path / "b.bin.json").read_text())
    assert ran.result["manifest"]["sha256"] == manifest["sha256"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = groundwire("backup", "-p", PORT, "-o", path)
    assert again.code == 2
    assert "exists already" in again.err


def test_backup_has_a_name_of_its_own(
    groundwire: Runner, module: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert groundwire("backup", "-p", PORT).code == 0
    (path,) = tmp_path.glob("*.bin")
    assert path.name.startswith("bk7231n-02005e100001-")


def test_an_erased_flash_is_no_backup(groundwire: Runner, desk: Desk, tmp_path: Path) -> None:
    desk.put(PORT, "BK7231N", b"\xff" * (2 << 20))
    path = tmp_path / "b.bin"
    ran = groundwire("backup", "-p", PORT, "-o", path, "--json")
    assert ran.code == 5
    assert ran.result["error"]["code"] == "flash.backup-unusable"
    assert list(tmp_path.iterdir()) == []


def test_read_takes_any_range(groundwire: Runner, module: Desk, tmp_path: Path) -> None:
    path = tmp_path / "part.bin"
    ran = groundwire("read", "0x1D0004..0x1d1003", path, "-p", PORT)
    assert ran.code == 0
    assert path.read_bytes() == module.flash(PORT)[0x1D0004:0x1D1003]


def test_read_past_the_end(groundwire: Runner, module: Desk, tmp_path: Path) -> None:
    ran = groundwire("read", "2M+1", tmp_path / "part.bin", "-p", PORT, "--json")
    assert ran.code == 2
    assert ran.result["error"]["code"] == "usage.span-outside"
    assert list(tmp_path.iterdir()) == []


def test_erase_erases_and_proves(groundwire: Runner, module: Desk, tmp_path: Path) -> None:
    before = module.flash(PORT)
    ran = groundwire("erase", "0x1EE000+0x2000", "-p", PORT, "--yes", "--folder", tmp_path)
    assert ran.code == 0, ran.err
    assert "done, and proven" in ran.out
    after = module.flash(PORT)
    assert after[0x1EE000:0x1F0000] == b"\xff" * 0x2000
    assert after[:0x1EE000] == before[:0x1EE000]
    assert after[0x1F0000:] == before[0x1F0000:]


@pytest.mark.parametrize(
    ("span", "code", "error"),
    [
        ("0+0x1000", 8, "safety.refused"),
        ("0x1D0000+0x1000", 8, "safety.refused"),
        ("0x1EE000+0x100", 2, "usage.span-unaligned"),
        ("0x200000+0x1000", 2, "usage.span-outside"),
        ("0xFF000000+0x1000", 2, "usage.span-outside"),
    ],
)
def test_erase_refuses(
    span: str, code: int, error: str, groundwire: Runner, module: Desk, tmp_path: Path
) -> None:
    before = module.flash(PORT)
    ran = groundwire("erase", span, "-p", PORT, "--yes", "--folder", tmp_path, "--json")
    assert ran.code == code
    assert ran.result["error"]["code"] == error
    assert module.flash(PORT) == before


def test_plan_over_a_dump_needs_no_port(groundwire: Runner, image: Path, tmp_path: Path) -> None:
    dump = tmp_path / "dump.bin"
    dump.write_bytes(stock_flash("BK7231N"))
    ran = groundwire("plan", image, "--over", dump)
    assert ran.code == 0
    assert ran.err == ""
    assert "0x00000 |bbbbbbbbbbbbbbbbb####" in ran.out
    assert "r  radio calibration, kept" in ran.out
    shape = groundwire("plan", image, "--over", dump, "--json").result["plan"]
    assert shape["changed"][0]["start"] == APP.start
    assert {region["kind"] for region in shape["regions"]} >= {"bootloader", "radio calibration"}


def test_plan_with_a_module_changes_and_leaves_nothing(
    groundwire: Runner, module: Desk, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    before = module.flash(PORT)
    ran = groundwire("plan", image, "-p", PORT)
    assert ran.code == 0
    assert "flash map of 2 MiB" in ran.out
    assert module.flash(PORT) == before
    assert list(folder.iterdir()) == []


def test_a_dry_run_changes_and_leaves_nothing(
    groundwire: Runner, module: Desk, image: Path, tmp_path: Path
) -> None:
    before = module.flash(PORT)
    ran = groundwire("free", image, "-p", PORT, "--dry-run", "--folder", tmp_path / "f", "--json")
    assert ran.code == 0
    assert ran.result["written"] is False
    assert ran.result["folder"] is None
    assert module.flash(PORT) == before
    assert not (tmp_path / "f").exists()


def test_free_does_the_whole_job_and_leaves_a_folder(
    groundwire: Runner, module: Desk, image: Path, tmp_path: Path
) -> None:
    before = module.flash(PORT)
    ran = groundwire("free", image, "-p", PORT, "--yes", "--folder", tmp_path / "f", "--json")
    assert ran.code == 0
    assert ran.result["proven"] is True
    folder = Path(ran.result["folder"])
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "backup.bin", "backup.bin.json", "journal.jsonl", "report.md", "report.json", "trace.jsonl",
    }  # fmt: skip
    assert list((tmp_path / "f").iterdir()) == [folder]
    assert (folder / "backup.bin").read_bytes() == before
    after, data = module.flash(PORT), image.read_bytes()
    assert after[:0x11000] == before[:0x11000]
    assert after[0x11000 : len(data)] == data[0x11000:]
    assert after[0x12A000:] == before[0x12A000:]
    verified = groundwire("verify", image, "-p", PORT)
    assert verified.code == 0
    assert "proven by its own checksum" in verified.out


def test_the_report_of_an_emulated_run_is_masked_and_says_so(
    groundwire: Runner, module: Desk, image: Path, tmp_path: Path
) -> None:
    ran = groundwire("free", image, "-p", PORT, "--yes", "--folder", tmp_path, "--json")
    folder = Path(ran.result["folder"])
    for name in ("report.md", "report.json"):
        text = (folder / name).read_text()
        assert "no hardware was involved" in text or '"emulated": true' in text
        assert "10:00:01" not in text
        assert "5e100001" not in text.lower()
        assert str(tmp_path) not in text


def test_verify_says_where_they_differ(groundwire: Runner, module: Desk, image: Path) -> None:
    ran = groundwire("verify", image, "-p", PORT, "--json")
    assert ran.code == 5
    assert ran.result["error"]["code"] == "flash.mismatch"
    assert ran.result["error"]["fields"]["spans"][0]["start"] == APP.start


def test_write_twice_has_nothing_to_do(
    groundwire: Runner, module: Desk, image: Path, tmp_path: Path
) -> None:
    assert groundwire("write", image, "-p", PORT, "--yes", "--folder", tmp_path).code == 0
    ran = groundwire("write", image, "-p", PORT, "--yes", "--folder", tmp_path)
    assert ran.code == 0
    assert "nothing to do" in ran.out


def test_write_with_a_given_backup(
    groundwire: Runner, module: Desk, image: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "b.bin"
    assert groundwire("backup", "-p", PORT, "-o", backup).code == 0
    flags = ("-p", PORT, "--yes", "--folder", tmp_path, "--backup", backup, "--json")
    ran = groundwire("write", image, *flags)
    assert ran.code == 0
    assert ran.result["backup"] == str(backup)
    stale = groundwire("write", image, *flags)
    assert stale.code == 8
    assert "present content" in stale.result["error"]["what"]
    assert "--backup" in stale.result["error"]["next_step"]


def test_no_backup_is_recorded(
    groundwire: Runner, module: Desk, image: Path, tmp_path: Path
) -> None:
    ran = groundwire(
        "write", image, "-p", PORT, "--yes", "--folder", tmp_path, "--no-backup", "--json"
    )
    assert ran.code == 0
    assert ran.result["backup_kept"] is False
    report = (Path(ran.result["folder"]) / "report.md").read_text()
    assert "none was kept" in report


@pytest.mark.parametrize("flag", ["--no-backu", "--no-back"])
def test_no_backup_must_be_typed_in_full(flag: str, groundwire: Runner, image: Path) -> None:
    ran = groundwire("write", image, "-p", "sim:bk7231n", "--yes", flag)
    assert ran.code == 2


def test_restore_brings_the_module_back(
    groundwire: Runner, module: Desk, image: Path, tmp_path: Path
) -> None:
    before, backup = module.flash(PORT), tmp_path / "b.bin"
    assert groundwire("backup", "-p", PORT, "-o", backup).code == 0
    assert groundwire("write", image, "-p", PORT, "--yes", "--folder", tmp_path).code == 0
    assert module.flash(PORT) != before
    ran = groundwire("restore", backup, "-p", PORT, "--yes", "--folder", tmp_path, "--json")
    assert ran.code == 0, ran.out
    assert module.flash(PORT) == before


def test_restore_of_another_module_is_refused_unless_insisted(
    groundwire: Runner, desk: Desk, tmp_path: Path
) -> None:
    desk.put(PORT, "BK7231N", stock_flash("BK7231N", bytes.fromhex("02005e100002")))
    backup = tmp_path / "b.bin"
    backup.write_bytes(stock_flash("BK7231N"))
    flags = ("-p", PORT, "--yes", "--folder", tmp_path, "--json")
    ran = groundwire("restore", backup, *flags)
    assert ran.code == 8
    assert "--other-module" in ran.result["error"]["next_step"]
    assert groundwire("restore", backup, *flags, "--other-module").code == 0
    assert desk.flash(PORT) == backup.read_bytes()


def test_an_image_for_another_chip_is_refused_before_anything_is_erased(
    groundwire: Runner, module: Desk, tmp_path: Path
) -> None:
    before, path = module.flash(PORT), tmp_path / "other.bin"
    path.write_bytes(firmware_image("BK7231T"))
    ran = groundwire("write", path, "-p", PORT, "--yes", "--folder", tmp_path, "--json")
    assert ran.code == 6
    assert ran.result["error"]["code"] == "image.wrong-chip"
    assert module.flash(PORT) == before


def test_demo_runs_the_whole_job(groundwire: Runner, tmp_path: Path) -> None:
    ran = groundwire("demo", "--folder", tmp_path)
    assert ran.code == 0
    assert "done, and proven" in ran.out
    assert "no hardware was involved" in ran.out
    (folder,) = tmp_path.iterdir()
    assert "no hardware was involved" in (folder / "report.md").read_text()


@pytest.mark.parametrize("answer", ["", "n\n", "maybe\n", "yes\n", "Y\n"])
def test_the_answer_decides(
    answer: str,
    groundwire: Runner,
    module: Desk,
    image: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Keyboard:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    before = module.flash(PORT)
    monkeypatch.setattr("sys.stdin", Keyboard())
    ran = groundwire("write", image, "-p", PORT, "--folder", tmp_path)
    assert "change 248 sectors of this BK7231N? [y/N]" in ran.err
    assert "flash map" in ran.out
    if answer.strip().lower() in ("y", "yes"):
        assert ran.code == 0
        assert module.flash(PORT) != before
    else:
        assert ran.code == 130
        assert "cancelled while the plan was shown" in ran.err
        assert module.flash(PORT) == before


def test_a_loader_is_kept_awake_while_the_user_thinks(
    groundwire: Runner, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SlowKeyboard:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            Event().wait(0.3)
            return "y\n"

    desk.put(PORT, "BK7231T")
    monkeypatch.setattr("sys.stdin", SlowKeyboard())
    ran = groundwire("erase", "0x1EE000+0x1000", "-p", PORT, "--folder", tmp_path)
    assert ran.code == 0, ran.err
    assert desk.flash(PORT)[0x1EE000:0x1EF000] == b"\xff" * 0x1000


def test_the_report_of_an_erase_names_no_file(
    groundwire: Runner, module: Desk, tmp_path: Path
) -> None:
    groundwire("erase", "0x1EE000+0x1000", "-p", PORT, "--yes", "--folder", tmp_path)
    (report,) = tmp_path.glob("*/report.md")
    assert "| source | erase 0x1EE000..0x1EF000 |" in report.read_text()
    assert "SHA-256" not in report.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_after_the_proof_does_not_undo_it(
    number: int, groundwire: Runner, module: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = JsonScreen.tell

    def stop_at_reboot(screen: JsonScreen, event: object) -> None:
        tell(screen, event)  # type: ignore[arg-type]
        if getattr(event, "name", "") == "reboot":
            signal.raise_signal(number)

    monkeypatch.setattr(JsonScreen, "tell", stop_at_reboot)
    ran = groundwire(
        "erase", "0x1EE000+0x1000", "-p", PORT, "--yes", "--folder", tmp_path, "--json"
    )
    assert ran.code == 0
    assert ran.result["proven"] is True
    assert "was not started" in ran.result["warnings"][0]


def stop_in_phase(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C as soon as a phase makes progress."""
    tell, state = JsonScreen.tell, {"phase": ""}

    def stopping(screen: JsonScreen, event: object) -> None:
        tell(screen, event)  # type: ignore[arg-type]
        if type(event).__name__ == "Phase":
            state["phase"] = event.name  # type: ignore[attr-defined]
        elif state["phase"] == name and type(event).__name__ == "Progress":
            state["phase"] = ""
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(JsonScreen, "tell", stopping)


@pytest.mark.parametrize(("phase", "code"), [("backup", 130), ("write", 9), ("prove", 9)])
def test_where_a_stop_falls_decides_what_it_is(
    phase: str,
    code: int,
    groundwire: Runner,
    module: Desk,
    image: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = module.flash(PORT)
    flags = ("-p", PORT, "--yes", "--folder", tmp_path / "f", "--json")
    with monkeypatch.context() as patch:
        stop_in_phase(phase, patch)
        ran = groundwire("free", image, *flags)
        assert ran.code == code
    assert ran.result["error"]["code"] == ("cancelled" if code == 130 else "stopped.resumable")
    if code == 130:
        assert module.flash(PORT) == before
        assert not (tmp_path / "f").exists()
    with monkeypatch.context() as patch:  # a resumed job that is stopped again is resumable, too
        stop_in_phase("prove", patch)
        again = groundwire("free", image, *flags)
        assert again.code == 9
    last = groundwire("free", image, *flags)
    assert (last.code, last.result["resumed"]) == (0, True)
    assert len(list((tmp_path / "f").iterdir())) == 1
    data = image.read_bytes()
    assert module.flash(PORT)[0x11000 : len(data)] == data[0x11000:]


@pytest.mark.parametrize("verb", ["write", "free", "erase", "restore"])
def test_without_a_terminal_consent_must_be_given_beforehand(
    verb: str, groundwire: Runner, module: Desk, image: Path, tmp_path: Path
) -> None:
    before = module.flash(PORT)
    what = "0x1EE000+0x1000" if verb == "erase" else image
    ran = groundwire(verb, what, "-p", PORT, "--folder", tmp_path / "f")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert "nothing was changed" in ran.err
    assert module.flash(PORT) == before
    assert not (tmp_path / "f").exists()
