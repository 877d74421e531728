"""Bytes of a log to its facts, streaming and in bounded memory."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from groundwire.bootlog.facts import APP_STAGE, Boot, Crash, LogFacts, Seen
from groundwire.bootlog.linerate import judge_line
from groundwire.bootlog.lines import Line, LineSplitter
from groundwire.bootlog.signatures import SignatureTable, signature_table

SAMPLE_BYTES = 16 * 1024
KEPT_BOOTS = 64
KEPT_WORDS = 256
KEPT_LINES = 3000
KEPT_LINE_CHARS = 120
KEPT_DAMAGED = 12
CRASH_LINES = 40

_BANNER = re.compile(r"(?<!Open)(BK7[2-9]\w{2,3}_1\.0\.\d{1,3})")
_BEGIN = re.compile(
    r"(?:V:)?(?<!Open)BK7[2-9]\w{2,3}_1\.0\.\d|bk_misc_init_start_type \d|prvHeapInit-start addr"
)
_RESET_WORD = re.compile(r"(?<![A-Za-z0-9])ST: ?(?:0x)?([0-9A-Fa-f]{8})\b")
_START_TYPE = re.compile(r"bk_misc_init_start_type ([0-9a-f]{1,2}) ([0-9a-f]{1,8})\b")
_ENTRY = re.compile(
    r"(?<![A-Z])(?:SVC|SYS): ?(?:0x)?[0-9A-Fa-f]{8} (?:0x)?([0-9A-Fa-f]{8}) (?:0x)?([0-9A-Fa-f]{8})"
)
_OBK = re.compile(r"\b(Open[A-Z][A-Z0-9]{3,9}), version (\d[\w.]{2,20})")
_TUYA_APP = re.compile(
    r"\] ([A-Za-z]\w{3,48}:\d{1,3}\.\d{1,3}\.\d{1,3})$"
    r"|\*{4,}(\[\w{3,48}\] \[[\d.]{3,12}\]) compiled"
)
_CHIP = re.compile(
    r"chip id=(\w{4,5})|(BK72\w{2,3})(?=_1\.0\.)|OpenBK(72\d\d\w?)|AT (bk72\w{2,3}) >"
)
_UPTIME = re.compile(r"Time (\d{1,9}), (?:idle|free) ")
_COUNTER = re.compile(r"(?:Boot Count|have been) (\d{1,9})(?= suspected| #|$)")
_ACCESS_POINT = re.compile(r"\bssid:(\S.{0,31}?) ?key:.{0,64}?mode:\d")
_REGISTER = re.compile(r"\b(r\d\d|fp|ip|sp|lr|pc|SPSR|CPSR) ?:0x([0-9A-Fa-f]{8})")
_MCAUSE = re.compile(r"(mcause|mepc|mtval) (?:0x)?([0-9A-Fa-f]{1,8})\b")
_BOOT_COMPLETE = re.compile(r"Boot complete time reached")
_CRASH_MARKS = (
    "crash.undefined",
    "crash.prefetch",
    "crash.data",
    "crash.reserved",
    "bl602.exception",
)
_WORDY = re.compile(r"[A-Za-z0-9]{2,}.*[A-Za-z0-9]")


@dataclass(slots=True)
class _Draft:
    """A boot while its lines arrive."""

    index: int
    first: Line
    last: Line
    lines: int = 0
    banner: bool = False
    bootloader: str = ""
    reset_word: str = ""
    start_type: str = ""
    entry_registers: list[tuple[int, int]] = field(default_factory=list)
    marks: dict[str, Seen] = field(default_factory=dict)
    stage: int = 0
    app_lines: int = 0
    app_sample: Line | None = None
    dots: int = 0
    boot_counter: int | None = None
    max_uptime_s: int | None = None
    crash: Crash | None = None
    crash_left: int = 0
    torn: bool = False

    def frozen(self, *, cut: bool) -> Boot:
        return Boot(
            self.index, self.first, self.last, self.lines, self.banner, self.bootloader,
            self.reset_word, self.start_type, tuple(self.entry_registers), self.marks, self.stage,
            self.app_lines, self.app_sample, self.dots, self.boot_counter, self.max_uptime_s,
            self.crash, cut,
        )  # fmt: skip


class LogReader:
    """Feed it the bytes of one log in any chunking, then ask `finish` for the facts.

    `read_rate` is the rate the port was read at, 0 where nobody knows, as with a pasted log.
    """

    def __init__(self, *, read_rate: int = 0, table: SignatureTable | None = None) -> None:
        self._read_rate = read_rate
        self._table = table or signature_table()
        self._splitter = LineSplitter()
        self._head = bytearray()
        self._tail = bytearray()
        self._bytes = 0
        self._known_marks: dict[str, dict[str, int]] = {}
        self._counts: Counter[str] = Counter()
        self._drafts: list[_Draft] = []
        self._boots = 0
        self._whole_lines: dict[str, None] = {}
        self._damaged: list[Line] = []
        self._words: dict[str, list[str]] = {"reset": [], "start": [], "version": []}
        self._names: dict[str, str] = {}
        self._chips: set[str] = set()
        self._counters: list[int] = []
        self._times: tuple[float, float] | None = None

    def feed(self, data: bytes, at_s: float | None = None) -> tuple[Line, ...]:
        """More bytes of the log; `at_s` is when they arrived. Gives the lines they complete."""
        return tuple(line for line, _boot in self.stream(data, at_s))

    def stream(self, data: bytes, at_s: float | None = None) -> Iterator[tuple[Line, int]]:
        """The same one by one, each line with the number of the boot that it belongs to."""
        self._bytes += len(data)
        self._head += data[: max(0, SAMPLE_BYTES - len(self._head))]
        self._tail += data[-SAMPLE_BYTES:]
        del self._tail[:-SAMPLE_BYTES]
        for line in self._splitter.feed(data, at_s):
            self._line(line)
            yield line, self._boots

    @property
    def pending(self) -> str:
        """The text of the line that is still being received."""
        return self._splitter.pending

    def finish(self) -> LogFacts:
        """The facts of the whole log; call it once, when the stream has ended."""
        for line in self._splitter.finish():
            self._line(line)
        return self.facts()

    def facts(self) -> LogFacts:
        """The facts so far, without the line that is still being received."""
        printed = sorted(self._whole_lines)
        boots = []
        for draft in self._drafts:
            # What the log itself ends with may be whole in spite of a missing line end.
            is_last = draft is self._drafts[-1] and draft.last.ended
            boots.append(draft.frozen(cut=not is_last and self._is_cut(draft, printed)))
        uptimes = [boot.max_uptime_s for boot in boots if boot.max_uptime_s is not None]
        return LogFacts(
            verdict=judge_line(self._sample(), self._read_rate),
            boots=tuple(boots),
            boots_total=self._boots,
            bytes_total=self._bytes,
            lines_total=self._counts["lines"],
            damaged_lines=tuple(self._damaged),
            damaged_total=self._counts["damaged"],
            flipped_total=self._counts["flipped"],
            dots_total=self._counts["dots"],
            text_total=self._counts["text"],
            bootloader=self._names.get("bootloader", ""),
            banners=self._counts["banners"],
            reset_words=tuple(self._words["reset"]),
            start_types=tuple(self._words["start"]),
            app=self._names.get("app", ""),
            app_version=self._names.get("version", ""),
            app_versions=tuple(self._words["version"]),
            chips=frozenset(self._chips),
            safe_mode=self._counts["safe"] > 0,
            boot_counters=tuple(self._counters),
            boot_complete=self._counts["complete"],
            max_uptime_s=max(uptimes, default=None),
            access_point=self._names.get("access_point", ""),
            duration_s=self._times[1] - self._times[0] if self._times else None,
        )

    # --- one line ---------------------------------------------------------------------------------

    def _line(self, line: Line) -> None:
        self._counts["lines"] += 1
        self._counts["text"] += len(line.text)
        self._counts["dots"] += line.text.count(".")
        if line.at_s is not None:
            self._times = (self._times[0] if self._times else line.at_s, line.at_s)
        begin = _BEGIN.search(line.text) if self._drafts else None
        if begin is not None and _torn(line.text[: begin.start()]):
            before = line.text[: begin.start()]
            self._placed(replace(line, text=before, ended=False))
            self._drafts[-1].torn = True
            line = replace(line, text=line.text[begin.start() :])
        self._placed(line)

    def _placed(self, line: Line) -> None:
        marks = self._marks_in(line.text)
        self._note_damage(line, marks)
        begins = [self._table.marks[name].stage for name in marks if self._table.marks[name].begins]
        draft = self._drafts[-1] if self._drafts else None
        if draft is None or (begins and self._is_new_boot(draft, min(begins), line)):
            draft = self._open(line)
        elif line.ended and len(self._whole_lines) < KEPT_LINES:
            # The line before was followed by another of the same boot: it was printed whole.
            self._whole_lines[draft.last.text[:KEPT_LINE_CHARS]] = None
        draft.last = line
        draft.lines += 1
        for name, damage in marks.items():
            self._see(draft, name, line, damage)
        if "boot.go" in marks:
            draft.dots = line.text.count(".")
        if draft.stage >= 20 or draft.stage == 0:
            self._count_app_line(draft, line, marks)
        self._read_values(draft, line)
        self._read_crash(draft, line, marks)

    def _marks_in(self, text: str) -> dict[str, int]:
        """The marks of a line; recent lines are remembered, since logs repeat themselves."""
        marks = self._known_marks.get(text)
        if marks is None:
            marks = self._table.marks_in(text)
            if len(self._known_marks) >= KEPT_LINES:
                self._known_marks.clear()
            self._known_marks[text] = marks
        return marks

    def _open(self, line: Line) -> _Draft:
        draft = _Draft(self._boots, line, line)
        self._boots += 1
        if len(self._drafts) >= KEPT_BOOTS:
            del self._drafts[KEPT_BOOTS // 4]
        self._drafts.append(draft)
        return draft

    def _is_new_boot(self, draft: _Draft, stage: int, line: Line) -> bool:
        if draft.stage == 0:
            return draft.lines > 0
        if stage == 30 and draft.stage == 30:
            # A second heap in external RAM is announced like the first.
            return "addr:0x2" not in line.text
        return draft.stage >= stage

    def _see(self, draft: _Draft, name: str, line: Line, damage: int) -> None:
        seen = draft.marks.get(name)
        if seen is None:
            draft.marks[name] = Seen(1, line, line, damage)
        else:
            draft.marks[name] = Seen(seen.count + 1, seen.first, line, min(seen.damage, damage))
        draft.stage = max(draft.stage, self._table.marks[name].stage)

    def _count_app_line(self, draft: _Draft, line: Line, marks: dict[str, int]) -> None:
        by_boot = any(0 < self._table.marks[name].stage < APP_STAGE for name in marks)
        by_app = any(self._table.marks[name].app for name in marks)
        ota = any(name.startswith("ota.") for name in marks)
        after_jump = (
            draft.stage >= 20 and not by_boot and not ota and bool(_WORDY.search(line.text))
        )
        if by_app or after_jump:
            draft.app_lines += 1
            draft.app_sample = draft.app_sample or line

    def _note_damage(self, line: Line, marks: dict[str, int]) -> None:
        worn = sum(marks.values())
        # A line of block characters that a forum has re-encoded is no proof of a noisy wire.
        damaged = line.damaged if line.damaged <= 0.3 * len(line.text) else 0
        if damaged or worn:
            self._counts["damaged"] += damaged
            self._counts["flipped"] += worn
            if damaged and len(self._damaged) < KEPT_DAMAGED:
                self._damaged.append(line)

    # --- values of one line ---------------------------------------------------------------------

    def _read_values(self, draft: _Draft, line: Line) -> None:
        text = line.text
        if (match := _BANNER.search(text)) is not None:
            draft.banner, draft.bootloader = True, match[1]
            self._counts["banners"] += 1
            self._names.setdefault("bootloader", match[1])
        elif (match := _RESET_WORD.search(text)) is not None:
            draft.reset_word = draft.reset_word or match[1]
            self._keep("reset", match[1])
        elif (match := _ENTRY.search(text)) is not None and len(draft.entry_registers) < 4:
            draft.entry_registers.append((int(match[1], 16), int(match[2], 16)))
        elif (match := _START_TYPE.search(text)) is not None:
            draft.start_type = draft.start_type or f"{match[1]} {match[2]}"
            self._keep("start", f"{match[1]} {match[2]}")
        self._read_app_values(draft, text)
        for match in _CHIP.finditer(text):
            if len(self._chips) < 16:
                self._chips.add(next(group for group in match.groups() if group).upper())

    def _read_app_values(self, draft: _Draft, text: str) -> None:
        if (match := _OBK.search(text)) is not None:
            self._names.setdefault("app", match[1])
            self._names.setdefault("version", match[2])
            self._keep("version", match[2])
        elif (match := _TUYA_APP.search(text)) is not None and "version:" not in text:
            self._names.setdefault("app", match[1] or match[2])
        elif (match := _UPTIME.search(text)) is not None:
            draft.max_uptime_s = max(draft.max_uptime_s or 0, int(match[1]))
        elif (match := _COUNTER.search(text)) is not None and len(self._counters) < KEPT_WORDS:
            draft.boot_counter = int(match[1])
            self._counters.append(int(match[1]))
        elif (match := _ACCESS_POINT.search(text)) is not None:
            self._names["access_point"] = match[1]
        self._counts["complete"] += bool(_BOOT_COMPLETE.search(text))
        self._counts["safe"] += "safe mode activated" in text or ":[SAFE] Time" in text

    def _read_crash(self, draft: _Draft, line: Line, marks: dict[str, int]) -> None:
        kind = next((name for name in _CRASH_MARKS if name in marks), None)
        if kind is not None and draft.crash is None:
            draft.crash = Crash(_crash_words(kind, line.text), line, {}, "")
            draft.crash_left = CRASH_LINES
        if draft.crash is None or draft.crash_left <= 0:
            return
        draft.crash_left -= 1
        if "separate regs" in line.text:
            # What follows are the banked registers; on BK7238 they hold text bytes.
            draft.crash_left = 0
        found = {name: int(value, 16) for name, value in _REGISTER.findall(line.text)}
        found |= {name: int(value, 16) for name, value in _MCAUSE.findall(line.text)}
        said = line.text.partition("msg:")[2].strip()[:40]
        if found or said:
            registers = {**draft.crash.registers, **found}
            draft.crash = Crash(
                said or draft.crash.kind, draft.crash.line, registers, _pattern(registers)
            )

    def _keep(self, group: str, word: str) -> None:
        if len(self._words[group]) < KEPT_WORDS:
            self._words[group].append(word)

    # --- at the end -----------------------------------------------------------------------------

    def _sample(self) -> bytes:
        if self._head.startswith((b"\xff\xfe", b"\xfe\xff")):
            return self._head.decode("utf-16", "replace").encode("utf-8", "replace")
        if self._bytes <= SAMPLE_BYTES:
            return bytes(self._head)
        overlap = max(0, 2 * SAMPLE_BYTES - self._bytes)
        return bytes(self._head + self._tail[overlap:])

    def _is_cut(self, draft: _Draft, printed: list[str]) -> bool:
        """Whether the last line of a boot is the beginning of a line that is known whole."""
        text = draft.last.text
        if not draft.app_lines or text in self._whole_lines or text in self._table.whole_lines:
            return False
        if draft.torn:
            return True
        place = bisect_left(printed, text)
        if place < len(printed) and printed[place].startswith(text):
            return True
        openings = self._table.line_openings
        if any(len(text) > len(opening) and text.startswith(opening) for opening in openings):
            return False
        return any(line.startswith(text) for line in (*openings, *self._table.whole_lines))


def _torn(before: str) -> bool:
    """Whether the text in front of a banner is the stump of a line, not a forum's ornament."""
    return len(re.sub(r"[^A-Za-z]", "", before)) >= 3


def _crash_words(mark: str, text: str) -> str:
    words = {
        "crash.undefined": "undefined instruction",
        "crash.prefetch": "prefetch abort",
        "crash.data": "data abort",
        "crash.reserved": "reserved vector",
    }
    return words.get(mark, text[:40] or "exception")


def _pattern(registers: dict[str, int]) -> str:
    values = Counter(
        value
        for name, value in registers.items()
        if name.startswith("r") and value not in (0, 0xFFFFFFFF)
    )
    for value, count in values.most_common(1):
        if count >= 3 and value == (value & 0xFF) * 0x01010101:
            return f"{value:08x}"
    return ""
