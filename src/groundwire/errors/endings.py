"""Interrupted, cancelled, or a defect of our own."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.errors.shape import ExitCode, GroundwireError


@dataclass(eq=False, kw_only=True)
class StoppedPartWay(GroundwireError):
    """A write was interrupted; the journal and the backup hold all that is needed to finish."""

    code = "stopped.resumable"
    exit_code = ExitCode.RESUMABLE
    reason: str
    done_sectors: int
    total_sectors: int
    folder: str

    @property
    def what(self) -> str:
        return f"stopped after {self.done_sectors} of {self.total_sectors} sectors: {self.reason}"

    @property
    def means(self) -> str:
        return f"the module is half written; its backup and journal are in {self.folder!r}"

    @property
    def next_step(self) -> str:
        return "run the same command again: it proves what is there and writes only the rest"


@dataclass(eq=False, kw_only=True)
class DidNotComeUp(GroundwireError):
    """The flash is written and proven, but the module was not seen to come up afterwards."""

    code = "boot.not-up"
    exit_code = ExitCode.UNDECIDED
    sentence: str
    step: str

    @property
    def what(self) -> str:
        return f"the flash is proven, but the module was not seen to come up: {self.sentence}"

    @property
    def next_step(self) -> str:
        return self.step


@dataclass(eq=False, kw_only=True)
class NoDiagnosis(GroundwireError):
    """Nothing that groundwire knows fits what was seen; it names the tests that would tell."""

    code = "diagnosis.unknown"
    exit_code = ExitCode.UNDECIDED
    subject: str
    seen: str
    tests: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        return f"no diagnosis of {self.subject}: {self.seen}"

    @property
    def means(self) -> str:
        return f"{len(self.tests)} tests would tell" if self.tests else ""

    @property
    def next_step(self) -> str:
        return self.tests[0] if self.tests else "record a longer log"


@dataclass(eq=False, kw_only=True)
class Cancelled(GroundwireError):
    """Stopped on request before anything was changed."""

    code = "cancelled"
    exit_code = ExitCode.CANCELLED
    during: str = ""

    @property
    def what(self) -> str:
        return "cancelled" + (f" while {self.during}" if self.during else "")

    @property
    def means(self) -> str:
        return "nothing on the module was changed"


@dataclass(eq=False, kw_only=True)
class InternalError(GroundwireError):
    """A defect in groundwire; the module was not the cause."""

    code = "internal"
    exit_code = ExitCode.INTERNAL
    detail: str

    @property
    def what(self) -> str:
        return f"groundwire itself failed: {self.detail}"

    @property
    def next_step(self) -> str:
        return "please report this with the trace file of the run"
