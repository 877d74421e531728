"""An emulated module on two pseudo terminals: what it prints comes on its log pin only."""

from __future__ import annotations

import threading
import time

from groundwire.bootlog.watch import WatchOptions, watch
from groundwire.jobs.emulate import make_emulator
from groundwire.link.port import SerialPort
from groundwire.link.runner import run
from groundwire.link.serve import PtyEndpoint, serve


def serving(endpoint, log):
    over = threading.Event()
    module = make_emulator("BK7231N")
    server = threading.Thread(target=serve, args=(module, endpoint, over.is_set, None, log))
    server.start()
    return over, server


def test_the_log_comes_on_its_own_endpoint():
    endpoint, log = PtyEndpoint(), PtyEndpoint(waits=False)
    port, quiet = SerialPort(log.name), SerialPort(endpoint.name)
    over, server = serving(endpoint, log)
    try:
        watched = run(watch(WatchOptions(for_s=1.0)), port)
        assert quiet.receive(0.05) == b""
    finally:
        over.set()
        server.join()
        for one in (port, quiet, endpoint, log):
            one.close()
    assert watched.facts.bootloader == "BK7231N_1.0.1"


def test_a_log_that_nobody_reads_holds_nothing_up():
    log = PtyEndpoint(waits=False)
    started = time.monotonic()
    lost = 0
    for _ in range(200):
        try:
            log.write(b"x" * 4096)
        except BlockingIOError:
            lost += 1
    log.close()
    assert lost > 0
    assert time.monotonic() - started < 5
