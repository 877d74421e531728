"""The support bundle: all that is known of a case as one Markdown text that can be posted.

Nothing is taken over as it is. Every text is masked, escaped and bounded; what a file holds is
described and never quoted, except for the lines of logs.
"""

from __future__ import annotations

import json
import platform
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, Final

from groundwire._version import __version__
from groundwire.backup.files import LARGEST_INPUT, read_input, write_atomically
from groundwire.backup.manifest import manifest_path, parse_manifest
from groundwire.bootlog.finding import Diagnosis
from groundwire.bootlog.lines import LineSplitter
from groundwire.errors import GroundwireError, InputUnreadable
from groundwire.images.health import Health, check_health
from groundwire.images.recognise import recognise
from groundwire.jobs.diagnose import (
    JOURNAL,
    REPORT,
    FileKind,
    Known,
    add_backup,
    add_folder,
    add_image,
    diagnose_log,
    diagnose_without_log,
    kind_of,
    read_log,
    read_report,
    row,
    text_of,
)
from groundwire.jobs.masking import Mask, fenced, plain
from groundwire.quantities import size_text

FILE_NAME: Final = "support.md"
LOG_HEAD: Final = 120
LOG_TAIL: Final = 240
FILES_MOST: Final = 40
JOURNAL_ACTS: Final = ("job", "erase", "program", "done")
ENDINGS: Final = (".log", ".txt", ".bin", ".raw")
LIBRARIES: Final = ("click", "rich", "pyserial", "numpy", "cryptography", "littlefs-python")
TRACE_HEAD: Final = b'{"trace"'


@dataclass(frozen=True, slots=True)
class Case:
    """The files of a case, sorted by what they are."""

    logs: tuple[Path, ...]
    folders: tuple[Path, ...]
    backups: tuple[Path, ...]
    images: tuple[Path, ...]


def sort_files(paths: Sequence[Path]) -> Case:
    """What each path is, and what the folders among them hold.

    Raises:
        InputUnreadable: one cannot be read.
    """
    found: dict[str, list[Path]] = {}
    for path in _expanded(paths):
        if _is_trace(path):
            raise InputUnreadable(path=str(path), reason="a trace holds what no report may hold")
        found.setdefault(kind_of(path), []).append(path)
    return Case(
        logs=tuple(found.get(FileKind.LOG, ())),
        folders=tuple(found.get(FileKind.FOLDER, ())),
        backups=tuple(found.get(FileKind.BACKUP, ())),
        images=tuple(found.get(FileKind.IMAGE, ())),
    )


def _is_trace(path: Path) -> bool:
    """Whether a file is a trace: every byte of a flash, as hex."""
    try:
        with path.open("rb") as file:
            return file.read(len(TRACE_HEAD)) == TRACE_HEAD
    except OSError:
        return False


def _expanded(paths: Sequence[Path]) -> Iterable[Path]:
    """Each path, and the logs and dumps inside a folder."""
    for path in paths:
        yield path
        if not path.is_dir():
            if not path.exists():
                raise InputUnreadable(path=str(path), reason="no such file")
            continue
        inside = sorted(path.iterdir())[:FILES_MOST]
        yield from (one for one in inside if one.is_file() and one.suffix in ENDINGS)


# --- the text -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bundle:
    """The text, and what it is made of."""

    text: str
    logs: int
    diagnoses: tuple[Diagnosis, ...]


def make_bundle(paths: Sequence[Path], *, show_mac: bool = False) -> Bundle:
    """The support text of some files and folders.

    Raises:
        InputUnreadable: one of them cannot be read.
    """
    case = sort_files(paths)
    mask = Mask(show_mac=show_mac)
    known = Known()
    for folder in case.folders:
        if (folder / REPORT).is_file() or (folder / JOURNAL).is_file():
            known = add_folder(known, folder)
    # a backup in the folder of a job is what was there before it: it says nothing of the present
    before = {folder.resolve() for folder in case.folders}
    for backup in case.backups:
        known = (
            _before(known, backup)
            if backup.parent.resolve() in before
            else add_backup(known, backup)
        )
    for image in case.images:
        known = add_image(known, image)
    out = ["# groundwire support report", ""]
    diagnoses: list[Diagnosis] = []
    sections: list[str] = []
    for log in case.logs:
        diagnosis, lines = _log_section(log, known, mask)
        diagnoses.append(diagnosis)
        sections += lines
    if not case.logs:
        diagnoses.append(diagnose_without_log(known))
    out += _diagnosis_section(diagnoses, mask)
    out += _known_section(known, mask)
    for folder in case.folders:
        out += _job_section(folder, mask)
    out += _manifest_section(case.backups, mask)
    out += _health_section(known.health, mask)
    out += sections
    out += _versions_section()
    return Bundle("\n".join(out) + "\n", len(case.logs), tuple(diagnoses))


def write_bundle(path: Path, bundle: Bundle) -> None:
    """Keep the text, for its owner only, in place of an earlier one.

    Raises:
        OutputUnwritable: the place does not take it.
    """
    write_atomically(path, bundle.text.encode(), replace=True)


def _diagnosis_section(diagnoses: Sequence[Diagnosis], mask: Mask) -> list[str]:
    out = ["## Diagnosis", ""]
    for diagnosis in diagnoses:
        out.append(f"**{plain(diagnosis.sentence, mask)}**")
        out.append("")
        for finding in diagnosis.findings:
            out.append(f"- `{finding.id}` ({finding.confidence}): {plain(finding.text, mask)}")
            out += [f"  - {plain(text, mask)}" for text in finding.because]
        out += [f"- would tell: {plain(test.ask, mask)}" for test in diagnosis.tests]
        out.append("")
    return out


def _known_section(known: Known, mask: Mask) -> list[str]:
    if not known.said:
        return []
    return ["## What else is known", "", *(f"- {plain(said, mask)}" for said in known.said), ""]


def _before(known: Known, backup: Path) -> Known:
    try:
        data = read_input(backup)
        seen = recognise(data)
    except GroundwireError as error:
        return known.with_(f"{backup.name!r}: {error.what}")
    said = f"before the job the flash held: {seen.kind}, {seen.version or 'unknown firmware'}"
    return known.with_(said).with_health(backup.name, check_health(data))


def _job_section(folder: Path, mask: Mask) -> list[str]:
    path = folder / REPORT
    if not path.is_file():
        return _journal_section(folder, mask)
    values = read_report(path)
    out = [f"## Job: {plain(text_of(values, 'verb', 20), mask)}", "", "| | |", "| --- | --- |"]
    module, plan, error = row(values, "module"), row(values, "plan"), row(values, "error")
    source, boot = row(values, "source"), row(values, "boot")
    rows: list[tuple[str, object]] = [
        ("tool", values.get("tool")),
        ("made at", values.get("made_at")),
        ("proven", values.get("proven")),
        ("exit status", values.get("exit_code")),
        ("emulated", values.get("emulated")),
        *((f"module: {name.replace('_', ' ')}", value) for name, value in module.items()),
        *((f"source: {name}", value) for name, value in source.items() if name != "sha256"),
        ("plan", plan.get("kind")),
        ("plan: sectors", plan.get("sectors")),
        ("plan: covers", plan.get("intended")),
        ("plan: erases", plan.get("erased")),
        ("plan: writes", plan.get("programmed")),
        ("plan: keeps", plan.get("keeps")),
        ("baudrate", values.get("baudrate")),
        ("linked again", values.get("relinks")),
        ("outcome", values.get("outcome")),
        *((f"error: {name.replace('_', ' ')}", value) for name, value in error.items()),
        *((f"boot: {name.replace('_', ' ')}", value) for name, value in boot.items()),
        ("warnings", values.get("warnings")),
    ]
    for name, value in rows:
        text = _value_text(value)
        if text:
            out.append(f"| {plain(name, mask)} | {plain(text, mask)} |")
    return [*out, "", *_journal_section(folder, mask)]


def _value_text(value: object) -> str:
    """A JSON value in few words; spans as START..END."""
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, list):
        return ", ".join(_value_text(one) for one in value[:12])
    if isinstance(value, dict):
        start, size = value.get("start"), value.get("size")
        if isinstance(start, int) and isinstance(size, int):
            return f"0x{start:X}..0x{start + size:X}"
        return "; ".join(f"{name} {_value_text(one)}" for name, one in list(value.items())[:12])
    return str(value)


def _journal_section(folder: Path, mask: Mask) -> list[str]:
    path = folder / JOURNAL
    if not path.is_file():
        return []
    counts: Counter[str] = Counter()
    last = ""
    try:
        for line in read_input(path).splitlines():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                counts["torn"] += 1
                continue
            if isinstance(entry, dict):
                last = next(
                    (name for name in entry if name in {"job", "erase", "program", "done"}), "?"
                )
                counts[last] += 1
    except GroundwireError as error:
        return ["## Journal", "", plain(error.what, mask), ""]
    acts = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    return ["## Journal", "", f"{acts}; the last one is `{last}`", ""]


def _manifest_section(backups: Sequence[Path], mask: Mask) -> list[str]:
    out: list[str] = []
    for backup in backups:
        beside = manifest_path(backup)
        if not beside.is_file():
            continue
        try:
            manifest = parse_manifest(read_input(beside), beside.name)
        except GroundwireError as error:
            out += [f"- {plain(error.what, mask)}"]
            continue
        words = (
            f"{backup.name}: {manifest.chip}, flash {manifest.flash_id} "
            f"{size_text(manifest.flash_size)}, key class {manifest.key_class}, "
            f"bootloader {manifest.bootloader}, MAC {manifest.mac}, "
            f"{len(manifest.digests)} proofs"
        )
        out.append(f"- {plain(words, mask)}")
    return ["## Backups", "", *out, ""] if out else []


def _health_section(health: Sequence[tuple[str, Health]], mask: Mask) -> list[str]:
    out: list[str] = []
    for name, one in health:
        out.append(f"### {plain(name, mask)}: {plain(one.text, mask)}")
        out.append("")
        out += [f"- {plain(str(finding), mask)}" for finding in one.findings[:20]]
        out += [
            f"- {plain(check.name, mask)}: {check.good} of {check.total}" for check in one.checks
        ]
        out.append("")
    return ["## Health of the files", "", *out] if out else []


def _log_section(path: Path, known: Known, mask: Mask) -> tuple[Diagnosis, list[str]]:
    try:
        with path.open("rb") as file:
            diagnosis = diagnose_log(read_log(file), known)
            file.seek(0)
            lines = _log_lines(file, mask)
    except OSError as error:
        raise InputUnreadable(path=str(path), reason=error.strerror or str(error)) from error
    size = size_text(diagnosis.facts.bytes_total)
    head = f"## Log {plain(path.name, mask)} ({size}, {diagnosis.facts.boots_total} boots)"
    return diagnosis, [head, "", "~~~text", *lines, "~~~", ""]


def _log_lines(file: IO[bytes], mask: Mask) -> list[str]:
    """The beginning and the end of a log, masked; no line can end the fence around them."""
    head: list[str] = []
    tail: deque[str] = deque(maxlen=LOG_TAIL)
    total = 0
    for text in _texts(file):
        total += 1
        mask.learn(text)
        (head if len(head) < LOG_HEAD else tail).append(text)
    left_out = total - len(head) - len(tail)
    middle = [f"... {left_out} lines left out ..."] if left_out > 0 else []
    return [
        *(fenced(line, mask) for line in head),
        *middle,
        *(fenced(line, mask) for line in tail),
    ]


def _texts(file: IO[bytes]) -> Iterator[str]:
    splitter = LineSplitter()
    left = LARGEST_INPUT
    while left > 0 and (data := file.read(1 << 16)):
        left -= len(data)
        yield from (line.text for line in splitter.feed(data))
    yield from (line.text for line in splitter.finish())


def _versions_section() -> list[str]:
    out = ["## Versions", "", f"- groundwire {__version__}"]
    out.append(f"- Python {sys.version.split()[0]}, {platform.system()} {platform.machine()}")
    for name in LIBRARIES:
        try:
            out.append(f"- {name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            out.append(f"- {name} missing")
    return [*out, "", "Secrets, addresses and the modules' own parts of MACs are masked."]
