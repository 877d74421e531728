"""Writing a Tuya store anew with its secrets masked, so that it still opens and still boots."""

# Ref: tuya-storage, sections 3 to 5.

from __future__ import annotations

import re

from groundwire.secret import Secret
from groundwire.tuya.cipher import MASTER_KEY, PLATFORMS, data_key, decipher, encipher
from groundwire.tuya.secrecy import is_open_field, is_open_value, parse_json
from groundwire.tuya.sectors import (
    KEY_HEAD,
    PAGE,
    PROTECTED_HEAD,
    SECTOR,
    SHARED_DEVICE_KEYS,
    DataSector,
    Magic,
    ProtectedSector,
    byte_sum,
    protected_plain,
)
from groundwire.tuya.storage import (
    ENTRY_HEAD,
    PART,
    IndexEntry,
    StoredValue,
    TuyaStore,
    copies_by_block,
    index_entries,
    join_parts,
)

FILL = 0xFF
HEADER_SIZE = 19
JSON_TOKEN = re.compile(rb'"(?P<text>(?:[^"\\]|\\.)*)"(?P<key>\s*:)?|(?P<number>-?\d+(?:\.\d+)?)')


def masked_value(name: str, data: bytes) -> bytes:
    """The value with everything secret overwritten; the length stays the same.

    JSON keeps its form and the fields that may be shown; other texts become x, bytes become 0.
    """
    body, _, _ = data.partition(b"\0")
    text = body.decode("utf-8", "replace")
    if is_open_value(name, text):
        return data
    if isinstance(parse_json(text), dict | list):
        masked = mask_json(body)
    elif body and all(0x20 <= byte < 0x7F for byte in body) and not any(data[len(body) :]):
        masked = b"x" * len(body)
    else:
        masked = b""
    return masked.ljust(len(data), b"\0")


def mask_json(body: bytes) -> bytes:
    """JSON text with texts and numbers overwritten, except in fields that may be shown."""
    field = ""

    def replace(match: re.Match[bytes]) -> bytes:
        nonlocal field
        if match["key"] is not None:
            field = match["text"].decode("utf-8", "replace")
            return match.group()
        if is_open_field(field):
            return match.group()
        if match["number"] is not None:
            whole = match["number"]
            return b"1" + b"0" * (len(whole) - 1)
        return b'"' + b"x" * len(match["text"]) + b'"'

    return JSON_TOKEN.sub(replace, body)


def rewritten_store(flash: bytes, store: TuyaStore) -> dict[int, bytes]:
    """New content for every sector of the store, by offset.

    Current blocks keep their readable values, masked; older copies and free pages, which still
    hold what was deleted, are emptied. A device key of its own is replaced by a common one.
    """
    sectors: dict[int, bytes] = {}
    key = store.device_key.reveal()
    if store.key_sector is not None:
        key = SHARED_DEVICE_KEYS[0]
        plain = KEY_HEAD.pack(Magic.KEY, sum(key), key).ljust(SECTOR, bytes([FILL]))
        sectors[store.key_sector.offset] = encipher(plain, MASTER_KEY)
    cipher_key = data_key(store.prefix, key) if key else b""
    blocks = copies_by_block(store.sectors)
    current = {block: copies[0] for block, copies in blocks.items()}
    drafts = {block: empty_sector(sector) for block, sector in current.items()}
    for sector in current.values():
        for entry in index_entries(sector):
            data = join_parts(entry, current)
            if data is not None:
                place(drafts, entry, masked_value(entry.name, data))
    for sector in store.sectors:
        if not sector.sum_ok:
            sectors[sector.offset] = bytes([FILL]) * SECTOR
            continue
        is_current = current[sector.block] is sector
        draft = drafts[sector.block] if is_current else empty_sector(sector)
        draft[4:8] = byte_sum(bytes(draft[8:])).to_bytes(4, "little")
        sectors[sector.offset] = encipher(bytes(draft), cipher_key)
    for protected in store.protected:
        sectors[protected.offset] = rewritten_protected(flash, protected)
    return sectors


def empty_sector(sector: DataSector) -> bytearray:
    """A sector with the same header and no entries."""
    draft = bytearray([FILL]) * SECTOR
    size = min(sector.plain[14], PAGE - 15)
    draft[: 15 + size] = sector.plain[:15] + bytes(size)
    return draft


def place(drafts: dict[int, bytearray], entry: IndexEntry, data: bytes) -> None:
    """Put an index page and the pages of its value into the new sectors."""
    draft = drafts[entry.sector.block]
    page = bytearray(entry.sector.page(entry.page))
    name_size = ENTRY_HEAD.unpack_from(page)[6]
    used = ENTRY_HEAD.size + name_size + PART.size * len(entry.parts)
    page[used:] = bytes([FILL]) * (PAGE - used)
    page[0:4] = byte_sum(data).to_bytes(4, "little")
    draft[entry.page * PAGE : (entry.page + 1) * PAGE] = page
    draft[15 + entry.page // 8] |= 1 << entry.page % 8
    at = 0
    for part in entry.parts:
        piece = data[at : at + part.size].ljust(part.size, bytes([FILL]))
        start = part.first_page * PAGE
        drafts[part.block][start : start + part.size] = piece
        at += part.size


def rewritten_protected(flash: bytes, sector: ProtectedSector) -> bytes:
    """A protected sector with its values masked and its key replaced by a common one."""
    opened = protected_plain(flash, sector.offset)
    old_inner = (
        b""
        if opened is None
        else decipher(opened[0][32:], data_key(PLATFORMS[0].prefix, opened[1]))
    )
    inner = bytearray([FILL]) * (SECTOR - 32)
    at = 0
    for entry in sector.entries:
        head = old_inner[at : at + 36]
        data = masked_value(entry.name, entry.content.reveal())
        inner[at : at + 36 + len(data)] = head + data
        at += 36 + len(data)
    key = SHARED_DEVICE_KEYS[0]
    second = encipher(bytes(inner), data_key(PLATFORMS[0].prefix, key))
    outer = bytearray(PROTECTED_HEAD.pack(Magic.KEY, 0, key, at, sector.counter) + second)
    outer[4:8] = byte_sum(bytes(outer[8:])).to_bytes(4, "little")
    return encipher(bytes(outer), MASTER_KEY)


def secret_values(store: TuyaStore) -> list[tuple[str, Secret[bytes]]]:
    """Everything in the store that must not be left in a redacted dump, with its name."""
    found: list[tuple[str, Secret[bytes]]] = []
    if store.key_sector is not None and store.device_key.reveal() not in SHARED_DEVICE_KEYS:
        found.append(("device key", store.device_key))
    for protected in store.protected:
        found.append((f"key of the sector at 0x{protected.offset:X}", protected.key))
        for entry in protected.entries:
            found += secret_parts(entry.name, entry.content.reveal())
    for value in every_copy(store):
        found += secret_parts(value.name, value.content.reveal())
    return found


def every_copy(store: TuyaStore) -> list[StoredValue]:
    """The values of the store, old copies included."""
    return [*store.values, *store.older_values]


def secret_parts(name: str, data: bytes) -> list[tuple[str, Secret[bytes]]]:
    """The texts in a JSON value that may not be shown, or a whole other value."""
    body = data.split(b"\0", 1)[0]
    text = body.decode("utf-8", "replace")
    if is_open_value(name, text):
        return []
    content = parse_json(text)
    if not isinstance(content, dict | list):
        whole = data.strip(b"\0\xff")
        return [(name, Secret(whole))] if whole else []
    found: list[tuple[str, Secret[bytes]]] = []
    waiting: list[tuple[str, object]] = [("", content)]
    while waiting:
        field, item = waiting.pop()
        if isinstance(item, dict):
            waiting += [(str(key), value) for key, value in item.items()]
        elif isinstance(item, list):
            waiting += [(field, value) for value in item]
        elif isinstance(item, str) and item and not is_open_field(field):
            found.append((f"{name}.{field}", Secret(item.encode("utf-8", "replace"))))
    return found
