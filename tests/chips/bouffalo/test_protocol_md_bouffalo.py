"""PROTOCOL.md says nothing in hex that is not a vector, and leaves no command out."""

import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from groundwire.chips.bouffalo.messages import Op
from groundwire.chips.bouffalo.status import Status

TABLE = tomllib.loads((Path(__file__).parent / "frames.toml").read_text("utf-8"))
VECTORS = [
    (frame["from"], bytes.fromhex(frame["hex"])) for frame in TABLE["frame"] if "hex" in frame
]
TEXT = resources.files("groundwire.chips.bouffalo").joinpath("PROTOCOL.md").read_text("utf-8")
EXAMPLES = re.findall(r"^    ([<>]) ([0-9A-F]{2}(?: [0-9A-F]{2})*)( \.\.\.)?$", TEXT, re.MULTILINE)
OURS = {Op.PROVE_GUARD, Op.GUARDED_ERASE}


def test_there_are_examples_and_every_arrow_line_is_one():
    arrows = re.findall(r"^    [<>] .*$", TEXT, re.MULTILINE)
    assert len(arrows) == len(EXAMPLES) > 40


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[1][:40])
def test_every_example_is_a_vector(example):
    arrow, digits, more = example
    data = bytes.fromhex(digits)
    side = "host" if arrow == ">" else "device"
    assert any(
        one == side and (raw == data or (more and raw.startswith(data))) for one, raw in VECTORS
    )


def _section(number):
    return TEXT.split(f"\n## {number}. ")[1].split("\n## ")[0]


def test_every_command_and_error_number_is_in_its_table():
    listed = set()
    for number in (4, 5):
        for codes in re.findall(r"^\| ([0-9A-F, ]+) \| [A-Z]", _section(number), re.MULTILINE):
            listed |= {int(code, 16) for code in codes.split(",")}
    assert listed == set(Op) - OURS
    numbers = re.findall(r"^\| ([0-9A-F]{4}) \|", _section(6), re.MULTILINE)
    assert {int(number, 16) for number in numbers} == set(Status)
