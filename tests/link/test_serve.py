"""An emulated module behind a pty or a TCP port, spoken to as any program would."""

import threading

import pytest

from contract.rigs import rig_of
from groundwire.link.port import SerialPort
from groundwire.link.serve import PtyEndpoint, TcpEndpoint, serve

LINK_CHECK = bytes.fromhex("01e0fc0100")
LINKED = bytes.fromhex("040e0501e0fc0100")


@pytest.fixture(params=[PtyEndpoint, TcpEndpoint])
def endpoint(request):
    endpoint = request.param()
    emulator = rig_of("BK7231N").family.emulator("BK7231N", b"\xff" * 0x200000)
    done = threading.Event()
    thread = threading.Thread(target=serve, args=(emulator, endpoint, done.is_set), daemon=True)
    thread.start()
    yield endpoint
    done.set()
    thread.join()
    endpoint.close()


def ask(port):
    port.send(LINK_CHECK)
    return port.receive(0.5, at_least=8)


def test_a_module_answers_and_a_second_program_may_come(endpoint):
    for _ in range(2):
        port = SerialPort(endpoint.name)
        assert LINKED in (ask(port) for _ in range(20))
        port.close()
