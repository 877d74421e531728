"""What a diagnosis may know besides the log, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Pins(StrEnum):
    """Where the log was recorded."""

    UNKNOWN = ""
    FLASHING = "flashing pins"
    LOG = "log pin"


class ImageForm(StrEnum):
    """What kind of image was written, as far as its place in the flash depends on it."""

    UNKNOWN = ""
    WHOLE = "whole flash (QIO)"
    APP = "application only (UA)"


@dataclass(frozen=True, slots=True)
class OtherEvidence:
    """Evidence from identity, backup or image, journal and plan. None and "" mean not known.

    `chip_key` and `image_key` are key classes as `inspect` and `identify` name them; `image_chip`
    is the chip an image was built for; `image_form` and `image_address` are what the plan wrote
    where. `unproven` is how many bytes of the journal of a write were never proven, `image_damage`
    what a check of that image found. `watched_s` is how long the line was listened to, `read_rate`
    the rate it was read at. The last five are what guided tests found: restarts counted for a
    minute, whether the time from power to the first byte varies, whether a loopback came back.
    """

    link_works: bool | None = None
    pins: Pins = Pins.UNKNOWN
    read_rate: int = 0
    watched_s: float | None = None
    chip: str = ""
    family: str = ""
    chip_key: str = ""
    image_key: str = ""
    image_chip: str = ""
    image_form: ImageForm = ImageForm.UNKNOWN
    image_address: int | None = None
    restored: bool = False
    unproven: int = 0
    image_damage: str = ""
    flash_differs: bool | None = None
    rf_erased: bool | None = None
    access_point_visible: bool | None = None
    settings_last: bool | None = None
    script_expected: bool = False
    powered_by_adapter: bool | None = None
    restarts_radio: int | None = None
    restarts_no_radio: int | None = None
    restarts_strong_supply: int | None = None
    start_varies: bool | None = None
    adapter_works: bool | None = None


NOTHING_ELSE = OtherEvidence()
