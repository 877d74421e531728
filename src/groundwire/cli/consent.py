"""Showing a plan and asking before it is carried out."""

from __future__ import annotations

import sys

from groundwire.chips.family import Identity
from groundwire.cli.failures import ConsentMissing
from groundwire.cli.render import identity_lines, plan_lines
from groundwire.cli.running import Job
from groundwire.cli.screen import Screen
from groundwire.cli.shapes import plan_shape
from groundwire.cli.streams import clean
from groundwire.jobs.write import Consent
from groundwire.planning.plan import WritePlan

YES = ("y", "yes")


def check_can_ask(screen: Screen, verb: str, *, yes: bool, only_plan: bool) -> None:
    """Refuse before anything is opened where a question would be needed and cannot be asked.

    Raises:
        ConsentMissing: neither --yes nor --dry-run was given, and nobody is there to answer.
    """
    if yes or only_plan or screen.can_ask:
        return
    reason = (
        "standard input is no terminal"
        if not sys.stdin.isatty()
        else "--json leaves no screen for that"
    )
    raise ConsentMissing(verb=verb, reason=reason)


def asking_consent(job: Job, *, yes: bool) -> Consent:
    """Consent for a job: the plan is always shown; without --yes the user is asked."""

    def consent(plan: WritePlan, identity: Identity) -> bool:
        job.screen.show([*identity_lines(identity), *plan_lines(plan)], plan_shape(plan))
        if yes or not plan.tasks:
            return True
        question = f"change {len(plan.tasks)} sectors of this {identity.chip}? [y/N] "
        return _ask(job, question)

    return consent


def _ask(job: Job, question: str) -> bool:
    job.screen.pause()
    with job.interrupts.asking():
        sys.stderr.write(clean(question))
        sys.stderr.flush()
        answer = sys.stdin.readline()
    return answer.strip().lower() in YES
