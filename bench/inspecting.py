"""Inspecting dumps: wall time against bk7231tools, pure analysis, and scaling over the cores.

    python bench/inspecting.py --corpus FOLDER [--files N] [--runs N] [--check]

Same run, same files: `groundwire inspect FILE --json` and `bk7231tools dissect_dump -e FILE` take
turns, the best of the runs counts, and a bare interpreter is measured between them. The peer is
left out where it is not installed. --check exits non-zero above a target.
"""

from __future__ import annotations

import argparse
import importlib.util
import lzma
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from groundwire.images.kinds import ImageKind
from groundwire.images.recognise import recognise
from groundwire.jobs.corpus import local_runner, make_corpus
from groundwire.jobs.inspect import inspect_bytes

PEER_RATIO = 4
WALL_S = 0.35
BARE_S = 0.016  # the wall target is for a computer on which a bare interpreter takes this long
PURE_MS = 60.0
EFFICIENCY = 0.7
COPIES = 6


def dumps(corpus: Path, folder: Path, most: int) -> list[Path]:
    """The whole-flash dumps of 2 MiB of a corpus, unpacked."""
    found = []
    for packed in sorted((corpus / "dumps").glob("*.bin.xz")):
        data = lzma.decompress(packed.read_bytes())
        if len(data) == 2 << 20 and recognise(data).kind is ImageKind.DUMP:
            path = folder / packed.name.removesuffix(".xz")
            path.write_bytes(data)
            found.append(path)
    return found[:: max(len(found) // most, 1)][:most]


def wall(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(arguments, capture_output=True, check=False)
    return time.perf_counter() - start


def wall_times(paths: list[Path], runs: int) -> tuple[float, float, float | None]:
    """The medians over all files of the best of the runs: bare interpreter, ours, the peer's."""
    python = sys.executable
    has_peer = importlib.util.find_spec("bk7231tools") is not None
    bare, ours, peers = [], [], []
    for path in paths:
        mine, other, nothing = [], [], []
        for _ in range(runs):
            nothing.append(wall([python, "-c", "pass"]))
            mine.append(wall([python, "-m", "groundwire", "inspect", str(path), "--json"]))
            if has_peer:
                out = Path(tempfile.mkdtemp(dir=path.parent))
                command = [python, "-m", "bk7231tools", "dissect_dump", "-e", "-O", str(out)]
                other.append(wall([*command, str(path)]))
                shutil.rmtree(out)
        bare.append(min(nothing))
        ours.append(min(mine))
        peers += [min(other)] if other else []
    middle = statistics.median
    return middle(bare), middle(ours), middle(peers) if peers else None


def pure_times(paths: list[Path]) -> list[float]:
    """Milliseconds of analysis for each file, in a process that is warm; the best of three."""
    inspect_bytes(paths[0].read_bytes())
    times = []
    for path in paths:
        data = path.read_bytes()
        best = []
        for _ in range(3):
            start = time.perf_counter()
            inspect_bytes(data)
            best.append(time.perf_counter() - start)
        times.append(min(best) * 1000)
    return times


def scaling(paths: list[Path]) -> list[tuple[int, float]]:
    """Seconds for the same files with 1, 2, 4, … processes, their start not counted."""
    names = [str(path) for path in paths] * COPIES
    cores = len(os.sched_getaffinity(0))
    counts = [one for one in (1, 2, 4, 8, 16, 32, 64) if one <= cores]
    found = []
    for count in counts:
        start = time.perf_counter()
        make_corpus(names[: len(paths)], local_runner(count))
        start_up = time.perf_counter()
        make_corpus(names, local_runner(count))
        end = time.perf_counter()
        # both runs start processes; the difference is work alone
        found.append((count, max((end - start_up) - (start_up - start), 1e-3)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--files", type=int, default=6)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    missed = []
    with tempfile.TemporaryDirectory() as name:
        paths = dumps(options.corpus, Path(name), options.files)
        if not paths:
            print(f"no dumps of 2 MiB in {options.corpus}", file=sys.stderr)
            return 2
        bare, ours, peer = wall_times(paths, options.runs)
        print(f"{len(paths)} dumps of 2 MiB, median of the best of {options.runs} runs")
        print(f"bare interpreter           {bare:8.3f} s")
        allowed = WALL_S * max(bare / BARE_S, 1)
        print(f"groundwire inspect --json  {ours:8.3f} s   target {allowed:.2f} s")
        missed += ["wall"] if ours > allowed else []
        if peer is None:
            print("bk7231tools is not installed: not compared")
        else:
            ratio = peer / ours
            print(
                f"bk7231tools dissect -e     {peer:8.3f} s   {ratio:.1f} x, target {PEER_RATIO} x"
            )
            missed += ["peer"] if ratio < PEER_RATIO else []
        pure = pure_times(paths)
        print(
            f"pure analysis              {statistics.median(pure):8.1f} ms, slowest "
            f"{max(pure):.1f} ms, target {PURE_MS:.0f} ms"
        )
        missed += ["pure"] if statistics.median(pure) > PURE_MS else []
        times = scaling(paths)
        for count, seconds in times:
            gain = times[0][1] / seconds
            per = seconds / (len(paths) * (COPIES - 1)) * 1000
            print(f"{count:2} processes: {per:6.1f} ms a dump, {gain:.2f} x one process")
            missed += ["scaling"] if gain < EFFICIENCY * count else []
    print(f"missed: {', '.join(missed)}" if missed else "all targets met")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
