"""Safety rules: what no plan may do, whoever asks."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.chips.family import Layout, RegionKind
from groundwire.errors import RefusedBySafety, SpanOutside, SpanUnaligned
from groundwire.planning.plan import WritePlan
from groundwire.quantities import Span


@dataclass(frozen=True, slots=True)
class Allowances:
    """What the user has explicitly allowed beyond the rules."""

    bootloader: bool = False
    radio: bool = False
    serving_loader: bool = False


def check_spans(spans: tuple[Span, ...], layout: Layout, allowed: Allowances) -> None:
    """Refuse to change what a module cannot do without.

    Raises:
        RefusedBySafety: a span touches the loader that answers on the serial line, the
            bootloader, or the radio calibration.
    """
    for span in spans:
        serves = layout.serves_protocol
        if serves is not None and span.overlaps(serves) and not allowed.serving_loader:
            raise RefusedBySafety(
                rule="on this chip the bootloader in flash is what answers on the serial line; "
                "without it only SPI reaches the module",
                finding=f"{span} touches the bootloader at {serves}",
            )
        for region in layout.regions:
            if not span.overlaps(region.span):
                continue
            if region.kind is RegionKind.RF and not allowed.radio:
                raise RefusedBySafety(
                    rule="radio calibration and MAC were measured for this one module; "
                    "they are only ever restored from its own backup",
                    finding=f"{span} touches the radio calibration at {region.span}",
                )
            if region.kind is RegionKind.BOOTLOADER and not allowed.bootloader:
                raise RefusedBySafety(
                    rule="the bootloader is kept unless its replacement is asked for",
                    finding=f"{span} touches the bootloader at {region.span}",
                )


def check_plan(plan: WritePlan, allowed: Allowances) -> None:
    """The rules, for every span that a plan changes."""
    check_spans(plan.changed, plan.layout, allowed)


def check_erase(span: Span, layout: Layout, flash_size: int, unit: int) -> None:
    """The rules for an erase that the user asks for by address."""
    if span.end > flash_size:
        raise SpanOutside(span=span, flash_size=flash_size)
    if not span.is_aligned(unit):
        raise SpanUnaligned(span=span, unit=unit)
    check_spans((span,), layout, Allowances())
