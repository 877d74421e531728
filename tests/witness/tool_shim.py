"""Runs another project's tool in its own process, with modem-line calls made harmless.

A pty has no modem lines, and these tools set them without asking. The first argument is the
module whose command line is run, the others are the tool's own.
"""

import runpy
import sys

import serial


def main() -> None:
    for name in ("setDTR", "setRTS"):
        setattr(serial.Serial, name, lambda _self, *_args: None)
    for name in ("dtr", "rts"):
        setattr(serial.Serial, name, property(lambda _self: False, lambda _self, _value: None))
    tool = sys.argv.pop(1)
    runpy.run_module(tool, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
