"""Runs bflb-mcu-tool in its own environment with modem lines made harmless: a pty has none.

With `read` as its first argument it runs the package's own reader, else the command-line tool.
"""

import sys

import serial


def main() -> None:
    for name in ("setDTR", "setRTS"):
        setattr(serial.Serial, name, lambda _self, *_args: None)
    for name in ("dtr", "rts"):
        setattr(serial.Serial, name, property(lambda _self: False, lambda _self, _value: None))
    import bflb_mcu_tool.__main__ as tool

    if sys.argv[1] != "read":
        tool.run_main()
        return
    del sys.argv[1]
    from libs import bflb_eflash_loader

    bflb_eflash_loader.run()


if __name__ == "__main__":
    main()
