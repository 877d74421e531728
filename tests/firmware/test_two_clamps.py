"""The real stock `bl0942`, twice, over our component, against chips at bit level on a virtual clock."""

import re

import pytest

from firmware_runs import FAULTS, WIRINGS, assert_attributed, run_virtual

pytestmark = [pytest.mark.witness, pytest.mark.slow]


@pytest.mark.parametrize("wiring", ["h1", "h3", "h4", "h5"])
def test_both_clamps_are_read_in_every_wiring(virtual, tmp_path, wiring):
    report, log, _ = run_virtual(virtual(wiring), tmp_path, chips=WIRINGS[wiring], hours=0.5)
    assert_attributed(report)
    assert [clamp["right"] for clamp in report["clamps"].values()] == [1800, 1800]
    assert report["overlaps"] == 0
    assert [chip["tag"] for chip in report["chips"].values()] == [0xFFFE, 0xFFFD]
    assert all(chip["mode"] == 0x8F and chip["locked"] for chip in report["chips"].values())
    assert "[W]" not in log


def test_a_day_without_faults_loses_no_reading(virtual, tmp_path):
    report, _, _ = run_virtual(virtual("h1"), tmp_path, chips=WIRINGS["h1"], hours=24)
    assert_attributed(report)
    assert [clamp["right"] for clamp in report["clamps"].values()] == [86_400, 86_400]
    assert report["overlaps"] == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_no_reading_is_credited_wrongly_under_a_fault(virtual, tmp_path, fault):
    report, _, why = run_virtual(
        virtual("h1"), tmp_path, chips=WIRINGS["h1"], hours=2, seed=7, faults={fault: 0.05}
    )
    assert report["faults"][fault] > 300
    assert_attributed(report, why)
    assert min(clamp["right"] for clamp in report["clamps"].values()) > 5_000


@pytest.mark.parametrize("wiring", ["h4", "h5"])
@pytest.mark.parametrize("fault", ["late-answer", "brown-out", "hung-chip", "no-answer", "noise"])
def test_chips_on_one_sender_are_told_apart_under_a_fault(virtual, tmp_path, wiring, fault):
    report, _, why = run_virtual(
        virtual(wiring), tmp_path, chips=WIRINGS[wiring], hours=1, seed=3, faults={fault: 0.05}
    )
    assert_attributed(report, why)
    assert min(clamp["right"] for clamp in report["clamps"].values()) > 2_000


def test_a_day_of_all_faults_that_leave_the_counters_running(virtual, tmp_path):
    """Brown-outs have their own test: they bring both counters to zero, where they look alike."""
    faults = dict.fromkeys(set(FAULTS) - {"brown-out"}, 0.002)
    report, _, why = run_virtual(
        virtual("h1"), tmp_path, chips=WIRINGS["h1"], hours=24, seed=11, faults=faults
    )
    assert sum(report["faults"].values()) > 10_000
    assert_attributed(report, why)
    assert min(clamp["right"] for clamp in report["clamps"].values()) > 80_000


def test_confirmed_readings_survive_faults_that_meet(virtual, tmp_path):
    """All faults at once, brown-outs too: what a single question cannot tell, a second one does."""
    report, log, why = run_virtual(
        virtual("confirm"),
        tmp_path,
        chips=WIRINGS["confirm"],
        hours=6,
        seed=1,
        faults=dict.fromkeys(FAULTS, 0.005),
    )
    assert sum(report["faults"].values()) > 10_000
    assert_attributed(report, why, confirmed=True)
    assert min(clamp["right"] for clamp in report["clamps"].values()) > 17_000
    [polls, readings] = map(int, re.findall(r"clamp A: (\d+) polls, (\d+) readings", log)[-1])
    assert polls > 1.9 * readings


def test_after_the_last_fault_everything_is_as_before(virtual, tmp_path):
    report, _, _ = run_virtual(
        virtual("h1"), tmp_path, chips=WIRINGS["h1"], hours=1, seed=5,
        faults=dict.fromkeys(FAULTS, 0.02), faults_until=1800,
    )  # fmt: skip
    assert [chip["tag"] for chip in report["chips"].values()] == [0xFFFE, 0xFFFD]
    assert all(chip["mode"] == 0x8F and chip["locked"] for chip in report["chips"].values())
    assert all(clamp["last_s"] > 3_598 for clamp in report["clamps"].values())


@pytest.mark.parametrize("seed", range(6))
def test_a_start_in_the_middle_of_an_answer(virtual, tmp_path, seed):
    """Row 11: the controller restarts while a chip answers."""
    report, _, _ = run_virtual(
        virtual("h1"),
        tmp_path,
        chips=WIRINGS["h1"],
        hours=0.02,
        seed=seed,
        answering_at_start="yes",
    )
    assert_attributed(report)
    assert min(clamp["right"] for clamp in report["clamps"].values()) >= 71


@pytest.mark.parametrize("kind", ["", ":relock"])
def test_a_driver_that_resets_the_chip(virtual, tmp_path, kind):
    """Whether a soft reset closes the write protection is not known: MODE holds in both cases."""
    chips = [chip + kind for chip in WIRINGS["h1"]]
    report, _, _ = run_virtual(virtual("reset"), tmp_path, chips=chips, hours=0.1)
    assert_attributed(report)
    assert all(chip["mode"] == 0x8F and chip["locked"] for chip in report["chips"].values())


def test_two_channels_on_one_chip_fall_silent(virtual, tmp_path):
    report, log, _ = run_virtual(virtual("same"), tmp_path, chips=WIRINGS["same"], hours=0.5)
    published = sum(clamp["right"] + clamp["wrong_chip"] for clamp in report["clamps"].values())
    assert published <= 4
    assert "clamp A and clamp B reach the same chip" in log or "clamp B and clamp A reach" in log


def test_the_log_names_the_chip(virtual, tmp_path):
    report, log, _ = run_virtual(
        virtual("h1"), tmp_path, chips=["A:TX1:0:4800", "C:P9:0:4800"], hours=0.1
    )
    assert report["clamps"]["B"]["right"] == 0
    assert report["clamps"]["A"]["right"] > 340
    assert "clamp B: 3 failures in a row, last: silence; resetting the chip's UART" in log
    assert "clamp B: still no result; asked once a minute from now on" in log
    assert "[W][shared_uart" in log
    assert "clamp A: " not in "".join(line for line in log.splitlines() if "[W]" in line)
