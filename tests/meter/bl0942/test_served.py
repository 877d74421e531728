import threading

import pytest

from groundwire.chips.family import Emission
from groundwire.link.port import SerialPort
from groundwire.link.runner import run
from groundwire.link.serve import PtyEndpoint, serve
from groundwire.meter.bl0942.bus import Bus, Reading, set_ups
from groundwire.meter.bl0942.codec import encode_packet
from groundwire.meter.bl0942.emulated_line import Fault, MeterLine
from groundwire.meter.bl0942.emulator import Chip
from groundwire.meter.bl0942.exchange import LATENCY_NETWORK_S, Channel, Loss
from groundwire.meter.bl0942.served import ServedMeter
from groundwire.sim.bench import BenchPort
from meter_attribution import load_of


def two_chips(**faults):
    chips = [Chip(name, index, load_at=load_of(index)) for index, name in enumerate("AB")]
    line = MeterLine({"TX1": chips}, **faults)
    return line, ServedMeter(line, Emission)


CHANNELS = [Channel("A", 0), Channel("B", 1)]


def test_on_the_bench_of_the_house():
    line, served = two_chips()
    port = BenchPort(served)
    port.set_baudrate(4800)
    bus = Bus(CHANNELS, set_up=set_ups(2))
    outcomes = [run(bus.turn(), port) for _ in range(8)]
    assert all(isinstance(outcome, Reading) for outcome in outcomes)
    assert [outcome.channel for outcome in outcomes] == list("ABABABAB")
    assert encode_packet(outcomes[-1].packet, 1) == line.spoken[-1].data


def test_power_off_is_silence_and_on_again_a_reset():
    line, served = two_chips()
    port = BenchPort(served)
    port.set_baudrate(4800)
    bus = Bus(CHANNELS, set_up=set_ups(2))
    run(bus.poll("A"), port)
    served.power(on=False, at_s=port.now())
    assert run(bus.poll("A"), port).loss is Loss.SILENCE
    served.power(on=True, at_s=port.now())
    bus.ask_for_check("A")
    assert run(bus.poll("A"), port).loss is Loss.RESTARTED
    assert line.chips[0].mode == 0x0F


@pytest.mark.slow
def test_in_real_time_on_a_pty():
    """The timing rules against a real clock, a real terminal and a drain that returns at once."""
    line, served = two_chips()
    endpoint = PtyEndpoint()
    done = threading.Event()
    server = threading.Thread(target=serve, args=(served, endpoint, done.is_set))
    server.start()
    port = SerialPort(endpoint.name, 4800)
    try:
        bus = Bus(CHANNELS, set_up=set_ups(2), latency_s=LATENCY_NETWORK_S)
        outcomes = [run(bus.turn(), port) for _ in range(12)]
    finally:
        port.close()
        done.set()
        server.join()
        endpoint.close()
    readings = [outcome for outcome in outcomes if isinstance(outcome, Reading)]
    assert len(readings) >= 8
    said = {(spoken.chip, spoken.data) for spoken in line.spoken}
    for reading in readings:
        address = "AB".index(reading.channel)
        assert (reading.channel, encode_packet(reading.packet, address)) in said


def test_bytes_that_a_busy_server_hands_over_together_do_not_collide():
    line, served = two_chips()
    byte_s = 10 / 4800
    for data in (b"\xa8\x1d\x55\x00\x00\xe5", b"\xa8\x19\x0f\x00\x00\x2f"):
        served.on_bytes(data, 1.0 + byte_s, byte_s)
    served.advance(2.0)
    assert line.chips[0].mode == 0x0F


def test_faults_reach_the_other_side():
    _line, served = two_chips(faults={Fault.NO_ANSWER: 1.0})
    port = BenchPort(served)
    port.set_baudrate(4800)
    assert run(Bus(CHANNELS).poll("A"), port).loss is Loss.SILENCE
