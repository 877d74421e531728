import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.bootlog.reader import KEPT_BOOTS, KEPT_LINES, SAMPLE_BYTES, LogReader

N_BOOT = (
    b"\r\r\nV:BK7231N_1.0.1\r\r\nREG:cpsr     spsr     r13      r14\r\r\n"
    b"SVC:000000D3          00401C1C 000033AC\r\r\nSYS:000000df          0040192c 00000158 \r\r\n"
    b"ST:00000000\r\r\nJ 0x10000\r\r\nbk_misc_init_start_type 0 0\r\n"
    b"prvHeapInit-start addr:0x414ac8, size:111928\r\n[Flash]id:0x1340c8\r\n"
    b"OpenBK7231N, version 1.18.300\r\nEntering initLog()...\r\n"
    b"Info:MAIN:Main_Init_Before_Delay\r\n[FUNC]rwnxl_init\r\n"
)
RUN = (
    b"Info:MAIN:Time 6, idle 43860/s, free 77216, MQTT 0(0), bWifi 0\r\n"
    b"Info:MAIN:Boot complete time reached (5 seconds)\r\n"
    b"Info:MAIN:ssid:OpenBK7231N_00C0FFEE key: mode:0\r\n"
)


def facts_of(data, *cuts, times=()):
    reader = LogReader()
    start = 0
    for index, cut in enumerate((*sorted(cuts), len(data))):
        reader.feed(data[start:cut], times[index] if times else None)
        start = cut
    return reader.finish()


def test_the_members_that_others_compare():
    assert facts_of(N_BOOT + RUN).as_members() == {
        "bootloader": "BK7231N_1.0.1",
        "banners": 1,
        "reset_words": ["00000000"],
        "start_types": ["0 0"],
        "app": "OpenBK7231N",
        "app_version": "1.18.300",
        "safe_mode": False,
        "boot_complete": 1,
        "max_uptime_s": 6,
        "access_point": "OpenBK7231N_00C0FFEE",
    }


def test_boots_are_split_where_a_banner_stands_in_mid_line():
    data = N_BOOT + b"[FUNC]calibr" + N_BOOT.lstrip() + b"tx"
    facts = facts_of(data)
    assert [boot.last.text for boot in facts.boots] == ["[FUNC]calibr", "tx"]
    assert [boot.cut for boot in facts.boots] == [True, True]  # the log itself breaks off too
    assert facts.boots[1].from_power is True


def test_a_whole_last_line_is_not_cut():
    facts = facts_of(N_BOOT * 2)
    assert [boot.cut for boot in facts.boots] == [False, False]


def test_a_banner_with_a_damaged_name_still_begins_a_boot():
    damaged = N_BOOT.replace(b"V:BK7231N_1.0.1", b"V:BK7#31N_1/0.1")
    facts = facts_of(N_BOOT + damaged)
    assert sum(boot.stage >= 50 for boot in facts.boots) == 2
    assert facts.banners == 1


def test_without_a_banner_the_first_line_of_the_application_begins_a_boot():
    tail = N_BOOT[N_BOOT.index(b"bk_misc") :]
    assert facts_of(tail + RUN + tail).boots_total == 2


def test_a_second_heap_in_external_ram_is_no_boot():
    data = b"prvHeapInit-start addr:0x41ea18, size:136680\r\nprvHeapInit-start addr:0x2000000, size:262144\r\n"
    assert facts_of(data).boots_total == 1
    assert facts_of(data.replace(b"0x2000000", b"0x41ea18")).boots_total == 2


def test_entry_registers_and_the_start_class():
    boot = facts_of(N_BOOT.replace(b"type 0 0", b"type a 2")).boots[0]
    assert boot.entry_registers == ((0x401C1C, 0x33AC), (0x40192C, 0x158))
    assert boot.start_class == 0xA
    assert boot.from_power is True


def test_a_crash_is_read_with_its_registers():
    data = N_BOOT + (
        b"prefetch abort\r\nCurrent regs:\r\n"
        b"r00:0x5a5a5a5a r01:0x00000005 r02:0x5a5a5a5a r03:0x6000001f\r\nr04:0x5a5a5a5a\r\n"
        b"sp :0x004071a8 lr :0x5a5a5a5e pc :0x00012340\r\nseparate regs:\r\nSYS:cpsr r8-r14\r\nshutdown...\r\n"
    )
    crash = facts_of(data).crash
    assert (crash.kind, crash.pattern, crash.registers["pc"]) == (
        "prefetch abort",
        "5a5a5a5a",
        0x12340,
    )
    assert crash.place == "at 0x00012340 in the application"


@pytest.mark.parametrize(
    ("line", "app"),
    [
        (b"[01-01 18:12:15 TUYA N][lr:0x5d09d] oem_bk7231n_plug:1.1.17", "oem_bk7231n_plug:1.1.17"),
        (
            b"IOT DEFS < LIT[01-01 18:12:15 TUYA Notice][tuya_device.c:356] oem_dltj:1.3.5",
            "oem_dltj:1.3.5",
        ),
        (
            b"[01-01 18:12:16 TUYA Notice][tuya_main.c:311] ******[oem_light] [2.9.6] compiled at x",
            "[oem_light] [2.9.6]",
        ),
        (b"[01-01 18:12:18 TUYA Notice][a.c:430] component_version:1.0.2", ""),
    ],
)
def test_the_vendor_application_is_named(line, app):
    assert facts_of(line + b"\r\n").app == app


def test_times_give_the_period():
    facts = facts_of(N_BOOT * 3, len(N_BOOT), 2 * len(N_BOOT), times=(1.0, 3.5, 6.0))
    assert facts.period_s == 2.5
    assert facts.duration_s == 5.0


def test_a_very_long_loop_is_kept_in_part_and_counted_whole():
    facts = facts_of(N_BOOT * (KEPT_BOOTS + 40))
    assert facts.boots_total == KEPT_BOOTS + 40
    assert len(facts.boots) == KEPT_BOOTS
    assert len(list(facts.restarts)) == KEPT_BOOTS - 2
    assert facts.boots[0].index == 0
    assert facts.boots[-1].index == facts.boots_total - 1


@given(st.lists(st.integers(0, len(N_BOOT + RUN)), max_size=12))
def test_chunking_changes_no_fact(cuts):
    data = N_BOOT + RUN
    assert facts_of(data, *cuts) == facts_of(data)


@given(st.binary(max_size=1500))
def test_any_bytes_give_facts(data):
    facts = facts_of(data)
    assert facts.bytes_total == len(data)
    assert facts.as_members()["banners"] >= 0


@given(
    st.lists(
        st.sampled_from(
            N_BOOT.splitlines() + RUN.splitlines() + [b"", b"\x00\x00", b"ST:", b"\xff" * 9]
        ),
        max_size=60,
    )
)
def test_any_order_of_lines_gives_facts_in_bounds(lines):
    facts = facts_of(b"\r\n".join(lines))
    assert len(facts.boots) <= KEPT_BOOTS
    assert facts.lines_total <= len(lines)


def test_memory_stays_bounded_whatever_arrives():
    reader = LogReader()
    for number in range(KEPT_LINES + 500):
        reader.feed(
            b"line %d of many\r\nBoot Count %d #\r\nST:0000000%d\r\n" % (number, number, number % 9)
        )
    assert len(reader._whole_lines) <= KEPT_LINES
    assert len(reader._known_marks) <= KEPT_LINES
    assert len(reader._head) <= SAMPLE_BYTES
    assert len(reader._tail) <= SAMPLE_BYTES
    assert max(len(words) for words in reader._words.values()) <= 256
    assert len(reader._counters) <= 256


def test_feeding_gives_the_lines_for_whoever_shows_them():
    reader = LogReader()
    assert [line.text for line in reader.feed(b"J 0x10000\r\nprv", 1.0)] == ["J 0x10000"]
    assert reader.facts().lines_total == 1
    assert [(line.text, line.at_s) for line in reader.feed(b"Heap\r\n", 2.0)] == [("prvHeap", 1.0)]
