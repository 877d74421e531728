"""Predicates on the line itself: silence, speed, polarity, noise, and what else is known of it."""

from __future__ import annotations

from collections.abc import Mapping

from groundwire.bootlog.evidence import Pins
from groundwire.bootlog.linerate import LIKELY_RATES, LineKind
from groundwire.bootlog.rules import Case, Match, Predicate, when
from groundwire.bootlog.signatures import Confidence

MIN_DOTS = 25
MIN_DAMAGED = 3
MIN_DAMAGED_SHARE = 0.0012
STRONG_DAMAGED_SHARE = 0.004


def _silent(case: Case, _rest: str) -> Match | None:
    if case.facts.verdict.kind is not LineKind.SILENT:
        return None
    if case.other.link_works:
        return Match(
            detail="no byte arrived, and the module answers on the flashing pins",
            confidence=Confidence.HIGH,
        )
    return Match()


def _link_fails(case: Case, _rest: str) -> Match | None:
    return when(case.other.link_works is False, detail="the link check fails")


def _link_works(case: Case, _rest: str) -> Match | None:
    return when(case.other.link_works, detail="the link check works")


def _bl602(case: Case, _rest: str) -> Match | None:
    known = case.other.family == "bouffalo" or case.other.chip.upper().startswith("BL602")
    return when(known or case.facts.has("bl602.boot", "bl602.core", "bl602.start"))


def _flashing_pins(case: Case, _rest: str) -> Match | None:
    return when(case.other.pins is Pins.FLASHING and not _bl602(case, ""))


def _only_dots(case: Case, _rest: str) -> Match | None:
    facts = case.facts
    others = facts.text_total - facts.dots_total
    enough = facts.dots_total >= MIN_DOTS and others <= 0.1 * facts.dots_total
    started = facts.has("boot.banner", "boot.go", "boot.jump") or facts.boots_total > 1
    return when(
        case.is_text and enough and not started,
        facts.last.last if facts.last else None,
        detail=f"{facts.dots_total} dots and next to nothing else",
    )


BL602_RATE = 2_000_000
BL602_RATIOS = (6 / 13, 3 / 4)
"""2000000 read at 921600 and at 1500000: no other pair of usual rates has these ratios."""


def _is_bl602_rate(case: Case) -> bool:
    verdict = case.facts.verdict
    if verdict.kind is not LineKind.WRONG_RATE:
        return False
    unknown = not verdict.true_rate and verdict.ratio in BL602_RATIOS
    return unknown or verdict.true_rate == BL602_RATE


def _wrong_rate(case: Case, _rest: str) -> Match | None:
    verdict = case.facts.verdict
    rate = case.other.read_rate
    if verdict.kind is LineKind.SPARSE_NOISE and 0 < rate < 115_200:
        return Match((), verdict.reason, Confidence.MEDIUM, "read at 115200")
    if verdict.kind is LineKind.NOISE:
        rates = ", ".join(str(rate) for rate in LIKELY_RATES if rate != case.other.read_rate)
        return Match((), verdict.reason, Confidence.LOW, f"read at {rates}, one restart each")
    if verdict.kind is not LineKind.WRONG_RATE or _is_bl602_rate(case):
        return None
    confidence = Confidence.HIGH if verdict.fit >= 0.95 else Confidence.MEDIUM
    if verdict.true_rate:
        return Match((), verdict.reason, confidence, f"read at {verdict.true_rate}")
    return Match((), verdict.reason, confidence)


def _faster_sender(case: Case, _rest: str) -> Match | None:
    verdict = case.facts.verdict
    sparse = verdict.kind is LineKind.SPARSE_NOISE and not 0 < case.other.read_rate < 115_200
    return when(sparse or _is_bl602_rate(case), detail=verdict.reason)


def _only_zeros(case: Case, _rest: str) -> Match | None:
    verdict = case.facts.verdict
    return when(verdict.kind is LineKind.ZEROS, detail=verdict.reason)


def _inverted(case: Case, _rest: str) -> Match | None:
    verdict = case.facts.verdict
    return when(verdict.kind is LineKind.INVERTED, detail=verdict.reason)


def _noisy(case: Case, _rest: str) -> Match | None:
    facts = case.facts
    share = facts.damaged_total / max(1, facts.text_total)
    if not case.is_text or facts.damaged_total < MIN_DAMAGED or share < MIN_DAMAGED_SHARE:
        return None
    return Match(
        facts.damaged_lines[:3],
        f"{facts.damaged_total} of {facts.text_total} characters are no text",
        None if share >= STRONG_DAMAGED_SHARE else Confidence.LOW,
    )


def _access_point_unseen(case: Case, _rest: str) -> Match | None:
    return when(
        case.other.access_point_visible is False and case.facts.access_point,
        detail="the log announces the access point",
    )


def _settings_do_not_last(case: Case, _rest: str) -> Match | None:
    return when(case.other.settings_last is False)


def _restored_silent(case: Case, _rest: str) -> Match | None:
    silent = case.facts.verdict.kind is LineKind.SILENT
    return when(case.other.restored and silent and case.other.link_works is not False)


PREDICATES: Mapping[str, Predicate] = {
    "silent": _silent,
    "link-fails": _link_fails,
    "link-works": _link_works,
    "bl602": _bl602,
    "listens-on-flashing-pins": _flashing_pins,
    "only-dots": _only_dots,
    "wrong-rate": _wrong_rate,
    "faster-sender": _faster_sender,
    "only-zeros": _only_zeros,
    "inverted": _inverted,
    "noisy": _noisy,
    "access-point-unseen": _access_point_unseen,
    "settings-do-not-last": _settings_do_not_last,
    "restored-silent": _restored_silent,
}
