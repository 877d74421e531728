"""What the verbs that change a module have in common: flags, conditions, report, end."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click

from groundwire.backup.files import make_folder
from groundwire.cli.booting import BootWatcher, boot_lines, boot_shape
from groundwire.cli.consent import asking_consent, check_can_ask
from groundwire.cli.failures import BadCommandLine
from groundwire.cli.options import FILE, Settings
from groundwire.cli.portless import Shown
from groundwire.cli.render import write_lines
from groundwire.cli.running import Job, open_named, with_module
from groundwire.cli.screen import Screen
from groundwire.cli.shapes import Shape, identity_shape, plan_shape
from groundwire.errors import (
    Cancelled,
    DidNotComeUp,
    GroundwireError,
    InternalError,
    OutputUnwritable,
)
from groundwire.events import Notice, Severity
from groundwire.jobs.boot_watch import BootReport
from groundwire.jobs.ports import OpenedPort
from groundwire.jobs.report import ReportInput, write_reports
from groundwire.jobs.write import WriteReport, WriteRequest

TRACE: Final = "trace.jsonl"


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which conditions a module may be changed."""

    yes: bool = False
    dry_run: bool = False
    folder: Path | None = None
    backup: Path | None = None
    no_backup: bool = False
    log_port: str | None = None

    @property
    def base(self) -> Path:
        """The folder in which the job makes its own."""
        return self.folder if self.folder is not None else Path()


YES_FLAGS: Final = (
    click.option("--yes", is_flag=True, help="Carry the plan out without asking."),
    click.option("--dry-run", is_flag=True, help="Show the plan and change nothing."),
)
FOLDER_FLAG: Final = click.option(
    "--folder",
    type=FILE,
    metavar="DIR",
    help="Where the job makes its folder with backup, journal and report; left out, here.",
)
BACKUP_FLAGS: Final = (
    click.option(
        "--backup",
        type=FILE,
        metavar="FILE",
        help="A backup you have; it is proven against the module first.",
    ),
    click.option(
        "--no-backup",
        is_flag=True,
        help="Keep no backup. What is lost then is lost; the report says so.",
    ),
)


def check_conditions(verb: str, conditions: Conditions) -> None:
    """Refuse flags that contradict each other.

    Raises:
        BadCommandLine: they do.
    """
    for one, other, both in (
        ("--backup", "--no-backup", conditions.backup is not None and conditions.no_backup),
        ("--yes", "--dry-run", conditions.yes and conditions.dry_run),
    ):
        if both:
            raise BadCommandLine(
                message=f"{one} and {other} contradict each other",
                help_command=f"groundwire {verb} --help",
            )


# --- one change from beginning to end -----------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """What a change brings to the module: an image, a backup, or an erased range."""

    name: str
    data: bytes


class Change:
    """One run of a verb that changes a module: the job, its trace and its report."""

    def __init__(
        self,
        verb: str,
        settings: Settings,
        source: Source,
        terms: Conditions,
        *,
        traced: bool,
    ) -> None:
        watches = terms.log_port is not None and not terms.dry_run
        self._boot = BootWatcher(terms.log_port or "") if watches else None
        self._verb = verb
        self._settings = settings
        self._source = source
        self._terms = terms
        self._traced = traced and not terms.dry_run
        self._folder: Path | None = None
        self._trace: Path | None = None
        self._made_base = False

    def run(
        self,
        act: Callable[[Job, Change], WriteReport],
        open_it: Callable[[str, Path | None], OpenedPort] = open_named,
    ) -> None:
        """Refuse early, do the job, leave its report, show its end."""
        verb, terms = self._verb, self._terms
        check_conditions(verb, terms)

        def before(screen: Screen) -> None:
            check_can_ask(screen, verb, yes=terms.yes, only_plan=terms.dry_run)
            if not terms.dry_run:
                self._made_base = not terms.base.exists()
                make_folder(terms.base)

        def open_traced(name: str, trace: Path | None) -> OpenedPort:
            opened = open_it(name, trace or self._make_trace())
            try:
                if self._boot is not None:
                    self._boot.open(opened, name)
            except BaseException:
                opened.port.close()
                raise
            return opened

        def reported(job: Job) -> Shown:
            return self._reported(job, act)

        try:
            with_module(self._settings, verb, reported, before=before, open_it=open_traced)
        finally:
            if self._boot is not None:
                self._boot.close()
            self._tidy()

    def on_folder(self, folder: Path) -> None:
        """The job has its folder; what fails from here on is reported there."""
        self._folder = folder
        with contextlib.suppress(OSError):
            self._move_trace(folder)  # early, so that even a killed run leaves it there

    def conditioned(self, request: WriteRequest, job: Job) -> WriteRequest:
        """A request with what the user allowed, asked for or typed."""
        terms = self._terms
        return replace(
            request,
            given_backup=terms.backup,
            keep_backup=not terms.no_backup,
            only_plan=terms.dry_run,
            consent=asking_consent(job, yes=terms.yes),
            on_folder=self.on_folder,
            before_reboot=self.before_reboot,
        )

    def before_reboot(self) -> None:
        """What the module printed up to now belongs to no boot that is to be watched."""
        if self._boot is not None:
            self._boot.drain()

    def _reported(self, job: Job, act: Callable[[Job, Change], WriteReport]) -> Shown:
        try:
            report = act(job, self)
        except GroundwireError as error:
            self._leave_report(job, None, error)
            raise
        except KeyboardInterrupt:
            self._leave_report(job, None, Cancelled())
            raise
        except Exception as error:
            self._leave_report(job, None, InternalError(detail=f"{type(error).__name__}: {error}"))
            raise
        # the proof is on disk before the boot is watched: nothing that follows can take it away
        self._leave_report(job, report, None)
        lines = write_lines(report, emulated=job.is_emulated)
        boot = self._watched(job, report)
        shape = {**write_shape(report), "boot": boot_shape(boot)}
        if boot is None:
            return Shown(lines, shape)
        self._leave_report(job, report, None, boot)
        if boot.came_up:
            return Shown([*lines, *boot_lines(boot)], shape)
        job.screen.show([*lines, *boot_lines(boot)], {"type": "written", **shape})
        raise DidNotComeUp(sentence=boot.sentence, step=boot.next_step)

    def _watched(self, job: Job, report: WriteReport) -> BootReport | None:
        if self._boot is None or report.outcome is None:
            return None
        return self._boot.watch(job, self._folder, restored=self._verb == "restore")

    def _leave_report(
        self,
        job: Job,
        report: WriteReport | None,
        error: GroundwireError | None,
        boot: BootReport | None = None,
    ) -> None:
        folder, source = self._folder, self._source
        if folder is None or not folder.is_dir():
            return
        given = ReportInput(
            verb=self._verb,
            port=job.port_name,
            is_emulated=job.is_emulated,
            identity=job.session.identity,
            source_name=source.name,
            source_sha256=hashlib.sha256(source.data).hexdigest() if source.data else "",
            source_size=len(source.data),
            folder=folder,
            warnings=tuple(job.warnings),
            backup_kept=not self._terms.no_backup,
            report=report,
            error=error,
            boot=boot,
        )
        try:
            write_reports(given)
        except OutputUnwritable as failure:
            # the job itself is as it is; a missing report must not make it look otherwise
            job.screen.tell(Notice(f"no report: {failure.what}", Severity.WARNING))
        self._keep_trace(folder, job)

    # --- the trace ------------------------------------------------------------------------------

    def _make_trace(self) -> Path | None:
        """A trace file that moves to the job folder as soon as there is one."""
        if not self._traced:
            return None
        base = self._terms.base
        try:
            handle, name = tempfile.mkstemp(dir=base, prefix=".groundwire-", suffix=".trace")
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputUnwritable(path=str(base), reason=reason) from error
        os.close(handle)
        self._trace = Path(name)
        return self._trace

    def _keep_trace(self, folder: Path, job: Job) -> None:
        try:
            self._move_trace(folder)
        except OSError as error:
            job.screen.tell(Notice(f"no trace: {error.strerror}", Severity.WARNING))

    def _move_trace(self, folder: Path) -> None:
        if self._trace is not None and folder.is_dir():
            self._trace.replace(_free_name(folder / TRACE))
            self._trace = None

    def _tidy(self) -> None:
        """Where the job came to no folder, leave none of its files lying about."""
        with contextlib.suppress(OSError):
            if self._trace is not None:
                self._trace.unlink(missing_ok=True)
            if self._made_base:
                self._terms.base.rmdir()  # stays where it holds something


def _free_name(path: Path) -> Path:
    """The path, or the first with a number that is not taken: each try of a job has its trace."""
    at = 2
    candidate = path
    while candidate.exists():
        candidate = path.with_name(f"{path.stem}-{at}{path.suffix}")
        at += 1
    return candidate


def write_shape(report: WriteReport) -> Shape:
    """What a change came to, for programs."""
    return {
        "identity": identity_shape(report.identity),
        "plan": plan_shape(report.plan),
        "written": report.outcome is not None,
        "proven": report.outcome is not None,
        "outcome": report.outcome,
        "folder": str(report.folder) if report.folder.is_dir() else None,
        "backup": str(report.backup) if report.backup else None,
        "backup_kept": report.backup_kept,
        "resumed": report.resumed,
        "baudrate": report.baudrate,
        "relinks": report.relinks,
        "took_s": round(report.took_s, 3),
    }
