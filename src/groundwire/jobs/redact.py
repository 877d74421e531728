"""The redact job: a dump that can be shown to anybody, and the proof that it can."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from groundwire.errors import RedactionUnproven, UnknownImage
from groundwire.exports.redact import Redaction, redact
from groundwire.exports.redact_hunt import patterns_of
from groundwire.images.beken.content import Arrangement, BekenContent, read_content
from groundwire.images.kinds import ImageKind
from groundwire.jobs.inspect import Inspection, inspect_bytes
from groundwire.quantities import Span

# Files that come from a module; release files and updates hold nothing of an owner.
REDACTED = {
    ImageKind.DUMP,
    ImageKind.ROTATED_DUMP,
    ImageKind.QIO,
    ImageKind.BL602_WHOLE,
    ImageKind.SETTINGS_ONLY,
    ImageKind.OBK_CONFIG,
}


@dataclass(frozen=True, slots=True)
class RedactReport:
    """A redacted dump, proven: what was removed, in how many forms it was looked for since.

    `removed` counts kinds of values, never shows one. `turned` says that a rotated dump was put
    in order.
    """

    data: bytes
    removed: tuple[tuple[str, int], ...]
    patterns: int
    changed: tuple[Span, ...]
    notes: tuple[str, ...]
    turned: bool


def redact_dump(data: bytes, name: str) -> RedactReport:
    """Redact a dump and prove it: nothing removed is left, code and pins are what they were.

    Raises:
        UnknownImage: it is nothing that comes from a module.
        RedactionUnproven: something is left, or something else was lost; there is no result.
    """
    before = inspect_bytes(data)
    kind = before.recognition.kind
    if kind not in REDACTED:
        finding = f"it is {kind}: only what was read from a module holds anything to redact"
        raise UnknownImage(name=name, size=len(data), finding=finding)
    content = read_content(data)
    flash = content.flash if content is not None else data
    made = redact(flash, before.chip, code_spans(content))
    check_proven(made, before)
    return RedactReport(
        data=made.data,
        removed=tuple(Counter(item.what for item in made.removed).items()),
        patterns=len(patterns_of(made.removed)),
        changed=made.changed,
        notes=made.notes,
        turned=content is not None and content.arrangement is Arrangement.ROTATED,
    )


def code_spans(content: BekenContent | None) -> tuple[Span, ...]:
    """The spans of program code, which no redaction may change."""
    if content is None:
        return ()
    loader = content.bootloader
    areas = [loader.code if loader is not None else None, content.app]
    return tuple(Span.between(area.start, area.end) for area in areas if area is not None)


def check_proven(made: Redaction, before: Inspection) -> None:
    """Refuse a redaction that leaves something, or that took more than it should.

    Raises:
        RedactionUnproven: it does.
    """
    after = inspect_bytes(made.data)
    lost = []
    if made.leftovers:
        lost = [f"{one.what} ({one.form}) at 0x{one.offset:05X}" for one in made.leftovers]
    elif after.wiring.pins != before.wiring.pins:
        lost = ["the pins are not what they were"]
    elif before.health.damaged_spans == () and after.health.damaged_spans:
        lost = [f"the result is {after.health.text}"]
    if lost:
        raise RedactionUnproven(left=tuple(lost))
