"""Runs bflb-mcu-tool in its own environment with modem lines made harmless: a pty has none."""

import sys

import serial


def main() -> int:
    for name in ("setDTR", "setRTS"):
        setattr(serial.Serial, name, lambda _self, *_args: None)
    for name in ("dtr", "rts"):
        setattr(serial.Serial, name, property(lambda _self: False, lambda _self, _value: None))
    from bflb_mcu_tool.__main__ import run_main

    run_main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
