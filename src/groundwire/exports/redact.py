"""A dump that can be shown to anybody: secrets and ids overwritten, pins kept, and proof of it."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.exports.redact_config import (
    file_secrets,
    rebuilt_file_system,
    redact_areas,
    redact_configs,
)
from groundwire.exports.redact_hunt import (
    FAST_CONNECT_KEY,
    Leftover,
    Removed,
    leftovers,
    store_keys,
    sweep_forms,
    unxored,
    worth_hunting,
)
from groundwire.openbeken.littlefs import find_file_systems
from groundwire.quantities import Span, merge_spans
from groundwire.secret import Secret
from groundwire.tuya.rewrite import rewritten_store, secret_values
from groundwire.tuya.storage import TuyaStore, find_store
from groundwire.tuya.user_files import kept_sectors

SECTOR = 4096
ERASED = b"\xff" * SECTOR
RF_MAGIC = b"TLV\0"
RF_MAC = Span(0x24, 6)
RF_MAC_TAG = (0x11111102).to_bytes(4, "little")
OWNER_PART = 3  # the last three bytes of a MAC tell one device from another
BELOW_RF = 8 * SECTOR  # older firmware keeps logs in the last sectors below the radio's
RECORD_LIMIT = 172

Named = list[tuple[str, Secret[bytes]]]


@dataclass(frozen=True, slots=True)
class Redaction:
    """The new dump, what was changed, and what was looked for afterwards.

    `leftovers` is the proof: empty means that none of the removed values is left in any form
    known.
    """

    data: bytes
    changed: tuple[Span, ...]
    removed: tuple[Removed, ...]
    leftovers: tuple[Leftover, ...]
    notes: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """Whether nothing was found again."""
        return not self.leftovers


def redact(flash: bytes, chip: str = "", code: tuple[Span, ...] = ()) -> Redaction:
    """Overwrite every secret and id in a dump and prove that none is left.

    `chip` helps to read an OpenBeken configuration. `code` are spans of program code: they are
    never written, and a removed value found there is reported.
    """
    data = bytearray(flash)
    notes: list[str] = []
    store = find_store(flash)
    named: Named = []
    if store is not None:
        named += secret_values(store)
        for offset, sector in rewritten_store(flash, store).items():
            data[offset : offset + SECTOR] = sector[: len(data) - offset]
    named += redact_radio(flash, data)
    named += redact_configs(flash, data, chip)
    named += redact_areas(flash, data)
    named += redact_files(flash, data, notes)
    named += blank_unknown(flash, data, store, notes)
    removed = worth_hunting(named)
    sweep(data, removed, code, notes)
    result = bytes(data)
    return Redaction(
        data=result,
        changed=changed_spans(flash, result),
        removed=removed,
        leftovers=leftovers(result, removed, store_keys(store)),
        notes=tuple(notes),
    )


def radio_sectors(flash: bytes) -> list[int]:
    """Where radio calibration sectors begin."""
    return [
        at for at in range(0, len(flash) - SECTOR + 1, SECTOR) if flash[at : at + 4] == RF_MAGIC
    ]


def redact_radio(flash: bytes, data: bytearray) -> Named:
    """Zero the device's own part of the MAC; the calibration itself stays untouched."""
    removed: Named = []
    for at in radio_sectors(flash):
        if flash[at + RF_MAC.start - 8 : at + RF_MAC.start - 4] != RF_MAC_TAG:
            continue
        mac = flash[at + RF_MAC.start : at + RF_MAC.end]
        removed.append(("MAC", Secret(mac)))
        data[at + RF_MAC.end - OWNER_PART : at + RF_MAC.end] = bytes(OWNER_PART)
    return removed


def redact_files(flash: bytes, data: bytearray, notes: list[str]) -> Named:
    """Write every file system anew with its files masked; one that cannot be read is erased."""
    removed: Named = []
    for system in find_file_systems(flash):
        removed += file_secrets(system)
        new = rebuilt_file_system(system)
        if new is None:
            notes.append(f"the file system at {system.span} cannot be rebuilt and is erased")
            new = b"\xff" * system.span.size
        data[system.span.start : system.span.end] = new[: system.span.size]
    return removed


def blank_unknown(
    flash: bytes, data: bytearray, store: TuyaStore | None, notes: list[str]
) -> Named:
    """Erase logs, fast-connect records and whatever else lies unknown between radio and store.

    Only the sectors from the radio calibration to the end of the Tuya store are looked at: below
    lies code, and everything known there is kept.
    """
    removed: Named = []
    for radio in radio_sectors(flash):
        for at in (radio + SECTOR, radio + 2 * SECTOR):
            removed += record_texts(flash[at : at + RECORD_LIMIT])
    if store is None or not store.sectors or not radio_sectors(flash):
        return removed
    known = {sector.offset for sector in store.sectors}
    known |= {sector.offset for sector in store.protected}
    known |= {store.key_sector.offset} if store.key_sector is not None else set()
    known |= set(radio_sectors(flash)) | kept_sectors(flash)
    end = max(known)
    blanked = 0
    radio = max((at for at in radio_sectors(flash) if at < end), default=end)
    classic = radio - BELOW_RF if is_log_space(flash, radio) else radio
    for at in range(max(classic, 0), end, SECTOR):
        sector = flash[at : at + SECTOR]
        if at not in known and sector != ERASED and data[at : at + SECTOR] == sector:
            data[at : at + SECTOR] = ERASED
            blanked += 1
    if blanked:
        notes.append(f"{blanked} sectors of logs and unknown data are erased")
    return removed


def is_log_space(flash: bytes, radio: int) -> bool:
    """Whether the sectors below the radio's are mostly empty, as logs leave them."""
    space = flash[max(radio - BELOW_RF, 0) : radio]
    return len(space) == BELOW_RF and space.count(0xFF) > len(space) * 0.75


def record_texts(record: bytes) -> Named:
    """Network name, key and password of a fast-connect record, plain or obscured."""
    found: Named = []
    obscured = bytes(a ^ FAST_CONNECT_KEY[i % 8] for i, a in enumerate(record))
    for form in (record, obscured):
        if len(form) < RECORD_LIMIT - 1:
            continue
        name, key, password = form[:33], form[41:106], form[106:171]
        psk = key.rstrip(b"\0")
        if len(psk) == 64 and all(sign in b"0123456789abcdefABCDEF" for sign in psk):
            found.append(("network key", Secret(psk)))
            found.append(("network name", Secret(name.split(b"\0", 1)[0])))
            found.append(("network password", Secret(password.split(b"\0", 1)[0])))
            found.append(("network address", Secret(form[33:39])))
    return found


def sweep(
    data: bytearray, removed: tuple[Removed, ...], code: tuple[Span, ...], notes: list[str]
) -> None:
    """Overwrite every other place where a removed value turns up, outside code."""
    for item in removed:
        for form, pattern in sweep_forms(item):
            for place, plain in (("", bytes(data)), ("obscured, ", unxored(bytes(data)))):
                at = plain.find(pattern)
                while at >= 0:
                    span = Span(at, len(pattern))
                    if not any(span.overlaps(piece) for piece in code):
                        data[span.start : span.end] = b"x" * span.size
                        notes.append(f"{item.what} ({place}{form}) at {span} is overwritten")
                    at = plain.find(pattern, at + 1)


def changed_spans(before: bytes, after: bytes) -> tuple[Span, ...]:
    """The sectors in which the two differ."""
    return merge_spans(
        [
            Span(at, min(SECTOR, len(before) - at))
            for at in range(0, len(before), SECTOR)
            if before[at : at + SECTOR] != after[at : at + SECTOR]
        ]
    )
