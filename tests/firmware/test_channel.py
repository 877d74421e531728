"""What a driver may do with a channel besides reading packets."""

import subprocess

import pytest
from firmware_build import UNITS_BENCH, VIRTUAL_PARTS

pytestmark = [pytest.mark.witness, pytest.mark.slow]

CASES = (
    "other_devices_pass_unframed",
    "a_request_is_gathered_from_single_bytes",
    "half_a_request_is_forgotten",
    "the_same_poll_is_queued_once",
    "more_requests_than_fit_are_dropped",
    "a_second_address_is_refused",
    "a_change_of_speed_is_refused",
    "an_answer_that_nobody_fetched_gives_way",
    "a_read_that_cannot_be_answered_ends",
    "a_peek_takes_nothing",
)


@pytest.fixture(scope="module")
def results(workshop, compiler):
    source = workshop.generate("tests/configs/host-h1.yaml")
    binary = workshop.build(source, VIRTUAL_PARTS, UNITS_BENCH)
    done = subprocess.run([binary], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("case", CASES)
def test_channel(results, case):
    assert f"ok {case}" in results
