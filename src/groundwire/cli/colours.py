"""Colour for lines that are complete without it."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

from rich.text import Text

from groundwire.cli.flash_map import STYLES

MAP_ROW: Final = re.compile(r"^\s*0x[0-9A-F]+ \|(?P<cells>.*)\|$")
TITLE: Final = re.compile(r"^[a-z][^:|]*$")


def coloured(line: str) -> Text:
    """A line of text with the colours of the flash map, and titles in bold."""
    text = Text(line)
    row = MAP_ROW.match(line)
    if row is not None:
        start = row.start("cells")
        for cell, run in groupby(enumerate(row["cells"], start), key=lambda one: one[1]):
            at = [place for place, _ in run]
            text.stylize(STYLES.get(cell, ""), at[0], at[-1] + 1)
    elif TITLE.match(line):
        text.stylize("bold")
    elif line.startswith("it came up"):
        text.stylize("bold green")
    elif line.lstrip().startswith("warning:"):
        text.stylize("yellow")
    return text
