"""A command leaves the module so that the next one links without a hand on it."""

from __future__ import annotations

import pytest

from groundwire.chips.ladder import LadderOptions
from groundwire.chips.registry import families
from groundwire.jobs.ports import OpenedPort, open_emulated
from groundwire.jobs.read import read_proven
from groundwire.jobs.session import Session, SessionOptions
from groundwire.quantities import Span


class Stopped(Exception):
    pass


def link(opened: OpenedPort, *, hands_s: float) -> Session:
    options = SessionOptions(ladder=LadderOptions(hands_s=hands_s), loader=opened.loader)
    opened.port.set_baudrate(115_200)
    session = Session(opened.port, families(), options, tell=opened.listener(lambda _event: None))
    session.link()
    return session


@pytest.mark.parametrize("chip", ["BK7231N", "BK7238", "BL602"])
@pytest.mark.parametrize("fails", [False, True], ids=["done", "failed"])
def test_the_next_command_needs_no_hands(chip: str, fails: bool) -> None:
    opened = open_emulated(chip)
    first = link(opened, hands_s=30)
    try:
        with first:
            assert first.flasher.rate == 2_000_000
            read_proven(first, Span(0x20000, 0x1000))
            if fails:
                raise Stopped
    except Stopped:
        assert fails
    second = link(opened, hands_s=0)
    assert second.identity.chip == chip
