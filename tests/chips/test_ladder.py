"""The ways into download mode: which are tried, in which order, and what is said when none works."""

import pytest

from contract.module import BoundedBench, Told
from contract.rigs import rig_of
from groundwire.chips.beken.application import Application
from groundwire.chips.beken.options import BekenOptions, Start
from groundwire.chips.ladder import Ladder, LadderOptions
from groundwire.chips.registry import families
from groundwire.errors import NothingLinked
from groundwire.events import Attempt, Heard, NeedHands
from groundwire.link.runner import run
from groundwire.sim.bench import Adapter, Wiring
from groundwire.sim.faults import LineFaults

N, T = rig_of("BK7231N"), rig_of("BK7231T")


def climb(rig, *, options=None, adapter=None, faults=None, hands=False, ladder=None):
    emulator = rig.family.emulator(rig.part, rig.stock, options or BekenOptions())
    bench = BoundedBench(emulator, adapter, faults)
    bench.wait(1.0)  # the firmware runs by now
    told = Told(bench, hands=hands)
    climbing = Ladder(families(), ladder or LadderOptions(hands_s=5.0), has_lines=bench.has_lines)
    try:
        return run(climbing.climb(), bench, told), told, bench
    except NothingLinked as error:
        return error, told, bench


def ways(told):
    return list(dict.fromkeys(event.way for event in told.events if isinstance(event, Attempt)))


@pytest.mark.parametrize("rig", [N, T], ids=["BK7231N", "BK7231T"])
def test_hands_are_asked_last_and_every_module_is_caught(rig):
    family, told, _ = climb(rig, hands=True)
    assert family is rig.family
    assert ways(told) == ["already", "text", "lines", "hands"]
    asked = [event for event in told.events if isinstance(event, NeedHands)]
    assert "CEN" in asked[0].instruction
    assert [event.left_s for event in asked] == sorted(
        (event.left_s for event in asked), reverse=True
    )


def test_a_chip_that_is_linked_already_needs_nothing():
    emulator = N.family.emulator("BK7231N", b"\xff" * N.size)  # a boot ROM without firmware stays
    bench = BoundedBench(emulator)
    bench.wait(0.5)
    told = Told(bench)
    climbing = Ladder(families(), LadderOptions(hands_s=0), has_lines=True)
    assert run(climbing.climb(), bench, told) is N.family
    assert ways(told) == ["already"]
    assert bench.now() < 1.5


def test_a_firmware_with_a_console_is_asked_to_reboot():
    options = BekenOptions(start=Start.OFF, application=Application(console_reboot=True))
    family, told, _ = climb(N, options=options)
    assert family is N.family
    assert ways(told) == ["already", "text"]


@pytest.mark.parametrize("wiring", [one for one in Wiring if one is not Wiring.NONE])
@pytest.mark.parametrize("rig", [N, T], ids=["BK7231N", "BK7231T"])
def test_modem_lines_of_either_polarity_are_pulsed(rig, wiring):
    family, told, _ = climb(rig, adapter=Adapter(wiring=wiring))
    assert family is rig.family
    assert ways(told)[-1] == "lines"


def test_a_port_without_lines_is_normal():
    found, told, _ = climb(N, adapter=Adapter(has_lines=False))
    assert isinstance(found, NothingLinked)
    assert "lines" not in ways(told)


def test_rungs_can_be_left_out():
    ladder = LadderOptions(hands_s=0, ask_firmware=False, use_lines=False)
    found, told, bench = climb(N, ladder=ladder)
    assert isinstance(found, NothingLinked)
    assert ways(told) == ["already"]
    assert b"reboot\r\n" not in bench.sent


def test_what_was_heard_is_told_once_and_ends_in_the_error():
    found, told, _ = climb(N, faults=LineFaults(deaf=True, babble=b"Booting firmware 1.2.3\r\n"))
    assert isinstance(found, NothingLinked)
    heard = [event for event in told.events if isinstance(event, Heard)]
    assert len({event.kind for event in heard}) == len(heard) >= 1
    assert found.heard == heard[-1].detail
    assert found.next_step


def test_a_weak_supply_shows_as_banners_that_break_off():
    application = Application(boot_text=b"Demo firmware starts here\r\nand goes on\r\n")
    options = BekenOptions(application=application, brownout_after_s=0.1)
    found, _, _ = climb(T, options=options, ladder=LadderOptions(hands_s=6, use_lines=False))
    if isinstance(found, NothingLinked):
        assert "again and again" in found.heard
    else:
        assert found is T.family  # each restart opens a window
