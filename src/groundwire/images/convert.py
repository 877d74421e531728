"""Images from one form into another; cutting parts out and joining parts.

Every conversion refuses, with the reason, when its result would not boot. The two forms without
checksums never boot and say so in a note: they are for study and for packing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from groundwire.errors import ConversionRefused
from groundwire.images.beken import convert as beken
from groundwire.images.beken import rf
from groundwire.images.beken.content import BekenContent, read_content
from groundwire.images.beken.convert import Converted, ConvertOptions
from groundwire.images.bouffalo import convert as bouffalo
from groundwire.images.bouffalo import partition_table
from groundwire.images.kinds import IMAGE_MAX, Form, ImageKind
from groundwire.images.recognise import recognise
from groundwire.quantities import Span, merge_spans, size_text

__all__ = ["ConvertOptions", "Converted", "Form", "convert", "cut", "join", "parts_of"]

_BOOTABLE = {ImageKind.QIO, ImageKind.DUMP, ImageKind.UA, ImageKind.BL602_WHOLE}


def convert(
    data: bytes, form: Form, options: ConvertOptions | None = None, name: str = "this file"
) -> Converted:
    """The file in another form; `name` is what errors call it.

    Raises ConversionRefused where the result would not boot, DamagedImage and UnsupportedHere
    where the file cannot be opened.
    """
    chosen = options or ConvertOptions()
    if recognise(data).family == "bouffalo":
        if form is Form.BL602_WHOLE and chosen.bootloader:
            page, _ = bouffalo.convert(data, Form.BL602_APP, name)
            made = bouffalo.with_application(chosen.bootloader, page, name)
            return Converted(made, form, ("all but the firmware partition as it was",))
        made, note = bouffalo.convert(data, form, name, chosen.version)
        return Converted(made, form, (note,))
    return beken.convert(data, form, chosen, name)


def _beken_parts(content: BekenContent) -> dict[str, Span]:
    parts: dict[str, Span] = {}
    if content.bootloader is not None:
        for entry in content.bootloader.table:
            if entry.is_plausible:
                parts[entry.name] = entry.span
        parts["bootloader"] = Span(0, 0x11000)
    if content.app is not None:
        known = parts.get("app", content.app.used)
        parts["app"] = Span.between(content.app.start, max(content.app.end, known.end))
    for sector in rf.find(content.flash):
        if sector.state is rf.RfState.PRESENT:
            parts["rf"] = sector.span
    return parts


def parts_of(data: bytes) -> dict[str, Span]:
    """The named parts of an image that can be cut out; flash addresses."""
    content = read_content(data)
    if content is not None:
        whole = Span(content.base, len(content.flash))
        found = _beken_parts(content)
        inside = {name: span.intersection(whole) for name, span in found.items()}
        return {name: span for name, span in inside.items() if span is not None}
    table = partition_table.in_force(data)
    if table is None:
        return {}
    slots = {row.name: row.slot(0) for row in table.rows if row.is_plausible}
    return {
        name: span for name, span in slots.items() if span is not None and span.end <= len(data)
    }


def cut(data: bytes, part: str, name: str = "this file") -> bytes:
    """One named part of an image, a rotated dump being turned back first.

    Raises ConversionRefused where the image has no such part.
    """
    parts = parts_of(data)
    if part not in parts:
        known = ", ".join(sorted(parts)) or "none"
        raise ConversionRefused(
            name=name, form=f"its part {part!r}", reason="there is no such part in it",
            advice=f"its parts are: {known}",
        )  # fmt: skip
    content = read_content(data)
    flash, base = (content.flash, content.base) if content is not None else (data, 0)
    span = parts[part]
    return flash[span.start - base : span.end - base]


def join(pieces: Sequence[tuple[int, bytes]], name: str = "the pieces") -> Converted:
    """One image from pieces and their flash addresses, erased bytes between them.

    Raises ConversionRefused where pieces overlap, leave every flash, or do not boot together.
    """
    form = "one image"
    spans = sorted(Span(address, len(data)) for address, data in pieces)
    if not spans:
        raise ConversionRefused(name=name, form=form, reason="there are none")
    for first, second in itertools.pairwise(spans):
        if first.overlaps(second):
            raise ConversionRefused(name=name, form=form, reason=f"{first} and {second} overlap")
    start, end = spans[0].start, spans[-1].end
    if end > IMAGE_MAX or end - start > IMAGE_MAX:
        raise ConversionRefused(name=name, form=form, reason=f"{size_text(end)} is no flash")
    out = bytearray(b"\xff" * (end - start))
    for address, data in pieces:
        out[address - start : address - start + len(data)] = data
    made = bytes(out)
    found = recognise(made)
    if found.kind not in _BOOTABLE or not found.app_valid or found.obstacles:
        problem = found.obstacles[0] if found.obstacles else f"it is {found.kind}"
        raise ConversionRefused(name=name, form=form, reason=f"it would not boot: {problem}")
    filled = Span(start, end - start).size - sum(span.size for span in merge_spans(spans))
    note = f"{len(pieces)} pieces, {size_text(filled)} between them left erased"
    forms = {ImageKind.UA: Form.UA, ImageKind.QIO: Form.QIO, ImageKind.DUMP: Form.DUMP}
    return Converted(made, forms.get(found.kind, Form.BL602_WHOLE), (note,))
