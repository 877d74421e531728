"""What a log says, as values: the boots it holds and what each of them told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from groundwire.bootlog.linerate import LineVerdict
from groundwire.bootlog.lines import Line

APP_STAGE = 25
"""Marks from here on are printed by the application."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How often a mark was seen in one boot, where first and last, and how damaged at best."""

    count: int
    first: Line
    last: Line
    damage: int


@dataclass(frozen=True, slots=True)
class Crash:
    """An exception that the application printed. `pattern` is what fills its registers, or ""."""

    kind: str
    line: Line
    registers: Mapping[str, int]
    pattern: str

    @property
    def place(self) -> str:
        """Where the program counter stood, in words."""
        counter = self.registers.get("pc", self.registers.get("mepc"))
        if counter is None:
            return ""
        if 0x10000 <= counter < 0x130000 or counter >> 24 == 0x23:
            return f"at 0x{counter:08X} in the application"
        if 0x400000 <= counter < 0x480000 or counter >> 24 == 0x42:
            return f"at 0x{counter:08X} in RAM"
        return f"at 0x{counter:08X}, a wild jump"


@dataclass(frozen=True, slots=True)
class Boot:
    """One start of the module, from its first line to the line before the next start.

    `banner` is whether a Beken bootloader's name line was seen whole, `entry_registers` the r13
    and r14 that its SVC and SYS lines show. `app_lines` counts what only an application can have
    printed. `cut` says that the last line is only the beginning of a known one.
    """

    index: int
    first: Line
    last: Line
    lines: int
    banner: bool
    bootloader: str = ""
    reset_word: str = ""
    start_type: str = ""
    entry_registers: tuple[tuple[int, int], ...] = ()
    marks: Mapping[str, Seen] = field(default_factory=dict)
    stage: int = 0
    app_lines: int = 0
    app_sample: Line | None = None
    dots: int = 0
    boot_counter: int | None = None
    max_uptime_s: int | None = None
    crash: Crash | None = None
    cut: bool = False

    def has(self, *names: str) -> bool:
        """Whether any of these marks was seen."""
        return any(name in self.marks for name in names)

    @property
    def reset_value(self) -> int | None:
        """The retained reset word as a number, or None where it was not seen."""
        return int(self.reset_word, 16) if self.reset_word else None

    @property
    def start_class(self) -> int | None:
        """The class that the application gives for its start: 0 power, 1 restart, 2 watchdog."""
        return int(self.start_type.split()[0], 16) if self.start_type else None

    @property
    def from_power(self) -> bool | None:
        """Whether this start followed power-on or a brown-out; None where nothing tells."""
        if self.reset_word:
            return self.reset_value == 0
        if self.start_type:
            return self.start_class == 0
        return None


@dataclass(frozen=True, slots=True)
class LogFacts:
    """Everything that the rules may ask of one log.

    The lists of the whole log are in order of appearance. `boots` may leave out boots in the
    middle of a very long loop; `boots_total` counts them all.
    """

    verdict: LineVerdict
    boots: tuple[Boot, ...]
    boots_total: int
    bytes_total: int
    lines_total: int
    damaged_lines: tuple[Line, ...]
    damaged_total: int
    flipped_total: int
    dots_total: int
    text_total: int
    bootloader: str
    banners: int
    reset_words: tuple[str, ...]
    start_types: tuple[str, ...]
    app: str
    app_version: str
    app_versions: tuple[str, ...]
    chips: frozenset[str]
    safe_mode: bool
    boot_counters: tuple[int, ...]
    boot_complete: int
    max_uptime_s: int | None
    access_point: str
    duration_s: float | None

    def has(self, *names: str) -> bool:
        """Whether any of these marks was seen anywhere."""
        return any(boot.has(*names) for boot in self.boots)

    def seen(self, *names: str) -> Iterator[Line]:
        """The first line of each boot that has one of these marks."""
        for boot in self.boots:
            for name in names:
                if name in boot.marks:
                    yield boot.marks[name].first

    @property
    def last(self) -> Boot | None:
        """The boot that the log ends with."""
        return self.boots[-1] if self.boots else None

    @property
    def restarts(self) -> Iterator[tuple[Boot, Boot]]:
        """Each boot with the one that followed it."""
        return (
            (before, after)
            for before, after in zip(self.boots, self.boots[1:], strict=False)
            if after.index == before.index + 1
        )

    @property
    def crash(self) -> Crash | None:
        """The first exception of the log."""
        return next((boot.crash for boot in self.boots if boot.crash is not None), None)

    @property
    def period_s(self) -> float | None:
        """The mean time between starts, where the lines carry times."""
        starts = [boot.first.at_s for boot in self.boots if boot.first.at_s is not None]
        if len(starts) < 2 or self.boots_total != len(self.boots) or starts[-1] <= starts[0]:
            return None
        return (starts[-1] - starts[0]) / (len(starts) - 1)

    def as_members(self) -> dict[str, object]:
        """The facts by their stable names, without those that the log does not tell."""
        members: dict[str, object] = {
            "bootloader": self.bootloader,
            "banners": self.banners,
            "reset_words": list(self.reset_words),
            "start_types": list(self.start_types),
            "app": self.app,
            "app_version": self.app_version,
            "safe_mode": self.safe_mode,
            "boot_complete": self.boot_complete,
            "max_uptime_s": self.max_uptime_s,
            "access_point": self.access_point,
            "exception": self.crash.kind if self.crash else None,
            "pattern": self.crash.pattern if self.crash else None,
        }
        return {name: value for name, value in members.items() if value not in (None, "", [])}
