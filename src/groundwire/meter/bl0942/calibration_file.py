"""Gains of named chips as a file: TOML that a person can read, and nothing but gains taken back.

The uncertainties (relative, k = 2) and warnings of a calibration are kept beside the gains for the
reader of the file; a program only takes the gains.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping

from groundwire.errors import BadArgument, InputUnreadable
from groundwire.meter.bl0942.calibration import Calibration
from groundwire.meter.bl0942.gains import Gains

FORMAT = "groundwire bl0942 calibration 1"
GAINS = ("counts_per_volt", "counts_per_ampere", "counts_per_watt", "pulses_per_kwh")
MOST_CHARACTERS = 64 * 1024
MOST_CHIPS = 64
LONGEST_NAME = 64


def calibration_text(chips: Mapping[str, Calibration | Gains]) -> str:
    """The file for these chips; raises where a name cannot stand in it."""
    lines = [f"format = {json.dumps(FORMAT)}"]
    for name, value in chips.items():
        if not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
            raise BadArgument(name="chip", value=name, expected="a short printable name")
        gains = value if isinstance(value, Gains) else value.gains
        lines += ["", "[[chip]]", f"name = {json.dumps(name, ensure_ascii=False)}"]
        lines += [f"{key} = {float(getattr(gains, key))!r}" for key in GAINS]
        if isinstance(value, Calibration):
            for quantity, fit in (
                ("voltage", value.voltage),
                ("current", value.current),
                ("power", value.power),
            ):
                if fit is not None:
                    lines.append(f"{quantity}_uncertainty = {float(fit.uncertainty)!r}")
            lines.append(f"warnings = {json.dumps([str(warned) for warned in value.warnings])}")
    return "\n".join(lines) + "\n"


def read_calibration(text: str, path: str = "calibration") -> dict[str, Gains]:
    """The gains by chip; raises `InputUnreadable` for anything that is not such a file."""
    if len(text) > MOST_CHARACTERS:
        raise InputUnreadable(path=path, reason=f"more than {MOST_CHARACTERS} characters")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as problem:
        raise InputUnreadable(path=path, reason=f"not TOML: {problem}") from problem
    rows = document.get("chip")
    if document.get("format") != FORMAT or not isinstance(rows, list) or len(rows) > MOST_CHIPS:
        raise InputUnreadable(path=path, reason=f"not a file of the kind {FORMAT!r}")
    found: dict[str, Gains] = {}
    for row in rows:
        name = row.get("name") if isinstance(row, dict) else None
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or name in found:
            raise InputUnreadable(path=path, reason="a chip without a name, or one named twice")
        values = [row.get(key) for key in GAINS]
        if not all(isinstance(value, float) and 0 < value < math.inf for value in values):
            raise InputUnreadable(path=path, reason=f"{name!r}: a gain is missing or not positive")
        found[name] = Gains(*values)
    return found
