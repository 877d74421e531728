"""What a Bouffalo file is: a whole flash, one application with its header, or an update file."""

from __future__ import annotations

from groundwire.errors import DamagedImage
from groundwire.evidence import Evidence
from groundwire.images.beken.app_text import read_app_text
from groundwire.images.bouffalo import boot_header, ota, partition_table
from groundwire.images.bouffalo.boot_header import HEADER_SIZE, IMAGE_GAP, BootHeader
from groundwire.images.kinds import ImageKind, Problem, Recognition
from groundwire.quantities import Span, hex_address

FAMILY = "bouffalo"
CHIPS = ("BL602",)
FIRMWARE_ADDRESS = 0x10000
# The first instructions of the SDK's start-up code. Source: beken-images, section 12.3.
_START_CODE = bytes.fromhex("a14273b00230")


def recognise(data: bytes) -> Recognition | None:
    """A Bouffalo file with a magic number at its start, or None."""
    if data.startswith(ota.MAGIC):
        return _update(data)
    if data.startswith(ota.XZ_MAGIC):
        return _compressed(data)
    if not data.startswith(boot_header.MAGIC):
        return None
    behind = data[FIRMWARE_ADDRESS : FIRMWARE_ADDRESS + 4] == boot_header.MAGIC
    if partition_table.find(data) or behind:
        return _whole(data)
    return _application(data)


def recognise_raw(data: bytes) -> Recognition | None:
    """A raw application without a header, or None."""
    text = read_app_text(data[: boot_header.IMAGE_MAX])
    if text.chip != "BL602" and not data.startswith(_START_CODE):
        return None
    if len(data) % 2 or len(data) < HEADER_SIZE:
        return None
    return Recognition(
        ImageKind.BL602_APP,
        family=FAMILY,
        chips=CHIPS,
        app=Span(0, len(data)),
        app_valid=True,
        version=text.version,
        evidence=(
            Evidence("application", text.version or "start-up code", "raw, without boot header"),
        ),
    )


def header_problems(header: BootHeader, at: int, name: str) -> list[Problem]:
    """What is wrong with a boot header itself."""
    span = Span(at, HEADER_SIZE)
    parts = (
        (header.flash_ok, "flash block"),
        (header.clock_ok, "clock block"),
        (header.header_ok, "header"),
    )
    return [
        Problem(span, f"{name}: checksum of the {part} wrong") for ok, part in parts if ok is False
    ]


def image_problems(header: BootHeader, data: bytes, at: int, name: str) -> list[Problem]:
    """What is wrong with the image behind a header."""
    there = max(len(data) - at, 0)
    if there < header.image_size:
        text = f"{name} is cut off: {there} of {header.image_size} bytes are there"
        return [Problem(Span(at, there), text)]
    if header.hash_fits(data[at : at + header.image_size]) is False:
        return [Problem(Span(at, header.image_size), f"{name}: SHA-256 does not fit")]
    return []


def _one_image(
    data: bytes, header_at: int, gap: int, name: str
) -> tuple[Span | None, list[Problem], BootHeader | None]:
    """The span from a header to the end of its image, and what is wrong with both."""
    try:
        header = boot_header.parse(data[header_at : header_at + HEADER_SIZE])
    except DamagedImage as error:
        span = Span(min(header_at, len(data)), min(HEADER_SIZE, max(len(data) - header_at, 0)))
        return None, [Problem(span, f"{name}: {error.finding}")], None
    image_at = header_at + gap
    problems = header_problems(header, header_at, name)
    problems += image_problems(header, data, image_at, name)
    end = min(image_at + header.image_size, len(data))
    return Span.between(header_at, max(end, header_at)), problems, header


def firmware_address(data: bytes) -> int:
    """Where the active firmware of a whole flash lies, by its table or else the usual place."""
    table = partition_table.in_force(data)
    row = table.row("FW") if table is not None else None
    if row is None or not row.is_plausible or row.active_slot is None:
        return FIRMWARE_ADDRESS
    return row.active_slot.start


def _table_problems(data: bytes) -> list[Problem]:
    found = partition_table.find(data)
    problems = [
        Problem(Span(address, 16), "checksum of this copy of the partition table wrong")
        for address, table in found
        if not table.ok
    ]
    if not found:
        problems.append(Problem(Span(0xE000, 0x2000), "no partition table"))
    return problems


def _whole(data: bytes) -> Recognition:
    start = boot_header.image_start_of(data)
    loader, problems, _ = _one_image(data, 0, start, "second bootloader")
    loader_valid = loader is not None and not problems
    at = firmware_address(data)
    app, app_problems, header = _one_image(data, at, IMAGE_GAP, "application")
    table = partition_table.in_force(data)
    evidence = [Evidence("boot header", hex_address(0), "BFNP")]
    if table is not None:
        names = ", ".join(row.name for row in table.rows)
        evidence.append(Evidence("partition table", names, f"age {table.age}"))
    if header is not None:
        evidence.append(Evidence("boot header", hex_address(at), "BFNP"))
    text = read_app_text(app.of(data)) if app is not None else None
    return Recognition(
        ImageKind.BL602_WHOLE,
        family=FAMILY,
        chips=CHIPS,
        bootloader=loader,
        bootloader_valid=loader_valid,
        app=app,
        app_valid=app is not None and not app_problems,
        version=text.version if text is not None else "",
        evidence=tuple(evidence),
        problems=(*problems, *_table_problems(data), *app_problems),
    )


def _application(data: bytes) -> Recognition:
    app, problems, _ = _one_image(data, 0, IMAGE_GAP, "application")
    return Recognition(
        ImageKind.BL602_APP,
        family=FAMILY,
        chips=CHIPS,
        app=app,
        app_valid=app is not None and not problems,
        version=read_app_text(data[: boot_header.IMAGE_MAX]).version,
        evidence=(Evidence("boot header", hex_address(0), "BFNP, its image 0x1000 behind"),),
        problems=tuple(problems),
    )


def _compressed(data: bytes) -> Recognition | None:
    """A release that is an xz stream and nothing else, or None where another thing is in it."""
    try:
        unpacked = ota.unpack(data)
    except DamagedImage:
        return None
    if not unpacked.startswith(boot_header.MAGIC):
        return None
    inner = recognise(unpacked)
    if inner is None or inner.kind is not ImageKind.BL602_APP:
        return None
    whole = Span(0, len(data))
    return Recognition(
        ImageKind.BL602_OTA,
        family=FAMILY,
        chips=CHIPS,
        app=whole,
        app_valid=inner.app_valid,
        version=inner.version,
        evidence=(Evidence("packing", "xz", "its first bytes"), *inner.evidence),
        problems=tuple(Problem(whole, f"inside: {one.text}") for one in inner.problems),
    )


def _update(data: bytes) -> Recognition:
    whole = Span(0, len(data))
    try:
        opened = ota.parse(data)
    except DamagedImage as error:
        return Recognition(
            ImageKind.BL602_OTA, family=FAMILY, chips=CHIPS, problems=(Problem(whole, error.what),)
        )
    body = Span(ota.HEAD_SIZE, len(opened.body))
    problems = []
    if not opened.hash_ok:
        problems.append(Problem(body, "SHA-256 of the body does not fit"))
    if opened.size_ok is False:
        problems.append(Problem(body, "the body unpacks to another size than the head says"))
    inner = _application(opened.unpacked)
    problems += [Problem(body, f"inside: {problem.text}") for problem in inner.problems]
    return Recognition(
        ImageKind.BL602_OTA,
        family=FAMILY,
        chips=CHIPS,
        app=body,
        app_valid=not problems,
        version=inner.version,
        evidence=(Evidence("update head", f"{opened.kind} {opened.software}", "BL60X_OTA"),),
        problems=tuple(problems),
    )
