"""Findings of the log joined with what else is known: one cause is one finding, not three."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from groundwire.bootlog.evidence import ImageForm, OtherEvidence
from groundwire.bootlog.finding import Finding
from groundwire.bootlog.signatures import Confidence, Kind
from groundwire.quantities import hex_address

Join = Callable[[list[Finding], OtherEvidence], list[Finding]]

NOT_STARTING = frozenset(
    {
        "silence-not-bootable", "silence-wiring", "silence-wrong-uart", "silence-bl602-address",
        "wrong-key", "dots-endless", "dots-ten", "app-missing-t", "app-missing-n",
        "jump-then-hang", "early-hang", "go-os-addr-loop", "tuya-restored-no-boot", "no-log",
    }
)  # fmt: skip
CRASHING = frozenset({"crash-loop-t", "crash-dump", "supply-then-config-damage", "watchdog"})
APP_ADDRESS = 0x11000
NO_LOG = Finding(
    id="no-log", number="", kind=Kind.NOTICE, rank=99, confidence=Confidence.LOW,
    text="nobody has recorded what the module prints", tells_apart="", next_step="",
)  # fmt: skip
"""Stands for a module that does not start as far as anybody knows, where there is no log."""


def combine(findings: Iterable[Finding], other: OtherEvidence) -> list[Finding]:
    """The findings with those that share a cause made one."""
    joined = list(findings)
    for join in (_key, _chip, _place, _unfinished_write, _damage, _radio, _supply, _tested):
        joined = join(joined, other)
    return joined


def _symptoms(findings: Iterable[Finding], ids: frozenset[str]) -> list[Finding]:
    return [finding for finding in findings if finding.id in ids]


def _replaced(findings: list[Finding], gone: list[Finding], by: Finding) -> list[Finding]:
    return [by, *(finding for finding in findings if finding not in gone)]


def _cause(symptoms: list[Finding], because: tuple[str, ...], **values: str) -> Finding:
    """A cause that explains the symptoms and takes over their evidence."""
    first = min(symptoms, key=lambda finding: finding.order)
    return Finding(
        id=values["id"],
        number=values["number"],
        kind=Kind.FAULT,
        rank=5,
        confidence=Confidence.HIGH,
        text=values["text"],
        tells_apart=values["tells_apart"],
        next_step=values["next_step"],
        lines=first.lines,
        because=(*((f"the log: {first.text}",) if first is not NO_LOG else ()), *because),
        tests=first.tests,
        source="combined evidence",
    )


def _key(findings: list[Finding], other: OtherEvidence) -> list[Finding]:
    symptoms = _symptoms(findings, NOT_STARTING)
    known = other.chip_key and other.image_key
    if not symptoms or not known or other.chip_key == other.image_key:
        return findings
    cause = _cause(
        symptoms,
        (f"the image was built for key class {other.image_key!r}",
         f"the chip applies key class {other.chip_key!r}"),
        id="wrong-key", number="S14",
        text=f"the application was built for key class {other.image_key!r} and the chip applies "
        f"{other.chip_key!r}, so that the module runs nothing of it",
        tells_apart="both key classes were measured, not guessed",
        next_step=f"write an image for key class {other.chip_key!r}; download mode survives this",
    )  # fmt: skip
    return _replaced(findings, symptoms, cause)


def _chip(findings: list[Finding], other: OtherEvidence) -> list[Finding]:
    symptoms = _symptoms(findings, NOT_STARTING | {"wrong-chip-checked"})
    known = other.chip and other.image_chip
    same = other.chip.upper() == other.image_chip.upper()
    if not symptoms or not known or same or any(f.source == "combined evidence" for f in symptoms):
        return findings
    cause = _cause(
        symptoms,
        (f"the image is for {other.image_chip}", f"the chip is a {other.chip}"),
        id="wrong-chip-checked", number="S13",
        text=f"the image is for {other.image_chip} and the chip is a {other.chip}",
        tells_apart="the chip named itself, and the image carries its own name",
        next_step=f"write the image for {other.chip}",
    )  # fmt: skip
    return _replaced(findings, symptoms, cause)


def _place(findings: list[Finding], other: OtherEvidence) -> list[Finding]:
    symptoms = _symptoms(findings, NOT_STARTING)
    address = other.image_address
    if not symptoms or address is None or any(f.source == "combined evidence" for f in symptoms):
        return findings
    if other.image_form is ImageForm.APP and address == 0:
        text = "the application was written over the bootloader, at 0x0 instead of 0x11000"
        next_step = "write the whole image (QIO) for this chip"
    elif other.image_form is ImageForm.WHOLE and address == APP_ADDRESS:
        text = "the image of the whole flash was written at 0x11000, the place of the application"
        next_step = "write the UA image at 0x11000, or this file at 0x0 where the chip allows it"
    else:
        return findings
    silent = min(symptoms, key=lambda finding: finding.order)
    cause = _cause(
        symptoms,
        (f"the plan wrote {other.image_form} at {hex_address(address)}",),
        id=silent.id, number=silent.number, text=text,
        tells_apart="the plan that was carried out", next_step=next_step,
    )  # fmt: skip
    return _replaced(findings, symptoms, cause)


def _unfinished_write(findings: list[Finding], other: OtherEvidence) -> list[Finding]:
    symptoms = _symptoms(findings, NOT_STARTING | CRASHING)
    if not symptoms or (not other.unproven and not other.flash_differs):
        return findings
    if any(finding.source == "combined evidence" for finding in symptoms):
        return findings
    said = (
        f"the journal leaves {other.unproven} bytes unproven"
        if other.unproven
        else "the flash differs from the file that was written"
    )
    cause = _cause(
        symptoms, (said,), id="write-unfinished", number="J1",
        text="the flash does not hold the image that was to be written, and the module fails there",
        tells_apart="the same range proven again",
        next_step="run the same write again: it proves what is there and writes only the rest",
    )  # fmt: skip
    return _replaced(findings, symptoms, cause)


def _damage(findings: list[Finding], other: OtherEvidence) -> list[Finding]:
    symptoms = _symptoms(findings, NOT_STARTING | CRASHING)
    if not symptoms or not other.image_damage:
        return findings
    if any(finding.source == "combined evidence" for finding in symptoms):
        return findings
    cause = _cause(
        symptoms, (other.image_damage,), id="image-damaged", number="J2",
        text="the code that the module is to run is damaged",
        tells_apart="the checksums inside the file",
        next_step="get the file anew and compare its SHA-256, then write it",
    )  # fmt: skip
    return _replaced(findings, symptoms, cause)


def _radio(findings: list[Finding], other: OtherEvidence) -> list[Finding]:
    if other.rf_erased is None:
        return findings
    word = "erased" if other.rf_erased else "present"
    return [
        replace(finding, because=(*finding.because, f"the radio calibration sector is {word}"))
        if finding.id in ("rf-missing-first", "rf-missing-later", "radio-dead", "ap-not-visible")
        else finding
        for finding in findings
    ]


def _supply(findings: list[Finding], other: OtherEvidence) -> list[Finding]:
    if not other.powered_by_adapter:
        return findings
    return [
        replace(
            finding,
            confidence=Confidence.HIGH,
            because=(*finding.because, "the module is fed from the adapter's 3.3 V pin"),
        )
        if finding.id in ("brownout-rf-start", "brownout-bl602")
        else finding
        for finding in findings
    ]


SUPPLY = frozenset({"brownout-rf-start", "brownout-bl602"})


def _tested(findings: list[Finding], other: OtherEvidence) -> list[Finding]:
    """What guided tests proved about the supply and the adapter."""
    if other.adapter_works is False:
        return [_adapter_broken(), *findings]
    weak, said = _supply_proof(other)
    crashes = any(one.id in CRASHING for one in findings)
    if weak is None or (weak and crashes and other.restarts_strong_supply is None):
        return findings  # a crash that only the radio brings about is one of the software
    if not weak:
        return [
            replace(one, confidence=Confidence.LOW, because=(*one.because, said))
            if one.id in SUPPLY
            else one
            for one in findings
        ]
    proven = [one for one in findings if one.id in SUPPLY]
    known = proven[0] if proven else _weak_supply()
    sure = replace(known, confidence=Confidence.HIGH, because=(*known.because, said), tests=())
    return [sure, *(one for one in findings if one.id not in SUPPLY)]


def _supply_proof(other: OtherEvidence) -> tuple[bool | None, str]:
    """Whether the supply is to blame as far as tests tell, and what they told."""
    with_radio, without = other.restarts_radio, other.restarts_no_radio
    if other.restarts_strong_supply == 0:
        return True, "the restarts end with a strong supply"
    if other.restarts_strong_supply:
        return False, f"{other.restarts_strong_supply} restarts with a strong supply as well"
    if with_radio and without == 0:
        return True, f"{with_radio} restarts with Wi-Fi and none without"
    if with_radio and without:
        return False, f"{without} restarts without Wi-Fi as well"
    return None, ""


def _weak_supply() -> Finding:
    return Finding(
        id="brownout-rf-start", number="S18a", kind=Kind.FAULT, rank=40,
        confidence=Confidence.HIGH,
        text="the 3.3 V supply gives in when the radio starts, and the module restarts",
        tells_apart="the restarts end without the radio, or with a stronger supply",
        next_step="feed 3.3 V from a supply good for 500 mA, with 470 uF at the module and short "
        "wires",
        source="guided test",
    )  # fmt: skip


def _adapter_broken() -> Finding:
    return Finding(
        id="adapter-broken", number="G1", kind=Kind.FAULT, rank=1, confidence=Confidence.HIGH,
        text="the adapter does not give back what it is sent with TX and RX joined: nothing that "
        "was seen through it tells of the module",
        tells_apart="the module was not connected",
        next_step="try another adapter, cable or port",
        source="guided test",
    )  # fmt: skip
