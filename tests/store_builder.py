"""Builds Tuya stores with invented contents, so that tests need nobody's settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from groundwire.tuya.cipher import MASTER_KEY, data_key, encipher

DEVICE_KEY = bytes(range(100, 116))
SECTOR, PAGE = 4096, 128
CLASSIC, TUYAOS3 = 0x98761234, 0x135726AB
PINS = "{module:CB2S,rl1_pin:26,rl1_lv:1,jv:1.0.0,crc:72,}"


def key_sector(device_key: bytes = DEVICE_KEY) -> bytes:
    head = (0x13579753).to_bytes(4, "little") + sum(device_key).to_bytes(4, "little") + device_key
    return encipher(head.ljust(SECTOR, b"\xff"), MASTER_KEY)


@dataclass
class Block:
    """One block: `values` of name and bytes, or (name, bytes, parts) for values elsewhere."""

    number: int
    values: dict[str, bytes] = field(default_factory=dict)
    generation: int = 1
    magic: int = CLASSIC
    spare: dict[int, bytes] = field(default_factory=dict)
    elsewhere: dict[str, tuple[bytes, list[tuple[int, int, int]]]] = field(default_factory=dict)

    def plain(self) -> bytes:
        data = bytearray(b"\xff" * SECTOR)
        bits, page = 0, 1
        for name, value in self.values.items():
            pages = -(-len(value) // PAGE)
            first = page + 1
            data[first * PAGE : first * PAGE + len(value)] = value
            self.index(data, page, name, value, [(self.number, first, first + pages - 1)])
            bits |= 1 << page
            page = first + pages
        for name, (value, parts) in self.elsewhere.items():
            self.index(data, page, name, value, parts)
            bits |= 1 << page
            page += 1
        for number, content in self.spare.items():
            data[number * PAGE : number * PAGE + len(content)] = content
        data[0:4] = self.magic.to_bytes(4, "little")
        data[8:10] = self.number.to_bytes(2, "little")
        data[10:14] = self.generation.to_bytes(4, "little")
        data[14:19] = b"\x04" + bits.to_bytes(4, "little")
        data[4:8] = sum(data[8:]).to_bytes(4, "little")
        return bytes(data)

    def index(self, data: bytearray, page: int, name: str, value: bytes, parts) -> None:
        encoded = name.encode() + b"\0"
        entry = (
            sum(value).to_bytes(4, "little") + len(value).to_bytes(4, "little")
            + self.number.to_bytes(2, "little") + bytes([page]) + len(parts).to_bytes(2, "little")
            + b"\x10\x20\x30\x40" + bytes([len(encoded)]) + encoded
            + b"".join(b.to_bytes(2, "little") + bytes([first, last]) for b, first, last in parts)
        )  # fmt: skip
        data[page * PAGE : page * PAGE + len(entry)] = entry


def protected_sector(
    entries: dict[str, bytes], key: bytes = bytes(16), *, device: int = 7
) -> bytes:
    inner = b"".join(
        len(value).to_bytes(4, "little") + name.encode().ljust(32, b"\0") + value
        for name, value in entries.items()
    )
    key = bytes((byte + device) & 0xFF for byte in key)
    second = encipher(inner.ljust(SECTOR - 32, b"\xff"), data_key("8710", key))
    tail = key + len(inner).to_bytes(4, "little") + b"\xff" * 4 + second
    head = (0x13579753).to_bytes(4, "little") + sum(tail).to_bytes(4, "little")
    return encipher(head + tail, MASTER_KEY)


def store(*blocks: Block, device_key: bytes = DEVICE_KEY, prefix: str = "8710") -> bytes:
    """A key sector and one sector for each block, in the order given."""
    key = data_key(prefix, device_key)
    return key_sector(device_key) + b"".join(encipher(block.plain(), key) for block in blocks)


def flash(*blocks: Block, at: int = 0x1EE000, size: int = 0x200000, **options) -> bytes:
    """A dump of that size that is erased but for its store."""
    built = store(*blocks, **options)
    return b"\xff" * at + built + b"\xff" * (size - at - len(built))
