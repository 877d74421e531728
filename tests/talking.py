"""A module that only talks: emissions at given times, whatever it hears."""

from __future__ import annotations

from groundwire.chips.family import Emission
from groundwire.sim.bench import BenchPort

BOOT_N = (
    b"\r\nV:BK7231N_1.0.1\r\nREG:cpsr     spsr     r13      r14\r\n"
    b"SVC:000000D3          00401C1C 000033AC\r\nST:00000000\r\nJ 0x10000\r\n"
)
APP_N = (
    b"prvHeapInit-start addr:0x41f390, size:134256\r\n[Flash]id:0xeb6015\r\n"
    b"sctrl_sta_ps_init\r\ncset:0 0 0 0\r\nOpenBK7231N, version 1.18.300\r\n"
    b"Entering initLog()...\r\nCommands registered!\r\ninitLog() done!\r\n"
    b"Info:MAIN:Main_Init_Before_Delay\r\nInfo:MAIN:Main_Init_Before_Delay done\r\n"
    b"Info:MAIN:Main_Init_Delay\r\nflash txpwr table:0xf\r\n"
    b"read txpwr tab from flash success\r\nInitializing TCP/IP stack\r\n"
    b"Info:MAIN:Main_Init_Delay done\r\nInfo:MAIN:Main_Init_After_Delay\r\n"
    b"Info:MAIN:Main_Init_After_Delay done\r\n"
)
LATER_N = (
    b"Info:MAIN:Time 5, idle 30261/s, free 97624, MQTT 0(0), bWifi 0, secondsWithNoPing -1\r\n"
    b"Info:MAIN:Boot complete time reached (5 seconds)\r\n"
    b"ssid:OpenBK7231N_5E100001 key: mode:0\r\n"
)
BL602_TEXT = (
    b"Starting bl602 now....\r\nBooting BL602 Chip...\r\n"
    b"------------------------------------------------------------\r\n"
    b"RISC-V Core Feature:RV32-ACFIMX\r\nBuild Version:      release_bl_iot_sdk_1.6.22\r\n"
    b"Std Driver Version: 5b61cbc\r\nPHY   Version:      a0_final-61-gcbfa4cb\r\n"
    b"Boot Reason:        BL_RST_POWER_OFF\r\nHeap 126848@0x42023080, 5888@0x4204a900\r\n"
    b"[         0][INFO  : hal_boot2.c: 285] [HAL] [BOOT2] Active Partition[0] consumed 596 Bytes\r\n"
    b"Info:MAIN:Main_Init_Before_Delay\r\nInfo:MAIN:Main_Init_Before_Delay done\r\n"
)


class Talker:
    """Implements `family.Emulator`."""

    def __init__(self, *said: tuple[float, bytes, float]) -> None:
        pieces: list[Emission] = []
        for at, data, rate in said:
            for line in data.splitlines(keepends=True):  # a speed that changes is seen line by line
                pieces.append(Emission(at, line, rate))
                at += len(line) * 10 / rate
        self._waiting = sorted(pieces, key=lambda piece: piece.start_s)
        self._now = 0.0
        self.heard = bytearray()

    @property
    def baudrate(self) -> float:
        return 115_200.0

    def power(self, *, on: bool, at_s: float) -> None:
        return

    def hold_reset(self, *, held: bool, at_s: float) -> None:
        return

    def on_bytes(self, data: bytes, first_s: float, byte_s: float) -> None:
        self.heard += data

    def advance(self, now_s: float) -> None:
        self._now = max(self._now, now_s)

    def next_event_s(self) -> float | None:
        return self._waiting[0].start_s if self._waiting else None

    def take_output(self) -> list[Emission]:
        ready = [one for one in self._waiting if one.start_s <= self._now]
        self._waiting = [one for one in self._waiting if one.start_s > self._now]
        return ready


def talking(*said: tuple[float, bytes, float]) -> BenchPort:
    """A bench port with a module that says these bytes, each at a time and a speed."""
    return BenchPort(Talker(*said))
