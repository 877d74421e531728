"""Logs made up from what the catalogue describes, none of them in the folder of real ones."""

import pytest

from groundwire.bootlog.diagnose import diagnose, diagnose_bytes
from groundwire.bootlog.evidence import OtherEvidence
from groundwire.bootlog.linerate import read_through
from groundwire.bootlog.reader import LogReader

BOOT_T = "\r\r\nV:BK7231S_1.0.6\r\r\nCPSR:000000D3\r\r\nR0:00000000\r\r\nST:{}\r\r\nJ 0x10000\r\r\n"
BOOT_N = (
    "\r\r\nV:BK7231N_1.0.1\r\r\nREG:cpsr     spsr     r13      r14\r\r\n"
    "SVC:000000D3          00401C1C 000033AC\r\r\nIRQ:000000d2 00000010 00401e0c 0005d7d0\r\r\n"
    "FIR:000000d1 00000010 00401ffc 00031234\r\r\nSYS:000000df          0040192c 00000158\r\r\n"
    "ST:{}\r\r\nJ 0x10000\r\r\nbk_misc_init_start_type {}\r\n"
)
BOOT_NEW = (
    "BK7238_1.0.14\r\nREG:cpsr        spsr        r13         r14\r\nSVC:0x000000D3              0x00401C1C  0x000033A0\r\n"
    "SYS:0x000000DF              0x0040192C  0x00000158\r\nST:0x{}\r\n\x1b[32;22m[I/FAL] Fal(V0.4.0)success\x1b[0m\r\n"
    "\x1b[36;22m[I/OTA] RT-Thread OTA package(V0.2.4) initialize success.\x1b[0m\r\n\r\n\r\ngo os_addr(0x10000)..........\r\n"
)
HEAP = "prvHeapInit-start addr:0x41f390, size:134256\r\n"
OBK = (
    "OpenBK7231T, version 1.17.551\r\nEntering initLog()...\r\nCommands registered!\r\ninitLog() done!\r\n"
    "Info:MAIN:Main_Init_Before_Delay\r\nWarn:CFG:CFG_InitAndLoad: Correct config has been loaded with 7 changes count.\r\n"
    "Info:MAIN:Main_Init_Before_Delay done\r\nInfo:MAIN:Main_Init_Delay\r\n[bk]tx_txdesc_flush\r\nInitializing TCP/IP stack\r\n"
    "Info:MAIN:Main_Init_After_Delay\r\nInfo:MAIN:Main_Init_After_Delay done\r\n"
)
COMPLETE = (
    "Info:MAIN:Time 5, idle 30477/s, free 97056, MQTT 0(0), bWifi 0, secondsWithNoPing -1, socks 2/38 \r\n"
    "Info:MAIN:Boot complete time reached (5 seconds)\r\n"
)
GOOD_T = BOOT_T.format("00000000") + HEAP + OBK
GOOD_N = BOOT_N.format("00000000", "0 0") + HEAP + OBK
STATUS = "Info:MAIN:Main_OnWiFiStatusChange - WIFI_STA_{}\r\n"
BL602 = (
    "Starting bl602 now....\r\nBooting BL602 Chip...\r\n██████╗ ██╗\r\nRISC-V Core Feature:RV32-ACFIMX\r\n"
    "Boot Reason:        {}\r\nHeap 126848@0x42023080\r\nBoot2 consumed 3ms\r\n"
)

CASES = {
    "script restarts an N": (
        (BOOT_N.format("00010001", "1 10001") + HEAP + OBK
         + "Info:CMD:CMD_Restart: will reboot in 1\r\nbk_reboot\r\nwdt reboot\r\n") * 3,
        ("reboot-loop-script",),
    ),
    "one restart that a user asked for": (
        GOOD_N + COMPLETE + "Info:CMD:CMD_Restart: will reboot in 3\r\n"
        + BOOT_N.format("00010001", "1 10001") + HEAP + OBK + COMPLETE,
        ("healthy",),
    ),
    "watchdog of an N": (
        GOOD_N + COMPLETE + BOOT_N.format("00010000", "2 10000") + HEAP + OBK,
        ("watchdog",),
    ),
    "watchdog of a BL602": (
        BL602.format("BL_RST_HARDWARE_WATCHDOG") + "Open BL602\r\n" + OBK + COMPLETE,
        ("watchdog",),
    ),
    "BL602 that runs": (
        BL602.format("BL_RST_POWER_OFF") + "Open BL602\r\n" + OBK + COMPLETE,
        ("healthy",),
    ),
    "BL602 power loop": (BL602.format("BL_RST_POWER_OFF") * 4, ("brownout-bl602",)),
    "BL602 without media": (
        BL602.format("BL_RST_POWER_OFF")
        + "[  52][ERROR : bl_romfs.c: 146] romfs magic is NOT correct\r\n" * 5,
        ("bl602-romfs",),
    ),
    "BL602 second stage": ("Magic code error\r\nno valid img found\r\n", ("bl602-boot2",)),
    "wrong password": (
        GOOD_T + COMPLETE + "Info:MAIN:Connecting to SSID [x]\r\n"
        + STATUS.format("CONNECTING - 1") + STATUS.format("AUTH_FAILED - 3") * 2,
        ("wifi-auth",),
    ),
    "password right in the end": (
        GOOD_T + COMPLETE + STATUS.format("AUTH_FAILED - 3") + STATUS.format("CONNECTED - 4"),
        ("healthy",),
    ),
    "network missing": (
        GOOD_T + COMPLETE + (STATUS.format("CONNECTING - 1") + STATUS.format("DISCONNECTED - 2")) * 4,
        ("wifi-not-found",),
    ),
    "network lost once": (
        GOOD_T + COMPLETE + STATUS.format("CONNECTING - 1") + STATUS.format("DISCONNECTED - 2")
        + STATUS.format("CONNECTING - 1") + STATUS.format("CONNECTED - 4"),
        ("healthy",),
    ),
    "access point without a name": (
        GOOD_T + COMPLETE + "Info:MAIN:ssid: key: mode:0\r\n", ("ap-empty-name",),
    ),
    "controller babbles": (
        GOOD_T + "Info:MAIN:Started TuyaMCU.\r\n" + COMPLETE
        + "Warn:TuyaMCU:Consumed 40 unwanted non-header byte in Tuya MCU buffer\r\n"
        + "Warn:TuyaMCU:Skipped data (part) 00 00 F8\r\n",
        ("mcu-garbage",),
    ),
    "memory runs out": (
        GOOD_T + COMPLETE + "Error:MAIN:Low heap warning!\r\n" + BOOT_T.format("00000001") + HEAP + OBK,
        ("low-memory",),
    ),
    "radio data erased before": (
        GOOD_N.replace("[bk]tx_txdesc_flush\r\n", "[FUNC]rwnxl_init\r\ncalibration_main over\r\n"
                       "NO TXPWR_TAB_TAB found in flash\r\nLoad default txpwr for b:0xb802c\r\n"
                       "Load default txpwr for n40:0xb8048\r\ntemp in flash is:350\r\n") + COMPLETE,
        ("rf-missing-later",),
    ),
    "the SDK's address": (
        GOOD_T + COMPLETE + "mac c8:47:8c: 0: 0: 1\r\n", ("mac-default",),
    ),
    "counter climbs": (
        "".join(HEAP + f"Info:CFG:####### Boot Count {n} #######\r\nInfo:MAIN:Main_Init_Before_Delay done\r\n[bk]tx_txdesc_flush\r\n"
                for n in (40, 41, 43)),
        ("boot-count-climbing",),
    ),
    "new bootloader loops by itself": (
        BOOT_NEW.format("00000000") + BOOT_NEW.format("00010008") * 2, ("go-os-addr-loop",),
    ),
    "new bootloader, power-on four times": (BOOT_NEW.format("00000000") * 4, ("go-os-addr-loop",)),
    "new bootloader cut into the next": (
        BOOT_NEW.format("00000000") + "prvHea0" + BOOT_NEW.format("00000000") + "prv"
        + BOOT_NEW.format("00000000") + "prvHeapInit-start addr:0x40f300, size:134400\r\nsctrl_st",
        ("brownout-rf-start",),
    ),
    "clock does not lock": ("DPLL Unlock\r\nDPLL Unlock\r\n", ("dpll-unlock",)),
    "tool restarted it": (BOOT_T.format("BEDEAD11") + HEAP + OBK + COMPLETE, ("host-reset", "healthy")),
    "application cut short": (
        BOOT_T.format("00000000") + BOOT_T.format("BEDEAD01") * 3, ("app-missing-t",),
    ),
    "start type tells of a crash": (
        BOOT_N.format("00010008", "8 10008") + HEAP + OBK, ("crash-dump",),
    ),
    "update without effect": (
        GOOD_T + COMPLETE + "Info:OTA:close OTA, addr 0x1a1000\r\n" + BOOT_T.format("00000001") + HEAP + OBK + COMPLETE,
        ("ota-no-effect",),
    ),
    "another update area line": (
        BOOT_NEW.format("00000000").replace("\r\n\r\n\r\n", "\r\n[E/OTA] (rt_ota_part_fw_verify:389) Verify firmware "
        "CRC32(calc.crc: 1 != hdr.crc: 2) failed on partition 'download'.\r\n\r\n") + HEAP + OBK + COMPLETE,
        ("ota-crc",),
    ),
    "power-save watchdog": (GOOD_N + COMPLETE + "pswdt reboot\r\n", ("other-reboots",)),
    "an ESP8266": ("ets Jan  8 2013,rst cause:1, boot mode:(3,7)\r\nload 0x4010f000, len 1384\r\n", ("other-platform",)),
    "an RTL8710B": ("ROM:[V0.1]\r\nFLASHRATE:4\r\nBOOT TYPE:0 XTAL:40000000\r\n", ("other-platform",)),
    "vendor firmware that waits for its controller": (
        BOOT_T.format("00000000") + HEAP
        + "[01-01 00:00:00 TUYA Notice][tuya_uart_adapt.c:370] try:9600/3/1/0\r\n[01-01 00:00:03 TUYA Notice][tuya_uart_adapt.c:370] try:115200/3/1/0\r\n" * 3,
        ("tuya-mcu-silent",),
    ),
    "BL602 power loop with some of the application": (
        (BL602.format("BL_RST_POWER_OFF") + "[OS] Starting OS Scheduler...\r\n" + OBK) * 3,
        ("brownout-bl602",),
    ),
    "a flashing tool that finds no module": (
        "Going to open port: COM12.\r\nSerial port open!\r\nGetting bus... (now, please do reboot by CEN)\r\n"
        + "".join(f"Getting bus failed, will try again - {n}/100!\r\n" for n in range(20)),
        ("dots-endless",),
    ),
    "a flashing tool that finds one": (
        "Getting bus failed, will try again - 0/100!\r\nGetting bus success!\r\n", (),
    ),
    "ESPHome that never stays up": (
        "".join(f"I [      0.000] LibreTiny v1.4.1 on generic-bk7231n-qfn32-tuya\r\n[I][logger:399]: Log initialized\r\n"
                f"[C][ota:473]: There have been {n} suspected unsuccessful boot attempts.\r\n[C][wifi:38]: x\r\n" for n in (2, 3)),
        ("boot-count-climbing",),
    ),
    "vendor firmware whose clock does not lock": (
        BOOT_N.format("00000000", "0 0") + "[MEM DBG] heap init-------size:163128 addr:0x4082c8---------\r\n"
        + "[01-01 00:00:00 TUYA N][lr:0x4eb2b] reset info -> reason is 0\r\n" * 4 + "DPLL Unlock\r\n",
        ("dpll-unlock", "healthy"),
    ),
    "restarts that nothing explains": (GOOD_T.split("Info:MAIN:Main_Init_After")[0] * 4, ()),
    "a crash caught by a newer bootloader": (
        BOOT_NEW.format("00000000") + HEAP + OBK + BOOT_NEW.format("0001AD12") + HEAP + OBK, ("crash-dump",),
    ),
    "an ESPHome log": (
        BOOT_N.format("00000000", "0 0") + HEAP + "[Flash]id:0xeb6015\r\n"
        + "[I][app:029]: Running through setup()...\r\n[C][logger:177]: Logger:\r\n[D][wifi:1]: Starting\r\n" * 3,
        ("healthy",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_log_as_the_catalogue_describes_it(name):
    text, expected = CASES[name]
    assert diagnose_bytes(text.encode()).ids() == expected


@pytest.mark.parametrize(
    ("sent", "read", "expected", "step"),
    [
        (115_200, 9_600, "baud-mismatch", "read at 115200"),
        (115_200, 57_600, "baud-mismatch", "read at 115200"),
        (115_200, 128_000, "baud-mismatch", "read at 115200"),
        (115_200, 230_400, "baud-mismatch", "read at 115200"),
        (115_200, 921_600, "baud-mismatch", "read at 115200"),
        (115_200, 2_000_000, "baud-mismatch", ""),
        (2_000_000, 115_200, "baud-bl602", "read at 2000000"),
        (2_000_000, 1_500_000, "baud-bl602", "read at 2000000"),
        (2_000_000, 921_600, "baud-bl602", "read at 2000000"),
        (9_600, 115_200, "line-stuck-or-slow", "TX2"),
    ],
)
def test_a_log_read_at_a_wrong_rate(sent, read, expected, step):
    data = read_through((GOOD_N + COMPLETE).encode(), read / sent)
    diagnosis = diagnose_bytes(data, OtherEvidence(read_rate=read))
    assert diagnosis.ids() == (expected,)
    assert step in diagnosis.findings[0].next_step


def test_an_inverted_log():
    data = read_through((GOOD_T + COMPLETE).encode(), 1, inverted=True)
    assert diagnose_bytes(data).ids() == ("line-inverted",)


def test_the_wrong_chip_is_named_with_its_image():
    text = (
        HEAP
        + "[FUNC]rwnxl_init\r\nUnsupported chip or dev (7231c.20521029)\r\nbk_check_chip_id:90\r\n"
    )
    finding = diagnose_bytes(text.encode()).findings[0]
    assert finding.id == "wrong-chip-checked"
    assert finding.next_step == "write the image for BK7231N or BK7231M"


@pytest.mark.parametrize(
    ("gap_s", "expected"), [(0.1, "healthy"), (0.9, "uart1-noise-delays-boot")]
)
def test_a_late_jump_is_seen_in_the_times(gap_s, expected):
    reader = LogReader()
    data = (GOOD_T + COMPLETE).encode()
    jump, heap = data.index(b"J 0x1"), data.index(b"prvHeap")
    reader.feed(data[:jump], 0.02)
    reader.feed(data[jump:heap], 0.02 + gap_s)
    reader.feed(data[heap:], 0.05 + gap_s)
    assert diagnose(reader.finish()).ids()[0] == expected


JUMP = BOOT_N.format("00000000", "0 0").split("bk_misc")[0]


@pytest.mark.parametrize(
    ("text", "watched_s", "expected"),
    [
        (JUMP, 1.0, ()),
        (JUMP, 9.0, ("jump-then-hang medium",)),
        (JUMP, 60.0, ("jump-then-hang high",)),
        (JUMP, None, ("jump-then-hang medium",)),
        (GOOD_T.split("Main_Init_Delay")[0], 2.0, ("healthy medium",)),
        (GOOD_T.split("Main_Init_Delay")[0], 40.0, ("early-hang high",)),
        (GOOD_T + COMPLETE, 5.0, ("healthy high",)),
        (GOOD_T + COMPLETE, 60.0, ("healthy high",)),  # the user may have turned its log off
    ],
)
def test_silence_counts_when_it_was_timed(text, watched_s, expected):
    reader = LogReader()
    reader.feed(text.encode(), 0.5)
    other = OtherEvidence(watched_s=watched_s)
    found = diagnose(reader.finish(), other).findings
    assert tuple(f"{finding.id} {finding.confidence}" for finding in found) == expected
