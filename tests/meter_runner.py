"""The smallest runner of procedures: operations go to a port, events are dropped."""

from groundwire.wire import Answer, Discard, Receive, Send, SetBaudrate, SetLines, Wait


def run(procedure, port):
    """Carry a procedure out on a port and return what it returns."""
    answer = None
    try:
        while True:
            op = procedure.send(answer)
            began_s = port.now()
            data = carry_out(op, port)
            answer = Answer(data, port.now() - began_s)
    except StopIteration as stop:
        return stop.value


def carry_out(op, port):
    match op:
        case Send(data):
            port.send(data)
        case Receive(within_s, at_least):
            return port.receive(within_s, at_least)
        case Discard(quiet_s, within_s):
            return discard(port, quiet_s, within_s)
        case SetBaudrate(rate):
            port.set_baudrate(rate)
        case SetLines(dtr, rts):
            port.set_lines(dtr=dtr, rts=rts)
        case Wait(seconds):
            port.wait(seconds)
    return b""


def discard(port, quiet_s, within_s):
    """Drop bytes until the line was quiet for so long."""
    dropped = b""
    end_s = port.now() + within_s
    while (left_s := end_s - port.now()) > 1e-9:
        more = port.receive(min(quiet_s, left_s))
        if not more:
            break
        dropped += more
    return dropped
