"""What a dump tells of the module it came from, without a port."""

from __future__ import annotations

from groundwire.chips.beken.facts import PROTOCOLS, all_chips, build_layout, chip_facts
from groundwire.chips.family import Identity, Layout, RfHealth
from groundwire.images.beken import rf
from groundwire.images.recognise import ImageKind, recognise
from groundwire.quantities import hex_address, size_text

RF_HEALTH = {
    rf.RfState.PRESENT: RfHealth.PRESENT,
    rf.RfState.ERASED: RfHealth.ERASED,
    rf.RfState.DAMAGED: RfHealth.DAMAGED,
}


def layout_for(identity: Identity) -> Layout:
    """The regions of a module's flash, with calibration where it was found."""
    return build_layout(chip_facts(identity.chip), identity.flash_size, identity.rf_addresses)


def identify_dump(data: bytes) -> Identity | None:
    """The module that a whole-flash dump came from, or None where it is no such dump."""
    seen = recognise(data)
    known = {chip.name: chip for chip in all_chips()}
    names = [name for name in seen.chips if name in known]
    if seen.kind is not ImageKind.DUMP or seen.family != "beken" or not names:
        return None
    facts = known[names[0]]
    sectors = rf.find(data)
    present = next((found for found in sectors if found.state is rf.RfState.PRESENT), None)
    return Identity(
        family="beken",
        chip=facts.name,
        protocol=PROTOCOLS[facts.group],
        flash_size=len(data),
        flash_size_source=f"the dump holds {size_text(len(data))}",
        key_class=seen.key_class or facts.key_class,
        bootloader=seen.bootloader_version,
        mac=present.block.mac_text if present and present.block else "",
        rf=RF_HEALTH[sectors[0].state] if sectors else RfHealth.ERASED,
        rf_addresses=tuple(found.span.start for found in sectors),
        evidence=seen.evidence,
        warnings=tuple(
            f"at {hex_address(problem.span.start)}: {problem.text}" for problem in seen.problems
        ),
    )
