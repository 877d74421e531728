"""Record what `groundwire demo` prints as docs/demo.svg, or check that the picture is current.

    python scripts/record_demo.py [--check]

The text is what the command prints where its output is not a terminal; time stamps and the
temporary folder are replaced by fixed ones. Only the colours are put in here.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parent.parent / "docs" / "demo.svg"
COLUMNS = 96
FETCHED_FONT = re.compile(r"\s*@font-face \{.*?\n\s*\}", re.DOTALL)
STAMP = re.compile(r"\d{8}-\d{6}")
STYLES = (
    (re.compile(r"^\$ .*"), "bold"),
    (re.compile(r"^-- .*"), "cyan"),
    (re.compile(r"^(module|plan|flash map.*)$"), "bold"),
    (re.compile(r"^(done, and proven|it came up).*"), "bold green"),
    (re.compile(r"no hardware w?i?a?s involved"), "yellow"),
)


def printed() -> str:
    """The demo's output, both streams, with what changes from run to run made fixed."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [sys.executable, "-m", "groundwire", "demo", "--folder", folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": str(COLUMNS), "PYTHONUNBUFFERED": "1"},
            check=True,
        )
        text = run.stdout.decode().replace(f"{folder}/", "")
    return "$ groundwire demo\n" + STAMP.sub("20261120-120000", text)


def picture(text: str) -> str:
    """The text as an SVG of a terminal."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    shown = Text(text.rstrip())
    for pattern, style in STYLES:
        for line in re.finditer(pattern.pattern, text, re.MULTILINE):
            shown.stylize(style, *line.span())
    console.print(shown)
    svg = console.export_svg(title="groundwire demo", unique_id="demo") + "\n"
    return FETCHED_FONT.sub("", svg)  # a picture in a README fetches nothing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail where the picture is stale")
    options = parser.parse_args()
    fresh = picture(printed())
    if options.check:
        if PICTURE.exists() and PICTURE.read_text() == fresh:
            return 0
        print(f"{PICTURE.name} is stale: run python scripts/record_demo.py", file=sys.stderr)
        return 1
    PICTURE.write_text(fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main())
