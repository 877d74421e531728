"""What the text inside an application says about its build."""

from __future__ import annotations

import re
from dataclasses import dataclass

Buffer = bytes | bytearray | memoryview

# The build line of OpenBeken. Every build also names other builds in links, without a date.
_OPENBEKEN = re.compile(
    rb"Open(BK7231[A-Z]|BK7238|BK7252N?|BL2028N|BL602) "
    rb"([\x21-\x7e]{1,48}) [A-Z][a-z]{2} [ \d]\d \d{4} \d\d:\d\d:\d\d"
)
_OPENBEKEN_SHORT = re.compile(
    rb"\0Open(BK7231[A-Z]|BK7238|BK7252N?|BL2028N|BL602)_(\d[\x21-\x24\x26-\x7e]{1,47})\0"
)
_TUYA_OS = re.compile(rb"TuyaOS V:(\d{1,3}(?:\.\d{1,3}){1,3})")
_TUYA_SDK = re.compile(rb"TUYA IOT SDK V:(\d{1,3}(?:\.\d{1,3}){1,3})")
_TUYA_PRODUCT = re.compile(rb"bk7231([sn])_[a-z0-9_]{3,40}")
_LIBRETINY = re.compile(rb"LibreTiny v(\d{1,3}\.\d{1,3}\.\d{1,3})")


@dataclass(frozen=True, slots=True)
class AppText:
    """The name and version of a build, the chip that its text names ("" if none), and how."""

    version: str = ""
    chip: str = ""
    found: str = ""


def read_app_text(plain: Buffer) -> AppText:
    """The best description that the text of a plain application gives of itself."""
    for pattern in (_OPENBEKEN, _OPENBEKEN_SHORT):
        build = pattern.search(plain)
        if build:
            chip, version = (part.decode("ascii") for part in build.groups())
            name = f"Open{chip} {version}"
            return AppText(name, chip, name)
    product = _TUYA_PRODUCT.search(plain)
    chip = {b"s": "BK7231T", b"n": "BK7231N"}[product[1]] if product else ""
    found = product.group().decode("ascii") if product else ""
    for name, pattern in (
        ("TuyaOS", _TUYA_OS),
        ("Tuya IoT SDK", _TUYA_SDK),
        ("LibreTiny", _LIBRETINY),
    ):
        match = pattern.search(plain)
        if match:
            return AppText(f"{name} {match[1].decode('ascii')}", chip, found)
    return AppText("", chip, found)
