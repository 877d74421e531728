"""One call from a port's name to a linked module, for scripts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from groundwire.chips.registry import families
from groundwire.events import Tell, tell_nobody
from groundwire.jobs.ports import open_port
from groundwire.jobs.session import Session, SessionOptions


def open_module(
    port: str,
    options: SessionOptions | None = None,
    *,
    tell: Tell = tell_nobody,
    trace: Path | None = None,
) -> Session:
    """Open a port, link to the module on it, and identify it; use it in a `with` statement.

    Raises:
        LinkError: the port cannot be opened, or nothing links.
        ChipContradicted: another chip answers than the options name.
    """
    opened = open_port(port, trace=trace)
    options = replace(options or SessionOptions(), loader=opened.loader)
    session = Session(opened.port, families(), options, tell=opened.listener(tell))
    try:
        session.link()
    except BaseException:
        session.close()
        raise
    return session
