"""Looking for removed values in a dump, in every form in which they could still be there."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from groundwire.exports.search_bytes import find_all
from groundwire.secret import Secret
from groundwire.tuya.cipher import data_key
from groundwire.tuya.sectors import (
    SECTOR,
    SHARED_DEVICE_KEYS,
    Magic,
    data_sector_at,
    matching_offsets,
)
from groundwire.tuya.storage import TuyaStore, find_store

# A shorter value turns up by chance, and tells nobody anything.
SHORTEST = 6
FAST_CONNECT_KEY = bytes.fromhex("55aa5a55a54d637f")

# What every device holds, or what the firmware writes by itself: no one's secret.
COMMON = frozenset(
    {
        b"homeassistant", b"q" * 10, b"192.168.0.1", b"217.147.223.78", b"SmartLife",
        b"Smart Life", b"SmartLife-EU", b"https://openbekeniot.github.io/webapp/", b"bekens",
        b"bl602s", b"unknown", b"default",
    }
)  # fmt: skip
VENDOR_ADDRESS = re.compile(
    rb"(?:\w+://)?[\w.-]+\.(?:tuya\w*|iotbing|wgine)\.com(?::\d+)?(?:/[\w./-]*)?\Z|\d+(?:\.\d+){3}(?::\d+)?\Z"
)
BASE64 = re.compile(rb"[A-Za-z0-9+/]{4,}={0,2}\Z")


@dataclass(frozen=True, slots=True)
class Removed:
    """A value that must not be found again, and what it was."""

    what: str
    value: Secret[bytes]


@dataclass(frozen=True, slots=True)
class Leftover:
    """A removed value that is still there: which, in what form, and where."""

    what: str
    form: str
    offset: int


def worth_hunting(values: Iterable[tuple[str, Secret[bytes]]]) -> tuple[Removed, ...]:
    """The values long and rare enough to be looked for, base64 texts also in the clear."""
    found: dict[bytes, str] = {}
    for what, secret in values:
        for name, data in with_decoded(what, secret.reveal()):
            rare = len(data) >= SHORTEST and len(set(data)) > 2
            common = data in COMMON or (len(data) < 200 and VENDOR_ADDRESS.match(data))
            if rare and not common:
                found.setdefault(data, name)
    return tuple(Removed(what, Secret(data)) for data, what in found.items())


def with_decoded(what: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The value, and what it says if it is base64 of a text."""
    yield what, data
    if BASE64.match(data) and len(data) % 4 == 0:
        clear = base64.b64decode(data)
        if clear and all(byte >= 0x20 for byte in clear):
            yield f"{what}, decoded", clear


def forms(removed: Removed) -> Iterator[tuple[str, bytes]]:
    """Every way in which the value could be written."""
    data = removed.value.reveal()
    yield "as it is", data
    yield "backwards", data[::-1]
    yield "UTF-16", b"".join(bytes([byte, 0]) for byte in data)
    hexadecimal = data.hex()
    for text in (hexadecimal, hexadecimal.upper()):
        yield "hex", text.encode()
        if len(data) == 6:
            pairs = [text[at : at + 2] for at in range(0, 12, 2)]
            yield "hex with colons", ":".join(pairs).encode()
            yield "hex with dashes", "-".join(pairs).encode()
            yield "end of a name", text[4:].encode()
    for shift in range(3):
        # Only the signs that do not depend on the neighbours are looked for.
        coded = base64.b64encode(bytes(shift) + data)
        first = -(-shift * 8 // 6)
        last = (shift + len(data)) * 8 // 6
        if last - first >= SHORTEST:
            yield "base64", coded[first:last]


def views(flash: bytes, device_keys: Iterable[bytes]) -> Iterator[tuple[str, bytes, int]]:
    """The dump as it is, un-XORed, and every sector that opens with a key: name, bytes, offset."""
    yield "", flash, 0
    yield "in a fast-connect record, ", unxored(flash), 0
    for key in device_keys:
        for offset, plain in opened(flash, key):
            yield "in the enciphered store, ", plain, offset
    store = find_store(flash)
    for sector in store.protected if store is not None else ():
        for entry in sector.entries:
            yield "in a protected sector, ", entry.content.reveal(), sector.offset


def opened(flash: bytes, device_key: bytes) -> Iterator[tuple[int, bytes]]:
    """Every sector that a device key opens."""
    key = data_key("8710", device_key)
    for offset in matching_offsets(flash, key, set(Magic), 0, SECTOR):
        sector = data_sector_at(flash, offset, key)
        if sector is not None:
            yield offset, sector.plain


def unxored(flash: bytes) -> bytes:
    """The dump as newer SDKs obscure their fast-connect record."""
    data = np.frombuffer(flash, dtype=np.uint8)
    key = np.resize(np.frombuffer(FAST_CONNECT_KEY, dtype=np.uint8), data.size)
    return (data ^ key).tobytes()


def patterns_of(removed: Iterable[Removed]) -> dict[bytes, tuple[str, str]]:
    """Every byte string to look for, with what it is and its form."""
    return {data: (item.what, form) for item in removed for form, data in forms(item)}


def leftovers(
    flash: bytes, removed: Iterable[Removed], device_keys: Iterable[bytes] = ()
) -> tuple[Leftover, ...]:
    """Where removed values can still be found in `flash`, in any form known."""
    patterns = patterns_of(removed)
    found = []
    for place, data, base in views(flash, {*SHARED_DEVICE_KEYS, *device_keys}):
        for at, pattern in find_all(data, patterns):
            what, form = patterns[pattern]
            found.append(Leftover(what, place + form, base + at))
    return tuple(found)


def store_keys(store: TuyaStore | None) -> tuple[bytes, ...]:
    """The device key of a store, if there is one."""
    key = store.device_key.reveal() if store is not None else b""
    return (key,) if key else ()
