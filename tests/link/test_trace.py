"""The trace: every byte with its time, for its owner only, and a full disk said aloud."""

import json
from pathlib import Path

import pytest

from contract.module import BoundedBench
from contract.rigs import rig_of
from groundwire.errors import OutputUnwritable
from groundwire.link.trace import TracingPort


@pytest.fixture
def bench():
    return BoundedBench(rig_of("BK7231N").family.emulator("BK7231N", b"\xff" * 0x200000))


def test_a_trace_holds_what_passed(tmp_path, bench):
    path = tmp_path / "trace.jsonl"
    port = TracingPort(bench, path, head={"chip": "BK7231N"})
    port.wait(0.1)
    port.send(bytes.fromhex("01e0fc0100"))
    got = port.receive(0.5, at_least=8)
    assert port.receive(0.01) == b""
    port.set_baudrate(921_600)
    port.set_lines(dtr=True, rts=None)
    assert (port.name, port.has_lines, port.baudrate) == ("bench", True, 921_600)
    assert port.now() == bench.now()
    port.close()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert rows[0] == {"trace": "groundwire", "port": "bench", "chip": "BK7231N"}
    assert [(row.get("dir"), row.get("hex")) for row in rows[1:3]] == [
        ("out", "01e0fc0100"),
        ("in", got.hex()),
    ]
    assert rows[3]["baudrate"] == 921_600
    assert (rows[4]["dtr"], rows[4]["rts"]) == (True, None)
    assert [row["t"] for row in rows[1:]] == sorted(row["t"] for row in rows[1:])
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_trace_that_cannot_be_opened_is_an_error_of_the_house(tmp_path, bench):
    for path in (tmp_path, tmp_path / "missing" / "trace"):
        with pytest.raises(OutputUnwritable):
            TracingPort(bench, path)


def test_a_full_disk_ends_the_trace_and_nothing_else(bench):
    port = TracingPort(bench, Path("/dev/full"))
    port.wait(0.1)
    port.send(bytes.fromhex("01e0fc0100"))
    assert len(port.receive(0.5, at_least=8)) == 8
    port.close()
    assert port.failure == "No space left on device"
