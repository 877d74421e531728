#!/usr/bin/env python3
"""Compare what groundwire reads from every image of a folder with its reference values.

usage: agreement_dumps.py FOLDER [--write PAGE.md]

The folder holds NAME.bin or NAME.bin.xz and NAME.expected.json. Every file is analysed by its
content alone and then compared. Prints a table of matches, disagreements that are argued, and
failures; exits with 1 on any failure, 2 without any file. --write keeps the table as a page.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from groundwire.errors import GroundwireError
from groundwire.jobs.agreement import Comparison, compare_dump
from groundwire.jobs.corpus_row import read_packed

LONGEST = 200
PAGE = """# Agreement on dumps and images

<!-- made by scripts/agreement_dumps.py FOLDER --write docs/agreement-dumps.md -->

What groundwire reads from {count} real files, compared with what other implementations read from
them, as `scripts/agreement FOLDER` prints it: code and containers (checksums, plaintext hashes),
partitions, calibration, every value of the vendor's settings stores, pin settings, OpenBeken
configurations, file systems, and the pins that other tools make of the same settings.

*match*: the values are equal. *argued*: another tool differs, and the reason below the table says
why ours is kept. *failed*: a difference without such a reason, or a file that cannot be read.

```text
{table}
```
"""


@dataclass
class Table:
    """What was compared, file by file."""

    lines: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    files: int = 0
    matches: int = 0
    argued: int = 0
    failed: int = 0

    def add(self, name: str, found: list[Comparison]) -> None:
        good = sum(entry.agrees for entry in found)
        reasons = [entry for entry in found if not entry.agrees and entry.reason]
        wrong = [entry for entry in found if entry.failed]
        self.lines.append(f"{name:32} {good:6} {len(reasons):7} {len(wrong):7}")
        self.reasons.update(entry.reason for entry in reasons)
        self.wrong += [
            f"{name}: {entry.field}: ours {short(entry.ours)}, theirs {short(entry.theirs)}"
            for entry in wrong
        ]
        self.files += 1
        self.matches += good
        self.argued += len(reasons)
        self.failed += len(wrong)

    def text(self) -> str:
        total = f"all {self.files} files"
        lines = [f"{'file':32} {'match':>6} {'argued':>7} {'failed':>7}", *self.lines]
        lines.append(f"{total:32} {self.matches:6} {self.argued:7} {self.failed:7}")
        if self.reasons:
            lines += ["", "argued, and how often"]
            lines += [f"{count:5}  {reason}" for reason, count in self.reasons.most_common()]
        return "\n".join([*lines, *(["", "failed", *self.wrong] if self.wrong else [])])


def short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def compare_file(folder: Path, name: str) -> list[Comparison]:
    """One file; what cannot be read is a failure."""
    places = (folder / f"{name}.bin.xz", folder / f"{name}.bin")
    path = next((place for place in places if place.exists()), places[1])
    try:
        document = json.loads((folder / f"{name}.expected.json").read_text(encoding="utf-8"))
        found = compare_dump(read_packed(path), document)
    except (GroundwireError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [Comparison("can be compared", f"{type(error).__name__}: {error}", "yes")]
    return found or [Comparison("can be compared", "nothing in common", "yes")]


def compare_dumps(folder: Path, page: Path | None = None) -> int:
    """Print the table for one folder; the exit status."""
    answers = [path.name.removesuffix(".expected.json") for path in folder.glob("*.expected.json")]
    names = sorted(name for name in answers if not (folder / f"{name}.log").exists())
    if not names:
        print(f"no NAME.expected.json in {folder}", file=sys.stderr)
        return 2
    table = Table()
    for name in names:
        table.add(name, compare_file(folder, name))
    print(table.text())
    if page is not None:
        page.write_text(PAGE.format(count=table.files, table=table.text()), encoding="utf-8")
    return 1 if table.failed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path, dest="page")
    options = parser.parse_args()
    sys.exit(compare_dumps(options.folder, options.page))
