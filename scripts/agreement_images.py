#!/usr/bin/env python3
"""Compare what groundwire reads from every image of a folder with its reference values.

usage: agreement_images.py FOLDER

The folder holds NAME.bin or NAME.bin.xz and NAME.expected.json. Prints a table of matches,
disagreements with their reason and failures; exits with 1 on any failure, 2 without any file.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path

from groundwire.errors import GroundwireError
from groundwire.images.agreement import Comparison, compare_image


def read_image(folder: Path, name: str) -> bytes:
    packed = folder / f"{name}.bin.xz"
    if packed.exists():
        return lzma.decompress(packed.read_bytes())
    return (folder / f"{name}.bin").read_bytes()


def compare_file(folder: Path, name: str) -> list[Comparison]:
    document = json.loads((folder / f"{name}.expected.json").read_text(encoding="utf-8"))
    try:
        return compare_image(read_image(folder, name), document)
    except (GroundwireError, OSError, KeyError) as error:
        return [Comparison("readable", repr(error), "yes")]


def compare_folder(folder: Path) -> int:
    """Print the table for one folder; the exit status."""
    names = sorted(
        path.name.removesuffix(".expected.json") for path in folder.glob("*.expected.json")
    )
    if not names:
        print(f"no NAME.expected.json in {folder}", file=sys.stderr)
        return 2
    failures = matches = argued = 0
    details: list[str] = []
    print(f"{'file':32} {'match':>6} {'argued':>7} {'failed':>7}")
    for name in names:
        found = compare_file(folder, name)
        good = sum(entry.agrees for entry in found)
        wrong = [entry for entry in found if entry.failed]
        reasons = [entry for entry in found if not entry.agrees and entry.reason]
        print(f"{name:32} {good:6} {len(reasons):7} {len(wrong):7}")
        details += [f"{name}: {entry.field}: {entry.reason}" for entry in reasons]
        details += [f"{name}: {e.field}: ours {e.ours!r}, theirs {e.theirs!r}" for e in wrong]
        matches, argued, failures = matches + good, argued + len(reasons), failures + len(wrong)
    print(f"{'all ' + str(len(names)) + ' files':32} {matches:6} {argued:7} {failures:7}")
    print("\n".join(details))
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(compare_folder(Path(sys.argv[1])))
