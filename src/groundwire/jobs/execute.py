"""Carrying a plan out and proving the whole flash; nothing is called done before that."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from groundwire.backup.files import write_atomically
from groundwire.backup.journal import Journal
from groundwire.chips.family import SECTOR
from groundwire.errors import (
    Cancelled,
    FlashChanged,
    FlashError,
    GroundwireError,
    LinkError,
    LinkLost,
    NoReply,
    ProtocolError,
    StoppedPartWay,
    VerifyMismatch,
)
from groundwire.events import Notice, Phase, Progress, Severity
from groundwire.jobs.read import holds, read_proven
from groundwire.jobs.session import Session
from groundwire.jobs.survey import differing
from groundwire.planning.plan import EraseStep, Task, WritePlan, repair_tasks, schedule
from groundwire.quantities import Span, merge_spans

ATTEMPTS: Final = 12
ROUNDS: Final = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """What carrying a plan out came to, after the proof.

    `rewritten` counts sectors that needed a second writing, `repaired` are spans outside the plan
    that were found damaged and were brought back from the backup.
    """

    erased_bytes: int
    programmed_bytes: int
    rewritten: int
    repaired: tuple[Span, ...]
    rounds: int


class Execution:
    """One run of a plan on a linked module; `resumed` when an earlier run began to change it."""

    def __init__(
        self,
        session: Session,
        plan: WritePlan,
        journal: Journal,
        folder: str,
        *,
        resumed: bool = False,
    ) -> None:
        self._session = session
        self._plan = plan
        self._journal = journal
        self._folder = folder
        self._dirty = resumed
        self._sectors_done = 0
        self._erased = 0
        self._programmed = 0
        self._careful = False
        self._rewritten = 0
        self._found = 0
        self._relinks = session.relinks

    def carry_out(self) -> Outcome:
        """Write, prove, repair, until the whole flash is as planned.

        Raises:
            StoppedPartWay: interrupted after the first change; the journal continues it.
            FlashError: the flash does not take what is written.
        """
        try:
            return self._rounds()
        except FlashError:
            self._put_protection_back()
            raise
        except (GroundwireError, KeyboardInterrupt) as error:
            if isinstance(error, Cancelled | KeyboardInterrupt):
                self._put_protection_back()
            if not self._dirty:
                raise
            raise StoppedPartWay(
                reason=error.what if isinstance(error, GroundwireError) else "stopped by force",
                done_sectors=self._sectors_done,
                total_sectors=len(self._plan.tasks),
                folder=self._folder,
            ) from error

    def _put_protection_back(self) -> None:
        """A module that still answers is left with the write protection that it came with."""
        with contextlib.suppress(LinkError, ProtocolError, FlashError):
            self._session.finish_orderly(self._session.flasher.end_writing())

    def _rounds(self) -> Outcome:
        session, plan = self._session, self._plan
        tasks: tuple[Task, ...] = plan.tasks
        repaired: set[int] = set()
        for number in range(1, ROUNDS + 1):
            self._careful = number > 1 or session.line_does_damage
            if tasks:
                self._write(tasks)
            session.tell(Phase("prove", "proving the whole flash"))
            bad = differing(session, plan.after, 0, "prove")
            if not bad:
                session.run_once(session.flasher.end_writing())
                self._journal.note_done()
                spans = merge_spans([Span(at, SECTOR) for at in repaired])
                return Outcome(self._erased, self._programmed, self._rewritten, spans, number)
            tasks = repair_tasks(plan, bad)
            self._rewritten += len(tasks)
            repaired |= self._report_bad(bad)
            session.watch_line()
        raise VerifyMismatch(spans=merge_spans([task.span for task in tasks]))

    def _report_bad(self, bad: tuple[int, ...]) -> set[int]:
        inside = {at for at in bad if self._is_intended(at)}
        outside = set(bad) - inside
        if inside:
            text = f"{len(inside)} sectors did not arrive as sent; writing them again"
            self._session.tell(Notice(text, Severity.WARNING))
        if outside:
            spans = merge_spans([Span(at, SECTOR) for at in outside])
            shown = ", ".join(str(span) for span in spans)
            text = (
                f"{shown} differ from the backup, outside the plan; keeping what was found there "
                "in the folder and repairing them from the backup"
            )
            self._session.tell(Notice(text, Severity.WARNING))
            self._keep_found(spans)
        return outside

    def _keep_found(self, spans: tuple[Span, ...]) -> None:
        """What looks like damage may be newer than the backup: settings saved by the firmware."""
        self._found += 1
        for span in spans:
            with contextlib.suppress(FlashChanged):
                data = read_proven(self._session, span, "keep")
                name = f"found-{self._found}-0x{span.start:06x}.bin"
                path = Path(self._folder) / name
                self._session.while_linked(partial(write_atomically, path, data, replace=True))

    def _is_intended(self, address: int) -> bool:
        sector = Span(address, SECTOR)
        return any(span.overlaps(sector) for span in self._plan.intended)

    # --- one round --------------------------------------------------------------------------------

    def _write(self, tasks: tuple[Task, ...]) -> None:
        session = self._session
        session.tell(Phase("write", "erasing and writing what differs"))
        session.run_once(session.flasher.begin_writing())
        done, total = 0, len(tasks) * SECTOR
        units, precious = session.flasher.erase_units, self._plan.precious
        for step in schedule(tasks, self._plan.after, units, precious):
            self._write_step(step)
            done += max(len(step.program), len(self._covered(step, tasks))) * SECTOR
            self._sectors_done = min(done // SECTOR, len(self._plan.tasks))
            session.tell(Progress("write", min(done, total), total))

    @staticmethod
    def _covered(step: EraseStep, tasks: tuple[Task, ...]) -> list[Task]:
        span = step.span
        return [task for task in tasks if span is not None and span.contains(task.span)]

    def _write_step(self, step: EraseStep) -> None:
        session = self._session
        span = step.span
        if span is not None:
            session.while_linked(lambda: self._journal.note_erase(span))
            self._dirty = True
            session.do(lambda: session.flasher.erase(span))
            self._erased += span.size
        if step.program:
            session.while_linked(lambda: self._journal.note_program(step.program))
            self._dirty = True
        for address in step.program:
            self._program(address)

    def _program(self, address: int) -> None:
        """Program one sector; after a failed exchange it is erased before it is tried again.

        Over a line that does damage, each sector is proven at once: its data may have arrived
        changed, which no reply shows.
        """
        session = self._session
        sector = Span(address, SECTOR)
        data = self._plan.wanted(sector)
        failure: GroundwireError | None = None
        for _ in range(ATTEMPTS):
            self._unlock_again()
            try:
                session.run_once(session.flasher.program(address, data))
            except LinkLost as error:
                failure = error
                session.relink()
            except (NoReply, ProtocolError) as error:
                failure = error
            else:
                self._programmed += SECTOR
                if not self._careful or holds(session, sector, data):
                    return
                failure = VerifyMismatch(spans=(sector,))
            self._rewritten += 1
            session.watch_line()
            self._unlock_again()
            session.do(lambda: session.flasher.erase(sector))
            self._erased += SECTOR
        assert failure is not None
        raise failure

    def _unlock_again(self) -> None:
        """After a reset the flash chip may have its protection back."""
        session = self._session
        if session.relinks != self._relinks:
            self._relinks = session.relinks
            session.run_once(session.flasher.begin_writing())
