"""What an emulated module prints as it boots: lines in the form of real firmware, at their times.

The order and the words are those of OpenBeken 1.18.300 on BK7231N and BK7231T (executed images);
the times between radio start and "boot complete" are assumed. A firmware that is none of ours
prints a few lines in the form of Tuya's SDK. An application that is not whole prints nothing: the
bootloader jumps into it and is never heard of again, one of several things that real modules do.
"""

from __future__ import annotations

from collections.abc import Iterator

from groundwire.chips.family import BootText
from groundwire.images.recognise import recognise
from groundwire.sim.modules import MAC, RECIPES

OLD_FAMILY = b"\r\r\n"
NEW_FAMILY = b"\r\n"
REGISTERS_T = ("R0:00000000", "R1:00000000", "R13:00000000", "R14(LR):00000000")
REGISTERS_N = (
    "REG:cpsr     spsr     r13      r14",
    "SVC:000000D3          00401C1C 000033AC",
    "SYS:000000df          0040192c 00000158 ",
)
Timed = tuple[float, bytes]


def boot_text(chip: str) -> BootText:
    """What a module with this chip prints, by what its flash holds."""

    def printed(flash: bytes) -> tuple[Timed, ...]:
        return tuple(_lines(chip, flash))

    return printed


def _lines(chip: str, flash: bytes) -> Iterator[Timed]:
    seen = recognise(flash)
    yield from _bootloader(chip)
    if not seen.app_valid or seen.key_class != RECIPES[chip].key:
        return
    yield 0.06, b"prvHeapInit-start addr:0x414ac8, size:111928\r\n"
    name, _, version = seen.version.partition(" ")
    if name.startswith("Open"):
        yield from _openbeken(name, version)
    else:
        yield from _vendor()


def _bootloader(chip: str) -> Iterator[Timed]:
    text = RECIPES[chip].loader_text.decode("ascii")
    old = RECIPES[chip].is_tuya
    end = OLD_FAMILY if old else NEW_FAMILY
    registers = ("CPSR:000000D3", *REGISTERS_T) if chip == "BK7231T" else REGISTERS_N
    head = (f"V:{text}" if old else text, *registers, "ST:00000000" if old else "ST:0x00000000")
    yield 0.001, end + b"".join(line.encode() + end for line in head)
    yield 0.03, b"J 0x10000" + end if old else b"go os_addr(0x10000)..........\r\n"


def _vendor() -> Iterator[Timed]:
    """A firmware in the form of Tuya's 2.x SDK, of a vendor that does not exist."""
    at_s = 0.1
    for line in (
        "< TUYA IOT SDK V:2.3.3 BS:40.00_PT:2.2_LAN:3.4_CAD:1.0.5_CD:1.0.0 >",
        "demo_vendor_plug:1.0.0",
        "REST INFORMATION IS 0",
        ",module: is CB2S ",
        ",netled1_pin: is 10 ",
        ",rl1_pin: is 8 ",
    ):
        yield at_s, f"[01-01 18:12:15 TUYA N][lr:0x5d09d] {line}\r\n".encode()
        at_s += 0.02


def _openbeken(name: str, version: str) -> Iterator[Timed]:
    point = f"{name}_{MAC[-4:].hex().upper()}"
    at_s = 0.08
    for line in (
        "sctrl_sta_ps_init",
        "cset:0 0 0 0",
        f"{name}, version {version}",
        "Entering initLog()...",
        "Commands registered!",
        "initLog() done!",
        "Info:MAIN:Main_Init_Before_Delay",
        "Warn:CFG:CFG_InitAndLoad: Correct config has been loaded with 1 changes count.",
        "Info:NTP:CLOCK driver initialized.",
        "Error:CMD:lfs is absent",
        "Info:GEN:PIN_SetupPins pins have been set up.",
        "Info:MAIN:Main_Init_Before_Delay done",
        "Info:MAIN:Main_Init_Delay",
        "read txpwr tab from flash success",
        "Initializing TCP/IP stack",
        "Info:MAIN:Main_Init_Delay done",
        "Info:MAIN:Main_Init_After_Delay",
        "Info:MAIN:Main_Init_After_Delay done",
    ):
        yield at_s, f"{line}\r\n".encode()
        at_s += 0.03
    for second in range(1, 8):
        at_s = 0.7 + second
        status = "idle 30261/s, free 97624, MQTT 0(0), bWifi 0, secondsWithNoPing -1, socks 2/38 "
        yield at_s, f"Info:MAIN:Time {second}, {status}\r\n".encode()
        if second == 5:
            yield at_s + 0.01, b"Info:MAIN:Boot complete time reached (5 seconds)\r\n"
            yield at_s + 0.02, f"ssid:{point} key: mode:0\r\n".encode()
