"""A dump that can be shown to anybody: secrets and ids overwritten, pins kept, and proof of it."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.exports.redact_config import (
    Edit,
    redact_areas,
    redact_configs,
    redact_files,
)
from groundwire.exports.redact_hunt import (
    FAST_CONNECT_KEY,
    Leftover,
    Removed,
    leftovers,
    patterns_of,
    store_keys,
    unxored,
    worth_hunting,
)
from groundwire.exports.search_bytes import find_all
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
    notes: list[str] = []
    store = find_store(flash)
    named: Named = record_secrets(flash)
    edits: list[Edit] = []
    if store is not None:
        named += secret_values(store)
        edits += rewritten_store(flash, store).items()
    for more, changes in (
        redact_radio(flash),
        redact_configs(flash, chip),
        redact_areas(flash),
        redact_files(flash, notes),
    ):
        named += more
        edits += changes
    edits += unknown_sectors(flash, store, edits, notes)
    removed = worth_hunting(named)
    done = [Span(start, len(new)) for start, new in edits]
    data = swept(flash, removed, (*code, *done), notes)
    for start, new in edits:
        data[start : start + len(new)] = new[: len(data) - start]
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
    starts = range(0, len(flash) - SECTOR + 1, SECTOR)
    return [at for at in starts if flash[at : at + 4] == RF_MAGIC]


def redact_radio(flash: bytes) -> tuple[Named, list[Edit]]:
    """Zero the device's own part of the MAC; the calibration itself stays untouched."""
    removed: Named = []
    edits: list[Edit] = []
    for at in radio_sectors(flash):
        if flash[at + RF_MAC.start - 8 : at + RF_MAC.start - 4] == RF_MAC_TAG:
            mac = flash[at + RF_MAC.start : at + RF_MAC.end]
            removed.append(("MAC", Secret(mac)))
            edits.append((at + RF_MAC.start, mac[:-OWNER_PART] + bytes(OWNER_PART)))
    return removed, edits


def unknown_sectors(
    flash: bytes, store: TuyaStore | None, edits: list[Edit], notes: list[str]
) -> list[Edit]:
    """Erase logs, fast-connect records and whatever else lies unknown between radio and store.

    Only the sectors from the radio calibration to the end of the Tuya store are looked at: below
    lies code, and everything known there is kept.
    """
    radios = radio_sectors(flash)
    if store is None or not store.sectors or not radios:
        return []
    known = {at - at % SECTOR for start, new in edits for at in range(start, start + len(new), 128)}
    known |= set(radios) | kept_sectors(flash)
    end = max(sector.offset for sector in store.sectors)
    radio = max((at for at in radios if at < end), default=end)
    first = radio - BELOW_RF if is_log_space(flash, radio) else radio
    blank = [
        (at, ERASED)
        for at in range(max(first, 0), end, SECTOR)
        if at not in known and flash[at : at + SECTOR] != ERASED
    ]
    if blank:
        notes.append(f"{len(blank)} sectors of logs and unknown data are erased")
    return blank


def is_log_space(flash: bytes, radio: int) -> bool:
    """Whether the sectors below the radio's are mostly empty, as logs leave them."""
    space = flash[max(radio - BELOW_RF, 0) : radio]
    return len(space) == BELOW_RF and space.count(0xFF) > len(space) * 0.75


def record_secrets(flash: bytes) -> Named:
    """What fast-connect records near the radio sectors hold, and a record of its own."""
    places = {radio + step * SECTOR for radio in radio_sectors(flash) for step in (1, 2)}
    return [item for at in sorted(places) for item in record_texts(flash[at : at + RECORD_LIMIT])]


def record_texts(record: bytes) -> Named:
    """Network name, key and password of a fast-connect record, plain or obscured."""
    found: Named = []
    obscured = bytes(a ^ FAST_CONNECT_KEY[i % 8] for i, a in enumerate(record))
    for form in (record, obscured):
        name, key, password = form[:33], form[41:106], form[106:171]
        psk = key.rstrip(b"\0")
        if len(psk) == 64 and all(sign in b"0123456789abcdefABCDEF" for sign in psk):
            found.append(("network key", Secret(psk)))
            found.append(("network name", Secret(name.split(b"\0", 1)[0])))
            found.append(("network password", Secret(password.split(b"\0", 1)[0])))
            found.append(("network address", Secret(form[33:39])))
    return found


def swept(
    flash: bytes, removed: tuple[Removed, ...], spared: tuple[Span, ...], notes: list[str]
) -> bytearray:
    """The dump with every plain or obscured place of a removed value overwritten.

    `spared` are code, and what is written anew anyway.
    """
    data = bytearray(flash)
    patterns = patterns_of(removed)
    for place, view in (("", flash), ("obscured, ", unxored(flash))):
        for at, pattern in find_all(view, patterns):
            span = Span(at, len(pattern))
            if not any(span.overlaps(piece) for piece in spared):
                data[span.start : span.end] = b"x" * span.size
                what, form = patterns[pattern]
                notes.append(f"{what} ({place}{form}) at {span} is overwritten")
    return data


def changed_spans(before: bytes, after: bytes) -> tuple[Span, ...]:
    """The sectors in which the two differ."""
    return merge_spans(
        [
            Span(at, min(SECTOR, len(before) - at))
            for at in range(0, len(before), SECTOR)
            if before[at : at + SECTOR] != after[at : at + SECTOR]
        ]
    )
