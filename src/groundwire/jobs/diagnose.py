"""The diagnose job: logs, images, backups and the folder of a job become one diagnosis.

Everything is optional and everything is combined: what a log shows, what the flash holds, what
was written where, and what the chip said of itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final

from groundwire.backup.files import read_input
from groundwire.backup.journal import read_journal
from groundwire.backup.manifest import manifest_path, parse_manifest
from groundwire.bootlog.combine import NO_LOG, combine
from groundwire.bootlog.diagnose import TESTS_WHEN_LOST, diagnose
from groundwire.bootlog.evidence import ImageForm, OtherEvidence
from groundwire.bootlog.facts import LogFacts
from groundwire.bootlog.finding import Diagnosis
from groundwire.bootlog.reader import LogReader
from groundwire.bootlog.signatures import signature_table
from groundwire.chips.family import SECTOR, RfHealth
from groundwire.chips.registry import families, family_of
from groundwire.errors import Cancelled, GroundwireError, InputUnreadable
from groundwire.events import Notice, Tell, tell_nobody
from groundwire.images.health import Health, Verdict, check_health
from groundwire.images.recognise import ImageKind, Recognition, recognise
from groundwire.link.runner import Stop, never_stop
from groundwire.quantities import size_text

CHUNK: Final = 1 << 16
LARGEST_READ: Final = 32 << 20
SNIFFED: Final = 1 << 16
LARGEST_REPORT: Final = 1 << 20
JOURNAL: Final = "journal.jsonl"
REPORT: Final = "report.json"
NO_IMAGE: Final = (ImageKind.UNKNOWN, ImageKind.ERASED)
WHOLE: Final = (ImageKind.QIO, ImageKind.DUMP, ImageKind.BL602_WHOLE)
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known besides a log, and one sentence for each thing that says so."""

    other: OtherEvidence = OtherEvidence()  # noqa: RUF009 - a frozen value
    said: tuple[str, ...] = ()
    health: tuple[tuple[str, Health], ...] = ()

    def with_(self, said: str, **values: object) -> Known:
        """The same with more evidence."""
        other = replace(self.other, **values)  # type: ignore[arg-type]
        return replace(self, other=other, said=(*self.said, said) if said else self.said)

    def with_health(self, name: str, health: Health) -> Known:
        """The same with the health of a file."""
        return replace(self, health=(*self.health, (name, health)))


# --- logs -----------------------------------------------------------------------------------------


def read_log(
    stream: IO[bytes], read_rate: int = 0, stop: Stop = never_stop, tell: Tell = tell_nobody
) -> LogFacts:
    """The facts of a log, in bounded memory however long it is.

    Of a file larger than `LARGEST_READ` the beginning and the end are read; a pipe is read whole.

    Raises:
        InputUnreadable: the stream fails.
        Cancelled: `stop` turned true.
    """
    reader = LogReader(read_rate=read_rate)
    for data in _pieces(stream, tell):
        reader.feed(data)
        if stop():
            raise Cancelled(during="the log was read")
    return reader.finish()


def _pieces(stream: IO[bytes], tell: Tell) -> Iterator[bytes]:
    try:
        size = stream.seek(0, os.SEEK_END) if stream.seekable() else 0
        if size:
            stream.seek(0)
        if size <= LARGEST_READ:
            yield from _chunks(stream)
            return
        yield from _chunks(stream, LARGEST_READ // 2)
        left_out = size - LARGEST_READ
        tell(Notice(f"{size_text(left_out)} in the middle of the log are left out"))
        stream.seek(size - LARGEST_READ // 2)
        yield b"\n"  # what follows is no continuation of what came before
        yield from _chunks(stream)
    except OSError as error:
        name = str(getattr(stream, "name", "the log"))
        raise InputUnreadable(path=name, reason=error.strerror or str(error)) from error


def _chunks(stream: IO[bytes], limit: int | None = None) -> Iterator[bytes]:
    # what `read1` gives at once keeps a pipe flowing; a plain file has no need of it
    read = getattr(stream, "read1", stream.read)
    while (limit is None or limit > 0) and (data := read(CHUNK)):
        limit = None if limit is None else limit - len(data)
        yield data


def diagnose_log(facts: LogFacts, known: Known) -> Diagnosis:
    """The diagnosis of one log with everything else that is known."""
    return diagnose(facts, known.other)


def diagnose_without_log(known: Known) -> Diagnosis:
    """What can be said of a module from its flash, its image and its job alone."""
    findings = tuple(one for one in combine([NO_LOG], known.other) if one is not NO_LOG)
    table = signature_table()
    tests = () if findings else tuple(table.tests[name] for name in TESTS_WHEN_LOST)
    return Diagnosis(findings, tests, LogReader().finish())


# --- files ----------------------------------------------------------------------------------------


class FileKind:
    """What a file on the command line turns out to be."""

    LOG: Final = "log"
    IMAGE: Final = "image"
    BACKUP: Final = "backup"
    FOLDER: Final = "folder"


def kind_of(path: Path) -> str:
    """Whether a path is a log, an image, a backup, or the folder of a job.

    Raises:
        InputUnreadable: it cannot be read.
    """
    if path.is_dir():
        return FileKind.FOLDER
    try:
        size = path.stat().st_size
        if not path.is_file() or not SECTOR <= size <= 64 << 20:
            return FileKind.LOG
        with path.open("rb") as file:
            start = file.read(SNIFFED)
    except OSError as error:
        raise InputUnreadable(path=str(path), reason=error.strerror or str(error)) from error
    if not _is_binary(start):
        return FileKind.LOG
    seen = recognise(read_input(path))
    if seen.kind in NO_IMAGE or not (seen.app or seen.bootloader):
        return FileKind.LOG
    return FileKind.BACKUP if seen.kind is ImageKind.DUMP else FileKind.IMAGE


def _is_binary(start: bytes) -> bool:
    # a log read at the wrong speed is binary as well: the recognition decides afterwards
    text = sum(32 <= byte < 127 or byte in b"\r\n\t\x1b" for byte in start)
    return text < 0.9 * len(start)


def add_image(known: Known, path: Path) -> Known:
    """What an image that was written says: chip, key class, form and soundness."""
    data = read_input(path)
    seen = recognise(data)
    known = _with_code(known, seen, f"the image {path.name!r}")
    known = known.with_("", image_form=_form_of(seen.kind))
    return _with_damage(known, path.name, data)


def add_backup(known: Known, path: Path) -> Known:
    """What a dump of the flash says, and its manifest of the chip that it was read from."""
    data = read_input(path)
    seen = recognise(data)
    owner = next((one for family in families() if (one := family.identify_dump(data))), None)
    if owner is not None and owner.rf is not RfHealth.UNKNOWN:
        known = known.with_("", rf_erased=owner.rf is RfHealth.ERASED)
    beside = manifest_path(path)
    if beside.is_file():
        manifest = parse_manifest(read_input(beside, LARGEST_REPORT), beside.name)
        known = _with_chip(known, manifest.chip, manifest.key_class, "the manifest of the backup")
    known = _with_code(known, seen, f"the flash in {path.name!r}")
    return _with_damage(known, path.name, data)


def _form_of(kind: ImageKind) -> ImageForm:
    if kind in WHOLE:
        return ImageForm.WHOLE
    return ImageForm.APP if kind is ImageKind.UA else ImageForm.UNKNOWN


def _with_code(known: Known, seen: Recognition, where: str) -> Known:
    chip = known.other.chip.upper()
    chips = [one for one in seen.chips if one.upper() == chip] or list(seen.chips)
    text = f"{where}: {seen.kind}"
    text += f", {seen.version}" if seen.version else ""
    text += f", for {' or '.join(seen.chips)}" if seen.chips else ""
    text += f", key class {seen.key_class!r}" if seen.key_class else ""
    return known.with_(
        text,
        image_key=seen.key_class or known.other.image_key,
        image_chip=chips[0] if chips else known.other.image_chip,
    )


def _with_damage(known: Known, name: str, data: bytes) -> Known:
    health = check_health(data)
    known = known.with_health(name, health)
    if health.verdict is not Verdict.DAMAGED:
        return known.with_(f"{name!r} is {health.text}")
    said = f"{name!r} is {health.text}"
    return known.with_(said, image_damage=said)


def _with_chip(known: Known, chip: str, key_class: str, where: str) -> Known:
    if not chip:
        return known
    family = family_of(chip)
    text = f"{where}: the chip is a {chip}"
    text += f", key class {key_class!r}" if key_class else ""
    return known.with_(
        text,
        chip=chip,
        family=family.name if family else known.other.family,
        chip_key=key_class or known.other.chip_key,
    )


# --- the folder of a job --------------------------------------------------------------------------


def add_chip(known: Known, chip: str) -> Known:
    """The chip that the user names."""
    return _with_chip(known, chip, "", "you say")


def add_folder(known: Known, folder: Path) -> Known:
    """What the report, the journal and the plan of a job say.

    Raises:
        InputUnreadable: the folder holds neither.
    """
    report, journal = folder / REPORT, folder / JOURNAL
    if not os.access(folder, os.R_OK | os.X_OK) or not (report.is_file() or journal.is_file()):
        reason = f"it holds neither {REPORT} nor {JOURNAL}"
        raise InputUnreadable(path=str(folder), reason=reason)
    if report.is_file():
        known = _add_report(known, read_report(report))
    if journal.is_file():
        known = _add_journal(known, journal)
    return known


def read_report(path: Path) -> Row:
    """The values of a report.json; empty where it is none.

    Raises:
        InputUnreadable: it cannot be read.
    """
    try:
        values = json.loads(read_input(path, LARGEST_REPORT))
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def row(values: Row, name: str) -> Row:
    """A member that is to be an object; empty where it is none."""
    value = values.get(name)
    return value if isinstance(value, dict) else {}


def text_of(values: Row, name: str, limit: int = 200) -> str:
    """A member that is to be text; empty where it is none."""
    value = values.get(name)
    return value[:limit] if isinstance(value, str) else ""


def _add_report(known: Known, values: Row) -> Known:
    module, plan = row(values, "module"), row(values, "plan")
    chip, key = text_of(module, "chip"), text_of(module, "key_class")
    known = _with_chip(known, chip, key, "the report of the job")
    # a report is made of a module that has answered
    known = known.with_("", link_works=True if chip else known.other.link_works)
    rf = text_of(module, "rf")
    if rf in {str(RfHealth.PRESENT), str(RfHealth.ERASED)}:
        known = known.with_("", rf_erased=rf == RfHealth.ERASED)
    verb = text_of(values, "verb", 20)
    if values.get("proven") is True:
        known = known.with_(f"{verb}: every byte of the flash was proven to be as planned")
    known = known.with_("", restored=known.other.restored or verb == "restore")
    return _add_plan(known, plan)


def _add_plan(known: Known, plan: Row) -> Known:
    """What was written; where is not evidence, since the plan places an image by its content."""
    kind = text_of(plan, "kind", 60)
    return known.with_(f"the plan wrote {kind!r}") if kind else known


def add_address(known: Known, address: int) -> Known:
    """Where another tool wrote the image."""
    return known.with_(f"the image was written at 0x{address:X}", image_address=address)


def _add_journal(known: Known, path: Path) -> Known:
    try:
        head, done = read_journal(path)
    except GroundwireError as error:
        return known.with_(f"the journal: {error.what}")
    if head is None:
        return known
    known = known if known.other.chip else _with_chip(known, head.chip, "", "the journal")
    if done:
        return known.with_("the journal ends with a proof of the whole flash")
    unproven = min(max(head.total_sectors, 1) * SECTOR, 64 << 20)
    return known.with_("the journal ends before the flash was proven", unproven=unproven)
