"""Whether a file is sound: every checksum in it, and a verdict with the addresses.

This answers whether a dump can be trusted before it is restored. Rooms above add what they know
of settings stores with `Health.extended`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from groundwire.images import patterns
from groundwire.images.beken import health as beken_health
from groundwire.images.beken.content import BekenContent
from groundwire.images.container_checks import container_checks
from groundwire.images.findings import Check, Finding
from groundwire.images.kinds import ImageKind, Recognition, Weight
from groundwire.images.recognise import recognise_with_content
from groundwire.quantities import Span

_SHOWN = 4
_NO_FLASH_IMAGE = {
    ImageKind.ERASED,
    ImageKind.UNKNOWN,
    ImageKind.OBK_CONFIG,
    ImageKind.SETTINGS_ONLY,
    ImageKind.PLAIN_APP,
}
_WHOLE_FLASH = {ImageKind.DUMP, ImageKind.ROTATED_DUMP, ImageKind.BL602_WHOLE}


class Verdict(StrEnum):
    """The four answers."""

    SOUND = "sound"
    OTHER_CHIP = "sound but not from this chip"
    DAMAGED = "damaged"
    NO_IMAGE = "not a flash image"


@dataclass(frozen=True, slots=True)
class Expected:
    """The module that a file is meant for; empty fields are not compared."""

    chip: str = ""
    key_class: str = ""
    mac: bytes = b""
    flash_size: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """The verdict on one file, all findings, and what was checked. Spans are file offsets."""

    kind: ImageKind
    verdict: Verdict
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]

    @property
    def damaged_spans(self) -> tuple[Span, ...]:
        """Where the file is damaged, in order of offset."""
        spans = {finding.span for finding in self.findings if finding.weight is Weight.DAMAGE}
        return tuple(sorted(spans))

    @property
    def text(self) -> str:
        """The verdict as one line, with the first addresses."""
        if self.verdict is not Verdict.DAMAGED:
            return str(self.verdict)
        spans = self.damaged_spans
        more = f" and {len(spans) - _SHOWN} more places" if len(spans) > _SHOWN else ""
        return "damaged at " + ", ".join(str(span) for span in spans[:_SHOWN]) + more

    def extended(self, findings: tuple[Finding, ...], checks: tuple[Check, ...]) -> Health:
        """The same with more findings and checks, the verdict made anew."""
        return _judged(self.kind, (*self.findings, *findings), (*self.checks, *checks))


def _judged(kind: ImageKind, findings: tuple[Finding, ...], checks: tuple[Check, ...]) -> Health:
    weights = {finding.weight for finding in findings}
    verdict = Verdict.SOUND
    if kind in _NO_FLASH_IMAGE:
        verdict = Verdict.NO_IMAGE
    elif Weight.DAMAGE in weights:
        verdict = Verdict.DAMAGED
    elif Weight.FOREIGN in weights:
        verdict = Verdict.OTHER_CHIP
    return Health(kind, verdict, findings, checks)


def check_health(data: bytes, expected: Expected | None = None) -> Health:
    """Check everything in a file that can be checked without a module. Never raises."""
    recognition, content = recognise_with_content(data)
    return health_of(data, recognition, content, expected or Expected())


def health_of(
    data: bytes, recognition: Recognition, content: BekenContent | None, expected: Expected
) -> Health:
    """The same for a file that has been recognised already."""
    checks = container_checks(data, recognition.kind)
    if content is not None:
        findings, checks = beken_health.examine(content, recognition)
    else:
        findings = tuple(
            Finding(problem.weight, problem.span, problem.text) for problem in recognition.problems
        )
    if recognition.kind in _WHOLE_FLASH:
        findings += tuple(
            Finding(Weight.DAMAGE, span, text) for span, text in patterns.describe(data)
        )
    findings += _foreign(data, recognition, content, expected)
    return _judged(recognition.kind, findings, checks)


def _foreign(
    data: bytes, recognition: Recognition, content: BekenContent | None, expected: Expected
) -> tuple[Finding, ...]:
    whole = Span(0, len(data))
    texts: list[str] = []
    if expected.chip and recognition.chips and expected.chip not in recognition.chips:
        texts.append(f"made for {' or '.join(recognition.chips)}, this module is {expected.chip}")
    keys = expected.key_class, recognition.key_class
    if all(keys) and keys[0] != keys[1]:
        texts.append(f"enciphered with the key set {keys[1]}, this module has {keys[0]}")
    if expected.flash_size and recognition.kind in _WHOLE_FLASH and len(data) > expected.flash_size:
        texts.append("larger than the flash of this module")
    if expected.mac and content is not None:
        macs = beken_health.mac_addresses(content)
        if macs and expected.mac not in macs:
            texts.append("its MAC address is that of another module")
    return tuple(Finding(Weight.FOREIGN, whole, text) for text in texts)
