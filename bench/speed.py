"""Reading, proven reading and writing on an emulated module, as ratios to the wire time.

The model: bytes take ten bit times each, the adapter delivers them 1 ms later, a 4 KiB flash read
takes 1 ms, a page program 0.6 ms, an erase 45 ms for 4 KiB and 350 ms for 64 KiB, the chip's
checksum runs at 600 kB/s (Beken's CRC) or 1 MB/s (a BL602's SHA-256).
Seconds are the model's; host seconds are what this program computed meanwhile.

    python bench/speed.py [--chip BK7231N] [--corpus FOLDER] [--loader FILE] [--check]

With --corpus the written image and the flash under it are real ones; otherwise synthetic ones of
the same size and the same share of blank sectors. --check exits non-zero above a target.
A BL602's RAM loader is asked for 16 KiB a frame where it is known, which --loader makes it; the
stand-in is not, so it is asked for 8 KiB.
"""

from __future__ import annotations

import argparse
import lzma
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from groundwire.chips.bouffalo.emulated_chip import ChipOptions
from groundwire.chips.bouffalo.emulator import BouffaloEmulator
from groundwire.chips.family import SECTOR, BootloaderPolicy
from groundwire.chips.registry import families
from groundwire.jobs.ports import open_emulated
from groundwire.jobs.read import CHUNK, read_proven
from groundwire.jobs.session import Session, SessionOptions
from groundwire.jobs.write import change_flash, image_request
from groundwire.quantities import Span
from groundwire.sim.bench import Adapter, BenchPort
from groundwire.sim.bouffalo import stand_in_loader
from groundwire.sim.modules import firmware_image, stock_flash

RATES = (115_200, 921_600, 2_000_000)
# ratio targets at 921600 and 2000000 baud
READS = {
    "full read, bytes only": {921_600: 1.06, 2_000_000: 1.16},
    "full read, every byte proven": {921_600: 1.22, 2_000_000: 1.50},
}
TARGETS = {
    "BK7231N": {**READS, "write an image, whole flash proven": {921_600: 1.75, 2_000_000: 3.0}},
    "BL602": {**READS, "write an image, whole flash proven": {921_600: 2.0, 2_000_000: 3.0}},
}
# the largest payload of loaders that take less than the one of today, which takes 16 KiB
SMALL_FRAMES = (0x2004, 0x1004, 0x804)


@dataclass(frozen=True)
class Row:
    job: str
    rate: int
    size: int
    seconds: float
    host_s: float

    @property
    def ratio(self) -> float:
        return self.seconds / (self.size * 10 / self.rate)


def linked(chip: str, rate: int, flash: bytes, loader: bytes = b"") -> Session:
    opened = open_emulated(chip, flash)
    options = SessionOptions(rate=rate, loader=loader or opened.loader)
    session = Session(opened.port, families(), options, tell=opened.listener(lambda _e: None))
    session.link()
    return session


def linked_with_small_frames(limit: int, rate: int, flash: bytes) -> Session:
    """A loader that takes less than it is asked for; the stand-in is asked for 8 KiB at most."""
    emulator = BouffaloEmulator("BL602", flash, ChipOptions(small_frames=limit))
    options = SessionOptions(rate=rate, loader=stand_in_loader())
    session = Session(BenchPort(emulator, Adapter()), families(), options)
    session.link()
    return session


def full_content(chip: str) -> bytes:
    """A flash without a single blank sector behind its application."""
    stock = stock_flash(chip)
    noise = random.Random(1)
    return b"".join(
        part if part.count(0xFF) < SECTOR else noise.randbytes(SECTOR)
        for part in (stock[at : at + SECTOR] for at in range(0, len(stock), SECTOR))
    )


def timed(session: Session, job: str, size: int, work: Callable[[], object]) -> Row:
    start, host = session.port.now(), time.perf_counter()
    work()
    return Row(
        job, session.flasher.rate, size, session.port.now() - start, time.perf_counter() - host
    )


def read_rows(chip: str, rate: int, loader: bytes) -> list[Row]:
    flash = full_content(chip)
    whole = Span(0, len(flash))
    session = linked(chip, rate, flash, loader)

    def plain() -> None:
        for chunk in whole.units(CHUNK):
            session.run_once(session.flasher.read(chunk))

    rows = [timed(session, "full read, bytes only", whole.size, plain)]
    rows.append(
        timed(
            session, "full read, every byte proven", whole.size, lambda: read_proven(session, whole)
        )
    )
    return rows


def small_frame_rows(chip: str, rate: int) -> list[Row]:
    """What a loader or an adapter costs that does not take large frames; found out on the way."""
    if chip != "BL602":
        return []
    flash, rows = full_content(chip), []
    whole = Span(0, len(flash))
    for limit in SMALL_FRAMES:
        session = linked_with_small_frames(limit, rate, flash)
        name = f"full read, proven, {limit // 1024} KiB frames"
        rows.append(timed(session, name, whole.size, partial(read_proven, session, whole)))
    return rows


def write_rows(chip: str, rate: int, stock: bytes, image: bytes, loader: bytes) -> list[Row]:
    """The write from the user's consent to the last proof, and the same with what comes before:
    the proof that the given backup is what the module holds."""
    session = linked(chip, rate, stock, loader)
    consented: list[tuple[float, float]] = []

    def consent(_plan: object, _identity: object) -> bool:
        consented.append((session.port.now(), time.perf_counter()))
        return True

    with tempfile.TemporaryDirectory() as folder:
        backup = Path(folder) / "given.bin"
        backup.write_bytes(stock)
        request = replace(
            image_request(image, "image", session, BootloaderPolicy.KEEP, Path(folder)),
            given_backup=backup,
            consent=consent,
            reboot=False,
        )
        start, host = session.port.now(), time.perf_counter()
        report = change_flash(session, request)
        end, host_end = session.port.now(), time.perf_counter()
    if report.outcome is None or report.outcome.rewritten:
        raise SystemExit("the write did not go as planned: no figure")
    placement = request.place(session.identity, session.layout)
    size, rate = sum(piece.span.size for piece in placement.pieces), session.flasher.rate
    ((began, host_began),) = consented
    return [
        Row("write an image, whole flash proven", rate, size, end - began, host_end - host_began),
        Row("the same, given backup proven first", rate, size, end - start, host_end - host),
    ]


def contents(chip: str, corpus: Path | None) -> tuple[bytes, bytes, str]:
    """Flash and image for the write: real ones where the corpus is at hand."""
    if corpus is None:
        return stock_flash(chip), firmware_image(chip), "synthetic contents"

    def real(name: str) -> bytes:
        return lzma.decompress((corpus / "dumps" / f"{name}.bin.xz").read_bytes())

    if chip == "BL602":
        stock = real("bl602-blank-2m").ljust(2 << 20, b"\xff")
        return stock, real("bl602-obk-full"), "OpenBeken 1.18.57 over a vendor's package"
    return real("n-lspa9-clone1"), real("obk-n-qio"), "OpenBeken 1.18.300 over a vendor's firmware"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chip", default="BK7231N")
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--loader", type=Path, help="a RAM loader: a known one gets large frames")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    loader = options.loader.read_bytes() if options.loader else b""
    stock, image, what = contents(options.chip, options.corpus)
    print(f"{options.chip}, measured on the emulator; writes: {what}")
    print(f"{'job':40} {'baud':>8} {'seconds':>8} {'ratio':>6} {'target':>6} {'host s':>7}")
    missed = 0
    for rate in RATES:
        rows = [*read_rows(options.chip, rate, loader), *small_frame_rows(options.chip, rate)]
        rows += write_rows(options.chip, rate, stock, image, loader)
        for row in rows:
            target = TARGETS.get(options.chip, {}).get(row.job, {}).get(rate)
            missed += target is not None and row.ratio > target
            shown = f"{target:6.2f}" if target else "     -"
            print(
                f"{row.job:40} {row.rate:8} {row.seconds:8.2f} {row.ratio:6.3f} {shown} "
                f"{row.host_s:7.2f}"
            )
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
