"""The instruction cipher of Beken chips: an XOR stream that depends on the address alone.

Each of its three stages is affine over GF(2) in the address. So a stream is known from its word
for address 0 and from what each address bit changes, and a megabyte is made by doubling.
"""

# Ref: beken-images, section 2

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Buffer = bytes | bytearray | memoryview

ADDRESS_BITS = 24  # 16 MiB of code: eight times the largest flash of these chips
MASK32 = 0xFFFFFFFF
BRANCH_TOP = 0xEA  # word 0 of a vector table: an ARM branch
VECTOR_WORD = 0xE59FF014  # words 1 to 7 of every vector table seen: ldr pc, [pc, #20]
VECTOR_SIZE = 32
_USUAL_VECTORS = VECTOR_WORD.to_bytes(4, "little") * 7
CODE_MAX = 4 << 20
_CANDIDATES_MAX = 8
_SAMPLE_WORDS = 0x10000
OTHER = "other"


def _rotate_right_32(value: int, count: int) -> int:
    return (value >> count | value << (32 - count)) & MASK32 if count else value


def _swap_16(value: int) -> int:
    return (value >> 8 | value << 8) & 0xFFFF


def _stage_a(address: int, selector: int, key: int) -> int:
    high, low = address >> 16 & 0xFFFF, address & 0xFFFF
    if selector & 2:
        high = _swap_16(high)
    if selector & 1:
        low = _swap_16(low)
    mixed = high ^ low ^ key
    spread = (mixed >> 5 & 15) * 0x1111
    rotated = (mixed << 9 | mixed >> 7) & 0xFFFF
    return (rotated ^ spread & 0x6371) << 16


def _stage_b(address: int, selector: int, key: int) -> int:
    mixed = (address >> selector & 0x1FFFF) ^ key
    rotated = (mixed & 0x3FF) << 7 | mixed >> 10
    nibble = (mixed >> 1 & 1) << 3 | (mixed >> 5 & 1) << 2 | (mixed >> 9 & 1) << 1 | mixed >> 13 & 1
    mask = (mixed >> 4 & 1) << 16 | nibble * 0x1111
    return (rotated ^ mask & 0x13659) & 0xFFFF


def _stage_c(address: int, selector: int, key: int) -> int:
    mixed = _rotate_right_32(address, 8 * selector) ^ key
    spread = (mixed >> 2 & 15) * 0x11111111
    return _rotate_right_32(mixed, 15) ^ spread & 0xE519A4F1


def _word(words: tuple[int, int, int, int], address: int) -> int:
    c0, c1, c2, control = words
    if control >> 24 in (0x00, 0xFF) or control & 15 == 15:
        return 0
    middle = (c1 >> 8 & 0xFF) << 9 | (control >> 4 & 1) << 8 | c1 & 0xFF
    value = 0
    if not control & 1:
        value ^= _stage_a(address, control >> 5 & 3, c1 >> 16)
    if not control & 2:
        value ^= _stage_b(address, control >> 8 & 3, middle)
    if not control & 4:
        value ^= _stage_c(address, control >> 11 & 3, c0)
    if not control & 8:
        value ^= c2
    return value


@dataclass(frozen=True, slots=True)
class KeyStream:
    """One cipher stream: its word for address 0, and what each address bit from bit 2 on changes.

    Applying it twice gives the data back: enciphering and deciphering are the same act.
    """

    name: str
    first: int
    columns: tuple[int, ...]

    def word(self, address: int) -> int:
        """The stream word for one word address."""
        value = self.first
        for bit, column in enumerate(self.columns, start=2):
            if address >> bit & 1:
                value ^= column
        return value

    @property
    def is_off(self) -> bool:
        """Whether enciphered and plain bytes are the same."""
        return not self.first and not any(self.columns)

    def same_stream(self, other: KeyStream, end: int = 1 << ADDRESS_BITS) -> bool:
        """Whether both give the same words below the address `end`, whatever they are called.

        A recovered stream is only known as far as the code reached that it was recovered from.
        """
        bits = max((end - 1).bit_length() - 2, 0)
        return self.first == other.first and self.columns[:bits] == other.columns[:bits]

    def words(self, count: int) -> NDArray[np.uint32]:
        """The first `count` words of the stream, from address 0 on."""
        out = np.empty(max(count, 1), dtype=np.uint32)
        out[0] = self.first
        done = 1
        for column in self.columns:
            if done >= count:
                break
            size = min(done, count - done)
            np.bitwise_xor(out[:size], np.uint32(column), out=out[done : done + size])
            done += size
        return out[:count]

    def apply(self, data: Buffer, address: int) -> bytes:
        """Encipher or decipher `data`, which lies at a logical address that is a multiple of 4.

        Raises ValueError where the address is no word address or the end leaves the range.
        """
        if address % 4 or address + len(data) > 1 << ADDRESS_BITS:
            raise ValueError(f"no word address or too far: {address}, {len(data)}")
        if self.is_off:
            return bytes(data)
        size = len(data)
        first, count = address // 4, -(-size // 4)
        padded = bytes(data) + bytes(-size % 4)
        stream = self.words(first + count)[first:]
        return (np.frombuffer(padded, dtype="<u4") ^ stream).astype("<u4").tobytes()[:size]


@functools.lru_cache(maxsize=16)
def stream_from_words(name: str, words: tuple[int, int, int, int]) -> KeyStream:
    """The stream of four key words, c0 first."""
    first = _word(words, 0)
    return KeyStream(
        name, first, tuple(_word(words, 1 << bit) ^ first for bit in range(2, ADDRESS_BITS))
    )


# Source: beken-images, section 2.5. The words are public: they are printed by every packer.
KNOWN_KEYS: dict[str, tuple[int, int, int, int]] = {
    "tuya": (0x510FB093, 0xA3CBEADC, 0x5993A17E, 0xC7ADEB03),
    "zero": (0, 0, 0, 0),
    "uascent": (0x4862379A, 0x8612784B, 0x85C5E258, 0x75754528),
}


def known_stream(name: str) -> KeyStream:
    """The stream of one of `KNOWN_KEYS`; raises KeyError for another name."""
    return stream_from_words(name, KNOWN_KEYS[name])


def known_streams() -> Iterator[KeyStream]:
    """The streams of all known key sets, the commonest first."""
    return (stream_from_words(name, words) for name, words in KNOWN_KEYS.items())


def parse_key(text: str) -> tuple[int, int, int, int]:
    """Four key words from 32 hex digits, c0 first; blanks between words are ignored.

    Raises ValueError for anything else.
    """
    digits = "".join(text.split())
    if len(digits) != 32:
        raise ValueError(f"a key is 32 hex digits, not {len(digits)}")
    words = [int(digits[at : at + 8], 16) for at in range(0, 32, 8)]
    return words[0], words[1], words[2], words[3]


# --- recognising and recovering the stream -------------------------------------------------------


def vector_score(plain: Buffer) -> int:
    """How many of the first eight words look like an ARM vector table."""
    words = np.frombuffer(plain, dtype="<u4", count=min(len(plain), VECTOR_SIZE) // 4)
    if not len(words):
        return 0
    table = int(np.count_nonzero(words[1:] >> 16 == VECTOR_WORD >> 16))
    return table + int(int(words[0]) >> 24 == BRANCH_TOP)


def find_stream(code: Buffer, address: int) -> KeyStream | None:
    """The stream that turns `code` at a logical address into an ARM program, or None.

    `code` starts with the vector table, checksums removed. A known key set under which the table
    is exactly the usual one is the answer; else the stream is recovered from the table; else a
    known set may leave up to three of the eight words damaged.
    """
    head = bytes(code[:VECTOR_SIZE])
    if len(head) < VECTOR_SIZE or head == b"\xff" * VECTOR_SIZE:
        return None
    tolerable = None
    for stream in known_streams():
        plain = stream.apply(head, address)
        if plain[3] == BRANCH_TOP and plain[4:] == _USUAL_VECTORS:
            return stream
        if tolerable is None and vector_score(plain) >= 5:
            tolerable = stream
    return recover_stream(code, address) or tolerable


_LinearStage = Callable[[int, int, int], int]


def _stage_columns(stage: _LinearStage) -> list[tuple[int, ...]]:
    """What each address bit changes, for the stage left out and for its four selectors."""
    choices: list[tuple[int, ...]] = [(0,) * (ADDRESS_BITS - 2)]
    for selector in range(4):
        rest = stage(0, selector, 0)
        bits = range(2, ADDRESS_BITS)
        choices.append(tuple(stage(1 << bit, selector, 0) ^ rest for bit in bits))
    return choices


@functools.lru_cache(maxsize=1)
def _all_columns() -> tuple[tuple[int, ...], ...]:
    """The columns of all 125 combinations of selectors, each different set once."""
    stages = [_stage_columns(stage) for stage in (_stage_a, _stage_b, _stage_c)]
    found = {
        tuple(a ^ b ^ c for a, b, c in zip(*chosen, strict=True)): None
        for chosen in product(*stages)
    }
    return tuple(found)


def _candidates(head: Iterable[int], address: int) -> Iterator[KeyStream]:
    cipher = list(head)
    for columns in _all_columns():
        linear = KeyStream(OTHER, 0, columns)
        shifts = [linear.word(address + 4 * index) for index in range(8)]
        constant = cipher[1] ^ shifts[1] ^ VECTOR_WORD
        plain = [word ^ shift ^ constant for word, shift in zip(cipher, shifts, strict=True)]
        if all(word == VECTOR_WORD for word in plain[1:]) and plain[0] >> 24 == BRANCH_TOP:
            yield KeyStream(OTHER, constant, columns)


def _distinct_words(stream: KeyStream, words: NDArray[np.uint32], address: int) -> int:
    """How many different words the code has under a stream; erased ones do not count."""
    first = address // 4
    plain = words ^ stream.words(first + len(words))[first:]
    return len(np.unique(plain[words != MASK32]))


def recover_stream(code: Buffer, address: int) -> KeyStream | None:
    """The stream of unknown key words, found from the vector table that every program starts with.

    The key words themselves stay unknown. Several selector settings agree on a table of 32 bytes,
    and some differ only from some address bit on. Programs repeat themselves and a wrong stream
    hides that, so the one is taken under which the whole code has the fewest different words.
    """
    words = np.frombuffer(code, dtype="<u4", count=min(len(code), CODE_MAX) // 4)
    bits = (address + 4 * len(words)).bit_length()
    candidates = {
        stream.columns[: max(bits - 2, 0)]: stream
        for stream in _candidates(words[: VECTOR_SIZE // 4].tolist(), address)
    }
    if not candidates:
        return None
    found = list(candidates.values())
    best = found[0]
    if len(found) > _CANDIDATES_MAX:
        words = words[:_SAMPLE_WORDS]  # only a file made to be slow has so many
    if len(found) > 1:
        best = min(found, key=lambda stream: _distinct_words(stream, words, address))
    for known in known_streams():
        if known.same_stream(best, 1 << bits):
            return known
    return best


def could_be_one_key(loader: KeyStream, app: KeyStream, app_address: int) -> bool:
    """Whether a loader at address 0 and an application can be under one key.

    Neither tells what the address bits do that are the same in all of its code, so two recovered
    streams need not be equal: one of the possible streams has to give what both give.
    """
    if OTHER not in {loader.name, app.name}:
        return loader.same_stream(app)
    bits = max((app_address - 1).bit_length() - 2, 0)
    if loader.columns[:bits] != app.columns[:bits]:
        return False
    return any(
        KeyStream(OTHER, loader.first, columns).word(app_address) == app.word(app_address)
        for columns in _all_columns()
        if columns[:bits] == loader.columns[:bits]
    )
