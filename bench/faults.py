"""What a bad line and a bad moment do to a job: many seeded runs on an emulated module.

    python bench/faults.py [--chip BK7231N] [--runs 20] [--check]

Reads must end in a correct file or a clear failure; writes in proven content or in a state from
which the same request finishes the job. At one flipped bit in a million, and in a hundred thousand,
every write must succeed at once. --check exits non-zero where any of this does not hold.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from groundwire.chips.family import BootloaderPolicy
from groundwire.chips.ladder import LadderOptions
from groundwire.chips.nor_flash import NorFlash
from groundwire.chips.registry import families, family_of
from groundwire.errors import GroundwireError
from groundwire.jobs.backup import take_backup
from groundwire.jobs.ports import OpenedPort, open_emulated
from groundwire.jobs.session import Session, SessionOptions
from groundwire.jobs.write import change_flash, image_request
from groundwire.planning.plan import place_over
from groundwire.sim.faults import LineFaults
from groundwire.sim.modules import firmware_image, stock_flash

ATTEMPTS = 4
OPERATIONS = 3500  # about as many as one write has
BYTES = 2_600_000  # about as many as backup and write move


@dataclass(frozen=True)
class Fault:
    name: str
    faults: Callable[[int, random.Random], LineFaults]
    cuts_power: bool = False
    must_succeed_at_once: bool = False


def flips(rate: float) -> Callable[[int, random.Random], LineFaults]:
    return lambda seed, _r: LineFaults(seed=seed, flips_to_chip=rate, flips_to_host=rate)


FAULTS = (
    Fault("bit flips, 1e-6", flips(1e-6), must_succeed_at_once=True),
    Fault("bit flips, 1e-5", flips(1e-5), must_succeed_at_once=True),
    Fault(
        "dropped bytes, 1e-6",
        lambda seed, _r: LineFaults(seed=seed, drops_to_chip=1e-6, drops_to_host=1e-6),
    ),
    Fault(
        "a stall of 3 s", lambda seed, r: LineFaults(seed=seed, stall_at_byte=r.randrange(BYTES))
    ),
    Fault(
        "unplugged and plugged in again",
        lambda seed, r: LineFaults(seed=seed, unplug_at_byte=r.randrange(BYTES)),
    ),
    Fault(
        "power cut at a flash operation", lambda seed, _r: LineFaults(seed=seed), cuts_power=True
    ),
)


def session_on(opened: OpenedPort) -> Session:
    options = SessionOptions(ladder=LadderOptions(hands_s=8.0), loader=opened.loader)
    session = Session(opened.port, families(), options, tell=opened.listener(lambda _e: None))
    session.link()
    return session


def one_read(chip: str, stock: bytes, fault: Fault, seed: int) -> str:
    opened = open_emulated(chip, stock, faults=fault.faults(seed, random.Random(seed)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backup.bin"
        try:
            take_backup(session_on(opened), path)
        except GroundwireError as error:
            return "WRONG FILE" if path.exists() else f"failed clearly ({error.code})"
        return "correct" if path.read_bytes() == stock else "WRONG FILE"


def wanted_flash(chip: str, stock: bytes, image: bytes) -> bytes:
    """The whole flash after the image was written with the bootloader kept."""
    family = family_of(chip)
    identity = family.identify_dump(stock) if family else None
    if family is None or identity is None:
        raise SystemExit(f"the made-up flash of a {chip} is not recognised")
    layout = family.layout(identity)
    placement = family.place(image, "image", identity, layout, BootloaderPolicy.KEEP)
    return place_over(stock, placement, layout)


def one_write(chip: str, stock: bytes, image: bytes, fault: Fault, seed: int) -> str:
    """Repeat the same request until it is done; the first attempt has the fault."""
    chance = random.Random(seed)
    flash = NorFlash(bytearray(stock))
    wanted = wanted_flash(chip, stock, image)
    with tempfile.TemporaryDirectory() as folder:
        for attempt in range(ATTEMPTS):
            flash.cut_at_operation = None
            faults = LineFaults(seed=seed)
            if attempt == 0:
                faults = fault.faults(seed, chance)
                if fault.cuts_power:
                    flash.cut_at_operation = chance.randrange(OPERATIONS)
            opened = open_emulated(chip, flash, faults=faults)
            try:
                session = session_on(opened)
                change_flash(
                    session,
                    image_request(image, "image", session, BootloaderPolicy.KEEP, Path(folder)),
                )
            except GroundwireError:
                continue
            if flash.read(0, flash.size) != wanted:
                return "WRONG FLASH"
            return "done at once" if attempt == 0 else "finished by running it again"
    return "NOT FINISHED"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chip", default="BK7231N")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    stock, image = stock_flash(options.chip), firmware_image(options.chip)
    print(f"{options.chip}, {options.runs} runs each, measured on the emulator")
    bad = 0
    for fault in FAULTS:
        seeds = range(options.runs)
        reads = Counter(one_read(options.chip, stock, fault, seed) for seed in seeds)
        writes = Counter(one_write(options.chip, stock, image, fault, seed) for seed in seeds)
        for job, outcome in (("read", reads), ("write", writes)):
            text = ", ".join(f"{count} {name}" for name, count in outcome.most_common())
            print(f"{fault.name:32} {job:6} {text}", flush=True)
            bad += sum(count for name, count in outcome.items() if name.isupper())
        if fault.must_succeed_at_once:
            bad += options.runs - writes["done at once"]
    return 1 if options.check and bad else 0


if __name__ == "__main__":
    sys.exit(main())
