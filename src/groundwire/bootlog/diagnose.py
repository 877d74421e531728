"""From the facts of a log and whatever else is known to an ordered diagnosis. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from groundwire.bootlog import rules_app, rules_boot, rules_line
from groundwire.bootlog.combine import combine
from groundwire.bootlog.evidence import NOTHING_ELSE, OtherEvidence
from groundwire.bootlog.facts import LogFacts
from groundwire.bootlog.finding import Diagnosis, Finding, Quote
from groundwire.bootlog.linerate import LineKind
from groundwire.bootlog.lines import Line, escape
from groundwire.bootlog.reader import LogReader
from groundwire.bootlog.rules import Case, Match, Predicate
from groundwire.bootlog.signatures import (
    Confidence,
    GuidedTest,
    Kind,
    Signature,
    SignatureTable,
    signature_table,
)

PREDICATES: Mapping[str, Predicate] = {
    **rules_line.PREDICATES,
    **rules_boot.PREDICATES,
    **rules_app.PREDICATES,
}
LINE_RANKS = range(20)
"""Ranks of findings about the line itself; nothing else is asked of bytes that are no text."""
QUOTES = 6
TESTS_WHEN_LOST = (
    "longer-capture", "boots-by-radio", "power-off", "first-byte", "other-uart",
    "read-bootloader", "loopback",
)  # fmt: skip
TESTS_WHEN_SILENT = ("link-check", "loopback", "other-uart", "other-rates", "power-off")


def diagnose_bytes(
    data: bytes, other: OtherEvidence = NOTHING_ELSE, *, table: SignatureTable | None = None
) -> Diagnosis:
    """The diagnosis of a log that is there as a whole."""
    reader = LogReader(read_rate=other.read_rate, table=table)
    reader.feed(data)
    return diagnose(reader.finish(), other, table=table)


def diagnose(
    facts: LogFacts, other: OtherEvidence = NOTHING_ELSE, *, table: SignatureTable | None = None
) -> Diagnosis:
    """What is wrong, how surely, on what evidence, and what to do next."""
    table = table or signature_table()
    case = Case(facts, other)
    found = [
        finding
        for signature in table.signatures.values()
        if _applies(signature, case) and (finding := _finding(signature, case, table)) is not None
    ]
    found = combine(found, other)
    found = _without_explained(found, table)
    found = _with_sound_weighed(found, proven=facts.boot_complete > 0)
    findings = tuple(sorted(found, key=lambda finding: finding.order))
    return Diagnosis(findings, _tests(findings, facts, table), facts)


def _applies(signature: Signature, case: Case) -> bool:
    return case.is_text or signature.rank in LINE_RANKS


def _finding(signature: Signature, case: Case, table: SignatureTable) -> Finding | None:
    match = _match(signature, case)
    if match is None:
        return None
    # A detail may quote what the module printed, an access point's name for one.
    text = signature.means + (f"; {escape(match.detail)}" if match.detail else "")
    return Finding(
        id=signature.id,
        number=signature.number,
        kind=signature.kind,
        rank=signature.rank,
        confidence=match.confidence or signature.confidence,
        text=text,
        tells_apart=signature.tells_apart,
        next_step=match.next_step or signature.next_step,
        lines=_quotes(match.lines),
        tests=tuple(table.tests[name] for name in signature.tests),
        source=signature.source,
        leaves_sound=signature.leaves_sound,
    )


def _match(signature: Signature, case: Case) -> Match | None:
    """What the whole rule gives: all lines, the details, the lowest of the stated confidences."""
    parts: list[Match] = []
    for name in signature.all_of:
        part = _condition(name, case)
        if part is None:
            return None
        parts.append(part)
    choices = [part for name in signature.any_of if (part := _condition(name, case)) is not None]
    if signature.any_of and not choices:
        return None
    if any(_condition(name, case) is not None for name in signature.none_of):
        return None
    parts += choices
    stated = [part.confidence for part in parts if part.confidence is not None]
    return Match(
        tuple(line for part in parts for line in part.lines),
        "; ".join(part.detail for part in parts if part.detail),
        min(stated, key=lambda confidence: confidence.order) if stated else None,
        next((part.next_step for part in parts if part.next_step), ""),
    )


def _condition(name: str, case: Case) -> Match | None:
    if name.startswith("@"):
        predicate, _, rest = name[1:].partition(" ")
        return PREDICATES[predicate](case, rest)
    lines = tuple(case.facts.seen(name))
    return Match(lines[:QUOTES]) if lines else None


def _quotes(lines: Iterable[Line]) -> tuple[Quote, ...]:
    unique = {(line.number, line.offset): line for line in lines}
    return tuple(
        Quote.of(line) for line in sorted(unique.values(), key=lambda line: line.offset)[:QUOTES]
    )


def _without_explained(found: list[Finding], table: SignatureTable) -> list[Finding]:
    ids = {finding.id for finding in found}
    kept = []
    for finding in found:
        signature = table.signatures.get(finding.id)
        if signature is None or not ids.intersection(signature.hidden_by):
            kept.append(finding)
    return kept


def _with_sound_weighed(found: list[Finding], *, proven: bool) -> list[Finding]:
    """A module is called sound only beside faults that leave it so, and then less surely.

    A completed boot is `proven` to run: a doubtful fault beside it takes nothing away.
    """
    faults = [finding for finding in found if finding.kind is Kind.FAULT]
    if not faults:
        return found
    # That nobody has paired the module is worth a line only where nothing else is.
    found = [finding for finding in found if finding.id != "tuya-store-empty"]
    if any(not fault.leaves_sound or fault.confidence is Confidence.HIGH for fault in faults):
        return [finding for finding in found if finding.kind is not Kind.SOUND]
    most = max((fault.confidence for fault in faults), key=lambda confidence: confidence.order)
    if proven and most is Confidence.LOW:
        return found
    return [
        replace(finding, confidence=min(finding.confidence, most, key=lambda c: c.order))
        if finding.kind is Kind.SOUND
        else finding
        for finding in found
    ]


def _tests(
    findings: tuple[Finding, ...], facts: LogFacts, table: SignatureTable
) -> tuple[GuidedTest, ...]:
    if not findings:
        names = TESTS_WHEN_SILENT if facts.verdict.kind is LineKind.SILENT else TESTS_WHEN_LOST
        return tuple(table.tests[name] for name in names)
    sure = findings[0].confidence is Confidence.HIGH
    tests = [] if sure else [test for finding in findings for test in finding.tests]
    return tuple(dict.fromkeys(tests))
