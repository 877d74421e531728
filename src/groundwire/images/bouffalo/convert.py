"""BL602 images from one form into another, each refused when the result would not boot."""

from __future__ import annotations

from groundwire.errors import ConversionRefused, DamagedImage
from groundwire.images.bouffalo import boot_header, ota, partition_table
from groundwire.images.bouffalo.boot_header import HEADER_SIZE, IMAGE_GAP
from groundwire.images.kinds import Form, ImageKind, Recognition
from groundwire.images.recognise import recognise
from groundwire.quantities import Span, size_text

_FORMS = {Form.BL602_APP, Form.BL602_RAW, Form.BL602_OTA}


def convert(data: bytes, form: Form, name: str, version: str = "") -> tuple[bytes, str]:
    """The converted file and a note on where it goes; `name` is what errors call it.

    Raises ConversionRefused, and DamagedImage where the file cannot be opened at all.
    """
    found = recognise(data)
    if found.family != "bouffalo":
        raise ConversionRefused(name=name, form=str(form), reason=f"it is {found.kind}")
    if form not in _FORMS:
        reason, advice = "this is a BL602 file", ""
        if form is Form.BL602_WHOLE:
            reason, advice = "the rest of the flash is missing", "give a dump of the whole flash"
        raise ConversionRefused(name=name, form=str(form), reason=reason, advice=advice)
    if not found.app_valid:
        where = f": {found.problems[0]}" if found.problems else ""
        raise ConversionRefused(
            name=name, form=str(form), reason=f"its application is damaged{where}"
        )
    page = _with_header(data, found)
    if form is Form.BL602_APP:
        return page, "goes to the firmware partition, usually 0x10000"
    if form is Form.BL602_RAW:
        return raw_image(page), "goes 0x1000 behind a boot header"
    text = version or found.version.rpartition(" ")[2] or "1.0"
    return ota.build(page, "1.0", text), "for an update over the air"


def _with_header(data: bytes, found: Recognition) -> bytes:
    """The application with its header page, whatever form it came in."""
    if found.kind is ImageKind.BL602_OTA:
        return ota.unpack(data)
    if data.startswith(boot_header.MAGIC):
        span = found.app or Span(0, len(data))
        return span.of(data)
    header, image = boot_header.for_image(data)
    return header.build().ljust(IMAGE_GAP, b"\xff") + image


def raw_image(page: bytes) -> bytes:
    """The image behind a header page; raises DamagedImage where it does not fit its header."""
    header = boot_header.parse(page[:HEADER_SIZE])
    image = page[IMAGE_GAP : IMAGE_GAP + header.image_size]
    if len(image) < header.image_size or header.hash_fits(image) is False:
        raise DamagedImage(name="BL602 application", finding="it does not fit its boot header")
    return image


def with_application(flash: bytes, page: bytes, name: str) -> bytes:
    """A whole flash with another application in its active firmware slot, all else kept.

    Raises ConversionRefused where the table is unusable or the slot too small.
    """
    form = str(Form.BL602_WHOLE)
    table = partition_table.in_force(flash)
    row = table.row("FW") if table is not None else None
    slot = row.active_slot if row is not None and row.is_plausible else None
    if slot is None:
        raise ConversionRefused(name=name, form=form, reason="its partition table is unusable")
    if len(page) > slot.size:
        reason = f"the application needs {size_text(len(page))}, its slot is {slot}"
        raise ConversionRefused(name=name, form=form, reason=reason)
    raw_image(page)
    filled = page.ljust(slot.size, b"\xff")
    return flash[: slot.start].ljust(slot.start, b"\xff") + filled + flash[slot.end :]


def build_whole(boot2: bytes, table: bytes, page: bytes, factory: bytes) -> bytes:
    """A whole flash from its parts: boot2 with its header, table, application, device tree.

    Raises ConversionRefused where a part does not fit, DamagedImage where one is none.
    """
    parsed = partition_table.parse(table)
    if not parsed.ok:
        raise DamagedImage(name="partition table", finding="a checksum of it is wrong")
    boot_header.parse(boot2)
    refuse = ConversionRefused(
        name="boot2", form=str(Form.BL602_WHOLE), reason="it reaches into the partition table"
    )
    if len(boot2) > partition_table.ADDRESSES[0]:
        raise refuse
    rows = [row for row in (parsed.row("FW"), parsed.row("factory")) if row is not None]
    if len(rows) < 2 or not all(row.is_plausible for row in rows):
        raise DamagedImage(name="partition table", finding="it has no firmware or factory row")
    place = rows[1].address[0]
    if len(factory) > rows[1].size[0]:
        refuse.name, refuse.reason = "factory", f"it is larger than its {rows[1].size[0]} bytes"
        raise refuse
    flash = bytearray(b"\xff" * (place + rows[1].size[0]))
    flash[: len(boot2)] = boot2
    for address in partition_table.ADDRESSES:
        flash[address : address + len(table)] = table
    flash[place : place + len(factory)] = factory
    return with_application(bytes(flash), page, "application")
