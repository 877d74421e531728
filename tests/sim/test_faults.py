"""Faults of a line: as many as asked for, the same for the same seed."""

import pytest

from groundwire.sim.faults import LineFaults

DATA = bytes(200_000)


def flipped(data):
    return sum(byte.bit_count() for byte in data)


@pytest.mark.parametrize("rate", [1e-3, 1e-4])
def test_flips_come_at_their_rate(rate):
    faults = LineFaults(seed=3, flips_to_chip=rate)
    assert flipped(faults.to_chip(DATA)) == pytest.approx(len(DATA) * 8 * rate, rel=0.3)
    assert faults.to_host(DATA) == DATA


@pytest.mark.parametrize("rate", [1e-2, 1e-3])
def test_drops_come_at_their_rate(rate):
    faults = LineFaults(seed=3, drops_to_host=rate)
    assert len(DATA) - len(faults.to_host(DATA)) == pytest.approx(len(DATA) * rate, rel=0.3)
    assert faults.to_chip(DATA) == DATA


def test_the_same_seed_gives_the_same_faults():
    runs = [
        [LineFaults(seed=seed, flips_to_chip=1e-3, drops_to_chip=1e-3).to_chip(DATA)]
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_small_pieces_suffer_as_much_as_one_large_one():
    faults = LineFaults(seed=9, flips_to_host=1e-3)
    total = sum(flipped(faults.to_host(bytes(5))) for _ in range(40_000))
    assert total == pytest.approx(200_000 * 8 * 1e-3, rel=0.3)


def test_no_faults_are_the_default():
    assert LineFaults().to_chip(DATA) is DATA
    assert LineFaults().to_host(DATA) is DATA
