#!/usr/bin/env python3
"""Compare what groundwire makes of the logs and images of a folder with their known answers.

usage: agreement_folder.py FOLDER

What the folder holds decides: NAME.log beside NAME.expected.json is a log, NAME.bin or NAME.bin.xz
an image. Its subfolders logs/ and dumps/ are looked into as well. Exits with 1 where anything is
wrong, with 2 where there is nothing to compare.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from agreement_dumps import compare_dumps
from agreement_logs import compare_logs

Comparison = Callable[[Path], int]
NOTHING = 2


def holds(folder: Path, *endings: str) -> bool:
    """Whether a folder holds a known answer beside a file with one of these endings."""
    answers = {path.name.removesuffix(".expected.json") for path in folder.glob("*.expected.json")}
    return any((folder / f"{name}{ending}").exists() for name in answers for ending in endings)


def comparisons(folder: Path) -> Iterator[tuple[Path, Comparison]]:
    """What there is to compare, and how."""
    for place in (folder, folder / "logs", folder / "dumps"):
        if not place.is_dir():
            continue
        if holds(place, ".log"):
            yield place, compare_logs
        if holds(place, ".bin", ".bin.xz"):
            yield place, compare_dumps


def compare_folder(folder: Path) -> int:
    """Print the tables; the worst exit status."""
    statuses = []
    for place, compare in comparisons(folder):
        print(f"== {place.name}: {compare.__name__.replace('_', ' ')}", flush=True)
        statuses.append(compare(place))
    if not statuses:
        print(f"neither logs nor images with answers in {folder}", file=sys.stderr)
        return NOTHING
    return 1 if 1 in statuses else max(statuses)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        sys.exit(NOTHING)
    sys.exit(compare_folder(Path(sys.argv[1])))
