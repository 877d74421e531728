"""The restore job: a module back to its own backup, radio calibration included."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from groundwire.backup.files import read_input
from groundwire.backup.journal import read_journal
from groundwire.backup.manifest import Manifest, load_backup
from groundwire.chips.family import Identity, Layout, Piece, Placement
from groundwire.errors import (
    InputUnreadable,
    RefusedBySafety,
    UnknownImage,
    UnsupportedHere,
    WrongFamily,
)
from groundwire.events import Notice, Phase, Severity
from groundwire.jobs.backup import check_sense
from groundwire.jobs.read import holds, read_proven
from groundwire.jobs.session import Session
from groundwire.jobs.survey import survey
from groundwire.jobs.write import (
    JOURNAL,
    Before,
    Consent,
    OnFolder,
    WriteReport,
    WriteRequest,
    always,
    finish,
    job_folder,
    nothing_first,
    unheard,
)
from groundwire.planning.plan import place_over, plan_from_survey
from groundwire.planning.rules import Allowances
from groundwire.quantities import Span, size_text


@dataclass(frozen=True)
class RestoreRequest:
    """Which backup to restore; the two overrides are what the user insisted on."""

    backup: Path
    base: Path
    other_module: bool = False
    overwrite_loader: bool = False
    consent: Consent = always
    only_plan: bool = False
    reboot: bool = True
    on_folder: OnFolder = unheard
    before_reboot: Callable[[], None] = nothing_first


def restore_backup(session: Session, request: RestoreRequest) -> WriteReport:
    """Bring the linked module back to a backup, and prove it.

    The backup itself is the proven backup that every write needs, so none is made first.

    Raises:
        WrongFamily: the backup is from another chip.
        RefusedBySafety: it is from another module, and the user did not insist.
        StoppedPartWay: interrupted; the same command continues it.
    """
    started = session.port.now()
    session.require_flash()
    data, manifest = load_backup(request.backup)
    check_sense(data)
    _check_belongs(session, request, data, manifest)
    placement, current = _place(session, request, data)
    session.tell(Phase("plan", "asking the module what differs"))
    after = place_over(current, placement, session.layout)
    plan = plan_from_survey(after, placement, session.layout, survey(session, after))
    write = WriteRequest(
        name=request.backup.name,
        base=request.base,
        source_sha256=hashlib.sha256(data).hexdigest(),
        place=lambda _identity, _layout: placement,
        allowed=Allowances(bootloader=True, radio=True, serving_loader=request.overwrite_loader),
        consent=request.consent,
        only_plan=request.only_plan,
        reboot=request.reboot,
        before_reboot=request.before_reboot,
    )
    before = Before(data, job_folder(session, request.base), request.backup)
    request.on_folder(before.folder)
    return finish(session, write, plan, before, started)


def _check_belongs(
    session: Session, request: RestoreRequest, data: bytes, manifest: Manifest | None
) -> None:
    """The backup must be from this chip, and from this very module unless the user insists."""
    identity, name = session.identity, request.backup.name
    source = session.family.identify_dump(data)
    chip = manifest.chip if manifest else source.chip if source else ""
    if not chip:
        raise UnknownImage(
            name=name, size=len(data), finding="its content does not show which chip it is from"
        )
    if chip != identity.chip:
        raise WrongFamily(
            name=name,
            found=chip,
            expected=identity.chip,
            evidence="its manifest says so" if manifest else "its content says so",
        )
    if len(data) != identity.flash_size:
        raise WrongFamily(
            name=name,
            found=f"a flash of {size_text(len(data))}",
            expected=f"{identity.chip} with {size_text(identity.flash_size)}",
            evidence="the sizes differ",
        )
    mac = (manifest.mac if manifest else "") or (source.mac if source else "")
    _check_mac(session, identity, request, mac)


def _check_mac(session: Session, identity: Identity, request: RestoreRequest, mac: str) -> None:
    if mac and mac == identity.mac:
        return
    if not identity.mac and _was_begun(identity, request, mac):
        session.tell(Notice("continuing a restore of this backup that broke off"))
        return
    if request.other_module:
        text = "the backup is not known to be from this module; restoring it all the same, as asked"
        session.tell(Notice(text, Severity.WARNING))
        return
    if mac and identity.mac:
        finding = "the MAC in the backup is not the MAC of this module"
    elif identity.mac:
        finding = "the backup holds no MAC, so it cannot be shown to be from this module"
    else:
        finding = "this module shows no MAC, so the backup cannot be shown to be its own"
    raise RefusedBySafety(
        rule="radio calibration was measured for one module; another's makes its Wi-Fi worse and "
        "gives two modules the same MAC",
        finding=finding,
        override="if it is meant all the same, say that the backup is from another module",
    )


def _was_begun(identity: Identity, request: RestoreRequest, mac: str) -> bool:
    """Whether this restore was begun on the module that has lost its MAC since.

    A power cut while the calibration was being restored leaves none.
    """
    source = hashlib.sha256(read_input(request.backup)).hexdigest()
    for path in request.base.glob(f"groundwire-*/{JOURNAL}"):
        try:
            head, done = read_journal(path)
        except InputUnreadable:
            continue
        if head is None or done or not mac:
            continue
        same_module = (head.chip, head.flash_id) == (identity.chip, identity.flash_id)
        if same_module and (head.mac, head.image_sha256) == (mac, source):
            return True
    return False


def _place(session: Session, request: RestoreRequest, data: bytes) -> tuple[Placement, bytes]:
    """What to restore, and the content that stays: all of it, less a loader that must stay.

    Where the loader in flash serves the protocol, it is compared and, if it differs, kept.
    """
    serves = session.layout.serves_protocol
    whole = Piece(0, data, "restored from the backup")
    if serves is None or holds(session, serves, serves.of(data)):
        return Placement("backup", (whole,)), data
    if request.overwrite_loader:
        _check_known_good(session, data, session.layout)
        return Placement("backup", (whole,)), data
    session.tell(
        Notice(
            "the module's bootloader differs from the backup's and is kept: on this chip it is "
            "what answers on the serial line",
            Severity.WARNING,
        )
    )
    current = read_proven(session, serves, "read")
    rest = Piece(serves.end, data[serves.end :], "restored from the backup")
    kept = (serves, "the bootloader that answers on the serial line is kept")
    return Placement("backup", (rest,), (kept,)), current + data[serves.end :]


def _check_known_good(session: Session, data: bytes, layout: Layout) -> None:
    """Overwriting the serving loader needs one that is known and whole, and a chip that lets us."""
    serves = layout.serves_protocol or Span(0, 0)
    reason = session.flasher.cannot_write(serves)
    if reason:
        raise UnsupportedHere(
            asked="overwriting the bootloader over the serial line",
            reason=reason,
            advice="only an SPI programmer reaches it; the rest can be restored without it",
        )
    source = session.family.identify_dump(data)
    if source is None or not source.bootloader:
        raise RefusedBySafety(
            rule="a loader that does not start leaves the module to an SPI programmer",
            finding="the backup's bootloader is damaged or unknown",
            override="restore without overwriting the bootloader",
        )
