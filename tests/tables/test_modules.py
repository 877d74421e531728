from __future__ import annotations

from groundwire.tables.modules import Pad, all_modules, module_named


def test_every_module_once_with_numbered_contacts():
    names = [module.name for module in all_modules()]
    assert len(set(names)) == len(names)
    for module in all_modules():
        numbers = [int(pad.number) for pad in module.pads]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert {"3V3", "GND"} <= {pad.label for pad in (*module.pads, *module.points)}


def test_modules_are_found_by_any_spelling():
    assert module_named("cb2s") is module_named("CB2S")
    assert module_named("wb2l-m1") is module_named("WB2L_M1")
    assert module_named("CBLC9") is None


def test_gpio_numbers_of_contacts():
    assert [Pad("1", label).gpio for label in ("P26", "CEN", "3V3", "PA07", "PB03", "P", "PX1")] == [
        26, None, None, 7, 19, None, None,
    ]  # fmt: skip
