"""A whole synthetic dump: vendor firmware, calibration, a settings store with pins, and secrets."""

from __future__ import annotations

from groundwire.sim.modules import stock_flash
from store_builder import Block, store

WIFI_NAME = b"Invented Network"
WIFI_PASSWORD = b"invented-password"
TOKEN = b"inventedtoken99"
STORE_AT = 0x1EE000
PINS = (
    "{module:CB2S,rl1_pin:26,rl1_lv:1,bt1_pin:10,bt1_lv:0,netled1_pin:8,netled1_lv:0,"
    "ele_pin:7,vi_pin:6,sel_pin_pin:24,chip_type:0,ele_fun_en:1,jv:1.0.0,crc:0,}"
)
INFO = b'{"uuid":"invented0uuid","pk":"keyopenproduct00","swv":"1.2.3","token":"%s"}\0' % TOKEN
NETWORK = b'{"ssid":"%s","passwd":"%s","stat":3}\0' % (WIFI_NAME, WIFI_PASSWORD)
SECRETS = (WIFI_PASSWORD, TOKEN, b"invented0uuid", WIFI_NAME)


def stock_dump(
    chip: str = "BK7231N", pins: str = PINS, more: dict[str, bytes] | None = None
) -> bytes:
    """The flash of a module with a relay, a button, a light and a meter, joined to a network."""
    values = {"gw_di": INFO, "em_sys_env": chip.lower().encode() + b"\0", **(more or {})}
    if pins:
        values["user_param_key"] = pins.encode() + b"\0"
    built = store(Block(0, values, 4), Block(1, {"gw_wsm": NETWORK}, 6))
    flash = bytearray(stock_flash(chip))
    flash[0x1EE000:0x1F4000] = b"\xff" * 0x6000  # what the emulated module has there is noise
    flash[STORE_AT : STORE_AT + len(built)] = built
    return bytes(flash)
