"""The fact tables of the Bouffalo family load strictly and hang together."""

from groundwire.chips.bouffalo import facts
from groundwire.chips.bouffalo.status import Status, status_meaning


def test_rows_are_unique_and_sourced():
    for rows, key in (
        (facts.all_chips(), "name"),
        (facts.all_loaders(), "sha256"),
        (facts.all_flash(), "jedec_id"),
    ):
        keys = [getattr(row, key) for row in rows]
        assert len(set(keys)) == len(keys)
        assert all(row.source for row in rows)


def test_flash_sizes_follow_the_vendors_rule():
    assert len(facts.all_flash()) == 78
    for flash in facts.all_flash():
        assert facts.flash_size_of(bytes.fromhex(flash.jedec_id)) == flash.size
    assert facts.flash_size_of(b"\xff\xff\xff") == 0
    assert facts.flash_size_of(bytes(3)) == 0


def test_the_chips_that_are_not_supported_say_why():
    assert [chip.name for chip in facts.all_chips() if not chip.supported] == ["BL702", "BL616"]
    assert all(chip.reason for chip in facts.all_chips() if not chip.supported)
    assert facts.chip_by_version(1).name == "BL602"
    assert facts.chip_by_version(facts.LOADER_VERSION) is None


def test_every_error_number_has_words():
    assert status_meaning(Status.CMD_CRC) == "the line damaged the frame"
    assert status_meaning(0x0207) == "img segment cnt"
    assert status_meaning(0x7777) == "unknown error number"
