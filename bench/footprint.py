"""What the program itself costs: the start of --help against a bare interpreter, and memory.

python bench/footprint.py [--check]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

HELP_TARGET = 150 / 16  # in bare interpreters
MEMORY_TARGET_MB = 80
RUNS = 9


def median_s(command: list[str]) -> float:
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def peak_mb(command: list[str]) -> float:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit("the job failed: no figure")
    return usage.ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    bare = median_s([sys.executable, "-c", "pass"])
    shown = median_s([sys.executable, "-m", "groundwire", "--help"])
    memory = peak_mb([sys.executable, "-m", "groundwire", "demo"])
    ratio = shown / bare
    print(
        f"--help: {shown * 1000:.0f} ms, {ratio:.1f} times a bare interpreter "
        f"({bare * 1000:.0f} ms); target {HELP_TARGET:.1f}"
    )
    print(f"demo, a whole job on 2 MiB: {memory:.0f} MB at its peak; target {MEMORY_TARGET_MB}")
    return 1 if options.check and (ratio > HELP_TARGET or memory > MEMORY_TARGET_MB) else 0


if __name__ == "__main__":
    sys.exit(main())
