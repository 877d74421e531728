"""A smoke test of every target of the coverage-guided fuzzer: seeds, and seeds changed at random."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz_targets import TARGETS, run_target


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_of_a_target_are_read(name):
    read = []
    for seed in TARGETS[name].seeds:
        run_target(name, seed)
        read.append(len(seed))
    assert all(size > 0 for size in read)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_changed_seeds_let_nothing_out_but_our_errors(name, data):
    seed = bytearray(data.draw(st.sampled_from(TARGETS[name].seeds)))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(seed)))
        new = data.draw(st.binary(max_size=8))
        seed[at : at + len(new)] = new
    size = data.draw(st.integers(0, len(seed)))
    run_target(name, bytes(seed[:size]))
    run_target(name, bytes(seed))
    assert name in TARGETS
