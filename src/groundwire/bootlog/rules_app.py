"""Predicates on what a running application prints."""

from __future__ import annotations

import re
from collections.abc import Mapping

from groundwire.bootlog.facts import Boot
from groundwire.bootlog.rules import Case, Match, Predicate, when
from groundwire.bootlog.rules_line import STRONG_DAMAGED_SHARE
from groundwire.bootlog.signatures import Confidence

QUIET_BYTES = 250
MANY_WAITS = 3
_UNSUPPORTED = re.compile(r"dev \((72\w{2,3})\.")
_REGISTER_SUM = re.compile(
    r"reg ([0-9A-Fa-f]{2}): bad checksum ([0-9A-Fa-f]{2}) wanted ([0-9A-Fa-f]{2})"
)


def _exception(case: Case, _rest: str) -> Match | None:
    for boot in case.facts.boots:
        crash = boot.crash
        if crash is None or not (crash.registers or boot.has("crash.registers", "crash.shutdown")):
            continue
        if boot.has("bl602.exception"):
            continue
        words = [crash.kind, crash.place]
        if crash.pattern:
            words.append(f"registers full of {crash.pattern}, so memory was overwritten")
        return Match((crash.line,), ", ".join(word for word in words if word))
    return _headless_exception(case)


def _headless_exception(case: Case) -> Match | None:
    """A crash of which only the rest is there: registers, the bootloader's word, a start type."""
    for boot in case.facts.boots:
        if boot.has("crash.registers") and not boot.has("bl602.exception"):
            return Match((boot.marks["crash.registers"].first,), confidence=Confidence.MEDIUM)
        if boot.has("boot.anomaly") and boot.app_lines:
            line = boot.marks["boot.anomaly"].last
            return Match((line,), "caught by the bootloader, without a dump", Confidence.MEDIUM)
        if boot.reset_value in _CAUGHT_WORDS and _ran_before(case, boot):
            return Match(
                (boot.first,), "caught by the bootloader, without a dump", Confidence.MEDIUM
            )
        kind = _START_CRASHES.get(boot.start_class if boot.start_class is not None else -1)
        if kind is not None:
            return Match((boot.first,), f"{kind} before this start, dump lost", Confidence.MEDIUM)
    return None


def _ran_before(case: Case, boot: Boot) -> bool:
    """Whether the boot before this one came to its application; true where it is not there."""
    before = [other for other in case.facts.boots if other.index == boot.index - 1]
    return all(other.app_lines > 1 for other in before) and boot.app_lines > 1


_CAUGHT_WORDS = frozenset({0xAD11, 0xAD12, 0xAD13, 0x1AD11, 0x1AD12, 0x1AD13})
_START_CRASHES = {6: "undefined instruction", 7: "prefetch abort", 8: "data abort"}


_CHIPS = {
    "7231A": "BK7231T or BK7231U",
    "7231C": "BK7231N or BK7231M",
    "7238": "BK7238",
    "7252A": "BK7252N",
}


def _wrong_chip(case: Case, _rest: str) -> Match | None:
    lines = tuple(case.facts.seen("app.wrong-chip"))
    for line in lines:
        match = _UNSUPPORTED.search(line.text)
        if match is not None:
            chip = _CHIPS.get(match[1].upper(), f"the chip {match[1]}")
            return Match(lines[:2], f"it runs on {chip}", None, f"write the image for {chip}")
    return Match(lines[:2]) if lines else None


def _default_settings(case: Case, _rest: str) -> Match | None:
    """A boot that completes with default settings is most likely the first one."""
    lines = tuple(case.facts.seen("config.default"))
    if not lines:
        return None
    return Match(lines[:2], "", Confidence.LOW if case.facts.boot_complete else None)


def _power_table_missing(case: Case, _rest: str) -> Match | None:
    facts = case.facts
    if facts.has("rf.no-values"):
        return Match(tuple(facts.seen("rf.no-values"))[:2])
    if not facts.has("rf.no-power-table") or facts.has("rf.power-table", "rf.no-header"):
        return None
    # On these chips the power table is never there, and the other values come from elsewhere.
    if any(chip.startswith(("7238", "BK7238", "7252", "BK7252")) for chip in facts.chips):
        return None
    return when(
        facts.has("rf.default-power") or any("7231N" in c for c in facts.chips),
        *facts.seen("rf.no-power-table"),
    )


def _no_scan_completes(case: Case, _rest: str) -> Match | None:
    facts = case.facts
    if facts.has("wifi.scan-dead"):
        both = facts.has("wifi.scan-retry")
        return Match(tuple(facts.seen("wifi.scan-dead"))[:2], "", Confidence.HIGH if both else None)
    boot = _waiting_boot(case)
    if boot is None:
        return None
    return Match(
        (boot.marks["wifi.connecting"].first, boot.marks["wifi.no-address"].last),
        "no status line follows for a long time",
        Confidence.LOW,
    )


def _waiting_boot(case: Case) -> Boot | None:
    """A boot that asked for its network and printed nothing about it but empty addresses."""
    for boot in case.facts.boots:
        told = boot.has("wifi.trying", "wifi.lost", "wifi.refused", "wifi.joined")
        waits = boot.marks.get("wifi.no-address")
        if boot.has("wifi.connecting") and not told and waits and waits.count >= MANY_WAITS:
            return boot
    return None


def _network_not_found(case: Case, _rest: str) -> Match | None:
    facts = case.facts
    if facts.has("wifi.joined", "wifi.scan-dead"):
        return None
    for boot in facts.boots:
        if boot.has("wifi.lost") and boot.has("wifi.trying", "wifi.connecting"):
            tries = boot.marks["wifi.lost"].count
            return Match(
                (boot.marks["wifi.lost"].first, boot.marks["wifi.lost"].last),
                f"{tries} tries without success" if tries > 1 else "one try without success",
                None if tries > 1 else Confidence.LOW,
            )
    waiting = _waiting_boot(case)
    if waiting is None:
        return None
    return Match((waiting.marks["wifi.no-address"].last,), "", Confidence.LOW)


def _meter_silent(case: Case, _rest: str) -> Match | None:
    for boot in case.facts.boots:
        if boot.has("meter.started") and not boot.has("meter.line") and _ran_on(boot):
            return Match((boot.marks["meter.started"].first,))
    return None


def _ran_on(boot: Boot) -> bool:
    return boot.has("obk.complete") or (boot.max_uptime_s or 0) >= 5


def _registers_read_zero(case: Case, _rest: str) -> Match | None:
    lines = []
    for boot in case.facts.boots:
        seen = boot.marks.get("meter.register-sum")
        if seen is None:
            continue
        for line in (seen.first, seen.last):
            match = _REGISTER_SUM.search(line.text)
            if match is None:
                continue
            register, got, wanted = (int(part, 16) for part in match.groups())
            if got != 0 or wanted != ~(0x58 + register) & 0xFF:
                return None
            lines.append(line)
    return when(
        lines, *lines[:2],
        detail="each wanted sum is that of three zero bytes, and the received sum is zero as well",
    )  # fmt: skip


def _controller_silent(case: Case, _rest: str) -> Match | None:
    for boot in case.facts.boots:
        if boot.has("mcu.received"):
            return None
        if boot.has("mcu.no-heartbeat"):
            return Match((boot.marks["mcu.no-heartbeat"].first,))
        if boot.has("mcu.started") and _ran_on(boot):
            return Match((boot.marks["mcu.started"].first,))
    return None


def _vendor_controller_silent(case: Case, _rest: str) -> Match | None:
    for boot in case.facts.boots:
        probing = boot.marks.get("tuya.mcu-probing")
        if probing is not None and probing.count >= MANY_WAITS:
            return Match((probing.first, probing.last), f"{probing.count} tries", None)
    for boot in case.facts.boots:
        rate, spoken = boot.marks.get("tuya.mcu-rate"), boot.marks.get("tuya.line")
        quiet = rate is not None and spoken is not None and spoken.last is rate.last
        if rate is not None and quiet and boot.last.offset - rate.last.offset >= QUIET_BYTES:
            return Match(
                (rate.last,),
                "the firmware set a rate for its controller and said nothing more",
                Confidence.LOW,
            )
    return None


def _update_without_effect(case: Case, _rest: str) -> Match | None:
    facts = case.facts
    updated = [
        after
        for before, after in facts.restarts
        if before.has("ota.closed") and not before.has("boot.anomaly")
    ]
    same = len(set(facts.app_versions)) == 1 and len(facts.app_versions) > 1
    return when(updated and same, *facts.seen("ota.closed"))


def _script_expected(case: Case, _rest: str) -> Match | None:
    return when(case.other.script_expected and case.facts.has("obk.line"))


def _sound(case: Case, _rest: str) -> Match | None:
    facts = case.facts
    last = facts.last
    if last is None or not case.is_text or last.crash is not None:
        return None
    app = last.app_lines
    vendor = last.has("tuya.key-area", "tuya.sdk") and app >= 15
    if vendor or last.stage == 85 or last.has("obk.complete"):
        confidence = Confidence.HIGH
    elif app >= 3 and (last.stage >= 30 or last.has("tuya.line", "libretiny.line", "bl602.app")):
        confidence = Confidence.MEDIUM
    else:
        return None
    if facts.damaged_total >= STRONG_DAMAGED_SHARE * facts.text_total > 0 and not last.has(
        "obk.complete"
    ):
        return None
    restarts = sum(before.app_lines > 0 for before, _ in facts.restarts)
    if restarts > 1 and not facts.boot_complete:
        return None  # it restarts again and again, for whatever reason
    line = last.marks["obk.complete"].first if last.has("obk.complete") else last.last
    named = " ".join(part for part in (facts.app, facts.app_version) if part)
    detail = f"{named} runs" if named else ""
    if facts.access_point:
        detail += f", access point {facts.access_point}"
    return Match((line,), detail, Confidence.LOW if restarts else confidence)


def _runs(case: Case, _rest: str) -> Match | None:
    return when(_sound(case, ""))


PREDICATES: Mapping[str, Predicate] = {
    "wrong-chip": _wrong_chip,
    "default-settings": _default_settings,
    "exception": _exception,
    "power-table-missing": _power_table_missing,
    "no-scan-completes": _no_scan_completes,
    "network-not-found": _network_not_found,
    "meter-silent": _meter_silent,
    "registers-read-zero": _registers_read_zero,
    "controller-silent": _controller_silent,
    "vendor-controller-silent": _vendor_controller_silent,
    "update-without-effect": _update_without_effect,
    "script-expected": _script_expected,
    "sound": _sound,
    "runs": _runs,
}
