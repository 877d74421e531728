"""Readings, totals and roll-ups of meters in one SQLite file.

A reading, the chip's counting state, its totals and the hour it belongs to are one transaction, so
whatever ends the recorder, totals and counter state agree: the next run books from the chip's own
counter what passed meanwhile. Totals are kept in kWh and only grow; a new calibration changes what
is added from then on, never what was there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from groundwire.errors import InputUnreadable, OutputUnwritable, TwoRecorders
from groundwire.jobs.meter import TOLD_BOOKINGS, Look
from groundwire.jobs.meter_state import state_from, state_text
from groundwire.meter.bl0942.bus import Miss
from groundwire.meter.bl0942.energy import EnergyState
from groundwire.meter.bl0942.gains import Gains

APPLICATION_ID: Final = 0x67776D74
VERSION: Final = 1
HOUR_S: Final = 3600
BUSY_S: Final = 5.0

SCHEMA: Final = """
CREATE TABLE chip (
    name TEXT PRIMARY KEY, revision INTEGER NOT NULL, state TEXT NOT NULL,
    imported_kwh REAL NOT NULL, exported_kwh REAL NOT NULL, undirected_kwh REAL NOT NULL,
    updated_s REAL NOT NULL);
CREATE TABLE sample (
    chip TEXT NOT NULL, at_s REAL NOT NULL, voltage_v REAL, current_a REAL, active_power_w REAL,
    power_factor REAL, frequency_hz REAL, imported_kwh REAL NOT NULL, exported_kwh REAL NOT NULL,
    remarks TEXT NOT NULL, doubts TEXT NOT NULL, booking TEXT NOT NULL);
CREATE INDEX sample_by_time ON sample (chip, at_s);
CREATE TABLE hour (
    chip TEXT NOT NULL, start_s INTEGER NOT NULL, samples INTEGER NOT NULL,
    doubted INTEGER NOT NULL, missed INTEGER NOT NULL, power_sum_w REAL NOT NULL,
    power_min_w REAL, power_max_w REAL, voltage_min_v REAL, voltage_max_v REAL,
    imported_kwh REAL NOT NULL, exported_kwh REAL NOT NULL,
    PRIMARY KEY (chip, start_s)) WITHOUT ROWID;
CREATE VIEW day AS SELECT
    chip, date(start_s, 'unixepoch', 'localtime') AS day, sum(samples) AS samples,
    sum(doubted) AS doubted, sum(missed) AS missed,
    sum(power_sum_w) / nullif(sum(samples), 0) AS power_mean_w,
    min(power_min_w) AS power_min_w, max(power_max_w) AS power_max_w,
    min(voltage_min_v) AS voltage_min_v, max(voltage_max_v) AS voltage_max_v,
    sum(imported_kwh) AS imported_kwh, sum(exported_kwh) AS exported_kwh
    FROM hour GROUP BY chip, day;
CREATE TABLE event (at_s REAL NOT NULL, chip TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
"""

ADD_HOUR: Final = """
INSERT INTO hour VALUES (:chip, :start_s, :samples, :doubted, :missed, :power, :power_or_null,
    :power_or_null, :voltage, :voltage, :imported, :exported)
ON CONFLICT (chip, start_s) DO UPDATE SET
    samples = samples + excluded.samples, doubted = doubted + excluded.doubted,
    missed = missed + excluded.missed, power_sum_w = power_sum_w + excluded.power_sum_w,
    power_min_w = min(coalesce(power_min_w, excluded.power_min_w),
                      coalesce(excluded.power_min_w, power_min_w)),
    power_max_w = max(coalesce(power_max_w, excluded.power_max_w),
                      coalesce(excluded.power_max_w, power_max_w)),
    voltage_min_v = min(coalesce(voltage_min_v, excluded.voltage_min_v),
                        coalesce(excluded.voltage_min_v, voltage_min_v)),
    voltage_max_v = max(coalesce(voltage_max_v, excluded.voltage_max_v),
                        coalesce(excluded.voltage_max_v, voltage_max_v)),
    imported_kwh = imported_kwh + excluded.imported_kwh,
    exported_kwh = exported_kwh + excluded.exported_kwh
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """The energy of one chip over all runs of the recorder."""

    imported_kwh: float = 0.0
    exported_kwh: float = 0.0
    undirected_kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """One chip as it stands in the file."""

    revision: int
    state: EnergyState
    totals: Totals


@dataclass(frozen=True, slots=True)
class Series:
    """What a plot needs of one chip: moments, and values that may be missing."""

    chip: str
    points: tuple[tuple[float, float | None], ...]


class MeterStore:
    """The file, open for one recorder or for looking at.

    Raises:
        InputUnreadable: the file is something else, or damaged.
        OutputUnwritable: the file cannot be written.
        TwoRecorders: another recorder wrote to the same chip meanwhile.
    """

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        self.path = path
        if must_exist and not path.is_file():
            raise InputUnreadable(path=str(path), reason="no such file")
        try:
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        except sqlite3.Error as error:
            raise OutputUnwritable(path=str(path), reason=str(error)) from error
        try:
            with self._errors():
                self._prepare()
            self._chips = dict(self._read_chips())
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables and not application:
            mark = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
            self._db.executescript(f"BEGIN IMMEDIATE;{SCHEMA}{mark}COMMIT;")
        elif application != APPLICATION_ID or version != VERSION:
            raise InputUnreadable(
                path=str(self.path), reason="not a file of `record`, or of a newer version"
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OutputUnwritable(path=str(self.path), reason=str(error)) from error
        except sqlite3.Error as error:
            raise InputUnreadable(path=str(self.path), reason=str(error)) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    # --- what is there ----------------------------------------------------------------------

    def _read_chips(self) -> Iterator[tuple[str, _Kept]]:
        with self._errors():
            rows = self._db.execute(
                "SELECT name, revision, state, imported_kwh, exported_kwh, undirected_kwh FROM chip"
            ).fetchall()
        for name, revision, state, *kwh in rows:
            yield str(name), _Kept(int(revision), self._state_of(state), Totals(*kwh))

    def _state_of(self, text: object) -> EnergyState:
        try:
            return state_from(str(text))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputUnreadable(
                path=str(self.path), reason=f"a counting state is damaged: {error}"
            ) from error

    @property
    def states(self) -> dict[str, EnergyState]:
        """Where counting goes on, by chip."""
        return {name: kept.state for name, kept in self._chips.items()}

    @property
    def totals(self) -> dict[str, Totals]:
        """The energy so far, by chip."""
        return {name: kept.totals for name, kept in self._chips.items()}

    def days(self) -> list[dict[str, object]]:
        """The roll-up by day of this place, oldest first."""
        return self._rows("SELECT * FROM day ORDER BY day, chip")

    def hours(self) -> list[dict[str, object]]:
        """The roll-up by hour, oldest first."""
        return self._rows(
            "SELECT *, power_sum_w / nullif(samples, 0) AS power_mean_w FROM hour "
            "ORDER BY start_s, chip"
        )

    def _rows(self, query: str) -> list[dict[str, object]]:
        with self._errors():
            cursor = self._db.execute(query)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def series(self, quantity: str, from_s: float, until_s: float) -> list[Series]:
        """One quantity of each chip; values that were doubted are missing.

        `quantity` is a column of `sample`.
        """
        assert quantity in QUANTITIES
        with self._errors():
            rows = self._db.execute(
                f"SELECT chip, at_s, {quantity} FROM sample "  # noqa: S608 - from our own list
                "WHERE at_s >= ? AND at_s < ? ORDER BY chip, at_s",
                (from_s, until_s),
            ).fetchall()
        found: dict[str, list[tuple[float, float | None]]] = {}
        for chip, at_s, value in rows:
            found.setdefault(str(chip), []).append((at_s, value))
        return [Series(chip, tuple(points)) for chip, points in found.items()]

    def span(self) -> tuple[float, float] | None:
        """When the first and the last reading were."""
        with self._errors():
            first, last = self._db.execute("SELECT min(at_s), max(at_s) FROM sample").fetchone()
        return None if first is None else (first, last)

    # --- recording --------------------------------------------------------------------------

    def add(self, look: Look, state: EnergyState, gains: Gains) -> Totals:
        """One reading with all that follows from it; gives the chip's totals."""
        sample, measured = look.sample, look.sample.measurement
        name, at_s = sample.channel, sample.at_s
        kept = self._chips.get(name)
        totals, added = grown(kept, state, gains)
        believed = measured if look.believable else None
        revision = (kept.revision if kept else 0) + 1
        values = {
            "chip": name,
            "at_s": at_s,
            "voltage_v": believed and believed.voltage_v,
            "current_a": believed and believed.current_a,
            "active_power_w": believed and believed.active_power_w,
            "power_factor": believed and believed.power_factor,
            "frequency_hz": believed and believed.frequency_hz,
            "imported_kwh": totals.imported_kwh,
            "exported_kwh": totals.exported_kwh,
            "remarks": " ".join(sorted(one.name for one in measured.remarks)),
            "doubts": " ".join(sorted(one.name for one in look.doubts)),
            "booking": sample.step.booking.name,
        }
        with self._transaction():
            self._keep(name, revision, state, totals, at_s)
            places = ", ".join(f":{key}" for key in values)
            self._db.execute(f"INSERT INTO sample VALUES ({places})", values)  # noqa: S608
            self._add_hour(name, at_s, look=look, added=added)
            if sample.step.booking in TOLD_BOOKINGS:
                self._add_event(at_s, name, sample.step.booking.name, str(sample.step.booking))
        self._chips[name] = _Kept(revision, state, totals)
        return totals

    def _keep(
        self, name: str, revision: int, state: EnergyState, totals: Totals, at_s: float
    ) -> None:
        """The chip's row, if it is still the one that this recorder knows."""
        row = (revision, state_text(state), *(getattr(totals, f.name) for f in fields(totals)))
        if revision == 1:
            query = "INSERT OR IGNORE INTO chip VALUES (?6, ?1, ?2, ?3, ?4, ?5, ?7)"
        else:
            query = (
                "UPDATE chip SET revision = ?1, state = ?2, imported_kwh = ?3, exported_kwh = ?4, "
                "undirected_kwh = ?5, updated_s = ?7 WHERE name = ?6 AND revision = ?1 - 1"
            )
        if self._db.execute(query, (*row, name, at_s)).rowcount != 1:
            raise TwoRecorders(path=str(self.path), chip=name)

    def _add_hour(self, name: str, at_s: float, *, look: Look | None, added: Totals) -> None:
        believed = look.sample.measurement if look is not None and look.believable else None
        power = believed.active_power_w if believed else None
        self._db.execute(
            ADD_HOUR,
            {
                "chip": name,
                "start_s": int(at_s // HOUR_S) * HOUR_S,
                "samples": int(power is not None),
                "doubted": int(look is not None and not look.believable),
                "missed": int(look is None),
                "power": power or 0.0,
                "power_or_null": power,
                "voltage": believed.voltage_v if believed else None,
                "imported": added.imported_kwh,
                "exported": added.exported_kwh,
            },
        )

    def miss(self, miss: Miss) -> None:
        """A turn without a reading: counted in its hour."""
        with self._transaction():
            self._add_hour(miss.channel, miss.at_s, look=None, added=Totals())

    def event(self, at_s: float, kind: str, text: str, chip: str = "") -> None:
        """Something that a reader of the file should know."""
        with self._transaction():
            self._add_event(at_s, chip, kind, text)

    def _add_event(self, at_s: float, chip: str, kind: str, text: str) -> None:
        self._db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", (at_s, chip, kind, text))

    def forget_samples(self, before_s: float) -> int:
        """Drop single readings of long ago; totals and roll-ups stay."""
        with self._transaction():
            return self._db.execute("DELETE FROM sample WHERE at_s < ?", (before_s,)).rowcount

    def close(self) -> None:
        """Close the file."""
        self._db.close()


QUANTITIES: Final = (
    "active_power_w",
    "voltage_v",
    "current_a",
    "power_factor",
    "frequency_hz",
    "imported_kwh",
    "exported_kwh",
)


def grown(kept: _Kept | None, state: EnergyState, gains: Gains) -> tuple[Totals, Totals]:
    """The totals after a reading, and what it added to them."""
    before = kept.state if kept is not None else EnergyState()
    totals = kept.totals if kept is not None else Totals()
    added = Totals(
        max(0, state.imported - before.imported) / gains.pulses_per_kwh,
        max(0, state.exported - before.exported) / gains.pulses_per_kwh,
        max(0, state.undirected - before.undirected) / gains.pulses_per_kwh,
    )
    new = Totals(
        totals.imported_kwh + added.imported_kwh,
        totals.exported_kwh + added.exported_kwh,
        totals.undirected_kwh + added.undirected_kwh,
    )
    return new, added
