"""A diagnosis on the screen: for people, and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from groundwire.bootlog.finding import Diagnosis, Finding
from groundwire.cli.render import table
from groundwire.cli.shapes import Shape
from groundwire.jobs.diagnose import Known

LINES_SHOWN: Final = 4
OTHERS_SHOWN: Final = 6


def diagnosis_lines(diagnosis: Diagnosis, known: Known) -> list[str]:
    """One sentence, how sure, the evidence, what tells it apart, and the next step."""
    if not diagnosis.known:
        return [*_unknown_lines(diagnosis), *_known_lines(known)]
    first, *others = diagnosis.findings
    lines = [first.text, *table(_rows(first))]
    for finding in others[:OTHERS_SHOWN]:
        lines.append(f"also ({finding.confidence}): {finding.text}")
        lines += table([("next", finding.next_step)])
    if len(others) > OTHERS_SHOWN:
        lines.append(f"and {len(others) - OTHERS_SHOWN} more; --json names them")
    if diagnosis.tests:
        lines.append("what would make it surer")
        lines += [f"  - {test.ask}: {test.tells}" for test in diagnosis.tests]
    return [*lines, *_known_lines(known)]


def _rows(finding: Finding) -> list[tuple[str, str]]:
    rows = [("how sure", f"{finding.confidence} ({finding.id})")]
    evidence = [*(str(quote) for quote in finding.lines[:LINES_SHOWN]), *finding.because]
    rows += [("evidence" if at == 0 else "", text) for at, text in enumerate(evidence)]
    rows += [("tells apart", finding.tells_apart), ("next", finding.next_step)]
    # a row without a name goes on with the one above it
    return rows


def _unknown_lines(diagnosis: Diagnosis) -> list[str]:
    lines = ["I don't know what is wrong, but these would tell:"]
    return lines + [
        f"  {at}. {test.ask}: {test.tells}" for at, test in enumerate(diagnosis.tests, 1)
    ]


def _known_lines(known: Known) -> list[str]:
    return ["what else is known", *(f"  {said}" for said in known.said)] if known.said else []


def diagnosis_shape(name: str, diagnosis: Diagnosis, known: Known) -> Shape:
    """A diagnosis for programs."""
    return {
        "type": "diagnosis",
        "source": name,
        "known": diagnosis.known,
        "sound": diagnosis.sound,
        **diagnosis.as_members(),
        "evidence": list(known.said),
        "health": {name: health.text for name, health in known.health},
    }


def sentence(diagnoses: Sequence[Diagnosis]) -> str:
    """The most important of some diagnoses in one sentence."""
    faults = [one for one in diagnoses if one.known and not one.sound]
    chosen = (faults or [one for one in diagnoses if one.known] or list(diagnoses))[0]
    return chosen.sentence
