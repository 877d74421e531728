"""`groundwire meter`: what each sub-verb does, says and leaves behind, on emulated boards."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from cli_desk import Runner
from groundwire.cli import meter_calibrating
from groundwire.cli.meter import command
from groundwire.cli.meter_options import DANGER
from groundwire.cli.meter_view import LiveView
from groundwire.cli.screen import PlainScreen
from groundwire.jobs.meter import Look
from groundwire.jobs.meter_emulate import serve_board, served_board
from groundwire.link.serve import PtyEndpoint, TcpEndpoint
from groundwire.meter.bl0942.bus import Miss
from groundwire.meter.bl0942.exchange import Loss
from meter_desk import MeterDesk, impossible

ROOT = Path(__file__).parents[2]
SAMPLE_KEYS = {
    "type", "chip", "at_s", "voltage_v", "current_a", "active_power_w", "power_factor",
    "frequency_hz", "imported_kwh", "exported_kwh", "remarks", "doubts", "booking", "pulses",
}  # fmt: skip


@contextmanager
def served(name: str, *, tcp: bool = False) -> Iterator[str]:
    """An emulated board on a pty or TCP port, in real time."""
    endpoint = TcpEndpoint() if tcp else PtyEndpoint()
    done = threading.Event()
    board = served_board(name)
    server = threading.Thread(target=serve_board, args=(board, endpoint, done.is_set))
    server.start()
    try:
        yield endpoint.name
    finally:
        done.set()
        server.join()
        endpoint.close()


# --- read -----------------------------------------------------------------------------------------


def test_read_tells_each_chip_and_that_it_is_emulated(groundwire: Runner) -> None:
    ran = groundwire("meter", "read", "-p", "sim:meter")
    assert ran.code == 0
    for text in ("TX1/0/4800", "P24/0/4800", "2191.0 W", "power flows back", "no hardware was"):
        assert text in ran.out
    assert "not calibrated" in ran.err
    assert DANGER[0] not in ran.err


def test_read_as_json(groundwire: Runner) -> None:
    ran = groundwire("meter", "read", "-p", "sim:meter-h5", "--json")
    assert ran.err == ""
    result = ran.result
    assert (result["verb"], result["emulated"], result["missing"]) == ("meter read", True, [])
    assert [chip["chip"] for chip in result["chips"]] == ["TX/1/4800", "TX/2/4800"]
    assert set(result["chips"][0]) == SAMPLE_KEYS - {"type"}
    assert result["chips"][1]["remarks"] == [
        {"code": "export", "means": "power flows back, or the clamp is the wrong way round"}
    ]


def test_no_mains_is_recognised(groundwire: Runner) -> None:
    ran = groundwire("meter", "read", "-p", "sim:meter-no-mains")
    assert ran.code == 0
    assert ran.out.count("no mains voltage at the chip") == 2
    assert "50.00 Hz" not in ran.out
    assert re.search(r"frequency +-", ran.out)


def test_names_of_ones_own(groundwire: Runner) -> None:
    ran = groundwire(
        "meter", "read", "-p", "sim:meter", "--channel", "oven=TX1/0/4800", "--channel",
        "sun=P24/0/4800", "--json",
    )  # fmt: skip
    assert [chip["chip"] for chip in ran.result["chips"]] == ["oven", "sun"]


def test_a_chip_that_is_not_there_is_missing_and_alone_an_error(groundwire: Runner) -> None:
    words = ("meter", "read", "-p", "sim:meter-h5", "--json", "--channel", "C=TX/3/4800")
    ran = groundwire(*words, "--channel", "A=TX/1/4800")
    assert [one["chip"] for one in ran.result["missing"]] == ["C"]
    assert ran.result["missing"][0]["loss"] == "silence"
    ran = groundwire(*words)
    assert ran.code == 3
    assert ran.result["error"]["code"] == "meter.none"


def test_a_calibration_file_is_used(groundwire: Runner, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    words = ("-p", "sim:meter-heater", "--channel", "A=TX/0/4800")
    ran = groundwire("meter", "calibrate", *words, "--point", "115,4.348,500", "-o", path)
    assert ran.code == 0
    ran = groundwire("meter", "read", *words, "--calibration", path, "--json")
    assert ran.result["chips"][0]["voltage_v"] == pytest.approx(115.0)
    assert "not calibrated" not in ran.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("read", "-p", "sim:meter-h9"), "usage.bad-argument"),
        (("read", "-p", "sim:bk7231n"), "usage.bad-argument"),
        (("read", "-p", "sim:meter", "--read-only"), "usage.command-line"),
        (("read", "-p", "sim:meter", "--channel", "A=TX9/0/4800"), "usage.bad-argument"),
        (("read", "-p", "sim:meter", "--circuit", "none"), "usage.bad-argument"),
        (("read", "-p", "sim:meter", "--calibration", "/nowhere"), "usage.input-unreadable"),
        (("read", "-p", "sim:meter", "--latency", "nan"), "usage.command-line"),
        (("read", "-p", "sim:meter-h2"), "meter.none"),
        (("read", "-p", "/nowhere/port"), "port.missing"),
        (("read", "-p", "sim:meter", "--join", "/dev/x"), "usage.bad-argument"),
        (("watch", "-p", "sim:meter", "--for", "-1"), "usage.command-line"),
        (("record", "/nowhere/m.db", "-p", "sim:meter"), "usage.output-unwritable"),
        (("plot", "/nowhere/m.db", "-o", "x.svg"), "usage.input-unreadable"),
        (("plot", "/nowhere/m.db", "-o", "x.gif"), "unsupported.here"),
        (("totals", "/nowhere/m.db"), "usage.input-unreadable"),
        (("calibrate", "-p", "sim:meter-heater"), "usage.command-line"),
        (("calibrate", "-p", "sim:meter-heater", "--point", "230"), "usage.bad-argument"),
        (("calibrate", "-p", "sim:meter-h5", "--point", "230,1,230"), "usage.bad-argument"),
        (("calibrate", "-p", "sim:meter-no-mains", "--point", "230,1,230", "--channel",
          "A=TX/1/4800"), "meter.cannot-calibrate"),
        (("convert", "tasmota", "--voltage", "1"), "usage.command-line"),
        (("convert", "circuit", "--name", "x"), "usage.bad-argument"),
        (("convert", "file"), "usage.command-line"),
        (("convert", "esphome", "--raw", "1,2"), "usage.bad-argument"),
        (("publish", "-p", "sim:meter"), "usage.command-line"),
        (("publish", "-p", "sim:meter", "--broker", "house"), "usage.bad-argument"),
        (("publish", "-p", "sim:meter", "--broker", "mqtt://h", "--node", "A B"),
         "usage.bad-argument"),
        (("emulate", "meter-h1"), "usage.bad-argument"),
        (("emulate", "bk7231n"), "usage.bad-argument"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_message(
    groundwire: Runner, words: tuple[str, ...], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    ran = groundwire("meter", *words, "--json")
    assert ran.err == ""
    assert ran.result["error"]["code"] == code
    assert ran.result["verb"].startswith("meter")
    plain = groundwire("meter", *words)
    assert plain.err.count("error:") == 1
    assert plain.code == ran.code


# --- the safety notice ----------------------------------------------------------------------------


def test_every_page_of_a_verb_that_opens_a_port_warns_of_mains(groundwire: Runner) -> None:
    for name, sub in command.commands.items():
        ran = groundwire("meter", name, "--help")
        assert ran.code == 0
        text = " ".join(ran.out.split())
        opens = any(one.name == "port" for one in sub.params)
        assert ("MAINS POTENTIAL" in text) is opens, name
        assert ("use an isolator" in text) is opens, name
    assert "MAINS POTENTIAL" in groundwire("meter", "--help").out


@pytest.mark.parametrize(
    "words",
    [
        ("read",),
        ("watch",),
        ("discover",),
        ("calibrate", "--point", "230,1,230"),
        ("record", "m.db"),
        ("publish", "--broker", "mqtt://127.0.0.1:1"),
    ],
)
def test_every_real_port_warns_of_mains_before_it_is_opened(
    groundwire: Runner, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = groundwire("meter", *words, "-p", "/nowhere/port")
    assert ran.code == 3
    assert ran.err.index(DANGER[0]) < ran.err.index("error:")
    assert DANGER[1] in ran.err
    ran = groundwire("meter", *words, "-p", "/nowhere/port", "--json")
    notices = [line for line in ran.lines if line["type"] == "notice"]
    assert (notices[0]["text"], notices[0]["severity"]) == (DANGER[0], "warning")


# --- watch ----------------------------------------------------------------------------------------


def test_watch_shows_a_line_a_reading(groundwire: Runner) -> None:
    ran = groundwire("meter", "watch", "-p", "sim:meter-h5", "--for", "5")
    assert ran.code == 0
    assert len([line for line in ran.out.splitlines() if "TX/1/4800" in line]) == 5
    assert "10 readings, 0 doubted, 0 turns without one" in ran.out


def test_watch_as_json(groundwire: Runner) -> None:
    ran = groundwire(
        "meter", "watch", "-p", "sim:meter-h4", "--for", "30", "--every", "3", "--json"
    )
    assert ran.err == ""
    samples = [line for line in ran.lines if line["type"] == "sample"]
    assert len(samples) == ran.result["readings"] == 20
    assert all(set(sample) == SAMPLE_KEYS for sample in samples)
    assert [samples[0]["booking"], samples[-1]["booking"]] == ["first", "counted"]
    assert samples[-2]["imported_kwh"] == pytest.approx(0.0146, abs=0.001)
    assert ran.result["losses"] == {"TX/0/4800": {}, "TX/0/9600": {}}


def test_the_live_picture() -> None:
    from rich.console import Console

    desk = MeterDesk()
    desk.chip("B").load_at = impossible
    view = LiveView(("A", "B"), colour=False)
    looks = list(desk.session().rounds(2.0, for_s=120.0))
    for look in looks:
        view._latest[look.sample.channel] = look
        power = look.sample.measurement.active_power_w
        view._power[look.sample.channel].append(power)
    console = Console(file=io.StringIO(), width=140, color_system=None)
    console.print(view.picture())
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "doubted: the power is larger than voltage times current" in text
    assert "kWh" in text
    assert any(0x2800 < ord(char) <= 0x28FF for char in text)
    assert re.search(r"2\d\d\d W", text)
    with view:
        view.show(looks[0], {})
        view.show(Miss("A", Loss.SILENCE, 1.7e9), {})
    console.print(view.picture())
    assert "no reading: silence" in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_ctrl_c_ends_watching_well_and_a_terminal_gets_the_picture() -> None:
    host, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "groundwire", "meter", "watch", "-p", "sim:meter-h5"],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path), "TERM": "xterm", "COLUMNS": "120"},
        start_new_session=True,
    )
    os.close(inside)
    seen, stopped = b"", False
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            seen += os.read(host, 65536)
        except OSError:
            break
        if "⠀".encode() in seen and not stopped:
            stopped = True
            process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    os.close(host)
    assert b"turns without one" in seen
    assert b"Traceback" not in seen


# --- discover -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("board", "verdict", "chips"),
    [("h1", "h1", 2), ("h2", "h2", 0), ("h3", "h3", 2), ("h4", "h4", 2), ("h5", "h5", 2)],
)
def test_discover_ends_with_a_verdict_and_its_evidence(
    groundwire: Runner, board: str, verdict: str, chips: int
) -> None:
    ran = groundwire("meter", "discover", "-p", f"sim:meter-{board}", "--json")
    result = ran.result
    assert (result["verdict"], len(result["chips"])) == (verdict, chips)
    assert result["evidence"]
    plain = groundwire("meter", "discover", "-p", f"sim:meter-{board}")
    assert plain.out.startswith(f"verdict: {verdict.upper()}:")
    for chip in result["chips"]:
        assert f"={chip['channels'][0]['way']}" in plain.out


def test_what_discover_prints_can_be_typed(groundwire: Runner) -> None:
    ran = groundwire("meter", "discover", "-p", "sim:meter-h3")
    line = next(line for line in ran.out.splitlines() if "groundwire meter read" in line)
    words = line.split()[2:]
    again = groundwire("meter", *words, "-p", "sim:meter-h3", "--json")
    assert [chip["chip"] for chip in again.result["chips"]] == ["A", "B"]


def test_discover_says_so_where_it_cannot_tell(groundwire: Runner) -> None:
    ran = groundwire("meter", "discover", "-p", "sim:meter-single")
    assert ran.code == 0
    assert ran.out.startswith("verdict: cannot tell\nevidence\n")
    assert "one chip answers" in ran.out


# --- calibrate and convert ------------------------------------------------------------------------


def test_points_of_several_runs_are_collected(groundwire: Runner, tmp_path: Path) -> None:
    points, out = tmp_path / "p.jsonl", tmp_path / "c.toml"
    words = (
        "meter",
        "calibrate",
        "-p",
        "sim:meter-heater",
        "--points",
        points,
        "-o",
        out,
        "--json",
    )
    for count in (1, 2, 3):
        ran = groundwire(*words, "--point", "230,4.3478,1000", "--reference-error", "0.2")
        assert len(ran.result["points"]) == count
    result = ran.result
    assert result["gains"]["counts_per_volt"] == pytest.approx(15883.34, rel=1e-5)
    assert 0 < result["uncertainty"]["power"] < 0.005
    assert result["calibration_warnings"] == []
    assert result["openbeken"]["commands"] == [
        "VoltageSet 230",
        "CurrentSet 4.3478",
        "PowerSet 1000",
    ]
    assert result["esphome"]["voltage_reference"] == pytest.approx(15883.34, rel=1e-5)
    assert out.read_text().count("[[chip]]") == 1
    points.write_text("{}\n")
    assert groundwire(*words, "--point", "230,4,1000").code == 2


def test_one_point_and_a_load_that_is_not_resistive_are_warned_of(groundwire: Runner) -> None:
    ran = groundwire("meter", "calibrate", "-p", "sim:meter-motor", "--point", "230,5.4,1000")
    assert ran.code == 0
    for text in ("only one point", "the load is not resistive", "the wrong way round", "± "):
        assert text in ran.out


def test_a_load_that_moves_is_warned_of(groundwire: Runner) -> None:
    words = ("meter", "calibrate", "-p", "sim:meter-h5", "--channel", "A=TX/2/4800")
    ran = groundwire(*words, "--point", "230,2,450")
    assert "the load was not steady" in ran.err


def test_other_chips_stay_in_the_file(groundwire: Runner, tmp_path: Path) -> None:
    out = tmp_path / "c.toml"
    for name in ("A", "B", "A"):
        ran = groundwire(
            "meter", "calibrate", "-p", "sim:meter-heater", "--channel", f"{name}=TX/0/4800",
            "--point", "230,4.3478,1000", "-o", out,
        )  # fmt: skip
        assert ran.code == 0
    text = out.read_text()
    assert (text.count('name = "A"'), text.count('name = "B"')) == (1, 1)


def test_the_guide_asks_until_nothing_is_typed(
    groundwire: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["230,4.3478,1000", "rubbish", "230,4.3478,1000", "", "230,5,1001", ""])
    monkeypatch.setattr(PlainScreen, "can_ask", True)
    monkeypatch.setattr(meter_calibrating, "_ask", lambda _job, _question: next(answers))
    ran = groundwire("meter", "calibrate", "-p", "sim:meter-heater")
    assert ran.code == 0
    assert "from 2 points" in ran.out
    assert ran.err.count("taken; power factor 1.000") == 2
    assert "'rubbish' is not VOLTS,AMPERES,WATTS" in ran.err
    assert re.search(r"phase +[+-]\d+\.\d\d degrees", ran.out)


def test_convert_between_the_three(groundwire: Runner) -> None:
    ran = groundwire(
        "meter", "convert", "openbeken", "--voltage", "15188", "--current", "251210", "--power",
        "598", "--raw", "3653168,228279,130272", "--json",
    )  # fmt: skip
    result = ran.result
    assert result["tasmota"] == {"voltage": 15188, "current": 251210, "power": 598}
    assert result["esphome"]["energy_reference"] == pytest.approx(5132.675, abs=0.001)
    assert result["openbeken"]["commands"] == [
        "VoltageSet 240.5299", "CurrentSet 0.9087178", "PowerSet 217.8462",
    ]  # fmt: skip
    back = groundwire(
        "meter", "convert", "esphome",
        *(word for key in ("voltage", "current", "power", "energy")
          for word in (f"--{key}", result["esphome"][f"{key}_reference"])),
        "--json",
    )  # fmt: skip
    assert back.result["gains"] == result["gains"]
    ran = groundwire("meter", "convert", "esphome")
    assert "VoltageCal 15883" in ran.out
    assert "voltage_reference: 15883.34" in ran.out


# --- record, totals, plot ------------------------------------------------------------------------


def test_record_totals_and_plot(groundwire: Runner, tmp_path: Path) -> None:
    path, svg = tmp_path / "m.db", tmp_path / "m.svg"
    ran = groundwire("meter", "record", path, "-p", "sim:meter", "--for", "600", "--every", "5")
    assert ran.code == 0
    assert "240 readings" in ran.out
    ran = groundwire("meter", "totals", path, "--json")
    assert ran.result["totals"]["TX1/0/4800"]["imported_kwh"] == pytest.approx(0.1436, abs=0.001)
    assert sum(row["samples"] for row in ran.result["day"]) == 240
    assert "by hour" in groundwire("meter", "totals", path, "--by", "hour").out
    ran = groundwire("meter", "plot", path, "-o", svg, "--json")
    assert (ran.result["points"], ran.result["file"]) == (240, str(svg))
    assert svg.read_text().count('<path class="line"') == 2
    assert groundwire("meter", "plot", path, "-o", svg).code == 2
    ran = groundwire("meter", "plot", path, "-o", tmp_path / "e.svg", "--quantity", "energy",
                     "--last", "0.05", "--json")  # fmt: skip
    assert 0 < ran.result["points"] < 100


def test_a_chart_as_png_or_how_to_get_it(groundwire: Runner, tmp_path: Path) -> None:
    path, png = tmp_path / "m.db", tmp_path / "m.png"
    groundwire("meter", "record", path, "-p", "sim:meter", "--for", "60")
    ran = groundwire("meter", "plot", path, "-o", png)
    if find_spec("cairosvg") is None:
        assert (ran.code, png.exists()) == (7, False)
        assert "pip install 'groundwire[png]'" in ran.err
    else:
        assert png.read_bytes().startswith(b"\x89PNG")


def test_record_shows_readings_to_programs(groundwire: Runner, tmp_path: Path) -> None:
    ran = groundwire(
        "meter", "record", tmp_path / "m.db", "-p", "sim:meter-h5", "--for", "3", "--json"
    )
    kinds = [line["type"] for line in ran.lines]
    assert kinds.count("sample") == 6
    assert ran.result["totals"].keys() == {"TX/1/4800", "TX/2/4800"}


@pytest.mark.slow
def test_ctrl_c_ends_recording_well(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "groundwire", "meter", "record", str(path), "-p", "sim:meter-h5",
         "--json"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline())]
    while lines[-1]["type"] != "sample":
        lines.append(json.loads(process.stdout.readline()))
    process.send_signal(signal.SIGINT)
    with process.stdout:
        rest = [json.loads(line) for line in process.stdout]
    assert process.wait() == 0
    assert rest[-1]["type"] == "result"
    db = sqlite3.connect(path)
    assert db.execute("SELECT kind FROM event").fetchall() == [("STARTED",), ("STOPPED",)]
    db.close()


# --- real ports ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("tcp", [False, True])
def test_on_a_real_port(groundwire: Runner, *, tcp: bool) -> None:
    with served("meter-h5", tcp=tcp) as port:
        ran = groundwire(
            "meter", "read", "-p", port, "--latency", "200", "--channel", "A=TX/1/4800",
            "--channel", "B=TX/2/4800", "--json",
        )  # fmt: skip
    assert ran.result["emulated"] is False
    assert [chip["chip"] for chip in ran.result["chips"]] == ["A", "B"]
    assert ran.result["chips"][0]["voltage_v"] == pytest.approx(230, rel=0.05)


@pytest.mark.slow
def test_emulate_says_its_port_and_ends_well() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "groundwire", "meter", "emulate", "--tcp", "0", "--json"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        text=True,
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["type"] == "serving"
    assert first["port"].startswith("socket://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    with process.stdout:
        rest = [json.loads(line) for line in process.stdout]
    assert (process.wait(), rest[-1]["exit_code"]) == (0, 0)


def test_the_json_page_names_what_is_printed() -> None:
    page = (ROOT / "docs" / "reference" / "json.md").read_text()
    for name in command.commands:
        assert f"`meter {name}`" in page, name
    for key in SAMPLE_KEYS | {"loss", "means"}:
        assert f"`{key}`" in page, key


def test_a_look_knows_its_doubts() -> None:
    desk = MeterDesk()
    desk.chip("A").load_at = impossible
    (look, _other) = desk.session().read()
    assert isinstance(look, Look)
    assert not look.believable
