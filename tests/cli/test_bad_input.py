"""Bad arguments, bad files, bad ports, bad disks: one clear message, the right exit status."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import random
import resource
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli_desk import Desk, Runner
from groundwire.cli import running
from groundwire.cli.main import VERBS
from groundwire.errors import ExitCode
from groundwire.link.discover import Adapter
from groundwire.sim.modules import firmware_image, stock_flash

SIM = "sim:bk7231n"
NUMBERS = [
    "",
    "-1",
    "0x",
    "1e3",
    "abc",
    "0x1G",
    "9" * 5000,
    "1+",
    "+1",
    "1..1",
    "5..2",
]


def no_port(arguments: list[str]) -> list[str]:
    """The arguments, so that whatever is parsed no real port is touched."""
    return [*arguments, "-p", "/nowhere/port"]


# --- arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize("flag", ["--flash-size", "-b"])
def test_odd_numbers(text: str, flag: str, groundwire: Runner) -> None:
    ran = groundwire("identify", flag, text)
    assert ran.code == 2
    assert ran.err.count("error:") == 1


@pytest.mark.parametrize("text", NUMBERS)
def test_odd_spans(text: str, groundwire: Runner) -> None:
    ran = groundwire("read", "--", text, "out")
    assert ran.code == 2
    assert "START+SIZE" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["identify", "--chip", "ESP32"],
        ["identify", "--baud", "9600"],
        ["identify", "--baud", "20000000"],
        ["identify", "--flash-size", "1"],
        ["identify", "--link-wait", "-1"],
        ["identify", "--link-wait", "nan"],
        ["identify", "--port", ""],
        ["identify", "extra"],
        ["read", "0+1"],
        ["write"],
        ["write", "x", "--bootloader", "burn"],
        ["plan"],
        ["loader"],
        ["loader", "throw"],
        ["emulate", "ESP32"],
        ["emulate", "BK7231N", "--tcp", "70000"],
        ["emulate", "BK7231N", "--flips", "2"],
        ["completion", "tcsh"],
        ["-p", "x", "identify"],
    ],
)
def test_requests_that_cannot_be_understood(arguments: list[str], groundwire: Runner) -> None:
    ran = groundwire(*arguments)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert ran.out == ""
    ran = groundwire(*arguments, "--json")
    assert ran.result["error"]["fields"]
    assert ran.err == ""


def test_flags_that_contradict_each_other(groundwire: Runner, image: Path) -> None:
    ran = groundwire("write", image, "-p", SIM, "--yes", "--dry-run")
    assert (ran.code, "contradict" in ran.err) == (2, True)
    ran = groundwire("write", image, "-p", SIM, "--yes", "--backup", image, "--no-backup")
    assert (ran.code, "contradict" in ran.err) == (2, True)


WORDS = st.one_of(
    st.sampled_from(
        [*VERBS, "--json", "-v", "--yes", "--dry-run", "--help", "-b", "-c", "--", "-"]
    ),
    st.text(st.characters(exclude_characters="\0"), max_size=12),
    st.from_regex(r"\A-{1,3}[a-z-]{0,8}\Z"),
)


@given(
    verb=st.sampled_from(sorted(set(VERBS) - {"demo", "emulate", "loader"})),
    words=st.lists(WORDS, max_size=5),
)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_words_end_with_a_known_status(verb: str, words: list[str], groundwire: Runner) -> None:
    extra = [] if verb in ("ports", "explain", "completion") else ["-p", "/nowhere/port"]
    ran = groundwire(verb, *extra, *words)
    assert ran.code in {int(code) for code in ExitCode} - {1}, ran
    if ran.code and "--json" in words and "--" not in words:
        assert ran.result["ok"] is False


# --- files --------------------------------------------------------------------------------------


def bad_files(folder: Path) -> dict[str, tuple[Path, int]]:
    """Files that are no images, and the exit status that each must have."""
    good = firmware_image("BK7231N")
    noise = random.Random(5)
    made: dict[str, tuple[bytes, int]] = {
        "empty": (b"", 6),
        "one byte": (b"x", 6),
        "random": (noise.randbytes(300_000), 6),
        "all ff": (b"\xff" * 65536, 6),
        "all 00": (bytes(65536), 6),
        "text": (b"<html>404 not found</html>\n" * 40, 6),
        "truncated": (good[: len(good) // 2], 6),
        "head only": (good[:1000], 6),
        "flipped": (good[:300_000] + bytes([good[300_000] ^ 1]) + good[300_001:], 6),
        "too long": (good + noise.randbytes(3 << 20), 6),
    }
    found: dict[str, tuple[Path, int]] = {}
    for name, (data, code) in made.items():
        path = folder / f"{name}.bin"
        path.write_bytes(data)
        found[name] = (path, code)
    sparse = folder / "oversized.bin"
    with sparse.open("wb") as file:
        file.truncate(80 << 20)
    return found | {"oversized": (sparse, 2), "folder": (folder, 2), "missing": (folder / "no", 2)}


@pytest.mark.slow
def test_bad_files_are_refused_and_nothing_is_changed(
    groundwire: Runner, desk: Desk, tmp_path: Path
) -> None:
    desk.put("desk", "BK7231N")
    before = desk.flash("desk")
    dump = tmp_path / "dump.img"
    dump.write_bytes(stock_flash("BK7231N"))
    for name, (path, code) in bad_files(tmp_path).items():
        ran = groundwire("plan", path, "--over", dump, "--json")
        assert (ran.code, ran.result["ok"]) == (code, False), (name, ran.out)
        ran = groundwire("write", path, "-p", "desk", "--yes", "--folder", tmp_path / "f")
        assert ran.code == code, (name, ran.err)
        assert ran.err.count("error:") == 1, name
        assert desk.flash("desk") == before, name


@pytest.mark.slow
def test_bad_dumps_and_backups(groundwire: Runner, desk: Desk, image: Path, tmp_path: Path) -> None:
    desk.put("desk", "BK7231N")
    before = desk.flash("desk")
    for name, (path, code) in bad_files(tmp_path).items():
        ran = groundwire("plan", image, "--over", path, "--json")
        assert ran.code == code, (name, ran.out)
        flags = ("-p", "desk", "--yes", "--other-module", "--folder", tmp_path / "f", "--json")
        ran = groundwire("restore", path, *flags)
        assert ran.code in (2, 5, 6), (name, ran.out)
        assert ran.result["ok"] is False
        assert desk.flash("desk") == before, name


def test_a_manifest_of_other_bytes(groundwire: Runner, desk: Desk, tmp_path: Path) -> None:
    desk.put("desk", "BK7231N")
    path = tmp_path / "b.bin"
    assert groundwire("backup", "-p", "desk", "-o", path).code == 0
    path.write_bytes(b"\1" + path.read_bytes()[1:])
    ran = groundwire("restore", path, "-p", "desk", "--yes", "--folder", tmp_path, "--json")
    assert ran.code == 6
    assert ran.result["error"]["code"] == "image.damaged"
    (tmp_path / "b.bin.json").write_text("[1, 2")
    ran = groundwire("restore", path, "-p", "desk", "--yes", "--folder", tmp_path, "--json")
    assert ran.code == 6


def test_bad_flash_for_the_emulator(groundwire: Runner, tmp_path: Path) -> None:
    path = tmp_path / "odd.bin"
    path.write_bytes(b"12345")
    assert groundwire("emulate", "BK7231N", "--over", path).code == 6
    assert groundwire("emulate", "BK7231N", "--over", tmp_path).code == 2


# --- output --------------------------------------------------------------------------------------


def test_output_into_a_missing_folder(groundwire: Runner, tmp_path: Path) -> None:
    for verb in (["backup", "-o"], ["read", "0+0x1000"]):
        ran = groundwire(*verb, tmp_path / "no" / "b.bin", "-p", SIM, "--json")
        assert ran.code == 2
        assert ran.result["error"]["code"] == "usage.output-unwritable"


def test_output_onto_a_folder_or_a_file(groundwire: Runner, image: Path, tmp_path: Path) -> None:
    assert groundwire("backup", "-o", tmp_path, "-p", SIM).code == 2
    ran = groundwire("write", image, "-p", SIM, "--yes", "--folder", image / "under", "--json")
    assert ran.code == 2
    ran = groundwire("identify", "-p", SIM, "--trace", tmp_path, "--json")
    assert ran.result["error"]["code"] == "usage.output-unwritable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_output_into_a_closed_folder(groundwire: Runner, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert groundwire("backup", "-o", closed / "b.bin", "-p", SIM).code == 2


def limited(size: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A run in which no file may grow beyond a size: the effect of a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run(
        [sys.executable, "-m", "groundwire", *map(str, arguments)],
        preexec_fn=limit,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_disk_is_found_before_the_reading(tmp_path: Path) -> None:
    ran = limited(1 << 20, "backup", "-o", tmp_path / "b.bin", "-p", SIM)
    assert ran.returncode == 2
    assert "cannot write" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_under_the_trace(tmp_path: Path) -> None:
    ran = limited(20_000, "identify", "-p", SIM, "--trace", tmp_path / "t.jsonl")
    assert ran.returncode == 0
    assert "warning: the trace is incomplete: File too large" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB; skipped where none can be mounted."""
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3M", "none", where], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs root that may mount")
    yield where
    subprocess.run(["umount", where], check=True)


def test_a_really_full_disk(groundwire: Runner, desk: Desk, image: Path, small_disk: Path) -> None:
    desk.put("desk", "BK7231N")
    before = desk.flash("desk")
    assert groundwire("backup", "-p", "desk", "-o", small_disk / "1.bin").code == 0
    ran = groundwire("backup", "-p", "desk", "-o", small_disk / "2.bin", "--json")
    assert ran.code == 2
    assert ran.result["error"]["code"] == "usage.output-unwritable"
    ran = groundwire("free", image, "-p", "desk", "--yes", "--folder", small_disk, "--json")
    assert ran.code == 2
    assert desk.flash("desk") == before
    assert {path.name for path in small_disk.iterdir()} == {"1.bin", "1.bin.json"}


# --- choosing a port ------------------------------------------------------------------------------


def adapters(*names: str) -> tuple[Adapter, ...]:
    """USB adapters of these names, and a port on the board, which is never taken by itself."""
    return (*(Adapter(name, vid="1a86", pid="7523") for name in names), Adapter("/dev/ttyS0"))


def test_no_adapter(groundwire: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "find_adapters", adapters)
    monkeypatch.setattr(running, "usb_hints", lambda: ("a CH340 is plugged in but has no port",))
    ran = groundwire("identify", "--json")
    assert (ran.code, ran.result["error"]["code"]) == (3, "port.none")
    assert "CH340" in ran.result["error"]["means"]


def test_several_adapters(groundwire: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    found = adapters("/dev/ttyUSB0", "/dev/ttyUSB1")
    monkeypatch.setattr(running, "find_adapters", lambda: found)
    ran = groundwire("identify", "--json")
    assert (ran.code, ran.result["error"]["code"]) == (2, "usage.several-ports")
    assert "/dev/ttyUSB0, /dev/ttyUSB1" in ran.result["error"]["what"]
    assert ran.result["error"]["next_step"] == "name it: -p /dev/ttyUSB0"


def test_the_only_adapter_is_taken_and_named(
    groundwire: Runner, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.put("/dev/ttyUSB7", "BK7231N")
    monkeypatch.setattr(running, "find_adapters", lambda: adapters("/dev/ttyUSB7"))
    ran = groundwire("identify")
    assert ran.code == 0
    assert "port: /dev/ttyUSB7, the only adapter present" in ran.err


# --- ports --------------------------------------------------------------------------------------


def test_a_missing_port(groundwire: Runner) -> None:
    ran = groundwire("identify", "-p", "/dev/ttyUSB99", "--json")
    assert ran.code == 3
    assert ran.result["error"]["code"] == "port.missing"
    assert "groundwire ports" in ran.result["error"]["next_step"]


@pytest.mark.parametrize("name", ["socket://127.0.0.1:1", "sim:esp32", "nonsense://x", "x" * 9000])
def test_odd_ports(name: str, groundwire: Runner) -> None:
    ran = groundwire("identify", "-p", name, "--json")
    assert ran.code in (2, 3)
    assert len(ran.result["error"]["what"]) > 5


def test_a_file_or_folder_is_no_port(groundwire: Runner, image: Path, tmp_path: Path) -> None:
    for path in (image, tmp_path):
        ran = groundwire("identify", "-p", path, "--link-wait", "0", "--json")
        assert ran.code == 3, ran.out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_forbidden_port(groundwire: Runner) -> None:
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    Path(name).chmod(0)
    ran = groundwire("identify", "-p", name, "--json")
    os.close(master)
    os.close(slave)
    assert ran.result["error"]["code"] == "port.denied"


HOLD = """
import fcntl, sys
port = open(sys.argv[1], "r+b", buffering=0)
fcntl.flock(port, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_busy_port_names_its_holder(groundwire: Runner) -> None:
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    holder = subprocess.Popen(
        [
            sys.executable, "-c",
            HOLD,
            name,
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        ran = groundwire("identify", "-p", name, "--json")
    finally:
        holder.communicate(b"")
        os.close(master)
        os.close(slave)
    assert ran.code == 3
    assert ran.result["error"]["code"] == "port.busy"
    assert f"process {holder.pid}" in ran.result["error"]["what"]


def test_a_port_nobody_answers_on(groundwire: Runner) -> None:
    master, slave = pty.openpty()
    with contextlib.suppress(OSError):
        fcntl.ioctl(slave, termios.TIOCNXCL)
    ran = groundwire("identify", "-p", os.ttyname(slave), "--link-wait", "0", "--no-ask", "--json")
    os.close(master)
    os.close(slave)
    assert ran.code == 3
    error = ran.result["error"]
    assert error["code"] == "link.nothing"
    assert "the line is silent" in error["what"]
    assert "--link-wait" in error["next_step"]
