"""The write job: place, back up, plan, ask, carry out, prove. Erasing is a form of it."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from groundwire.backup.files import make_folder
from groundwire.backup.journal import Journal, JournalHead, read_journal
from groundwire.backup.manifest import load_backup
from groundwire.chips.family import SECTOR, BootloaderPolicy, Identity, Layout, Placement
from groundwire.errors import Cancelled, GroundwireError, RefusedBySafety
from groundwire.events import Notice, Phase, Severity
from groundwire.jobs.backup import backup_name, check_sense, check_size, read_whole, take_backup
from groundwire.jobs.execute import Execution, Outcome
from groundwire.jobs.session import Session
from groundwire.jobs.survey import differing, survey
from groundwire.planning.plan import WritePlan, place_over, plan_from_survey, plan_over
from groundwire.planning.rules import Allowances, check_plan
from groundwire.quantities import Span, merge_spans

BACKUP = "backup.bin"
JOURNAL = "journal.jsonl"
Consent = Callable[[WritePlan, Identity], bool]
OnFolder = Callable[[Path], None]
Placing = Callable[[Identity, Layout], Placement]
Adding = Callable[[Placement, bytes, Identity], Placement]


def always(_plan: WritePlan, _identity: Identity) -> bool:
    """Consent given beforehand."""
    return True


def nothing_first() -> None:
    """Nothing has to be done before the firmware is started."""


def unheard(_folder: Path) -> None:
    """Nobody wants to know the job folder before the report."""


def add_nothing(placement: Placement, _before: bytes, _identity: Identity) -> Placement:
    """The image is all there is to write."""
    return placement


@dataclass(frozen=True)
class WriteRequest:
    """What to write and under which conditions.

    `base` is the folder in which the job makes a folder of its own. `keep_backup=False` means
    that the user typed --no-backup in full: the flash is read for the proof but not kept. `add`
    adds to the placement what follows from the content that the module had before.
    `on_folder` is told the folder of the job as soon as it is known, so that a failure can be
    reported there; it may not exist yet. `before_reboot` is called when the flash is proven and the
    firmware is about to be started.
    """

    name: str
    base: Path
    source_sha256: str
    place: Placing
    add: Adding = add_nothing
    allowed: Allowances = field(default_factory=Allowances)
    given_backup: Path | None = None
    keep_backup: bool = True
    consent: Consent = always
    only_plan: bool = False
    reboot: bool = True
    on_folder: OnFolder = unheard
    before_reboot: Callable[[], None] = nothing_first


@dataclass(frozen=True)
class WriteReport:
    """What a write came to. `outcome` is None where only the plan was asked for."""

    identity: Identity
    plan: WritePlan
    folder: Path
    backup: Path | None
    backup_kept: bool
    resumed: bool
    outcome: Outcome | None
    baudrate: int
    relinks: int
    took_s: float


@dataclass(frozen=True)
class Before:
    """What the flash held before the job: the content, and the job folder it is kept in."""

    data: bytes
    folder: Path
    path: Path | None
    resumed: bool = False


def image_request(
    data: bytes, name: str, session: Session, policy: BootloaderPolicy, base: Path
) -> WriteRequest:
    """The request to write an image file."""

    def place(identity: Identity, layout: Layout) -> Placement:
        return session.family.place(data, name, identity, layout, policy)

    return WriteRequest(
        name=name,
        base=base,
        source_sha256=hashlib.sha256(data + policy.value.encode()).hexdigest(),
        place=place,
        allowed=Allowances(bootloader=policy is BootloaderPolicy.REPLACE),
    )


def change_flash(session: Session, request: WriteRequest) -> WriteReport:
    """Bring the linked module to what the request wants, and prove it.

    Raises:
        ImageError, RefusedBySafety: before anything is read or changed.
        Cancelled: the consent was not given; nothing was changed.
        StoppedPartWay: interrupted; the same request continues it.
        FlashError: the flash does not take what is written.
    """
    started = session.port.now()
    session.require_flash()
    identity, layout = session.identity, session.layout
    placement = request.place(identity, layout)
    before = _find_unfinished(session, request) or _look_before(session, request)
    request.on_folder(before.folder)
    session.tell(Phase("plan", "working out what differs"))
    placement = request.add(placement, before.data, identity)
    after = place_over(before.data, placement, layout)
    if before.resumed:
        plan = plan_from_survey(after, placement, layout, survey(session, after))
    else:
        plan = plan_over(before.data, placement, layout)
    return finish(session, request, plan, before, started)


def finish(
    session: Session, request: WriteRequest, plan: WritePlan, before: Before, started: float
) -> WriteReport:
    """Check a plan against the rules, ask, carry it out, and report."""
    identity = session.identity
    check_plan(plan, request.allowed)
    outcome, rate = None, session.flasher.rate
    if not request.only_plan:
        if not session.while_linked(lambda: request.consent(plan, identity)):
            raise Cancelled(during="the plan was shown")
        outcome = _carry_out(session, request, plan, before)
        rate = session.flasher.rate
        if request.reboot:
            request.before_reboot()
            _reboot(session)
    return WriteReport(
        identity=identity,
        plan=plan,
        folder=before.folder,
        backup=before.path,
        backup_kept=before.path is not None,
        resumed=before.resumed,
        outcome=outcome,
        baudrate=rate,
        relinks=session.relinks,
        took_s=session.port.now() - started,
    )


def _reboot(session: Session) -> None:
    """Start the firmware. The proof stands whether or not that works, so a failure is a notice."""
    session.tell(Phase("reboot", "starting the firmware"))
    try:
        session.run_once(session.flasher.reboot())
    except (GroundwireError, KeyboardInterrupt) as error:
        why = error.what if isinstance(error, GroundwireError) else "stopped by force"
        text = f"the firmware was not started ({why}); take the power away and give it back"
        session.tell(Notice(text, Severity.WARNING))


def _carry_out(session: Session, request: WriteRequest, plan: WritePlan, before: Before) -> Outcome:
    make_folder(before.folder)
    journal = Journal(before.folder / JOURNAL)
    try:
        if not before.resumed:
            head = _journal_head(session.identity, request, plan, before)
            session.while_linked(lambda: journal.note_head(head))
        folder = str(before.folder)
        execution = Execution(session, plan, journal, folder, resumed=before.resumed)
        outcome = execution.carry_out()
    finally:
        journal.close()
    session.while_linked(lambda: _close_older(session, request.base, before.folder))
    return outcome


def _close_older(session: Session, base: Path, folder: Path) -> None:
    """Jobs that broke off on this module before are of the past now.

    Continued later, they would bring back the settings of their day.
    """
    identity = session.identity
    for path in base.glob(f"groundwire-*/{JOURNAL}"):
        if path.parent == folder:
            continue
        try:
            head, done = read_journal(path)
            if head is None or done:
                continue
            if (head.chip, head.flash_id, head.mac) != (
                identity.chip,
                identity.flash_id,
                identity.mac,
            ):
                continue
            older = Journal(path)
            try:
                older.note_done()
            finally:
                older.close()
        except GroundwireError as error:
            session.tell(Notice(f"{path}: {error.what}", Severity.WARNING))


def _journal_head(
    identity: Identity, request: WriteRequest, plan: WritePlan, before: Before
) -> JournalHead:
    return JournalHead(
        image_sha256=request.source_sha256,
        after_sha256=hashlib.sha256(plan.after).hexdigest(),
        chip=identity.chip,
        mac=identity.mac,
        flash_id=identity.flash_id,
        backup=_backup_reference(before),
        total_sectors=len(plan.tasks),
    )


def _backup_reference(before: Before) -> str:
    """The backup's name inside the job folder, so that the folder can be moved, or its path."""
    if before.path is None:
        return ""
    if before.path.parent == before.folder:
        return before.path.name
    return str(before.path.resolve())


# --- what was there before ------------------------------------------------------------------------


def job_folder(session: Session, base: Path) -> Path:
    """A folder for one job, named for module and time, so that no job overwrites another."""
    now = datetime.datetime.now().astimezone()
    name = f"groundwire-{backup_name(session.identity, now)}"
    folder, number = base / name, 1
    while folder.exists():
        number += 1
        folder = base / f"{name}-{number}"
    return folder


def _look_before(session: Session, request: WriteRequest) -> Before:
    """The content of the flash: from a given backup that is proven, or from a new one."""
    folder = job_folder(session, request.base)
    if request.given_backup is not None:
        data = _prove_given(session, request.given_backup)
        return Before(data, folder, request.given_backup)
    if request.only_plan:
        return Before(read_whole(session), folder, None)
    if not request.keep_backup:
        session.tell(Notice("no backup is kept, as asked", Severity.WARNING))
        data = read_whole(session)
        check_size(data)
        return Before(data, folder, None)
    make_folder(folder)
    try:
        backup = take_backup(session, folder / BACKUP)
    except BaseException:
        _remove_if_empty(folder)
        raise
    return Before(backup.data, folder, backup.path)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # it holds something, which stays


def _prove_given(session: Session, path: Path) -> bytes:
    """A backup that the user names must be what this module holds now, byte for byte."""
    data, _manifest = load_backup(path)
    session.tell(Phase("backup", "proving the given backup against the module"))
    check_sense(data)
    bad: tuple[int, ...] | None = None
    if len(data) == session.identity.flash_size:
        bad = differing(session, data, 0, "compare")
    if bad == ():
        return data
    where = "its size differs"
    if bad:
        spans = merge_spans([Span(at, SECTOR) for at in bad])
        where = f"the module differs at {spans[0]}" + (
            f" and {len(spans) - 1} more places" if len(spans) > 1 else ""
        )
    raise RefusedBySafety(
        rule="nothing is written without a proven backup of what the module holds now",
        finding=f"{path.name!r} is no backup of its present content: {where}",
        override="leave the backup to be made now, or restore this one first",
    )


def _find_unfinished(session: Session, request: WriteRequest) -> Before | None:
    """An interrupted job for the same image on the same module, in the base folder."""
    identity = session.identity
    for path in sorted(request.base.glob(f"groundwire-*/{JOURNAL}"), reverse=True):
        try:
            head, done = read_journal(path)
            if head is None or done or not head.backup:
                continue
            mine = (head.chip, head.flash_id) == (identity.chip, identity.flash_id)
            same_mac = not head.mac or not identity.mac or head.mac == identity.mac
            if not mine or not same_mac or head.image_sha256 != request.source_sha256:
                continue
            backup = path.parent / head.backup
            data, _manifest = load_backup(backup)
        except GroundwireError as error:
            session.tell(Notice(f"{path}: {error.what}", Severity.WARNING))
            continue
        if len(data) != identity.flash_size:
            continue
        text = f"continuing the unfinished job in {path.parent}; its backup is kept"
        session.tell(Notice(text))
        return Before(data, path.parent, backup, resumed=True)
    return None
