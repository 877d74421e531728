"""Synthetic flashes start on the emulated chips that they are made for."""

import pytest

from groundwire.chips.beken.emulator import BekenEmulator, State
from groundwire.chips.beken.facts import chip_facts
from groundwire.sim.modules import RECIPES, stock_flash


@pytest.mark.parametrize("chip", RECIPES)
def test_a_stock_flash_runs_after_the_window(chip):
    content = stock_flash(chip)
    marker = chip_facts(chip).marker.encode()
    assert content[0x110 : 0x110 + len(marker)] == marker  # plain in all 16 dumps of N modules
    module = BekenEmulator(chip, content)
    module.power(on=True, at_s=0.0)
    module.advance(1.0)
    assert module.state is State.RUNNING
