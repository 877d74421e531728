"""What the coverage-guided fuzzer and its smoke test run: functions of bytes that never fail.

A target takes any bytes and lets nothing out but a `GroundwireError`, which it swallows itself.
A room adds its parsers to `TARGETS`, with a few seeds that reach its inner parts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from beken_images import (
    application,
    bootloader,
    fal_table,
    plain_code,
    rf_sector,
)
from groundwire.cli.inspected import inspection_lines, inspection_shape
from groundwire.cli.shapes import json_line
from groundwire.errors import GroundwireError
from groundwire.exports.drawing import draw
from groundwire.exports.esphome import write_esphome
from groundwire.exports.openbeken_template import read_template, write_commands, write_template
from groundwire.images import uf2
from groundwire.images.beken import package, partitions, rbl, rf, ug
from groundwire.images.beken.app_text import read_app_text
from groundwire.images.beken.cipher import find_stream, known_stream
from groundwire.images.bouffalo import boot_header, ota, partition_table
from groundwire.images.convert import ConvertOptions, Form, convert, cut, parts_of
from groundwire.images.health import check_health
from groundwire.images.recognise import recognise
from groundwire.jobs.inspect import inspect_bytes
from groundwire.jobs.redact import redact_dump
from groundwire.openbeken.config import config_sector, fresh_config, parse_config
from groundwire.openbeken.easyflash import find_areas
from groundwire.openbeken.facts import placement_of
from groundwire.openbeken.file_names import extraction_plan
from groundwire.openbeken.littlefs import find_file_systems
from groundwire.tuya.parameters import find_in_code, parse_parameters
from groundwire.tuya.storage import find_store
from store_builder import PINS, Block, store

Target = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """One target and the inputs that its fuzzing starts from."""

    run: Target
    seeds: tuple[bytes, ...] = field(default=(b"",), repr=False)


def _all_schemes(data: bytes) -> None:
    opened = uf2.parse(data)
    for scheme in uf2.Scheme:
        opened.extract(scheme)


def _every_form(data: bytes) -> None:
    for form in Form:
        with contextlib.suppress(GroundwireError):
            convert(data, form, ConvertOptions(bootloader=data))
    for part in parts_of(data):
        cut(data, part)


def _boot_header(data: bytes) -> None:
    header = boot_header.parse(data)
    header.hash_fits(data[boot_header.HEADER_SIZE :])
    boot_header.parse(header.build())


def _update(data: bytes) -> None:
    package.unpack(data)


def _inspect(data: bytes) -> None:
    """All that a file makes `inspect` do: reading, both renderings, and what is written from it."""
    seen = inspect_bytes(data)
    for show in (False, True):
        inspection_lines("file", seen, show_secrets=show)
        json_line(inspection_shape("file", seen, show_secrets=show))
    for wiring in seen.wirings:
        draw(wiring)
        write_template(wiring)
        write_commands(wiring)
        with contextlib.suppress(GroundwireError):
            write_esphome(wiring)
    extraction_plan(file for system in seen.file_systems for file in system.files)


def _template(data: bytes) -> None:
    read_template(data.decode("utf-8", "replace"))


def _config() -> bytes:
    place = placement_of("BK7231N")
    assert place is not None
    return config_sector(fresh_config(place), place)[1]


_SETTINGS = store(
    Block(0, {"user_param_key": PINS.encode() + b"\0", "gw_di": b'{"swv":"1"}\0'}, 2),
    Block(0, {"user_param_key": PINS.encode() + b"\0"}, 1),
)
_FILES = bytes(8) + b"littlefs" + bytes(4080)

_PACKED = package.pack(plain_code(0x400, b"BK7231"), "1", 0)
_SMALL_UA = application(size=0x400)[:0x600]
_HEADER, _IMAGE = boot_header.for_image(bytes(64))
_PAGE = _HEADER.build().ljust(0x1000, b"\xff") + _IMAGE
_BLOCK = uf2.MAGIC.ljust(508, b"\0") + uf2.END_MAGIC.to_bytes(4, "little")
_WHOLE = (_SMALL_UA, bootloader()[:0x1000], _PACKED, ug.build(_PACKED, "1"), _PAGE, _BLOCK * 2)

TARGETS: dict[str, Fuzzed] = {
    "image.recognise": Fuzzed(recognise, _WHOLE),
    "image.health": Fuzzed(check_health, _WHOLE),
    "image.convert": Fuzzed(_every_form, _WHOLE),
    "image.rbl": Fuzzed(lambda data: list(rbl.find_headers(data)), (_PACKED,)),
    "image.package": Fuzzed(_update, (_PACKED, rbl.describe(b"x", "app", "1", 0).build() + b"x")),
    "image.ug": Fuzzed(ug.parse, (ug.build(_PACKED, "1"),)),
    "image.uf2": Fuzzed(_all_schemes, (_BLOCK, _BLOCK * 3)),
    "image.fal": Fuzzed(
        partitions.parse_table, (fal_table(0x108700, (0x12A000, 0xA6000), checksums=True),)
    ),
    "image.rf": Fuzzed(lambda data: rf.look_at(data.ljust(rf.SECTOR, b"\xff"), 0), (rf_sector(),)),
    "image.cipher": Fuzzed(
        lambda data: find_stream(data, 0x10000),
        (known_stream("uascent").apply(plain_code(0x200), 0x10000),),
    ),
    "image.text": Fuzzed(read_app_text, (b"OpenBK7231T 1.18.300 Aug  2 2026 19:37:59",)),
    "image.boot_header": Fuzzed(_boot_header, (_PAGE[:300],)),
    "image.partition_table": Fuzzed(partition_table.parse, (b"BFPT" + bytes(300),)),
    "image.ota": Fuzzed(ota.parse, (ota.build(_PAGE, "1", "1"),)),
    "inspect": Fuzzed(_inspect, (*_WHOLE, _SETTINGS, _config(), _FILES * 2)),
    "redact": Fuzzed(lambda data: redact_dump(data, "file"), (_SETTINGS, _config())),
    "tuya.store": Fuzzed(find_store, (_SETTINGS,)),
    "tuya.parameters": Fuzzed(
        lambda data: parse_parameters(data.decode("latin-1")), (PINS.encode(),)
    ),
    "tuya.code": Fuzzed(find_in_code, (b"\0" + PINS.encode() + b"\0",)),
    "openbeken.config": Fuzzed(parse_config, (_config(),)),
    "openbeken.files": Fuzzed(find_file_systems, (_FILES,)),
    "openbeken.easyflash": Fuzzed(find_areas, (b"EF40".ljust(4096, b"\xff"),)),
    "openbeken.template": Fuzzed(_template, (b'{"pins":{"6":"Rel;1"},"flags":"1"}',)),
}


def run_target(name: str, data: bytes) -> None:
    """Run one target; only what is not an error of ours comes out."""
    with contextlib.suppress(GroundwireError):
        TARGETS[name].run(data)
