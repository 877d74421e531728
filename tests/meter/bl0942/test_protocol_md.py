"""PROTOCOL.md says nothing in hex that is not a vector, and names every loss."""

import json
import re
from importlib import resources
from pathlib import Path

from groundwire.meter.bl0942.exchange import Loss

TEXT = resources.files("groundwire.meter.bl0942").joinpath("PROTOCOL.md").read_text("utf-8")
VECTORS = Path(__file__).with_name("bl0942-vectors.json").read_text(encoding="utf-8")


def strings_of(value):
    """All strings in a JSON value."""
    if isinstance(value, str):
        return {value.lower()}
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*(strings_of(part) for part in parts))


def test_every_hex_line_is_a_vector():
    lines = re.findall(r"^    [<>] ((?:[0-9A-F]{2} ?)+)$", TEXT, re.MULTILINE)
    assert len(lines) >= 12
    assert {line.lower() for line in lines} <= strings_of(json.loads(VECTORS))


def test_every_loss_is_named():
    section = TEXT[TEXT.index("The losses:") :].replace("\n", " ")
    assert [loss.value for loss in Loss if loss.value not in section] == []
