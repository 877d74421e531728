"""Bouffalo Lab BL602/BL604: a boot ROM and a RAM loader behind one serial protocol."""

from groundwire.chips.bouffalo.emulator import BouffaloEmulator
from groundwire.chips.bouffalo.facts import all_chips, chip_facts, published_loader
from groundwire.chips.bouffalo.flasher import BouffaloFlasher
from groundwire.chips.bouffalo.layout import layout_for
from groundwire.chips.bouffalo.linking import (
    LINK_RATE,
    ROM_FORGETS_S,
    looks_like_bouffalo,
    try_link,
)
from groundwire.chips.bouffalo.loader import name_loader
from groundwire.chips.bouffalo.offline import identify_dump
from groundwire.chips.bouffalo.placement import place
from groundwire.chips.family import ChipFamily

FAMILY = ChipFamily(
    name="bouffalo",
    title="Bouffalo BL602",
    parts=tuple(chip.name for chip in all_chips()),
    link_baudrate=LINK_RATE,
    try_link=try_link,
    flasher=BouffaloFlasher,
    layout=layout_for,
    identify_dump=identify_dump,
    place=place,
    emulator=BouffaloEmulator,
    looks_like_mine=looks_like_bouffalo,
    check_loader=name_loader,
    loader_source=published_loader(),
    log_baudrate=chip_facts("BL602").log_baudrate,
    forgets_s=ROM_FORGETS_S,
    hands=(
        "hold BOOT (GPIO8) at 3.3 V, reset the module by pulling CHIP_EN to GND for half a second "
        "or by taking its power away for two seconds, then let go of BOOT"
    ),
)
