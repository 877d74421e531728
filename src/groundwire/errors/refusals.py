"""What a chip cannot do, and what a safety rule forbids: exit 7 and 8."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.errors.shape import ExitCode, GroundwireError


class Unsupported(GroundwireError):
    """This chip, boot ROM or flash cannot do that, or nobody knows how it would."""

    code = "unsupported"
    exit_code = ExitCode.UNSUPPORTED


@dataclass(eq=False, kw_only=True)
class UnsupportedHere(Unsupported):
    """This chip, boot ROM or flash cannot do what was asked."""

    code = "unsupported.here"
    asked: str
    reason: str
    advice: str = ""

    @property
    def what(self) -> str:
        return f"{self.asked} is not possible here: {self.reason}"

    @property
    def next_step(self) -> str:
        return self.advice


@dataclass(eq=False, kw_only=True)
class RefusedBySafety(GroundwireError):
    """A safety rule forbids the request; nothing was changed."""

    code = "safety.refused"
    exit_code = ExitCode.REFUSED
    means_label = "because"
    rule: str
    finding: str
    override: str = ""

    @property
    def what(self) -> str:
        return f"refused: {self.finding}"

    @property
    def means(self) -> str:
        return self.rule

    @property
    def next_step(self) -> str:
        return self.override or "nothing was changed; there is no override for this rule"


@dataclass(eq=False, kw_only=True)
class ChipContradicted(RefusedBySafety):
    """The chip named by the user is not the chip that answers."""

    code = "safety.chip-contradicted"

    @property
    def next_step(self) -> str:
        return "leave the chip to be found out, or connect the module you mean"
