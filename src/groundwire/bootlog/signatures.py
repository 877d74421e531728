"""The table of marks and signatures.

A mark is a phrase that a module prints (found even when damaged) or a pattern; some marks place a
line in the order of a boot. A signature is a diagnosis: its rule names marks and predicates (see
`rules`), and each row carries its meaning, how surely, what tells it apart, the next safe step,
where it was learned, and a sample that it matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TypeVar

from groundwire.bootlog.approx import Phrase, PhraseBook, default_slack
from groundwire.tables.load import BadTable, load_rows

PACKAGE = "groundwire.tables"
FILE = "boot_signatures.toml"
T = TypeVar("T")


class Confidence(StrEnum):
    """How surely a finding holds."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def order(self) -> int:
        """1 for low to 3 for high."""
        return tuple(Confidence).index(self) + 1


class Kind(StrEnum):
    """What a signature says about the module."""

    FAULT = "fault"
    NOTICE = "notice"
    SOUND = "sound"


class Knowledge(StrEnum):
    """How a signature was learned.

    `MEASURED` on hardware or by executing a real image, `SOURCE` read in source or disassembly,
    `REPORTED` quoted from a user, `MODELLED` from the line model, `ASSUMED` inferred.
    """

    MEASURED = "measured"
    SOURCE = "source"
    REPORTED = "reported"
    MODELLED = "modelled"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something a module prints: phrases, or a pattern.

    `stage` orders the marks of one boot; 0 means anywhere. `begins` says that a line with this
    mark may be the first of a boot, `app` that only an application prints it. `slack` overrides
    how many damaged characters its phrases bear.
    """

    name: str
    phrases: tuple[str, ...] = ()
    pattern: str = ""
    slack: int | None = None
    stage: int = 0
    begins: bool = False
    app: bool = False


@dataclass(frozen=True, slots=True)
class GuidedTest:
    """A safe act that tells causes apart where the log cannot."""

    name: str
    ask: str
    tells: str


@dataclass(frozen=True, slots=True)
class Signature:
    """One diagnosis.

    Its rule: every name of `all_of`, at least one of `any_of`, none of `none_of`; a name is a mark
    or an @predicate. A finding is left out where one of `hidden_by` was found, which explains it.
    `leaves_sound` says that the module may be called healthy all the same.
    """

    id: str
    number: str
    kind: Kind
    rank: int
    confidence: Confidence
    means: str
    tells_apart: str
    next_step: str
    evidence: Knowledge
    source: str
    sample: str = ""
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    hidden_by: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    leaves_sound: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Lines that a firmware prints whole; what is only the beginning of one was cut off.

    A line ends in * where something follows that varies.
    """

    firmware: str
    lines: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class SignatureTable:
    """The whole table, checked."""

    marks: Mapping[str, Mark]
    tests: Mapping[str, GuidedTest]
    signatures: Mapping[str, Signature]
    whole_lines: frozenset[str]
    line_openings: tuple[str, ...]
    patterns: tuple[tuple[str, re.Pattern[str]], ...] = field(repr=False)
    book: PhraseBook = field(repr=False)

    def marks_in(self, text: str) -> dict[str, int]:
        """The marks of one line, each with the number of damaged characters."""
        found = self.book.find(text)
        for name, pattern in self.patterns:
            if pattern.search(text):
                found[name] = 0
        return found


def build_table(
    marks: Iterable[Mark],
    tests: Iterable[GuidedTest],
    signatures: Iterable[Signature],
    vocabulary: Iterable[Vocabulary] = (),
) -> SignatureTable:
    """A table from its rows.

    Raises:
        BadTable: a double name, a dangling reference, a mark without a form or a rule without a
            condition; a defect of the package.
    """
    by_mark = _unique(((mark.name, mark) for mark in marks), "mark")
    by_test = _unique(((test.name, test) for test in tests), "test")
    by_id = _unique(((signature.id, signature) for signature in signatures), "signature")
    for mark in by_mark.values():
        if bool(mark.phrases) == bool(mark.pattern):
            raise BadTable(f"mark {mark.name}: needs either phrases or a pattern")
    lines = [line for row in vocabulary for line in row.lines]
    for signature in by_id.values():
        _check(signature, by_mark, by_test, by_id)
    return SignatureTable(
        by_mark,
        by_test,
        by_id,
        frozenset(line for line in lines if not line.endswith("*")),
        tuple(line.removesuffix("*").rstrip() for line in lines if line.endswith("*")),
        tuple((mark.name, _compile(mark)) for mark in by_mark.values() if mark.pattern),
        PhraseBook(
            Phrase(mark.name, text, default_slack(text) if mark.slack is None else mark.slack)
            for mark in by_mark.values()
            for text in mark.phrases
        ),
    )


def _unique(named: Iterable[tuple[str, T]], group: str) -> dict[str, T]:
    out: dict[str, T] = {}
    for name, value in named:
        if name in out:
            raise BadTable(f"{group} {name}: stands there twice")
        out[name] = value
    return out


def _compile(mark: Mark) -> re.Pattern[str]:
    try:
        return re.compile(mark.pattern)
    except re.error as damage:
        raise BadTable(f"mark {mark.name}: {damage}") from damage


def _check(
    signature: Signature,
    marks: Mapping[str, Mark],
    tests: Mapping[str, GuidedTest],
    signatures: Mapping[str, Signature],
) -> None:
    where = f"signature {signature.id}"
    if not signature.all_of and not signature.any_of:
        raise BadTable(f"{where}: has no rule")
    if not signature.source.strip():
        raise BadTable(f"{where}: has no source")
    dangling = [name for name in signature.tests if name not in tests]
    dangling += [name for name in signature.hidden_by if name not in signatures]
    conditions = (*signature.all_of, *signature.any_of, *signature.none_of)
    dangling += [name for name in conditions if name[0] != "@" and name not in marks]
    if dangling:
        raise BadTable(f"{where}: refers to unknown {', '.join(dangling)}")


@cache
def signature_table() -> SignatureTable:
    """The table that ships with the package."""
    return build_table(
        load_rows(PACKAGE, FILE, "mark", Mark),
        load_rows(PACKAGE, FILE, "test", GuidedTest),
        load_rows(PACKAGE, FILE, "signature", Signature),
        load_rows(PACKAGE, FILE, "vocabulary", Vocabulary),
    )
