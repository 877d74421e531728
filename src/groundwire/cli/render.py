"""Reports of jobs as lines for people. Every line is complete without colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from groundwire.quantities import Span, hex_address, size_text

if TYPE_CHECKING:
    from groundwire.chips.family import Identity
    from groundwire.jobs.backup import Backup
    from groundwire.jobs.write import WriteReport
    from groundwire.planning.plan import WritePlan

EMULATED: Final = "measured on the emulator: no hardware was involved"
SPANS_SHOWN: Final = 6


def table(rows: Sequence[tuple[str, str]], indent: str = "  ") -> list[str]:
    """Names and values in two columns; rows without a value are left out."""
    kept = [(name, value) for name, value in rows if value]
    width = max((len(name) for name, _ in kept), default=0)
    return [f"{indent}{name:<{width}}  {value}" for name, value in kept]


def spans_text(spans: Sequence[Span]) -> str:
    """A few spans, and how many more there are."""
    if not spans:
        return "nothing"
    shown = ", ".join(str(span) for span in spans[:SPANS_SHOWN])
    more = len(spans) - SPANS_SHOWN
    return shown + (f" and {more} more" if more > 0 else "")


def total(spans: Sequence[Span]) -> int:
    """How many bytes spans cover that do not overlap."""
    return sum(span.size for span in spans)


def flash_text(identity: Identity) -> str:
    """Size, part and id of the flash in one phrase."""
    part = " ".join(text for text in (identity.flash_part, identity.flash_id) if text)
    if not identity.flash_size:
        return "size unknown"
    return f"{size_text(identity.flash_size)}{f', {part}' if part else ''}"


def identity_lines(identity: Identity, *, verbose: bool = False) -> list[str]:
    """The module as a table, its warnings, and on request how each fact was learned."""
    radio = str(identity.rf.value)
    if identity.rf_addresses:
        radio += " at " + ", ".join(hex_address(at) for at in identity.rf_addresses)
    lines = ["module"]
    lines += table(
        [
            ("chip", f"{identity.chip} ({identity.family})"),
            ("served by", identity.protocol),
            ("flash", flash_text(identity)),
            ("flash size from", identity.flash_size_source),
            ("key class", identity.key_class),
            ("bootloader", identity.bootloader),
            ("MAC", identity.mac),
            ("radio calibration", radio),
        ]
    )
    lines += [f"  warning: {text}" for text in identity.warnings]
    if verbose and identity.evidence:
        lines.append("how it is known")
        lines += table([(one.fact, f"{one.value} ({one.source})") for one in identity.evidence])
    return lines


def plan_lines(plan: WritePlan) -> list[str]:
    """The plan: what is erased, written and kept, and why, then its picture."""
    # what only shows the content of a file needs no map, and nothing of any chip family
    from groundwire.cli.flash_map import flash_map, region_lines  # noqa: PLC0415

    lines = ["plan"]
    lines += table(
        [
            ("kind", plan.kind),
            ("covers", spans_text(plan.intended)),
            ("erases", f"{spans_text(plan.erased)} ({size_text(total(plan.erased))})"),
            ("writes", f"{spans_text(plan.programmed)} ({size_text(total(plan.programmed))})"),
        ]
    )
    lines += [f"  keeps {keep.span}: {keep.why}" for keep in plan.keeps]
    for why in dict.fromkeys(task.why for task in plan.tasks):
        count = sum(task.why == why for task in plan.tasks)
        lines.append(f"  {count} sectors: {why}")
    if not plan.tasks:
        lines.append("  nothing to do: the flash holds this already")
    return [*lines, *flash_map(plan), *region_lines(plan)]


def backup_lines(backup: Backup) -> list[str]:
    """Where a backup is and how it was proven."""
    manifest = backup.manifest
    proof = f"{len(manifest.digests)} on-chip {manifest.digest_name} values over every byte"
    return [
        "backup",
        *table(
            [
                ("file", str(backup.path or "")),
                ("size", size_text(len(backup.data))),
                ("SHA-256", manifest.sha256),
                ("proven by", proof),
                ("speed", f"{manifest.baudrate} baud"),
            ]
        ),
    ]


def write_lines(report: WriteReport, *, emulated: bool) -> list[str]:
    """What a write, erase or restore came to."""
    outcome = report.outcome
    if outcome is None:
        shown = [*identity_lines(report.identity), *plan_lines(report.plan)]
        return [*shown, "nothing was written: only the plan was asked for"]
    repaired = spans_text(outcome.repaired) if outcome.repaired else ""
    lines = ["done, and proven: the whole flash is as planned"]
    lines += table(
        [
            ("erased", size_text(outcome.erased_bytes)),
            ("written", size_text(outcome.programmed_bytes)),
            ("written twice", f"{outcome.rewritten} sectors" if outcome.rewritten else ""),
            ("repaired", repaired),
            ("backup", str(report.backup) if report.backup_kept else "none was kept, as asked"),
            ("folder", str(report.folder)),
            ("continued", "an interrupted job was finished" if report.resumed else ""),
            ("speed", f"{report.baudrate} baud"),
            ("linked again", f"{report.relinks} x" if report.relinks else ""),
            ("took", f"{report.took_s:.1f} s"),
        ]
    )
    if emulated:
        lines.append(f"  {EMULATED}")
    return lines
