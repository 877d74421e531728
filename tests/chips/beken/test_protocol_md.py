"""PROTOCOL.md says nothing in hex that is not a vector, and leaves no command out."""

import re
from importlib import resources

import pytest

from chips.beken.beken_frames import FRAMES
from groundwire.chips.beken.messages import LongOp, ShortCode, Status

TEXT = resources.files("groundwire.chips.beken").joinpath("PROTOCOL.md").read_text("utf-8")
KINDS = {">": "command", "<": "reply"}
EXAMPLES = re.findall(r"^    ([<>]) ([0-9A-F]{2}(?: [0-9A-F]{2})*)( \.\.\.)?$", TEXT, re.MULTILINE)
HEX_RUN = re.compile(r"\b[0-9A-F]{2}(?: [0-9A-F]{2}){2,}\b")


def test_there_are_examples_and_every_arrow_line_is_one():
    arrows = re.findall(r"^    [<>] .*$", TEXT, re.MULTILINE)
    assert len(arrows) == len(EXAMPLES) > 60


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[1][:60])
def test_every_example_is_a_vector(example):
    arrow, digits, more = example
    data = bytes.fromhex(digits)
    same = [
        vector.name
        for vector in FRAMES.values()
        if vector.data == data or (more and vector.data.startswith(data) and len(data) > 10)
    ]
    assert same, digits
    kinds = {FRAMES[name].kind for name in same}
    assert KINDS[arrow] in kinds


def test_every_other_run_of_bytes_occurs_in_a_vector():
    runs = {bytes.fromhex(run) for run in HEX_RUN.findall(TEXT)}
    assert runs
    assert [run.hex(" ") for run in runs if not any(run in v.data for v in FRAMES.values())] == []


def _section(number):
    return TEXT.split(f"\n## {number}. ")[1].split("\n## ")[0]


def test_every_command_and_status_is_in_its_table():
    def codes(number):
        return {
            int(code, 16)
            for code in re.findall(r"^\| ([0-9A-F]{2}) \|", _section(number), re.MULTILINE)
        }

    assert codes(3) == set(ShortCode)
    assert codes(4) == set(LongOp)
    listed = re.findall(r"^\| ([0-9, ]+) \|", _section(5), re.MULTILINE)
    assert {int(code) for row in listed for code in row.split(",")} == set(Status)
