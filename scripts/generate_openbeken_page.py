"""Write docs/two-clamps-openbeken.md from the meter's constants, or check that it is current.

python scripts/generate_openbeken_page.py [--check]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from groundwire.meter.bl0942.codec import (
    READ_COMMAND,
    Packet,
    ReadPacket,
    encode_packet,
    encode_request,
)
from groundwire.meter.bl0942.facts import circuits
from groundwire.meter.bl0942.gains import OPENBEKEN_DEFAULT, Gains, openbeken_commands

PAGE = Path(__file__).parent.parent / "docs" / "two-clamps-openbeken.md"
MARK = "<!-- made by scripts/generate_openbeken_page.py: change that, not this page -->\n"


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the stock driver can read of one hypothesis."""

    name: str
    start: str
    reads: str
    other: str


# Source of all: src/driver/drv_bl0942.c, drv_bl_shared.c and drv_pwrCal.c of OpenBeken.
WIRINGS = (
    Wiring("H1, H3", "startDriver BL0942", "clamp A", "no request ever leaves on another pin"),
    Wiring("H4", "startDriver BL0942 4800", "clamp A", "at another speed"),
    Wiring("H4", "startDriver BL0942 9600", "clamp B", "at another speed"),
    Wiring("H5", "startDriver BL0942", "the clamp with address 0", "the address is fixed"),
)
SETTINGS = (
    ("SetFlag 25 1", "publish negative power instead of 0: a clamp put on backwards is then seen"),
    ("SetFlag 40 1", "energy in kWh instead of Wh"),
    ("VCPPublishIntervals 5 60", "at most every 5 readings, at least every 60 (the defaults)"),
    ("ConsumptionThreshold 50", "write totals to flash every 50 Wh instead of every 10"),
    ("SetupEnergyStats 1 60 60 0", "60 samples of 60 s: only so is `last_hour` an hour"),
    ("EnergyCntReset 0", "begin to count at 0"),
)
CANNOT = (
    "read both clamps: there is one request, on one transmit pin, at one speed, to address 0",
    (
        "do so with `ENABLE_BL_TWIN` either, which no stock build has: it wants a whole UART "
        "for each chip, and here both answer on the one receive pin"
    ),
    (
        "do so by alternating two speeds (H4): both clamps would feed the same topics and the same "
        "total"
    ),
    "tell chips apart: no tag, no look at MODE. A packet of the wrong chip is believed",
    "tell a restart of the chip from a wrap of its counter",
    "find a good packet behind a false header: it drops 23 bytes at a time",
    "calibrate two chips: the three constants are there once",
    (
        "use SPI on this module: `BL0942SPI` logs `bad checksum` five times because its pins "
        "are not bonded out, and that says nothing about the wiring"
    ),
)
EXAMPLE_V, EXAMPLE_A = 230.0, 4.0


def example_packet(gains: Gains) -> Packet:
    """What a chip counts at the example's load on a circuit."""
    return Packet(
        i_rms=round(EXAMPLE_A * gains.counts_per_ampere),
        v_rms=round(EXAMPLE_V * gains.counts_per_volt),
        i_fast_rms=0,
        watt=round(EXAMPLE_V * EXAMPLE_A * gains.counts_per_watt),
        cf_cnt=0,
        freq=20_000,
        status=0,
    )


def start_rows() -> list[str]:
    """One line for each wiring."""
    return [
        "| wiring | command | reads | the other clamp |",
        "| --- | --- | --- | --- |",
        *(f"| {w.name} | `{w.start}` | {w.reads} | not read: {w.other} |" for w in WIRINGS),
    ]


def circuit_rows() -> list[str]:
    """The commands for a device of which only the circuit is known, by what it shows now."""
    shown = example_packet(OPENBEKEN_DEFAULT)
    rows = ["| circuit | say |", "| --- | --- |"]
    for name in circuits():
        commands = openbeken_commands(Gains.of_circuit(name), shown)
        rows.append(f"| {name} | " + ", ".join(f"`{_rounded(one)}`" for one in commands) + " |")
    return rows


def _rounded(command: str) -> str:
    name, value = command.split()
    return f"{name} {float(value):.4g}"


def trap_lines() -> list[str]:
    """What one mistaken packet costs."""
    lost = 1200
    wrap_kwh = OPENBEKEN_DEFAULT.wrap_kwh - lost / OPENBEKEN_DEFAULT.pulses_per_kwh
    return [
        "## The trap",
        "",
        (
            f"The counter has 24 bits, {OPENBEKEN_DEFAULT.wrap_kwh:.0f} kWh at the default "
            "constants, and the driver takes every step down for a wrap. A"
        ),
        (
            f"chip that restarts at a count of {lost}, or one packet of the other chip, adds "
            f"**{wrap_kwh:.0f} kWh** to your total. After a power cut look at"
        ),
        "the total, and put it right with `EnergyCntReset WH`.",
        "",
    ]


def page() -> str:
    """The whole page."""
    request = encode_request(ReadPacket(0)).hex(" ").upper()
    answer = encode_packet(example_packet(OPENBEKEN_DEFAULT), 0)
    lines = [
        "# Two clamps and OpenBeken\n",
        MARK,
        (
            "OpenBeken's stock driver reads **one** of the two clamps. [Both](two-clamps.md) need "
            "ESPHome, today. The notice about mains potential on"
        ),
        "that page holds here too.\n",
        "## What it can do\n",
        *start_rows(),
        "",
        (
            f"It asks once a second, `{request}`, and wants {len(answer)} bytes whose sum begins "
            f"with 0x{READ_COMMAND:02X}."
        ),
        "Put the command into `autoexec.bat`, with whichever of these you want:\n",
        "| command | for |",
        "| --- | --- |",
        *(f"| `{command}` | {why} |" for command, why in SETTINGS),
        "",
        "`logtype none` first, where the log goes to the second UART.\n",
        "## Calibration\n",
        (
            "The commands take what a true instrument shows while a resistive load of at "
            "least a tenth of full scale is on: `VoltageSet 230.4`,"
        ),
        "`CurrentSet 4.02`, `PowerSet 926`. Do not divide by a power factor.\n",
        (
            "Without an instrument, but with the circuit known (trace the divider and the shunt, "
            "mains off), the constants can be set from the circuit."
        ),
        (
            f"For a device that shows {EXAMPLE_V:.0f} V, {EXAMPLE_A:.0f} A and "
            f"{EXAMPLE_V * EXAMPLE_A:.0f} W with the default constants; in "
            "proportion for another:\n"
        ),
        *circuit_rows(),
        "",
        *trap_lines(),
        "## What it cannot do\n",
        *(f"- {text}." for text in CANNOT),
        "",
    ]
    return "\n".join(lines)


def run() -> int:
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE.name} stale: run python scripts/generate_openbeken_page.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(run())
