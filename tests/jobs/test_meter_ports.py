import pytest

from groundwire.errors import BadArgument, PortMissing, UnsupportedHere
from groundwire.jobs.meter import find_wiring
from groundwire.jobs.meter_emulate import served_board
from groundwire.jobs.meter_ports import (
    MeterAccess,
    OpenedMeter,
    Select,
    latency_of,
    lines_of,
    open_meter,
)
from groundwire.link.pace import PacedPort
from groundwire.link.serve import PtyEndpoint
from groundwire.meter.bl0942.discover import Verdict
from groundwire.meter.bl0942.emulated_line import LinePort
from groundwire.sim.meters import meter_board
from groundwire.wire import SetLines


def test_the_latency_follows_from_the_kind_of_port():
    assert latency_of("/dev/ttyUSB0") == 0.016
    assert latency_of("/dev/serial/by-id/usb-x") == 0.016
    assert latency_of("/dev/ttyAMA0") == 0.002
    assert latency_of("socket://host:1") == 0.100


def test_what_selects_a_chip():
    assert lines_of(MeterAccess("x")) == ()
    first, second = lines_of(MeterAccess("x", select=Select.RTS, second_pin="P8"))
    assert (first.name, first.select) == ("TX1", SetLines(dtr=False, rts=True))
    assert (second.name, second.select) == ("P8", SetLines(dtr=False, rts=False))
    first, second = lines_of(MeterAccess("x", select=Select.DTR))
    assert first.select == SetLines(dtr=True, rts=False)
    for access in (MeterAccess("x", join="y"), MeterAccess("x", select=Select.BOTH)):
        first, second = lines_of(access)
        assert (first.select.rts, second.select.dtr) == (True, True)


@pytest.mark.parametrize(
    "access",
    [
        MeterAccess("sim:meter-h9"),
        MeterAccess("sim:bk7231n"),
        MeterAccess("sim:meter", join="/dev/x"),
        MeterAccess("sim:meter", select=Select.RTS),
        MeterAccess("/dev/x", join="/dev/y", select=Select.BOTH),
    ],
)
def test_what_does_not_go_together_is_refused(access):
    with pytest.raises(BadArgument):
        open_meter(access)


def test_a_port_that_is_not_there():
    with pytest.raises(PortMissing):
        open_meter(MeterAccess("/nowhere/port"))


def test_the_first_port_is_closed_when_the_second_is_not_there():
    endpoint = PtyEndpoint()
    try:
        for _ in range(2):  # an open port would be locked the second time
            with pytest.raises(PortMissing):
                open_meter(MeterAccess(endpoint.name, join="/nowhere/port"))
    finally:
        endpoint.close()


def test_two_adapters_are_opened_as_one_port():
    one, two = PtyEndpoint(), PtyEndpoint()
    try:
        opened = open_meter(MeterAccess(one.name, join=two.name))
        assert opened.port.name == f"{one.name} + {two.name}"
        assert [line.name for line in opened.lines] == ["TX1", "P24"]
        opened.port.set_lines(dtr=True, rts=False)
        opened.port.send(b"second")
        assert two.read() == b"second"
        opened.port.set_lines(dtr=False, rts=True)
        opened.port.send(b"first")
        assert one.read() == b"first"
        opened.port.close()
    finally:
        one.close()
        two.close()


@pytest.mark.parametrize("select", [Select.RTS, Select.DTR, Select.BOTH])
def test_each_way_of_selecting_reaches_both_chips(select):
    board = meter_board("meter-h1")
    lines = lines_of(MeterAccess("x", select=select))
    port = LinePort(board.line, {one.select: one.name for one in lines})
    found = find_wiring(OpenedMeter(port, lines, 0.002))
    assert found.verdict is Verdict.H1


def test_a_pty_has_no_lines_to_select_with():
    endpoint = PtyEndpoint()
    try:
        opened = open_meter(MeterAccess(endpoint.name, select=Select.RTS))
        with pytest.raises(UnsupportedHere):
            find_wiring(opened)
        opened.port.close()
    finally:
        endpoint.close()


def test_a_trace_holds_what_was_said(tmp_path):
    opened = open_meter(MeterAccess("sim:meter-single"), trace=tmp_path / "t.jsonl")
    find_wiring(opened, tries=1)
    opened.port.close()
    assert '"hex": "58aa"' in (tmp_path / "t.jsonl").read_text()


def test_a_paced_port_takes_real_time_and_says_the_same():
    opened = open_meter(MeterAccess("sim:meter-single"), paced=True)
    port = opened.port
    assert isinstance(port, PacedPort)
    assert (port.name, port.has_lines, port.baudrate) == ("emulated meter", False, 4800)
    began_s = port.now()
    port.send(b"\x58\xaa")
    assert len(port.receive(0.2, 23)) == 23
    port.wait(0.01)
    assert port.now() - began_s > 0.06
    port.set_baudrate(9600)
    port.set_lines(dtr=True, rts=False)
    assert port.baudrate == 9600
    port.close()


def test_a_board_that_needs_two_transmit_lines_cannot_be_served():
    with pytest.raises(BadArgument) as caught:
        served_board("meter-h1")
    assert "meter-h5" in caught.value.what
