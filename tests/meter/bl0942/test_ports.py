import pytest

from groundwire.errors import BadArgument, UnsupportedHere
from groundwire.link.runner import run
from groundwire.meter.bl0942.bus import Bus, Reading
from groundwire.meter.bl0942.emulated_line import LinePort, MeterLine
from groundwire.meter.bl0942.emulator import Chip
from groundwire.meter.bl0942.exchange import Channel
from groundwire.meter.bl0942.ports import BY_DTR, BY_RTS, JoinedPort, require_lines, transmit_lines
from meter_attribution import load_of


def two_adapters():
    """One emulated line with an adapter for each transmit line; both see all answers."""
    chips = [Chip(name, load_at=load_of(index)) for index, name in enumerate("AB")]
    line = MeterLine({"TX1": chips[:1], "TX2": chips[1:]})
    second = LinePort(line, {BY_DTR: "TX2"})
    second.set_lines(dtr=True, rts=False)
    return line, JoinedPort([LinePort(line), second])


def test_two_adapters_with_a_joined_receive_line_read_both_chips():
    line, port = two_adapters()
    first, second = transmit_lines("TX1", "TX2")
    bus = Bus([Channel("A", line=first), Channel("B", line=second)])
    outcomes = [run(bus.turn(), port) for _ in range(6)]
    assert all(isinstance(outcome, Reading) for outcome in outcomes)
    assert [outcome.channel for outcome in outcomes] == list("ABABAB")
    assert [spoken.chip for spoken in line.spoken] == list("ABABAB")


def test_it_is_one_port_to_the_outside():
    line, port = two_adapters()
    assert port.name == "emulated meter + emulated meter"
    assert port.has_lines
    port.set_baudrate(9600)
    assert {adapter.baudrate for adapter in port.ports} == {9600}
    port.wait(1.5)
    assert port.now() == line.now_s == 1.5
    assert port.receive(0.1) == b""
    port.close()


def test_two_adapters_are_two():
    line, _port = two_adapters()
    with pytest.raises(BadArgument):
        JoinedPort([LinePort(line)])


def test_a_state_that_selects_nothing_leaves_the_last_line():
    line, port = two_adapters()
    port.set_lines(dtr=True, rts=False)
    port.set_lines(dtr=False, rts=False)
    port.send(b"\x58\xaa")
    port.receive(0.1, 23)
    assert [spoken.chip for spoken in line.spoken] == ["B"]
    assert BY_RTS != BY_DTR


def test_channels_that_need_lines_need_a_port_with_lines():
    line, port = two_adapters()
    channels = [Channel("A", line=transmit_lines("TX1", "TX2")[0])]
    require_lines(port, channels)
    bare = LinePort(line)
    require_lines(bare, [Channel("A")])
    with pytest.raises(UnsupportedHere) as caught:
        require_lines(bare, channels)
    assert str(caught.value) == (
        "selecting a chip through RTS and DTR is not possible here: "
        "'emulated meter' has no modem lines\n"
        "  next     use an adapter with RTS and DTR, or two adapters with joined receive lines"
    )
