"""What an inspection found: as an object for programs and as lines for people."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from groundwire.cli.render import table
from groundwire.cli.shapes import Shape
from groundwire.exports.pin_table import part_rows, pin_rows
from groundwire.openbeken.commands import without_passwords
from groundwire.openbeken.view import config_fields
from groundwire.pins import MeterChip
from groundwire.quantities import hex_address, size_text
from groundwire.secret import MASK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundwire.images.beken.rf import RfSector
    from groundwire.images.kinds import Recognition
    from groundwire.jobs.inspect import Inspection
    from groundwire.pins import Wiring
    from groundwire.tuya.device import TuyaDevice
    from groundwire.tuya.storage import TuyaStore

VALUE_SHOWN: Final = 100
FINDINGS_SHOWN: Final = 12
FILES_SHOWN: Final = 40


# --- for programs ---------------------------------------------------------------------------------


def inspection_shape(name: str, seen: Inspection, *, show_secrets: bool) -> Shape:
    """Everything as one object; secrets are masked unless asked for."""
    found = seen.recognition
    return {
        "type": "inspection",
        "file": name,
        "size": seen.size,
        "sha256": seen.sha256,
        "kind": found.kind,
        "family": found.family,
        "chips": found.chips,
        "key_class": found.key_class,
        "version": found.version,
        "evidence": found.evidence,
        "bootloader": _bootloader_shape(found),
        "application": _application_shape(found),
        "health": health_shape(seen),
        "partitions": [{"name": name, "span": span} for name, span in seen.partitions],
        "radio": [_radio_shape(sector) for sector in seen.radios],
        "vendor": vendor_shape(seen.device, show_secrets=show_secrets),
        "openbeken": [
            {
                "where": item.where,
                "span": item.span,
                **config_fields(item.config, show_secrets=show_secrets),
            }
            for item in seen.configs
        ],
        "file_systems": [
            {
                "span": system.span,
                "block_size": system.block_size,
                "files": [
                    {"path": file.path, "size": file.size, "readable": file.content is not None}
                    for file in system.files
                ],
                "findings": system.findings,
            }
            for system in seen.file_systems
        ],
        "wirings": [wiring_shape(wiring, show_secrets=show_secrets) for wiring in seen.wirings],
    }


def _bootloader_shape(found: Recognition) -> Shape | None:
    if found.bootloader is None:
        return None
    version = found.bootloader_version
    return {"span": found.bootloader, "version": version, "valid": found.bootloader_valid}


def _application_shape(found: Recognition) -> Shape | None:
    if found.app is None:
        return None
    return {"span": found.app, "version": found.version, "valid": found.app_valid}


def health_shape(seen: Inspection) -> Shape:
    """The verdict, what was found and what was checked; spans are offsets in the file."""
    health = seen.health
    return {
        "verdict": health.verdict,
        "text": health.text,
        "usable": seen.usable,
        "damaged": health.damaged_spans,
        "findings": health.findings,
        "checks": health.checks,
    }


def _radio_shape(sector: RfSector) -> Shape:
    block = sector.block
    return {
        "span": sector.span,
        "state": sector.state,
        "mac": block.mac_text if block is not None else "",
        "problem": sector.problem,
    }


def vendor_shape(device: TuyaDevice, *, show_secrets: bool) -> Shape | None:
    """What the vendor's settings say, or None where there are none."""
    store, own = device.store, device.parameters
    if store is None and own is None and not device.code_defaults:
        return None
    return {
        "platform": device.platform,
        "product_key": device.product_key,
        "firmware_key": device.firmware_key,
        "versions": device.versions,
        "store": _store_shape(store, show_secrets=show_secrets) if store is not None else None,
        "values": list(_values(device, show_secrets=show_secrets)),
        "pin_settings": own.values if own is not None else None,
        "pin_settings_ok": own.check_ok if own is not None else None,
        "defaults_in_code": [
            {"offset": default.offset, "values": default.parameters.values}
            for default in device.code_defaults
        ],
    }


def _store_shape(store: TuyaStore, *, show_secrets: bool) -> Shape:
    key = store.device_key
    return {
        "generation": store.generation,
        "key_sector": store.key_sector.offset if store.key_sector is not None else None,
        "device_key": key.reveal().hex() if show_secrets else str(key),
        "sectors": [
            {
                "offset": sector.offset,
                "block": sector.block,
                "generation": sector.generation,
                "sum_ok": sector.sum_ok,
            }
            for sector in store.sectors
        ],
        "protected": [
            {
                "offset": sector.offset,
                "values": {
                    entry.name: _revealed(entry.content.reveal()) if show_secrets else MASK
                    for entry in sector.entries
                },
            }
            for sector in store.protected
        ],
        "findings": store.findings,
    }


def _values(device: TuyaDevice, *, show_secrets: bool) -> Iterator[Shape]:
    """The values of the store: whole, their open fields only, or masked."""
    store = device.store
    for one in device.values:
        value = store.get(one.name) if store is not None else None
        whole = one.text
        if one.masked:
            shown = show_secrets and value is not None
            whole = _revealed(value.content.reveal()) if shown and value is not None else MASK
        fields = {} if one.masked and show_secrets else one.fields
        yield {
            "name": one.name,
            "state": one.state,
            "size": one.size,
            "text": whole,
            "fields": fields,
        }
    for value in store.older_values if store is not None else ():
        text = _revealed(value.content.reveal()) if show_secrets else MASK
        shape: Shape = {"name": value.name, "state": value.state, "size": value.length}
        yield {**shape, "text": text, "fields": {}}


def _revealed(content: bytes) -> str:
    """A stored value as text where it is one, else as hex digits."""
    text = content.split(b"\0", 1)[0]
    return text.decode() if _is_text(text) else content.hex()


def _is_text(data: bytes) -> bool:
    try:
        return data.decode().isprintable()
    except UnicodeDecodeError:
        return False


def wiring_shape(wiring: Wiring, *, show_secrets: bool) -> Shape:
    """Pins and parts; passwords in commands are masked unless asked for."""
    shape: Shape = {field.name: getattr(wiring, field.name) for field in dataclasses.fields(wiring)}
    if not show_secrets:
        shape["commands"] = [without_passwords(command) for command in wiring.commands]
    return shape


# --- for people -----------------------------------------------------------------------------------


def inspection_lines(name: str, seen: Inspection, *, show_secrets: bool) -> list[str]:
    """Everything as sections of a page."""
    found = seen.recognition
    lines = [name]
    lines += table(
        [
            ("kind", f"{found.kind}, {size_text(seen.size)}"),
            ("chip", " or ".join(found.chips) or seen.chip or "not known"),
            ("key class", found.key_class),
            ("bootloader", _part_text(found.bootloader, found.bootloader_version)),
            ("application", _part_text(found.app, found.version)),
            ("MAC", ", ".join(seen.macs)),
            ("SHA-256", seen.sha256),
        ]
    )
    if found.evidence:
        lines.append("how it is known")
        lines += table([(one.fact, f"{one.value} ({one.source})") for one in found.evidence])
    if seen.partitions:
        lines.append("partitions")
        lines += table([(part, str(span)) for part, span in seen.partitions])
    if seen.radios:
        lines.append("radio calibration")
        rows = [(hex_address(one.span.start), _radio_text(one)) for one in seen.radios]
        lines += table(rows)
    lines += _vendor_lines(seen.device, show_secrets=show_secrets)
    for item in seen.configs:
        lines.append(f"OpenBeken configuration, {item.where}")
        lines += table(_plain_rows(config_fields(item.config, show_secrets=show_secrets)))
    lines += _file_lines(seen)
    for wiring in seen.wirings:
        lines += wiring_lines(wiring)
    return [*lines, *health_lines(seen)]


def _part_text(span: object, version: str) -> str:
    return "" if span is None else f"{version or 'version unknown'}, at {span}"


def _radio_text(sector: RfSector) -> str:
    mac = sector.block.mac_text if sector.block is not None else ""
    return ", ".join(text for text in (str(sector.state), mac, sector.problem) if text)


def health_lines(seen: Inspection) -> list[str]:
    """The verdict with its reasons, and what it rests on."""
    health = seen.health
    lines = [f"health: {health.text}"]
    if not seen.health.checks and not health.findings:
        return lines
    lines += [f"  {check.good} of {check.total} hold: {check.name}" for check in health.checks]
    shown = health.findings[:FINDINGS_SHOWN]
    lines += [f"  {one.weight}: at {one.span} {one.text}" for one in shown]
    more = len(health.findings) - len(shown)
    return [*lines, *([f"  and {more} more findings (all with --json)"] if more > 0 else [])]


def _vendor_lines(device: TuyaDevice, *, show_secrets: bool) -> list[str]:
    shape = vendor_shape(device, show_secrets=show_secrets)
    if shape is None:
        return []
    store, own = device.store, device.parameters
    lines = ["vendor's settings"]
    rows = [
        ("platform", device.platform),
        ("product key", device.product_key),
        ("firmware key", device.firmware_key),
        *((f"version, {name}", text) for name, text in device.versions.items()),
    ]
    if store is not None:
        places = [hex_address(sector.offset) for sector in store.sectors]
        at = f", {places[0]} to {places[-1]}" if places else ""
        rows.append(("store", f"{store.generation or 'erased'}, {len(places)} sectors{at}"))
        key = store.device_key
        rows.append(("device key", key.reveal().hex() if show_secrets else str(key)))
    if own is not None:
        check = "its check value is right" if own.check_ok else "its check value is missing or off"
        rows.append(("pin settings", f"{len(own.values)} values, {check}"))
    if device.code_defaults:
        count = len(device.code_defaults)
        rows.append(("defaults in code", f"{count}, the firmware's and not this device's own"))
    lines += table(rows)
    lines += table(
        [_value_row(value) for value in _values(device, show_secrets=show_secrets)], "    "
    )
    if store is not None:
        lines += [f"  {text}" for text in store.findings]
    return lines


def _value_row(value: Shape) -> tuple[str, str]:
    fields = value["fields"]
    text = str(value["text"])
    if isinstance(fields, dict) and fields:
        text = f"{text} {', '.join(f'{name} {one}' for name, one in fields.items())}"
    if len(text) > VALUE_SHOWN:
        text = f"{text[:VALUE_SHOWN]}…"
    state = "" if value["state"] == "current" else f"({value['state']}) "
    return str(value["name"]), f"{state}{text}" or "empty"


def _plain_rows(fields: Shape) -> list[tuple[str, str]]:
    """Fields of a configuration that say something."""
    rows = []
    for name, value in fields.items():
        if isinstance(value, dict):
            text = ", ".join(f"{key} {one}" for key, one in value.items())
        elif isinstance(value, list):
            text = "; ".join(str(one) for one in value)
        else:
            text = str(value) if value not in (False, 0, "") else ""
        rows.append((name.replace("_", " "), text))
    return rows


def _file_lines(seen: Inspection) -> list[str]:
    lines: list[str] = []
    for system in seen.file_systems:
        lines.append(f"LittleFS at {system.span}")
        rows = [
            (file.path, size_text(file.size) + ("" if file.content is not None else ", unreadable"))
            for file in system.files
        ]
        lines += table(rows[:FILES_SHOWN])
        if len(rows) > FILES_SHOWN:
            lines.append(f"  and {len(rows) - FILES_SHOWN} more files")
    return lines


def wiring_lines(wiring: Wiring) -> list[str]:
    """Which part hangs on which pin, from what, and how sure that is; or why nothing is known."""
    where = f", {wiring.module}" if wiring.module else ""
    source = f" (from: {wiring.source})" if wiring.source else ""
    lines = [f"pins{where}{source}"]
    rows = [
        (row.pin, f"pad {row.pads}" if row.pads else "", row.role, f"active {row.active}",
         row.openbeken, row.source, row.confidence)
        for row in pin_rows(wiring)
    ]  # fmt: skip
    widths = [max(len(row[at]) for row in rows) for at in range(7)] if rows else []
    lines += [f"  {_padded(row, widths)}" for row in rows]
    lines += table(list(part_rows(wiring)))
    if wiring.meter is not None and wiring.meter.chip is MeterChip.BL0942:
        lines.append("  note: groundwire meter reads a BL0942; two clamps: docs/two-clamps.md")
    return [*lines, *(f"  note: {text}" for text in wiring.findings)]


def _padded(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True) if width]
    return "  ".join(cells).rstrip()
