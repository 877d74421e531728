"""`user_param_key`: the pin settings of a Tuya module, as text, as values and with their check."""

# Ref: tuya-storage, section 6.

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

TEXT_LIMIT = 64 * 1024
NESTING_LIMIT = 16
CRC7_REFLECTED = 0x48

Value = int | str | list["Value"]

WHOLE_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
CHECK = re.compile(r",\s*\"?crc\"?\s*:\s*\"?([0-9]{1,3})\"?\s*,?\s*}\s*\Z")
MARKERS = (b"crc:", b"module:", b"Jsonver:")
UNPRINTABLE = re.compile(rb"[^\x20-\x7e]")
CODE_TEXT_LIMIT = 8 * 1024
CANDIDATE_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parsed settings. `check_stored` is None where the text has no check value."""

    text: str
    values: dict[str, Value]
    check_stored: int | None
    check_computed: int
    findings: tuple[str, ...] = ()

    @property
    def check_ok(self) -> bool:
        """Whether the text is as the factory wrote it."""
        return self.check_stored == self.check_computed

    def number(self, name: str) -> int | None:
        """An integer value, or None where it is missing or something else."""
        value = self.values.get(name)
        return value if isinstance(value, int) else None

    def word(self, name: str) -> str:
        """A value as text, or "" where it is missing or a list."""
        value = self.values.get(name)
        return str(value) if isinstance(value, int | str) else ""


def crc7(data: bytes) -> int:
    """CRC-7, polynomial 0x09 reflected, start 0, as Tuya's factory tool computes it."""
    table = crc7_table()
    crc = 0
    for byte in data:
        crc = table[crc ^ byte]
    return crc


@cache
def crc7_table() -> bytes:
    """What one byte does to the checksum."""
    table = bytearray(256)
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = crc >> 1 ^ (CRC7_REFLECTED if crc & 1 else 0)
        table[value] = crc
    return bytes(table)


def parse_parameters(text: str) -> Parameters | None:
    """The settings in a text of the form {name:value,…}; None if it has no such form.

    A text that breaks off gives what could be read, with a finding.
    """
    text = text.strip().rstrip("\0")
    if not text.startswith("{") or len(text) > TEXT_LIMIT:
        return None
    reader = Reader(text)
    values = reader.object_items()
    if not values:
        return None
    match = CHECK.search(text)
    covered = text[: match.start()] + "}" if match else text
    computed = crc7(covered.encode("utf-8", "replace"))
    stored = int(match.group(1)) if match else None
    findings = list(reader.findings)
    if stored is None:
        findings.append("the settings have no check value")
    elif stored != computed:
        findings.append(f"the check value is {stored}, the text gives {computed}: edited or cut")
    return Parameters(text, values, stored, computed, tuple(findings))


def scalar(token: str) -> Value:
    """A word or number; digit runs with a leading zero stay text, as do quoted ones."""
    token = token.strip()
    if len(token) >= 2 and token[0] == token[-1] == '"':
        return token[1:-1]
    return int(token) if WHOLE_NUMBER.match(token) else token


class Reader:
    """Reads the loose notation: no quotes needed, brackets nest, a comma may end the list."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 1
        self.findings: list[str] = []

    def object_items(self) -> dict[str, Value]:
        """All `name:value` pairs up to the closing bracket or the end of the text."""
        values: dict[str, Value] = {}
        while True:
            name = self.until(":,}")
            end = self.peek()
            if end == ":":
                self.at += 1
                values[name.strip().strip('"')] = self.value(depth=0)
                end = self.peek()
            elif name.strip():
                self.findings.append(f"a name without a value: {name.strip()[:32]!r}")
            if end != ",":
                break
            self.at += 1
        if self.peek() != "}":
            self.findings.append("the text ends before its closing bracket")
        return values

    def value(self, depth: int) -> Value:
        """One value; lists and nested objects are kept to a depth that real settings never use."""
        while self.peek().isspace():
            self.at += 1
        if self.peek() in {"[", "{"}:
            return self.nested(depth + 1)
        return scalar(self.until(",}]"))

    def nested(self, depth: int) -> Value:
        """A bracketed list; nested objects become lists of their words."""
        self.at += 1
        items: list[Value] = []
        if depth > NESTING_LIMIT:
            self.findings.append(f"brackets nest deeper than {NESTING_LIMIT}")
            self.at = len(self.text)
            return items
        while (here := self.peek()) and here not in {"]", "}"}:
            if here == ",":
                self.at += 1
                continue
            items.append(self.value(depth))
        self.at += 1
        return items

    def until(self, stops: str) -> str:
        """The text up to one of `stops`, which is left unread; quoted text is passed over."""
        start = self.at
        quoted = False
        while self.at < len(self.text):
            here = self.text[self.at]
            if here == '"':
                quoted = not quoted
            elif not quoted and here in stops:
                break
            self.at += 1
        return self.text[start : self.at]

    def peek(self) -> str:
        """The next character, or "" at the end."""
        return self.text[self.at : self.at + 1]


# --- defaults in application code ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CodeDefault:
    """Settings that the application carries as a constant: the firmware's, not the device's."""

    offset: int
    parameters: Parameters


def find_in_code(plain: bytes, limit: int = 16) -> tuple[CodeDefault, ...]:
    """The parameter texts in a deciphered application, in address order, without repetitions."""
    found: dict[str, CodeDefault] = {}
    for start, text in code_candidates(plain):
        parameters = parse_parameters(text)
        if parameters is not None and len(parameters.values) > 2:
            found.setdefault(parameters.text, CodeDefault(start, parameters))
        if len(found) >= limit:
            break
    return tuple(found.values())


def code_candidates(plain: bytes) -> Iterator[tuple[int, str]]:
    """Printable NUL-ended texts in brackets that hold one of the tell-tale names."""
    end = 0
    for marker in marker_offsets(plain):
        if marker < end:
            continue
        low = max(0, marker - CODE_TEXT_LIMIT)
        start = plain.rfind(b"\0", low, marker) + 1 or low
        end = plain.find(b"\0", marker, marker + CODE_TEXT_LIMIT)
        run = UNPRINTABLE.split(plain[start : max(end, start)])[-1]
        opening = run.find(b"{")
        if opening >= 0:
            yield end - len(run) + opening, run[opening:].decode("ascii")


def marker_offsets(plain: bytes) -> list[int]:
    """Where the tell-tale names stand, in order; only so many of each."""
    found: list[int] = []
    for marker in MARKERS:
        at = plain.find(marker)
        for _ in range(CANDIDATE_LIMIT):
            if at < 0:
                break
            found.append(at)
            at = plain.find(marker, at + 1)
    return sorted(found)
