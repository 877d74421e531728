#!/usr/bin/env python3
"""Fuzz one parser with coverage guidance (needs atheris: pip install atheris).

usage: fuzz.py TARGET [SECONDS]      without a target: list them

The targets and their seeds are in tests/fuzz_targets.py. A find ends the run; its input is written
to the current folder as crash-... and belongs into a test that is named for what it pins.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))


def fuzz(name: str, seconds: int) -> None:
    """Run one target; does not return."""
    import atheris

    with atheris.instrument_imports(include=["groundwire"]):
        from fuzz_targets import TARGETS, run_target

    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    for index, seed in enumerate(TARGETS[name].seeds):
        (folder / f"seed-{index}").write_bytes(seed)
    # A megabyte reaches everything; two seconds for one input is a find as well.
    options = [f"-max_total_time={seconds}", "-max_len=1000000", "-timeout=2", "-rss_limit_mb=1024"]
    atheris.Setup([sys.argv[0], *options, str(folder)], lambda data: run_target(name, data))
    atheris.Fuzz()


def main() -> int:
    if len(sys.argv) < 2:
        from fuzz_targets import TARGETS

        print("\n".join(TARGETS))
        return 2
    fuzz(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
