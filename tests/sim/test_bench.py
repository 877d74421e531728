"""The bench: a clock that counts, bytes that take their time, hands and faults on demand."""

import pytest

from contract.rigs import rig_of
from groundwire.errors import PortFailed, Unplugged
from groundwire.sim.bench import Adapter, BenchPort, Wiring
from groundwire.sim.faults import LineFaults

LINK_CHECK = bytes.fromhex("01e0fc0100")
LINKED = bytes.fromhex("040e0501e0fc0100")
READ = bytes.fromhex("01e0fcfff405000900100100")
SECTOR_REPLY = 4111


def bench(faults=None, adapter=None, content=b"\xff" * 0x200000):
    port = BenchPort(rig_of("BK7231N").family.emulator("BK7231N", content), adapter, faults)
    port.wait(0.1)
    return port


def linked(faults=None, adapter=None):
    port = bench(adapter=adapter)
    port.send(LINK_CHECK)
    assert port.receive(0.1, at_least=8) == LINKED
    port.wait(0.01)
    port.faults = faults or LineFaults()
    return port


def test_a_sector_takes_its_time_on_the_wire_and_no_more():
    port = linked()
    started = port.now()
    port.send(READ)
    assert len(port.receive(2.0, at_least=SECTOR_REPLY)) == SECTOR_REPLY
    wire_s = (len(READ) + SECTOR_REPLY) * 10 / 115_200
    assert wire_s < port.now() - started < wire_s + 0.005


def test_the_adapter_delivers_late():
    slow, quick = linked(adapter=Adapter(latency_s=0.016)), linked(adapter=Adapter(latency_s=0.0))
    took = []
    for port in (slow, quick):
        started = port.now()
        port.send(LINK_CHECK)
        port.receive(0.1, at_least=8)
        took.append(port.now() - started)
    assert took[0] - took[1] == pytest.approx(0.016)


def test_waiting_ends_at_the_deadline_with_what_came():
    port = linked()
    port.send(READ)
    started = port.now()
    part = port.receive(0.1, at_least=SECTOR_REPLY)
    assert port.now() - started == pytest.approx(0.1)
    assert 1000 < len(part) < 1200
    assert len(part + port.receive(1.0, at_least=SECTOR_REPLY - len(part))) == SECTOR_REPLY


def test_a_pause_ends_waiting_for_more():
    port = linked()
    port.send(LINK_CHECK)
    started = port.now()
    assert port.receive(5.0, at_least=100, quiet_s=0.02) == LINKED
    assert port.now() - started < 0.03


@pytest.mark.parametrize(
    ("wiring", "dtr", "rts"),
    [
        (Wiring.RTS_RESET, False, True),
        (Wiring.DTR_RESET, True, False),
    ],
)
def test_modem_lines_reset_the_module(wiring, dtr, rts):
    port = bench(adapter=Adapter(wiring=wiring), content=rig_of("BK7231N").stock)
    before = port.emulator.resets
    port.set_lines(dtr=dtr, rts=rts)
    port.wait(0.1)
    port.set_lines(dtr=False, rts=False)
    port.wait(0.1)
    assert port.emulator.resets == before + 1


def test_hands_reset_the_module_when_asked():
    port = bench(content=rig_of("BK7231N").stock)
    before = port.emulator.resets
    port.press_reset(0.5)
    assert port.hands_are_busy
    port.wait(1.0)
    assert not port.hands_are_busy
    assert port.emulator.resets == before + 1
    port.power_cycle(0.1, off_s=0.5)
    port.wait(1.0)
    assert port.emulator.resets == before + 2


def test_a_speed_beyond_the_adapter_is_refused():
    port = bench(adapter=Adapter(top_rate=921_600))
    port.set_baudrate(921_600)
    with pytest.raises(PortFailed):
        port.set_baudrate(1_000_000)
    assert port.baudrate == 921_600


def test_a_wrong_speed_gives_other_bytes():
    port = linked()
    port.set_baudrate(230_400)
    port.send(LINK_CHECK)
    assert LINKED not in port.receive(0.1, at_least=8)


def test_an_unplugged_adapter_stays_away_until_it_is_back():
    port = linked(LineFaults())
    port.faults.unplug_at_byte = port.bytes_in + port.bytes_out + 9
    port.send(LINK_CHECK)
    with pytest.raises(Unplugged):
        port.receive(0.1, at_least=8)
    with pytest.raises(Unplugged):
        port.send(LINK_CHECK)
    port.replug()
    port.send(LINK_CHECK)
    assert port.receive(0.1, at_least=8) == LINKED


def test_a_lost_reply_is_lost_once():
    port = linked()
    port.faults.lose_replies = frozenset([port._emissions])
    port.send(LINK_CHECK)
    assert port.receive(0.1, at_least=8) == b""
    port.send(LINK_CHECK)
    assert port.receive(0.1, at_least=8) == LINKED


def test_a_stall_delays_once():
    port = linked(LineFaults(stall_at_byte=0, stall_s=3.0))
    started = port.now()
    port.send(LINK_CHECK)
    assert port.receive(0.5, at_least=8) == b""
    assert port.receive(5.0, at_least=8) == LINKED
    assert 3.0 < port.now() - started < 3.1


def test_an_echo_and_a_deaf_module():
    port = linked(LineFaults(echo=True, deaf=True))
    port.send(b"hello there")
    assert port.receive(0.1, at_least=11) == b"hello there"


def test_babble_fills_the_line_and_no_more():
    port = linked(LineFaults(babble=b"abc" * 100))
    got = port.receive(1.0, at_least=1 << 20)
    assert len(got) == pytest.approx(11_520, rel=0.02)
    assert got.startswith(b"abcabc")
