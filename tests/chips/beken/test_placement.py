"""Where an image goes, and why it may not go anywhere."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.module import Module, open_session
from contract.rigs import rig_of
from groundwire.chips.beken.placement import place
from groundwire.chips.family import BootloaderPolicy, RegionKind
from groundwire.errors import GroundwireError, ImageTooLarge, RefusedBySafety, WrongFamily
from groundwire.quantities import Span
from groundwire.sim.modules import firmware_image, radio_sector

KEEP, REPLACE = BootloaderPolicy.KEEP, BootloaderPolicy.REPLACE
N, T = rig_of("BK7231N"), rig_of("BK7231T")
SESSION = open_session(Module(N).plug())
IDENTITY, LAYOUT = SESSION.identity, SESSION.layout
RADIO = LAYOUT.of_kind(RegionKind.RF)[0].span


def place_here(data, policy=KEEP, identity=IDENTITY):
    return place(data, "image", identity, LAYOUT, policy)


def test_a_whole_image_goes_behind_the_bootloader():
    placement = place_here(N.image)
    (piece,) = placement.pieces
    assert piece.span.start == 0x11000
    assert N.image[0x11000:].startswith(piece.data)
    assert placement.left_out[0] == (Span(0, 0x11000), "the module keeps its own bootloader")
    assert "qio" in placement.kind


def test_with_replacement_it_begins_at_zero():
    placement = place_here(N.image, REPLACE)
    assert placement.pieces[0].span.start == 0
    assert placement.pieces[0].data[:0x11000] == N.image[:0x11000]


def test_an_application_alone_goes_where_applications_go():
    placement = place_here(N.image[0x11000:])
    assert [(piece.address, piece.data) for piece in placement.pieces] == [
        (0x11000, N.image[0x11000:])
    ]


def test_calibration_in_an_image_is_left_out_with_the_reason():
    image = bytearray(N.image.ljust(N.size, b"\xff"))
    image[RADIO.start : RADIO.end] = radio_sector()
    placement = place_here(bytes(image))
    assert not any(piece.span.overlaps(RADIO) for piece in placement.pieces)
    assert [why for span, why in placement.left_out if span.overlaps(RADIO)] == [
        "radio calibration is never written, only restored"
    ]


def test_a_flash_that_is_too_small_is_told():
    with pytest.raises(ImageTooLarge, match="the room for it ends at"):
        place_here(N.image, identity=replace(IDENTITY, flash_size=0x80000))


def test_a_key_that_differs_is_told_apart_from_a_chip_that_differs():
    with pytest.raises(WrongFamily) as caught:
        place_here(firmware_image("BK7231M"))
    assert "BK7231M" in caught.value.found
    with pytest.raises(WrongFamily) as caught:
        place_here(firmware_image("BK7231T"))
    assert "BK7231T" in caught.value.found


def test_with_an_unreadable_key_the_application_in_flash_decides():
    blind = replace(IDENTITY, key_class="")
    place_here(N.image, identity=blind)
    with pytest.raises(WrongFamily):
        place_here(firmware_image("BK7231M"), identity=blind)


def test_a_loader_that_serves_is_never_replaced():
    session = open_session(Module(T).plug())
    with pytest.raises(RefusedBySafety, match="BK7231T"):
        place(T.image, "image", session.identity, session.layout, REPLACE)


@settings(max_examples=40, deadline=None)
@given(
    data=st.binary(max_size=300)
    | st.builds(
        lambda at, patch: N.image[:at] + patch + N.image[at + len(patch) :],
        st.integers(0, len(N.image)),
        st.binary(max_size=40),
    )
    | st.builds(lambda end: N.image[:end], st.integers(0, len(N.image))),
    policy=st.sampled_from([KEEP, REPLACE]),
)
def test_any_bytes_are_placed_inside_the_flash_and_off_the_calibration_or_refused(data, policy):
    try:
        placement = place_here(data, policy)
    except GroundwireError:
        return
    at = 0
    for piece in placement.pieces:
        assert piece.span.start >= at
        at = piece.span.end
        assert not piece.span.overlaps(RADIO)
        assert policy is REPLACE or piece.span.start >= 0x11000
    assert at <= N.size
