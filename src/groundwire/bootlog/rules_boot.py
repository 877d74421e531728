"""Predicates on boots: how each began, how far it came and how it ended."""

from __future__ import annotations

from collections.abc import Mapping

from groundwire.bootlog.facts import Boot
from groundwire.bootlog.rules import Case, Match, Predicate, counted, when
from groundwire.bootlog.signatures import Confidence

CRASH_WORDS_T = range(0xBEDEAD01, 0xBEDEAD05)
ANOMALY_WORDS_N = range(0xAD11, 0xAD14)
LATE_RATIO = 12.0
"""The wait for a link lasts about four times the start of the app; noise makes it thirty."""
QUIET_S = 15.0
"""OpenBeken prints a line every second; an SDK that starts prints many."""
APP_SPAN = range(0x10000, 0x130000)
RAM_SPAN = range(0x402000, 0x480000)
"""Without the stacks that the boot ROM leaves behind."""


def _jumped(boot: Boot) -> bool:
    return boot.has("boot.jump", "boot.go")


def _app_missing_t(case: Case, _rest: str) -> Match | None:
    found = [
        after
        for before, after in case.facts.restarts
        if after.reset_value in CRASH_WORDS_T and before.app_lines == 0 and before.stage >= 10
    ]
    last = case.facts.last
    if last is not None and last.reset_value in CRASH_WORDS_T and case.facts.boots_total == 1:
        found += [last] if last.app_lines == 0 and _jumped(last) else []
    return when(
        found and not _has_app(case),
        *(boot.last for boot in found[:3]),
        detail=counted(len(found), "start crashed", "starts crashed")
        + " before the application's first line"
        if found
        else "",
    )


def _has_app(case: Case) -> bool:
    return any(boot.app_lines > 1 for boot in case.facts.boots)


def _app_missing_n(case: Case, _rest: str) -> Match | None:
    boots = [
        boot
        for boot in case.facts.boots
        if boot.has("boot.anomaly") or (boot.reset_value or 0) & ~0x10000 in ANOMALY_WORDS_N
    ]
    return when(
        boots and not _has_app(case),
        *(boot.last for boot in boots[:3]),
        detail=counted(len(boots), "start", "starts")
        + " with an exception caught by the bootloader"
        if boots
        else "",
    )


def _ends_after_jump(case: Case, _rest: str) -> Match | None:
    last = case.facts.last
    if last is None or last.app_lines or last.cut:
        return None
    if not (last.has("boot.jump") or (last.has("boot.go") and _prints_on_this_pin(last))):
        return None
    alone = not any(
        after.stage >= 10 and before.stage >= 20 for before, after in case.facts.restarts
    )
    if not alone or last.has("boot.anomaly") or last.reset_value:
        return None
    return case.hung(last.last)


def _ends_after_dots(case: Case, _rest: str) -> Match | None:
    last = case.facts.last
    if last is None or not last.has("boot.go") or last.app_lines or _has_app(case):
        return None
    if last.dots < 7:
        return None
    line = last.marks["boot.go"].first
    if _prints_on_this_pin(last):
        return Match((line,), "this bootloader and its application share one pin", Confidence.LOW)
    return Match((line,))


def _prints_on_this_pin(boot: Boot) -> bool:
    """Whether the application of this bootloader prints where the bootloader does."""
    return boot.bootloader.upper().startswith(("BK7231", "BK7251"))


def _dots_loop(case: Case, _rest: str) -> Match | None:
    loops = [
        (before, after)
        for before, after in case.facts.restarts
        if before.has("boot.go") and before.app_lines == 0 and after.stage >= 10
    ]
    by_itself = any(after.from_power is False for _, after in loops)
    if not loops or (len(loops) < 2 and not by_itself) or _has_app(case):
        return None
    return Match(
        tuple(before.last for before, _ in loops[:3]),
        counted(len(loops), "restart", "restarts") + " straight after the dots",
        None if by_itself or len(loops) > 2 else Confidence.LOW,
    )


def _ends_after_heap(case: Case, _rest: str) -> Match | None:
    last = case.facts.last
    if last is None or last.crash is not None or last.has("app.wrong-chip"):
        return None
    further = any(boot.stage > 30 for boot in case.facts.boots)
    if last.stage == 30 and last.app_lines <= 3 and not further:
        heap = last.marks.get("app.heap")
        return case.hung(last.last) if heap is not None and heap.last is last.last else None
    # Later on only the clock can tell a hang from a log that ends; vendor firmware may be quiet.
    chatty = last.has("obk.line") or last.stage < 50
    silent = (case.silence_s or 0.0) >= QUIET_S and last.app_lines > 0
    if last.has("obk.complete"):
        return None  # its start was complete; what follows the user may have turned off
    before_config = last.has("obk.before-delay") and not last.has("obk.before-delay-more")
    if not silent or not chatty or before_config or last.has("tuya.line", "libretiny.line"):
        return None
    return case.hung(last.last)


def _ends_before_config(case: Case, _rest: str) -> Match | None:
    last = case.facts.last
    if (
        last is None
        or last.cut
        or not last.has("obk.before-delay")
        or last.has("obk.before-delay-more")
    ):
        return None
    further = any(boot.has("obk.before-delay-more") for boot in case.facts.boots)
    at_end = last.marks["obk.before-delay"].last is last.last
    return case.hung(last.last) if at_end and last.stage < 75 and not further else None


def _app_verify(case: Case, _rest: str) -> Match | None:
    lines = tuple(case.facts.seen("ota.app-verify"))
    if not lines:
        return None
    if any(boot.app_lines > 1 and boot.has("ota.app-verify") for boot in case.facts.boots):
        return Match(lines[:2], "the application starts all the same", Confidence.LOW)
    return Match(lines[:2], "no line of the application follows here")


def _late_jump(case: Case, _rest: str) -> Match | None:
    for boot in case.facts.boots:
        marks = boot.marks
        if not all(name in marks for name in ("boot.reset-word", "boot.jump", "app.heap")):
            continue
        times = [marks[name].first.at_s for name in ("boot.reset-word", "boot.jump", "app.heap")]
        if None in times or boot.has("ota.bad-crc", "ota.app-verify") or "boot.new-family" in marks:
            continue
        word_s, jump_s, heap_s = (time for time in times if time is not None)
        if heap_s > jump_s and (jump_s - word_s) / (heap_s - jump_s) >= LATE_RATIO:
            return Match(
                (marks["boot.reset-word"].first, marks["boot.jump"].first),
                f"{jump_s - word_s:.3g} s between ST and J, {heap_s - jump_s:.2g} s from there on",
            )
    return None


def _reset_word(case: Case, rest: str) -> Match | None:
    wanted = int(rest, 16)
    boots = [boot for boot in case.facts.boots if boot.reset_value == wanted]
    return when(
        boots,
        *(boot.marks["boot.reset-word"].first for boot in boots[:3] if boot.has("boot.reset-word")),
    )


def _cut_by_supply(case: Case, _rest: str) -> Match | None:
    cuts = [
        before
        for before, after in case.facts.restarts
        if before.cut and after.from_power is not False and before.crash is None
        and after.stage >= 10 and not before.has("reboot.asked", "crash.shutdown", "obk.complete")
    ]  # fmt: skip
    if not cuts or any(
        after.from_power is False and after.reset_value not in (1, 0x10001)
        for _, after in case.facts.restarts
    ):
        return None
    places = {boot.last.text for boot in cuts}
    return Match(
        tuple(boot.last for boot in cuts[:6]),
        counted(len(cuts), "start", "starts")
        + " broke off in the middle of a word"
        + (f", at {len(places)} different places" if len(places) > 1 else ""),
        Confidence.HIGH if len(places) > 1 else None,
    )


def _bl602_power_loop(case: Case, _rest: str) -> Match | None:
    boots = [boot for boot in case.facts.boots if boot.has("bl602.power-off")]
    if len(boots) == 1 and boots[0].has("bl602.app", "obk.line"):
        return None
    unfinished = [boot for boot in boots if not boot.has("obk.complete")]
    if not unfinished or boots[-1].has("obk.complete"):
        return None
    repeats = len(boots) > 1
    return Match(
        tuple(boot.marks["bl602.power-off"].first for boot in unfinished[:3]),
        counted(len(boots), "start", "starts")
        if repeats
        else "one start only, so that it repeats is not shown",
        (Confidence.HIGH if len(boots) > 2 else None) if repeats else Confidence.LOW,
    )


def _crash_loop_t(case: Case, _rest: str) -> Match | None:
    found = [
        before
        for before, after in case.facts.restarts
        if after.reset_value in CRASH_WORDS_T and before.app_lines > 0
    ]
    lonely = [
        boot
        for boot in case.facts.boots
        if boot.reset_value in CRASH_WORDS_T and boot.app_lines > 1 and boot.index == 0
    ]
    if not (found or lonely) or not _has_app(case):
        return None
    same = len({boot.last.text for boot in found}) == 1 and len(found) > 1
    return Match(
        tuple(boot.last for boot in (found or lonely)[:3]),
        counted(len(found), "crash", "crashes") + (", each after the same line" if same else ""),
    )


def _entered_by_jump(case: Case, _rest: str) -> Match | None:
    for boot in case.facts.boots:
        jumped = any(r13 in RAM_SPAN and r14 in APP_SPAN for r13, r14 in boot.entry_registers)
        if jumped or boot.has("reboot.jumped"):
            return Match((boot.first, boot.last))
    return None


def _watchdog(case: Case, _rest: str) -> Match | None:
    after_text = {
        after.index
        for before, after in case.facts.restarts
        if before.has("reboot.asked", "reboot.script", "heap.low") or before.crash is not None
    }
    boots = [
        boot
        for boot in case.facts.boots
        if boot.index not in after_text
        and (
            boot.start_class == 2
            or (boot.reset_word and boot.reset_value in (0x10000, 0x10002) and not boot.start_type)
            or boot.has("bl602.watchdog")
        )
    ]
    return when(boots, *(boot.first for boot in boots[:3]))


def _script_reboots(case: Case, _rest: str) -> Match | None:
    boots = [
        boot
        for boot in case.facts.boots
        if boot.has("reboot.script") and not boot.has("obk.complete")
    ]
    restarted = [after for before, after in case.facts.restarts if before in boots]
    if not boots or not restarted:
        return None
    return Match(
        tuple(boot.marks["reboot.script"].first for boot in boots[:3]),
        counted(len(boots), "start", "starts") + " ended in a restart command",
        None if len(boots) > 1 else Confidence.MEDIUM,
    )


def _boot_count_climbs(case: Case, _rest: str) -> Match | None:
    counters = case.facts.boot_counters
    rises = len(counters) > 1 and counters[-1] > counters[0] and case.facts.boot_complete == 0
    return when(
        rises or (counters and case.facts.safe_mode),
        *case.facts.seen("boot-count"),
        detail=f"{counters[0]} to {counters[-1]}"
        if rises
        else f"{counters[-1]}"
        if counters
        else "",
    )


PREDICATES: Mapping[str, Predicate] = {
    "app-missing-t": _app_missing_t,
    "app-missing-n": _app_missing_n,
    "ends-after-jump": _ends_after_jump,
    "ends-after-ten-dots": _ends_after_dots,
    "dots-loop": _dots_loop,
    "ends-after-heap": _ends_after_heap,
    "ends-before-config": _ends_before_config,
    "app-verify": _app_verify,
    "late-jump": _late_jump,
    "reset-word": _reset_word,
    "cut-by-supply": _cut_by_supply,
    "bl602-power-loop": _bl602_power_loop,
    "crash-loop-t": _crash_loop_t,
    "entered-by-jump": _entered_by_jump,
    "watchdog": _watchdog,
    "script-reboots": _script_reboots,
    "boot-count-climbs": _boot_count_climbs,
}
