"""Who answers: every chip told from the others, with evidence, without writing anything."""

import pytest

from contract.module import BoundedBench, Module, Told, attempt, open_session
from contract.rigs import rig_of
from groundwire.chips.beken.options import BekenOptions
from groundwire.chips.family import RfHealth
from groundwire.chips.registry import families
from groundwire.errors import ChipContradicted, ExitCode, GroundwireError
from groundwire.jobs.session import Session, SessionOptions
from groundwire.sim.faults import LineFaults
from groundwire.sim.modules import stock_flash

PARTS = ("BK7231N", "BK7231M", "BK7238", "BK7252N", "BK7231T", "BK7231U", "BK7252")
N = rig_of("BK7231N")


def identity_of(part, content=None, options=None, faults=None):
    rig = rig_of(part)
    emulator = rig.family.emulator(part, content or rig.stock, options or BekenOptions())
    bench = BoundedBench(emulator, None, faults)
    return open_session(bench).identity


@pytest.mark.parametrize("part", PARTS)
def test_every_chip_is_told_with_its_evidence(part):
    identity = identity_of(part)
    assert identity.chip == part
    assert identity.evidence
    assert all(one.fact and one.value and one.source for one in identity.evidence)
    assert identity.rf is RfHealth.PRESENT
    assert identity.key_class == ("tuya" if part in ("BK7231N", "BK7231T") else "zero")
    assert identity.warnings == ()


def test_the_key_in_efuse_tells_n_from_m_whatever_the_flash_holds():
    zero = (0, 0, 0, 0)
    assert identity_of("BK7231N", options=BekenOptions(efuse_key=zero)).chip == "BK7231M"
    other = identity_of("BK7231N", options=BekenOptions(efuse_key=(1, 2, 3, 4)))
    assert other.key_class == "other"


def test_an_empty_efuse_over_an_enciphered_application_is_warned_of():
    """A read-protected eFuse reads zero too."""
    identity = identity_of("BK7231N", options=BekenOptions(efuse_key=(0, 0, 0, 0)))
    assert any("read-protected" in warning for warning in identity.warnings)


@pytest.mark.parametrize("fill", [0xFF, 0x00])
def test_a_module_without_calibration_is_warned_of(fill):
    content = bytearray(N.stock)
    content[N.radio.start : N.radio.end] = bytes([fill]) * N.radio.size
    identity = identity_of("BK7231N", bytes(content))
    assert identity.mac == ""
    assert identity.rf in (RfHealth.ERASED, RfHealth.DAMAGED, RfHealth.UNKNOWN)
    if fill == 0xFF:
        assert identity.rf is RfHealth.ERASED
        assert any("calibration is erased" in warning for warning in identity.warnings)


def test_damaged_calibration_is_told_from_erased():
    content = bytearray(N.stock)
    content[N.radio.start + 4 : N.radio.start + 12] = b"\xee" * 8
    identity = identity_of("BK7231N", bytes(content))
    assert identity.rf is RfHealth.DAMAGED
    assert identity.rf_addresses == (N.radio.start,)


def test_a_length_field_that_some_hosts_expect_does_no_harm():
    error = attempt(lambda: identity_of("BK7231N", options=BekenOptions(mid_length_field_5=True)))
    assert error is None or isinstance(error, GroundwireError)


@pytest.mark.parametrize("named", ["BK7231T", "bk7231m", "BK7238"])
def test_a_chip_named_wrongly_is_refused_with_the_evidence(named):
    bench = Module(N).plug()
    session = Session(bench, families(), SessionOptions(chip=named), tell=Told(bench))
    error = attempt(session.link)
    assert isinstance(error, ChipContradicted)
    assert error.exit_code is ExitCode.REFUSED
    assert "chip id" in error.rule
    assert "BK7231N" in error.finding


@pytest.mark.parametrize("part", ["BK7231N", "BK7231T"])
@pytest.mark.parametrize("number", range(0, 60, 4))
def test_a_lost_reply_while_asking_changes_nothing(part, number):
    calm = identity_of(part)
    assert identity_of(part, faults=LineFaults(lose_replies=frozenset([number]))) == calm


def test_identifying_writes_nothing():
    module = Module(rig_of("BK7252"), stock_flash("BK7252"))
    open_session(module.plug())
    assert module.flash.wear.operations == 0
