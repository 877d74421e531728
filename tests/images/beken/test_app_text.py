"""Versions and chip names from the text in applications."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.images.beken.app_text import AppText, read_app_text

# What every OpenBeken build also holds: other names in links and formats, without a date.
NOISE = b"\0OpenBK7231N_%02X%02X\0https://x/OpenBK7231T_App/\0/OpenBK7252_.*.rbl/\0"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            b"OpenBK7231T 1.18.300 Aug  2 2026 19:37:59",
            AppText("OpenBK7231T 1.18.300", "BK7231T", "OpenBK7231T 1.18.300"),
        ),
        (
            b"OpenBK7252N 2178_merge_bde63cebc7e3 Aug 10 2026 15:22:39",
            AppText(
                "OpenBK7252N 2178_merge_bde63cebc7e3",
                "BK7252N",
                "OpenBK7252N 2178_merge_bde63cebc7e3",
            ),
        ),
        (
            b"\0OpenBK7238_1.18.300\0",
            AppText("OpenBK7238 1.18.300", "BK7238", "OpenBK7238 1.18.300"),
        ),
        (
            b"oem_bk7231n_plug\0TUYA IOT SDK V:2.3.3 BS:40.00_PT:2.2",
            AppText("Tuya IoT SDK 2.3.3", "BK7231N", "bk7231n_plug"),
        ),
        (
            b"bk7231s_light_ty\0TuyaOS V:3.3.44 BS:40",
            AppText("TuyaOS 3.3.44", "BK7231T", "bk7231s_light_ty"),
        ),
        (b"LibreTiny v1.9.1 on generic", AppText("LibreTiny 1.9.1", "", "")),
        (b"", AppText("", "", "")),
    ],
)
def test_the_build_that_a_text_names(text, found):
    assert read_app_text(NOISE + text + NOISE) == found


@given(st.binary(max_size=200))
def test_any_bytes_have_some_description(data):
    assert len(read_app_text(b"Open" + data).version) < 80
