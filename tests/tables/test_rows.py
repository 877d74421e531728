from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import pytest

from groundwire.errors import InternalError
from groundwire.tables.modules import Pad, all_modules, module_named
from groundwire.tables.rows import build_row, load_rows


class Size(Enum):
    SMALL = 1


@dataclass(frozen=True)
class Row:
    name: str
    evidence: str
    source: str
    size: Size | None = None
    weight: float = 0.0
    numbers: tuple[int, ...] = ()


HINTS = {"name": str, "evidence": str, "source": str, "size": Size | None, "weight": float,
         "numbers": tuple[int, ...]}  # fmt: skip
GOOD = {"name": "a", "evidence": "measured", "source": "here"}


def test_a_good_row():
    row = build_row({**GOOD, "size": "SMALL", "weight": 2, "numbers": [1, 2]}, Row, HINTS, "at")
    assert row == Row("a", "measured", "here", Size.SMALL, 2.0, (1, 2))


@pytest.mark.parametrize(
    "row",
    [
        {**GOOD, "colour": "red"}, {"name": "a", "evidence": "measured"}, {**GOOD, "evidence": "sure"},
        {**GOOD, "name": 5}, {**GOOD, "size": "LARGE"}, {**GOOD, "numbers": ["x"]},
        {**GOOD, "numbers": [True]}, {"evidence": "measured", "source": "here"},
    ],
)  # fmt: skip
def test_a_defective_row_is_refused(row):
    with pytest.raises(InternalError):
        build_row(row, Row, HINTS, "at")


def test_a_missing_table_is_refused():
    with pytest.raises(InternalError):
        load_rows("groundwire.tables", "modules.toml", "nothing", Row)


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
