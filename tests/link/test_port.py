"""A real port: opened, busy, missing, pulled out. A pty stands for the adapter."""

import errno
import os
import pty
import tty

import pytest

from groundwire.errors import PortBusy, PortDenied, PortFailed, PortMissing, Unplugged
from groundwire.link.port import SerialPort, failing, opening_error


@pytest.fixture
def line():
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    for handle in (master, slave):
        try:
            os.close(handle)
        except OSError:
            continue


def test_bytes_pass_both_ways_and_a_pty_has_no_lines(line):
    master, name = line
    port = SerialPort(name)
    assert port.name == name
    assert not port.has_lines
    port.set_lines(dtr=True, rts=False)
    port.send(b"hello")
    assert os.read(master, 16) == b"hello"
    os.write(master, b"answer")
    assert port.receive(1.0, at_least=6) == b"answer"
    started = port.now()
    assert port.receive(0.02) == b""
    assert 0.01 < port.now() - started < 1.0
    port.set_baudrate(921_600)
    assert port.baudrate == 921_600
    port.close()
    port.close()


def test_a_pause_ends_waiting_for_more(line):
    master, name = line
    port = SerialPort(name)
    os.write(master, b"abc")
    started = port.now()
    assert port.receive(5.0, at_least=10, quiet_s=0.01) == b"abc"
    assert port.now() - started < 2.0
    port.close()


def test_a_port_opened_twice_is_busy(line):
    _, name = line
    port = SerialPort(name)
    with pytest.raises(PortBusy):
        SerialPort(name)
    port.close()


@pytest.mark.parametrize("name", ["/dev/no-such-port", "", "zero\0byte"])
def test_a_port_that_is_not_there(name):
    with pytest.raises((PortMissing, PortFailed)):
        SerialPort(name)


def test_a_file_is_no_port(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    with pytest.raises((PortMissing, PortFailed)):
        SerialPort(str(path))
    with pytest.raises((PortMissing, PortFailed)):
        SerialPort(str(tmp_path))


def test_a_url_of_no_kind_is_an_error_of_the_house():
    with pytest.raises((PortMissing, PortFailed)):
        SerialPort("carrier-pigeon://roof")
    with pytest.raises((PortMissing, PortFailed)):
        SerialPort("socket://127.0.0.1:1")


def test_an_adapter_that_is_pulled_out_while_in_use(line):
    master, name = line
    port = SerialPort(name)
    os.close(master)
    with pytest.raises(Unplugged):
        port.send(b"x")
    with pytest.raises(Unplugged):
        port.receive(0.05)
    port.close()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.EACCES, "x"), PortDenied),
        (OSError(errno.EPERM, "x"), PortDenied),
        (OSError("[Errno 13] could not open port: Permission denied"), PortDenied),
        (OSError(errno.EBUSY, "x"), PortBusy),
        (OSError("Could not exclusively lock port"), PortBusy),
        (OSError(errno.ENOENT, "x"), PortMissing),
        (OSError(errno.ENXIO, "x"), PortMissing),
        (OSError(errno.EIO, "x"), PortFailed),
        (ValueError("not a valid baudrate"), PortFailed),
    ],
)
def test_which_error_an_opening_ends_with(error, kind):
    found = opening_error("port", error)
    assert type(found) is kind
    assert found.port == "port"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.EIO, "x"), Unplugged),
        (OSError(errno.ENODEV, "x"), Unplugged),
        (OSError(errno.EBADF, "x"), Unplugged),
        (
            OSError("device reports readiness to read but returned no data (disconnected?)"),
            Unplugged,
        ),
        (TypeError("'NoneType' object cannot be interpreted as an integer"), Unplugged),
        (OSError(errno.EINVAL, "x"), PortFailed),
        (ValueError("x"), PortFailed),
    ],
)
def test_which_error_a_failure_in_use_is(error, kind):
    assert type(failing("port", error)) is kind
