"""The plan job: what would a write change? On a module by checksum, or on a dump without one."""

from __future__ import annotations

from groundwire.chips.family import BootloaderPolicy, ChipFamily, Identity, Placement
from groundwire.chips.registry import families
from groundwire.errors import UnknownImage
from groundwire.events import Phase
from groundwire.jobs.session import Session
from groundwire.jobs.survey import survey_spans
from groundwire.jobs.write import WriteRequest
from groundwire.planning.plan import WritePlan, place_over, plan_from_survey, plan_over
from groundwire.planning.rules import Allowances, check_plan


def plan_on_module(session: Session, request: WriteRequest) -> WritePlan:
    """The plan for the linked module, found by its checksums; nothing is read or changed.

    What the plan holds for spans that the image does not cover is not the module's content.
    """
    session.require_flash()
    placement = request.place(session.identity, session.layout)
    session.tell(Phase("plan", "asking the module what differs"))
    unread = b"\xff" * session.identity.flash_size
    after = place_over(unread, placement, session.layout)
    states = survey_spans(session, after, tuple(piece.span for piece in placement.pieces))
    plan = plan_from_survey(after, placement, session.layout, states)
    check_plan(plan, request.allowed)
    return plan


def owner_of_dump(dump: bytes, name: str = "dump") -> tuple[ChipFamily, Identity]:
    """The family and the module that a dump of a whole flash is from.

    Raises:
        UnknownImage: no family knows it as such a dump.
    """
    for family in families():
        identity = family.identify_dump(dump)
        if identity is not None:
            return family, identity
    raise UnknownImage(name=name, size=len(dump), finding="it is no dump of a whole flash")


def plan_over_dump(
    image: bytes,
    dump: bytes,
    policy: BootloaderPolicy = BootloaderPolicy.KEEP,
    *,
    name: str = "image",
) -> WritePlan:
    """The plan for a module of which only a dump is at hand.

    Raises:
        ImageError: the dump is none, or the image is not for its module.
        RefusedBySafety: the plan would touch what no plan may touch.
    """
    family, identity = owner_of_dump(dump)
    layout = family.layout(identity)
    placement: Placement = family.place(image, name, identity, layout, policy)
    plan = plan_over(dump, placement, layout)
    check_plan(plan, Allowances(bootloader=policy is BootloaderPolicy.REPLACE))
    return plan
