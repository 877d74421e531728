"""Recording: every reading into the store, and to whoever else wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from groundwire.jobs.meter import Look, MeterSession
from groundwire.jobs.meter_store import MeterStore, Totals
from groundwire.meter.bl0942.bus import Miss

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How often all chips are read, and when to stop; without `for_s`, when asked to."""

    every_s: float = 1.0
    for_s: float | None = None


@dataclass(slots=True)
class RecordReport:
    """What a run of the recorder came to."""

    readings: int = 0
    doubted: int = 0
    missed: int = 0
    totals: dict[str, Totals] | None = None


Listener = Callable[[Look | Miss, Totals | None], None]


def nobody(_outcome: Look | Miss, _totals: Totals | None) -> None:
    """The default listener."""


def record(
    session: MeterSession,
    store: MeterStore | None,
    pace: Pace,
    listen: Listener = nobody,
    *,
    keep_days: float | None = None,
) -> RecordReport:
    """Read until it is enough; each reading is in the store before anybody hears of it.

    The session must have been given the store's states. Without a store, totals count from the
    start of this run.
    """
    report = RecordReport()
    wall_s = session.options.wall_s
    if store is not None:
        store.event(wall_s(), "STARTED", ", ".join(session.names))
        if keep_days is not None:
            store.forget_samples(wall_s() - keep_days * DAY_S)
    for outcome in session.rounds(pace.every_s, for_s=pace.for_s):
        if isinstance(outcome, Miss):
            report.missed += 1
            if store is not None:
                store.miss(outcome)
            listen(outcome, None)
            continue
        report.readings += 1
        report.doubted += not outcome.believable
        listen(outcome, _book(session, store, outcome))
    if store is not None:
        store.event(wall_s(), "STOPPED", ", ".join(session.names))
        report.totals = store.totals
    return report


def _book(session: MeterSession, store: MeterStore | None, look: Look) -> Totals:
    sample = look.sample
    if store is None:
        return Totals(sample.imported_kwh, sample.exported_kwh)
    name = sample.channel
    return store.add(look, session.states[name], session.monitor.gains[name])
