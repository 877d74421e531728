"""The report of a job in its folder: Markdown for people, JSON for programs, both masked.

Reports are shown to others when something goes wrong, so they hold no secret of the network: the
last three bytes of every MAC are hidden, and paths of this computer are left out.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from groundwire._version import __version__
from groundwire.backup.files import write_atomically
from groundwire.chips.family import Identity
from groundwire.errors import ExitCode, GroundwireError
from groundwire.jobs.boot_watch import POINT, POINT_MASK, BootReport
from groundwire.jobs.write import WriteReport
from groundwire.planning.plan import WritePlan
from groundwire.quantities import Span, hex_address, size_text

FORMAT: Final = 1
MARKDOWN: Final = "report.md"
JSON: Final = "report.json"
MAC: Final = re.compile(r"\b((?:[0-9A-Fa-f]{2}[:-]){3})(?:[0-9A-Fa-f]{2}[:-]){2}[0-9A-Fa-f]{2}\b")
EMULATED: Final = "measured on the emulator: no hardware was involved"
MARKUP: Final = re.compile(r"([\\`*_{}\[\]#|!])")
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
Values = dict[str, object]


@dataclass(frozen=True)
class ReportInput:
    """What a report is made of. Exactly one of `report` and `error` is there.

    `source_size` is 0 and `source_sha256` "" where no file was given, as for an erase.
    """

    verb: str
    port: str
    is_emulated: bool
    identity: Identity
    source_name: str
    source_sha256: str
    source_size: int
    folder: Path
    warnings: Sequence[str] = ()
    backup_kept: bool = True
    report: WriteReport | None = None
    error: GroundwireError | None = None
    boot: BootReport | None = None


# --- masking ------------------------------------------------------------------------------------


def mask_text(text: str, folder: Path | None = None, mac: str = "") -> str:
    """A text without what identifies a module or a computer."""
    if folder is not None:
        for path in (str(folder.resolve()), str(folder)):
            if len(path) > 1:
                text = text.replace(path, "this folder")
    text = MAC.sub(lambda found: f"{found[1]}xx:xx:xx", text)
    bare = mac.replace(":", "")
    if bare:
        text = re.sub(
            f"({re.escape(bare[:6])}){re.escape(bare[6:])}", r"\1xxxxxx", text, flags=re.IGNORECASE
        )
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


def mask_port(port: str) -> str:
    """A port without serial numbers and addresses."""
    if "://" in port:
        return port.split("://", 1)[0] + "://…"
    if "/by-id/" in port or "/by-path/" in port:
        return port.rsplit("/", 1)[0] + "/…"
    return port


# --- values -------------------------------------------------------------------------------------


def report_values(given: ReportInput) -> Values:
    """The report as values, masked: what `report.json` holds."""
    error = given.error
    exit_code = error.exit_code if error is not None else ExitCode.DONE
    values: Values = {
        "format": FORMAT,
        "tool": f"groundwire {__version__}",
        "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "verb": given.verb,
        "ok": error is None,
        "exit_code": int(exit_code),
        "emulated": given.is_emulated,
        "port": mask_port(given.port),
        "module": _module(given),
        "source": {
            "name": given.source_name,
            "size": given.source_size,
            "sha256": given.source_sha256,
        },
        "backup_kept": given.backup_kept,
        "warnings": [_masked(given, text) for text in given.warnings],
    }
    if given.report is not None:
        values |= _outcome(given, given.report)
    if error is not None:
        values["error"] = {
            "code": error.code,
            "what": _masked(given, error.what),
            "means": _masked(given, error.means),
            "next_step": _masked(given, error.next_step),
        }
    if given.boot is not None:
        values["boot"] = _boot(given, given.boot)
    return values


def _boot(given: ReportInput, boot: BootReport) -> Values:
    facts = boot.diagnosis.facts
    return {
        "came_up": boot.came_up,
        "sentence": _masked(given, boot.masked_sentence),
        "next_step": _masked(given, boot.next_step),
        "findings": list(boot.diagnosis.ids()),
        "boots": facts.boots_total,
        "app": facts.app,
        "app_version": facts.app_version,
        "watched_s": round(boot.watched.watched_s, 3),
    }


def _masked(given: ReportInput, text: str) -> str:
    return mask_text(text, given.folder, given.identity.mac)


def _module(given: ReportInput) -> Values:
    identity = given.identity
    return {
        "chip": identity.chip,
        "family": identity.family,
        "served_by": identity.protocol,
        "flash_size": identity.flash_size,
        "flash_size_source": identity.flash_size_source,
        "flash_id": identity.flash_id,
        "flash_part": identity.flash_part,
        "key_class": identity.key_class,
        "bootloader": identity.bootloader,
        "mac": _masked(given, identity.mac),
        "rf": identity.rf.value,
        "rf_addresses": list(identity.rf_addresses),
        "warnings": [_masked(given, text) for text in identity.warnings],
    }


def _span(span: Span) -> Values:
    return {"start": span.start, "size": span.size}


def _plan(plan: WritePlan) -> Values:
    return {
        "kind": plan.kind,
        "flash_size": plan.flash_size,
        "sectors": len(plan.tasks),
        "intended": [_span(span) for span in plan.intended],
        "erased": [_span(span) for span in plan.erased],
        "programmed": [_span(span) for span in plan.programmed],
        "keeps": [{"span": _span(keep.span), "why": keep.why} for keep in plan.keeps],
    }


def _outcome(given: ReportInput, report: WriteReport) -> Values:
    values: Values = {
        "plan": _plan(report.plan),
        "proven": report.outcome is not None,
        "resumed": report.resumed,
        "baudrate": report.baudrate,
        "relinks": report.relinks,
        "took_s": round(report.took_s, 3),
        "backup": None,
    }
    if report.backup is not None:
        inside = report.backup.parent == given.folder
        values["backup"] = report.backup.name if inside else _masked(given, str(report.backup))
    outcome = report.outcome
    if outcome is not None:
        values["outcome"] = {
            "erased_bytes": outcome.erased_bytes,
            "programmed_bytes": outcome.programmed_bytes,
            "rewritten": outcome.rewritten,
            "repaired": [_span(span) for span in outcome.repaired],
            "rounds": outcome.rounds,
        }
    return values


# --- Markdown -----------------------------------------------------------------------------------


def markdown(given: ReportInput) -> str:
    """The report for people, masked; text from files and modules cannot form markup."""
    identity, report, error = given.identity, given.report, given.error
    out = [f"# groundwire {given.verb}: {'done and proven' if error is None else 'not done'}", ""]
    if given.is_emulated:
        out += [f"**{EMULATED}.**", ""]
    if error is not None:
        out += [_said(given, error.what), ""]
        if error.means:
            out += [f"- likely: {_said(given, error.means)}"]
        if error.next_step:
            out += [f"- next: {_said(given, error.next_step)}"]
        out += [f"- code: `{error.code}`, exit status {int(error.exit_code)}", ""]
    out += ["## Module", "", *_rows(_module_rows(given, identity)), ""]
    out += [f"- {_said(given, text)}" for text in identity.warnings]
    size = f" ({size_text(given.source_size)})" if given.source_size else ""
    source = f"{given.source_name}{size}"
    out += ["", "## What was asked for", ""]
    out += _rows([("source", _said(given, source)), ("SHA-256", given.source_sha256)])
    if report is not None:
        out += ["", "## What was done", "", *_rows(_done_rows(given, report)), ""]
        out += ["## What was kept", ""]
        out += [f"- {keep.span}: {_said(given, keep.why)}" for keep in report.plan.keeps]
    if given.boot is not None:
        out += ["", "## Did it come up", "", *_boot_lines(given, given.boot)]
    if given.warnings:
        out += ["", "## Warnings", "", *[f"- {_said(given, text)}" for text in given.warnings]]
    out += ["", f"Made by groundwire {__version__}. MACs are masked in this report.", ""]
    return "\n".join(out)


def _boot_lines(given: ReportInput, boot: BootReport) -> list[str]:
    lines = [_said(given, boot.masked_sentence), ""]
    if boot.came_up:
        return lines
    quotes = [quote for finding in boot.diagnosis.findings[:1] for quote in finding.lines]
    lines += [f"- {_said(given, POINT.sub(POINT_MASK, str(quote)))}" for quote in quotes]
    return lines + ([f"- next: {_said(given, boot.next_step)}"] if boot.next_step else [])


def _said(given: ReportInput, text: str) -> str:
    """Outside text: masked, on one line, without control characters and markup."""
    shown = CONTROL.sub(" ", _masked(given, text))
    return MARKUP.sub(r"\\\1", shown).replace("<", "&lt;").replace(">", "&gt;")


def _rows(rows: Sequence[tuple[str, str]]) -> list[str]:
    head = ["| | |", "| --- | --- |"]
    return [*head, *(f"| {name} | {value} |" for name, value in rows if value)]


def _module_rows(given: ReportInput, identity: Identity) -> list[tuple[str, str]]:
    places = ", ".join(hex_address(at) for at in identity.rf_addresses)
    rows = [
        ("chip", f"{identity.chip} ({identity.family})"),
        ("served by", identity.protocol),
        ("flash", f"{size_text(identity.flash_size)}, {identity.flash_size_source}"),
        ("flash chip", f"{identity.flash_part} {identity.flash_id}".strip()),
        ("key class", identity.key_class),
        ("bootloader", identity.bootloader),
        ("MAC", identity.mac),
        ("radio calibration", f"{identity.rf.value}{f' at {places}' if places else ''}"),
        ("port", mask_port(given.port)),
    ]
    return [(name, _said(given, value)) for name, value in rows]


def _done_rows(given: ReportInput, report: WriteReport) -> list[tuple[str, str]]:
    outcome = report.outcome
    rows = [("kind", report.plan.kind), ("speed", f"{report.baudrate} baud")]
    if outcome is not None:
        repaired = ", ".join(str(span) for span in outcome.repaired)
        rows += [
            ("erased", size_text(outcome.erased_bytes)),
            ("written", size_text(outcome.programmed_bytes)),
            ("written twice", f"{outcome.rewritten} sectors" if outcome.rewritten else ""),
            ("repaired from the backup", repaired),
            ("proof", "the chip's own checksum over every byte of the flash is as planned"),
        ]
    if given.backup_kept and report.backup is not None:
        backup = report.backup.name
    else:
        backup = "none was kept: --no-backup was given"
    rows += [
        ("backup", backup),
        ("continued", "an interrupted job was finished" if report.resumed else ""),
        ("linked again", f"{report.relinks} x" if report.relinks else ""),
        ("took", f"{report.took_s:.1f} s"),
    ]
    return [(name, _said(given, value)) for name, value in rows]


def write_reports(given: ReportInput) -> tuple[Path, Path]:
    """Both reports into the job folder, in place of those of an earlier try.

    Raises:
        OutputUnwritable: the folder does not take them.
    """
    folder = given.folder
    text = json.dumps(report_values(given), indent=2) + "\n"
    write_atomically(folder / JSON, text.encode(), replace=True)
    write_atomically(folder / MARKDOWN, markdown(given).encode(), replace=True)
    return folder / MARKDOWN, folder / JSON
