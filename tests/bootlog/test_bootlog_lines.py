import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.bootlog.lines import MAX_LINE_BYTES, LineSplitter, clean, escape, strip_stamp
from groundwire.bootlog.redact import redact


def split(data, *cuts):
    splitter = LineSplitter()
    out, start = [], 0
    for cut in (*sorted(cuts), len(data)):
        out += splitter.feed(data[start:cut])
        start = cut
    return [*out, *splitter.finish()]


def texts(data):
    return [line.text for line in split(data)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n", b"\r\r\n", b"\n\n", b"\n\r"])
def test_every_kind_of_line_end_gives_the_same_lines(end):
    assert texts(end.join([b"V:BK7231S_1.0.5", b"ST:00000000", b"J 0x10000"])) == [
        "V:BK7231S_1.0.5",
        "ST:00000000",
        "J 0x10000",
    ]


def test_a_return_in_front_of_a_line_is_no_line():
    assert texts(b"\rMain_Init_Delay\r\n") == ["Main_Init_Delay"]


def test_numbers_count_line_feeds_and_offsets_count_bytes():
    lines = split(b"\r\r\nab\r\r\n\ncd")
    assert [(line.number, line.offset, line.text, line.ended) for line in lines] == [
        (2, 3, "ab", True),
        (4, 9, "cd", False),
    ]


def test_colours_and_nul_runs_disappear_and_damage_is_counted():
    assert clean(b"\x1b[32;22m[I/FAL] Fal(V0.4.0)success\x1b[0m") == (
        "[I/FAL] Fal(V0.4.0)success",
        0,
    )
    assert clean(b"\x00txd\x00\x00\x00") == ("txd", 0)
    assert clean(b"gbias\x00 : \x900x2\x12") == ("gbias\ufffd : \ufffd0x2\ufffd", 3)


def test_block_characters_are_no_damage():
    assert clean("██╗ BL602".encode()) == ("██╗ BL602", 0)


def test_forum_damage_is_mended():
    assert texts("go os_addr(0x10000)…&gt;&nbsp;x  y".encode()) == ["go os_addr(0x10000)...> x y"]
    assert texts(b"> > ST:00000000") == ["ST:00000000"]


def test_windows_redirection_is_read():
    assert texts(b"\xff\xfe" + "J 0x10000\r\nab".encode("utf-16le")) == ["J 0x10000", "ab"]


@pytest.mark.parametrize(
    "stamp",
    [
        "[10:58:35.707]", "10:58:35.707 -> ", "2024-01-02 10:58:35 ", "12.03.2024 10:58:35: ",
        "Mo 12. Jan 2024 10:58:35 | ", "2024-01-02T10:58:35.7Z ", "пт, 12 янв. 2024 \u0433., 10:58:35 ",
        "10:58:35:707\t", "[2024/01/02 10:58:35] RX: ", "12 janv. 2024 10:58:35 ",
    ],
)  # fmt: skip
def test_the_timestamp_of_a_terminal_comes_off(stamp):
    text, seconds = strip_stamp(clean((stamp + "V:BK7231S_1.0.5").encode())[0])
    assert text == "V:BK7231S_1.0.5"
    assert seconds is not None
    assert int(seconds) == 10 * 3600 + 58 * 60 + 35


def test_seconds_since_start_are_a_stamp_too():
    assert strip_stamp("[ 12.345678] J 0x10000") == ("J 0x10000", 12.345678)


@pytest.mark.parametrize(
    "text",
    [
        "[01-01 18:12:15 TUYA Notice][tuya_main.c:311] x", "[01-01 00:00:00 ty D][lr:0x1] y",
        "R13:00000000", "Build Time: 11:38:42", "[ 0][INFO : hal_boot2.c: 285] z", "ST:00000000",
    ],
)  # fmt: skip
def test_what_the_module_prints_is_no_stamp(text):
    assert strip_stamp(text) == (text, None)


def test_time_of_arrival_wins_over_a_stamp():
    line = next(LineSplitter().feed(b"10:58:35 ab\n", 7.5))
    assert (line.text, line.at_s) == ("ab", 7.5)


def test_hostile_text_is_escaped_and_shortened():
    assert escape("a\x1b]0;x\x07\u202eb") == "a\\x1b]0;x\\x07\\u202eb"
    assert escape("x" * 500) == "x" * 200 + "..."


def test_an_endless_line_comes_in_pieces():
    lines = split(b"." * (3 * MAX_LINE_BYTES + 5))
    assert [len(line.text) for line in lines] == [MAX_LINE_BYTES] * 3 + [5]
    assert not any(line.ended for line in lines)


@given(st.binary(max_size=600), st.lists(st.integers(0, 600), max_size=8))
def test_chunking_changes_nothing(data, cuts):
    assert split(data, *cuts) == split(data)


@given(st.lists(st.binary(min_size=1, max_size=3000), max_size=8))
def test_memory_stays_bounded(chunks):
    splitter = LineSplitter()
    for chunk in chunks:
        for line in splitter.feed(chunk):
            assert len(line.text) <= 4 * MAX_LINE_BYTES
        assert len(splitter._held) < MAX_LINE_BYTES


@given(st.text(max_size=300))
def test_escaped_text_holds_nothing_a_terminal_would_act_on(text):
    shown = escape(text)
    assert all(char >= " " or char in "\t\n" for char in shown)
    assert "\x7f" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Info:MAIN:Using Pass [hunter22]", "Info:MAIN:Using Pass [***]"),
        ("Info:MAIN:Connecting to SSID [Home Net]", "Info:MAIN:Connecting to SSID [***]"),
        ("mac 02:00:5e:aa:bb:cc", "mac 02:00:5e:**:**:**"),
        ("mac c8:47:8c: 0: 0: 1", "mac c8:47:8c:**:**:**"),
        (
            "0x12 0x34 0x56 0x78 0x9a 0xbc 0xde 0xf0 0x12 0x34 0x56 0x78 0x9a 0xbc 0xde 0xf0 ",
            "(bytes masked) ",
        ),
        ('auth_key":"abcdEFGH1234"', 'auth_key":"***"'),
        ("sta:rssi=-69,ssid=home1,channel=6", "sta:rssi=-69,ssid=***,channel=6"),
        (
            "Info:MAIN:ssid:OpenBK7231T_00C0FFEE key: mode:0",
            "Info:MAIN:ssid:OpenBK7231T_00C0FFEE key: mode:0",
        ),
    ],
)
def test_secrets_are_masked(text, masked):
    assert redact(text) == masked
