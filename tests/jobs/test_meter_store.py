"""Totals that survive a wrap, a restart, a kill, a new calibration and a clock that jumps."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.errors import InputUnreadable, OutputUnwritable, TwoRecorders
from groundwire.jobs.meter_record import Pace, record
from groundwire.jobs.meter_state import state_from, state_text
from groundwire.jobs.meter_store import MeterStore
from groundwire.meter.bl0942.codec import COUNTER_RANGE
from groundwire.meter.bl0942.counter import Mark
from groundwire.meter.bl0942.emulated_line import Fault
from groundwire.meter.bl0942.energy import EnergyState
from groundwire.meter.bl0942.gains import ESPHOME_DEFAULT
from groundwire.sim.meters import load_of
from meter_desk import MeterDesk, impossible

PER_KWH = ESPHOME_DEFAULT.pulses_per_kwh
CHANNEL = "A=TX/0/4800"


def desk_of(power_w=1000.0, **options):
    desk = MeterDesk("meter-single", **options)
    desk.chip("A").load_at = lambda _at_s: load_of(230.0, power_w)
    return desk


def run_once(desk, path, *, for_s=60.0, every_s=5.0, **options):
    """One run of the recorder from start to end."""
    with closing(MeterStore(path)) as store:
        session = desk.session(CHANNEL, states=store.states, **options)
        return record(session, store, Pace(every_s, for_s))


def rows(path, query):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def total(path):
    with closing(MeterStore(path, must_exist=True)) as store:
        return store.totals["A"].imported_kwh


def check_agreement(path):
    """Whatever happened: totals, hours, last reading and counter state say the same."""
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    with closing(MeterStore(path, must_exist=True)) as store:
        for name, totals in store.totals.items():
            state = store.states[name]
            assert totals.imported_kwh == pytest.approx(state.imported / PER_KWH)
            hours = [row for row in store.hours() if row["chip"] == name]
            assert sum(row["imported_kwh"] for row in hours) == pytest.approx(totals.imported_kwh)
            days = [row for row in store.days() if row["chip"] == name]
            assert sum(row["samples"] for row in days) == sum(row["samples"] for row in hours)
            (last,) = rows(
                path,
                f"SELECT imported_kwh FROM sample WHERE chip = '{name}' ORDER BY rowid DESC LIMIT 1",
            )
            assert last[0] == totals.imported_kwh
            assert state.baseline is not None


def test_a_run_of_the_recorder(tmp_path):
    path = tmp_path / "m.db"
    report = run_once(desk_of(), path, for_s=3600.0, every_s=10.0)
    assert (report.readings, report.doubted, report.missed) == (360, 0, 0)
    assert total(path) == pytest.approx(1.0, rel=0.01)
    check_agreement(path)
    assert [kind for (kind,) in rows(path, "SELECT kind FROM event")] == ["STARTED", "STOPPED"]
    assert rows(path, "SELECT sum(samples), round(max(power_max_w)) FROM hour") == [(360, 1000.0)]


def test_what_the_chip_counted_between_two_runs_is_booked(tmp_path):
    desk, path = desk_of(), tmp_path / "m.db"
    run_once(desk, path)
    before = total(path)
    desk.line.advance(desk.line.now_s + 7200)
    run_once(desk, path)
    assert total(path) - before == pytest.approx(2.0 + 1 / 60, rel=0.01)
    check_agreement(path)


def test_a_wrap_of_the_counter_within_a_run_and_between_two(tmp_path):
    desk, path = desk_of(), tmp_path / "m.db"
    desk.chip("A").cf_cnt = COUNTER_RANGE - 40
    run_once(desk, path, for_s=300.0)
    assert rows(path, "SELECT count(*) FROM sample WHERE booking = 'WRAPPED'") == [(1,)]
    assert total(path) == pytest.approx(1 / 12, rel=0.03)
    run_once(desk, path)
    desk.chip("A").cf_cnt = COUNTER_RANGE - 40
    run_once(desk, path)  # a jump that no load makes is not booked
    before = total(path)
    desk.line.advance(desk.line.now_s + 3600)
    run_once(desk, path)
    assert total(path) - before == pytest.approx(1.0 + 1 / 60, rel=0.02)
    assert total(path) < 2
    check_agreement(path)


@pytest.mark.parametrize("sets_up", [True, False])
def test_a_chip_that_restarts_within_a_run_and_between_two(tmp_path, sets_up):
    desk, path = desk_of(), tmp_path / "m.db"
    desk.chip("A").cf_cnt = 5_000_000
    desk.line.at(200.0, lambda: desk.chip("A").reset(desk.line.now_s, 1.0))
    run_once(desk, path, for_s=600.0, sets_up=sets_up)
    first = total(path)
    assert 0.13 < first < 0.17
    desk.chip("A").reset(desk.line.now_s, 1.0)
    desk.line.advance(desk.line.now_s + 3600)
    run_once(desk, path, for_s=120.0, sets_up=sets_up)
    assert first < total(path) <= desk.line.now_s / 3600
    kinds = [kind for (kind,) in rows(path, "SELECT kind FROM event")]
    if sets_up:  # without a tag, a restart nobody saw may look like an hour of another load
        assert total(path) < first + 0.05
        assert kinds.count("RESTARTED") == 2
    check_agreement(path)


def test_a_hundred_restarts_and_faults_never_add_what_was_not_there(tmp_path):
    faults = {Fault.FLIPPED_BIT: 0.05, Fault.BROWN_OUT: 0.01, Fault.NO_ANSWER: 0.05}
    desk, path = desk_of(faults=faults, seed=3), tmp_path / "m.db"
    desk.chip("A").cf_cnt = 16_000_000
    seen = 0.0
    for _ in range(30):
        run_once(desk, path, for_s=30.0, every_s=1.0)
        now = total(path)
        assert now >= seen
        seen = now
    assert seen <= desk.line.now_s / 3600 * 1.05
    check_agreement(path)


@pytest.mark.parametrize("jump_s", [-7200.0, -3.0, 3.0, 86_400.0 * 20_000])
def test_a_clock_that_jumps_between_two_runs_adds_nothing_false(tmp_path, jump_s):
    desk, path = desk_of(), tmp_path / "m.db"
    run_once(desk, path)
    before = total(path)
    desk.clock_off_s = jump_s
    run_once(desk, path)
    assert before <= total(path) < before + 0.03
    check_agreement(path)


def test_what_the_installation_cannot_draw_is_not_booked(tmp_path):
    desk, path = desk_of(5000.0), tmp_path / "m.db"
    run_once(desk, path, most_power_w=500.0)
    desk.line.advance(desk.line.now_s + 3600)
    run_once(desk, path, most_power_w=500.0)
    assert total(path) < 0.2


def test_a_new_calibration_changes_only_what_comes(tmp_path):
    desk, path = desk_of(), tmp_path / "m.db"
    run_once(desk, path, for_s=3600.0, every_s=30.0)
    before = total(path)
    gains = type(ESPHOME_DEFAULT).of(15883.0, 251065.0, 623.0 * 2)
    run_once(desk, path, for_s=10.0, gains={"A": gains})
    assert before <= total(path) < before + 0.01


def test_doubted_readings_are_kept_without_values(tmp_path):
    desk, path = desk_of(), tmp_path / "m.db"
    desk.chip("A").load_at = impossible
    report = run_once(desk, path)
    assert report.doubted == report.readings > 0
    assert rows(path, "SELECT DISTINCT active_power_w, doubts, booking FROM sample") == [
        (None, "POWER_OVER_RMS", "DOUBTED")
    ]
    assert rows(path, "SELECT sum(samples), sum(doubted) FROM hour") == [(0, report.doubted)]
    with closing(MeterStore(path, must_exist=True)) as store:
        (series,) = store.series("active_power_w", *store.span()[:1], 4e9)
    assert {value for _at_s, value in series.points} == {None}


def test_misses_are_counted_in_their_hour(tmp_path):
    desk, path = desk_of(), tmp_path / "m.db"
    desk.chip("A").off_until_s = 1e9
    report = run_once(desk, path, for_s=30.0)
    assert report.readings == 0
    assert rows(path, "SELECT sum(missed), sum(samples) FROM hour") == [(report.missed, 0)]


def test_readings_of_long_ago_go_and_totals_stay(tmp_path):
    desk, path = desk_of(), tmp_path / "m.db"
    run_once(desk, path)
    desk.line.advance(desk.line.now_s + 5 * 86_400)
    with closing(MeterStore(path)) as store:
        session = desk.session(CHANNEL, states=store.states)
        record(session, store, Pace(5.0, 10.0), keep_days=2)
        assert store.totals["A"].imported_kwh == pytest.approx(120, rel=0.01)
    assert rows(path, "SELECT count(*) FROM sample") == [(2,)]
    assert rows(path, "SELECT sum(samples) FROM hour") == [(14,)]


@pytest.mark.slow
def test_a_recorder_that_is_killed_leaves_a_file_that_agrees(tmp_path):
    path = tmp_path / "m.db"
    words = ["meter", "record", str(path), "-p", "sim:meter-h5", "--for", "9000000", "--every", "1"]
    counted = 0
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "groundwire", *words],
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        wanted = counted + 300
        while time.monotonic() < deadline and counted < wanted:
            time.sleep(0.05)
            if path.exists():
                try:
                    counted = rows(path, "SELECT count(*) FROM sample")[0][0]
                except sqlite3.OperationalError:
                    continue
        process.kill()
        process.wait()
        assert counted >= wanted
        check_agreement(path)


# --- the file -------------------------------------------------------------------------------------


def test_two_recorders_of_one_chip_are_noticed(tmp_path):
    desk, path = desk_of(), tmp_path / "m.db"
    with closing(MeterStore(path)) as one, closing(MeterStore(path)) as two:
        record(desk.session(CHANNEL), one, Pace(1.0, 3.0))
        with pytest.raises(TwoRecorders) as caught:
            record(desk.session(CHANNEL), two, Pace(1.0, 3.0))
    assert str(caught.value) == (
        f"{str(path)!r} was written by another recorder of 'A' meanwhile\n"
        "  next     end the other recorder, or name another file"
    )
    check_agreement(path)


def test_files_of_another_kind_are_refused(tmp_path):
    text = tmp_path / "text"
    text.write_text("no database, but long enough to be looked at\n" * 100)
    with pytest.raises(InputUnreadable):
        MeterStore(text)
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("CREATE TABLE chip (name TEXT)")
    with pytest.raises(InputUnreadable):
        MeterStore(foreign)
    with pytest.raises(InputUnreadable):
        MeterStore(tmp_path / "missing.db", must_exist=True)
    with pytest.raises(OutputUnwritable):
        MeterStore(tmp_path)
    with pytest.raises(OutputUnwritable):
        MeterStore(tmp_path / "no" / "folder.db")


def test_a_counting_state_that_was_damaged_is_refused(tmp_path):
    path = tmp_path / "m.db"
    run_once(desk_of(), path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE chip SET state = '{}'")
    with pytest.raises(InputUnreadable) as caught:
        MeterStore(path)
    assert "a counting state is damaged" in caught.value.what


COUNTS = st.integers(0, 1 << 40)
MARKS = st.none() | st.builds(
    Mark, st.integers(0, COUNTER_RANGE - 1), st.floats(0, 1e10), st.booleans()
)


@given(st.builds(EnergyState, COUNTS, COUNTS, COUNTS, MARKS, MARKS, COUNTS, COUNTS, COUNTS, COUNTS))
def test_a_counting_state_survives_as_text(state):
    assert state_from(state_text(state)) == state


@given(st.text(max_size=60) | st.sampled_from(["null", "[]", "{}", "1", '{"imported": 1}']))
def test_any_other_text_is_no_counting_state(text):
    with pytest.raises((ValueError, TypeError, KeyError)):
        state_from(text)
