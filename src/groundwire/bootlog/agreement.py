"""How far the diagnosis of logs agrees with known answers: pure, over values already read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundwire.bootlog.diagnose import diagnose
from groundwire.bootlog.evidence import OtherEvidence
from groundwire.bootlog.finding import Diagnosis
from groundwire.bootlog.reader import LogReader


@dataclass(frozen=True, slots=True)
class LogAnswer:
    """What is known of one log: the ids that fit, most important first, and those that do not."""

    ids: tuple[str, ...]
    must_not: frozenset[str]
    facts: Mapping[str, object]
    read_rate: int
    line_ends: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> LogAnswer:
        """The answer in an expected.json, read leniently: what is missing is not known."""
        timing = document.get("timing") or {}
        return cls(
            tuple(str(row["id"]) for row in document.get("diagnoses", ())),
            frozenset(str(name) for name in document.get("must_not", ())),
            dict(document.get("facts") or {}),
            int(document.get("read_at_baudrate") or document.get("baudrate") or 0),
            tuple((int(end), float(ms)) for end, ms in timing.get("line_ends", ())),
        )


@dataclass(frozen=True, slots=True)
class LogAgreement:
    """One log: what was found, what was expected, and every kind of difference."""

    name: str
    found: tuple[str, ...]
    expected: tuple[str, ...]
    forbidden: tuple[str, ...]
    contradicts: bool
    fact_differences: tuple[str, ...]

    @property
    def wrong(self) -> bool:
        """A forbidden diagnosis, or a first one that is not among the right ones."""
        return bool(self.forbidden) or self.contradicts

    @property
    def missed(self) -> tuple[str, ...]:
        """Right diagnoses that were not found."""
        return tuple(name for name in self.expected if name not in self.found)

    @property
    def extra(self) -> tuple[str, ...]:
        """Diagnoses that nobody expected."""
        return tuple(name for name in self.found if name not in self.expected)


@dataclass(frozen=True, slots=True)
class IdScore:
    """How one diagnosis did over all logs."""

    id: str
    right: int
    extra: int
    missed: int

    @property
    def precision(self) -> float:
        """The share of right ones among those found."""
        return self.right / (self.right + self.extra) if self.right + self.extra else 1.0

    @property
    def recall(self) -> float:
        """The share of those expected that were found."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def read_with_times(data: bytes, answer: LogAnswer) -> Diagnosis:
    """The diagnosis of a log, fed with the times of its lines where they are known."""
    reader = LogReader(read_rate=answer.read_rate)
    start = 0
    for end, milliseconds in answer.line_ends:
        if start < end <= len(data):
            reader.feed(data[start:end], milliseconds / 1000)
            start = end
    last_s = answer.line_ends[-1][1] / 1000 if answer.line_ends else None
    reader.feed(data[start:], last_s)
    return diagnose(reader.finish(), OtherEvidence(read_rate=answer.read_rate))


def compare(name: str, data: bytes, answer: LogAnswer) -> LogAgreement:
    """One log against its answer."""
    diagnosis = read_with_times(data, answer)
    found = diagnosis.ids()
    members = diagnosis.facts.as_members()
    differences = tuple(
        f"{member}: {members.get(member)!r} instead of {value!r}"
        for member, value in answer.facts.items()
        if members.get(member) != value
    )
    contradicts = bool(found) and bool(answer.ids) and found[0] not in answer.ids
    return LogAgreement(
        name,
        found,
        answer.ids,
        tuple(id_ for id_ in found if id_ in answer.must_not),
        contradicts,
        differences,
    )


def score(agreements: Iterable[LogAgreement]) -> tuple[IdScore, ...]:
    """Precision and recall for each id that was found or expected anywhere."""
    right: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for agreement in agreements:
        right.update(id_ for id_ in agreement.found if id_ in agreement.expected)
        extra.update(agreement.extra)
        missed.update(agreement.missed)
    ids = sorted({*right, *extra, *missed})
    return tuple(IdScore(id_, right[id_], extra[id_], missed[id_]) for id_ in ids)


def table(agreements: Sequence[LogAgreement]) -> list[str]:
    """The report as lines of text: each log that differs, then each id, then the sums."""
    lines = []
    for agreement in agreements:
        verdict = "WRONG" if agreement.wrong else "right"
        verdict = "missed" if not agreement.found and agreement.expected else verdict
        notes = [f"missed {', '.join(agreement.missed)}"] if agreement.missed else []
        notes += [f"extra {', '.join(agreement.extra)}"] if agreement.extra else []
        notes += [f"forbidden {', '.join(agreement.forbidden)}"] if agreement.forbidden else []
        notes += agreement.fact_differences
        found = ", ".join(agreement.found) or "(nothing)"
        lines.append(f"{verdict:7}{agreement.name:36}{found}" + "".join(f"; {n}" for n in notes))
    lines += [
        "",
        f"{'diagnosis':28}{'right':>6}{'extra':>6}{'missed':>7}{'precision':>11}{'recall':>8}",
    ]
    scores = score(agreements)
    for row in (*scores, _sum(scores)):
        lines.append(
            f"{row.id:28}{row.right:6}{row.extra:6}{row.missed:7}"
            f"{row.precision:11.2f}{row.recall:8.2f}"
        )
    first = sum(bool(a.found) and a.found[:1] == a.expected[:1] for a in agreements)
    wrong = sum(agreement.wrong for agreement in agreements)
    facts = sum(len(agreement.fact_differences) for agreement in agreements)
    ends = f"{first} with the expected first diagnosis, {wrong} wrong, {facts} facts that differ"
    return [*lines, "", f"{len(agreements)} logs, {ends}"]


def _sum(scores: Iterable[IdScore]) -> IdScore:
    rows = tuple(scores)
    return IdScore(
        "all",
        sum(row.right for row in rows),
        sum(row.extra for row in rows),
        sum(row.missed for row in rows),
    )
