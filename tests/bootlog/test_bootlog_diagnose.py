import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.bootlog.diagnose import diagnose_bytes
from groundwire.bootlog.evidence import ImageForm, OtherEvidence, Pins
from groundwire.bootlog.signatures import Confidence

BANNER_T = "\r\r\nV:BK7231S_1.0.5\r\r\nCPSR:000000D3\r\r\nST:{}\r\r\n"
APP_T = "prvHeapInit-start addr:0x41f390, size:134256\r\nOpenBK7231T, version 1.18.300\r\nEntering initLog()...\r\n"


def ids(text, **other):
    return diagnose_bytes(text.encode(), OtherEvidence(**other)).ids()


def spi_line(register, got, wanted):
    return f"Info:EnergyMeter:Failed to read reg {register:02X}: bad checksum {got:02X} wanted {wanted:02X}\n"


class TestNoFolklore:
    def test_zero_bytes_from_the_spi_driver_are_a_board_wired_for_uart(self):
        text = "".join(spi_line(r, 0, ~(0x58 + r) & 0xFF) for r in (3, 4, 6, 7, 8))
        assert "reg 03: bad checksum 00 wanted A4" in text
        diagnosis = diagnose_bytes(text.encode())
        assert diagnosis.ids() == ("meter-spi-on-uart",)
        assert "no second chip collides" in diagnosis.findings[0].text

    def test_any_other_sum_is_not_that(self):
        assert ids(spi_line(3, 0x4F, 0xA4)) == ()
        assert ids(spi_line(3, 0, 0x4E)) == ()

    def test_ten_dots_that_go_on_are_no_finding(self):
        boot = (
            "BK7231n_1.0.11\nST:0x00000000\n[I/FAL] Fal(V0.4.0)success\ngo os_addr(0x10000)..........\n"
            "prvHeapInit-start addr:0x40f300, size:134400\n[Flash]id:0xeb6015\n[Flash]init over\nsctrl_sta_ps_init\n"
        )
        assert ids(boot) == ("healthy",)

    def test_ten_dots_at_the_end_ask_for_the_other_pin(self):
        boot = "BK7238_1.0.15\nST:0x00000000\ngo os_addr(0x10000)..........\n"
        finding = diagnose_bytes(boot.encode()).findings[0]
        assert finding.id == "dots-ten"
        assert "TX2" in finding.next_step


class TestSilence:
    def test_alone_it_asks_for_the_link_check(self):
        diagnosis = diagnose_bytes(b"")
        assert diagnosis.ids()[0] == "silence-not-bootable"
        assert diagnosis.findings[0].confidence is Confidence.MEDIUM
        assert "link-check" in [test.name for test in diagnosis.tests]

    @pytest.mark.parametrize(
        ("other", "expected"),
        [
            ({"link_works": False}, ("silence-wiring",)),
            ({"link_works": True}, ("silence-not-bootable", "wrong-key")),
            ({"link_works": True, "pins": Pins.FLASHING}, ("silence-wrong-uart",)),
            ({"link_works": True, "family": "bouffalo"}, ("silence-bl602-address",)),
        ],
    )
    def test_what_else_is_known_decides(self, other, expected):
        assert ids("", **other) == expected


class TestResets:
    def test_a_crash_with_application_lines_is_no_missing_application(self):
        boot = BANNER_T.format("{}") + "J 0x10000\r\r\n" + APP_T
        assert ids(boot.format("00000000") + boot.format("BEDEAD01") * 2) == ("crash-loop-t",)

    def test_power_cycles_by_hand_with_whole_lines_are_no_brownout(self):
        boot = BANNER_T.format("00000000") + "J 0x10000\r\r\n" + APP_T
        assert "brownout-rf-start" not in ids(boot * 4)

    def test_cuts_at_changing_places_are_sure(self):
        boot = BANNER_T.format("00000000") + "J 0x10000\r\r\n" + APP_T
        diagnosis = diagnose_bytes((boot + "[bk]tx_txd" + boot + "[rx_iq]rx_a" + boot).encode())
        assert diagnosis.ids() == ("brownout-rf-start",)
        assert diagnosis.findings[0].confidence is Confidence.HIGH
        assert [quote.text for quote in diagnosis.findings[0].lines] == [
            "[bk]tx_txd",
            "[rx_iq]rx_a",
        ]

    def test_a_cut_before_a_crash_word_is_no_brownout(self):
        boot = BANNER_T.format("{}") + "J 0x10000\r\r\n" + APP_T + "[bk]tx_txd"
        assert ids(boot.format("00000000") + boot.format("BEDEAD01")) == ("crash-loop-t",)

    def test_the_reset_word_of_a_tool_is_no_anomaly(self):
        assert "app-missing-n" not in ids(BANNER_T.format("BEDEAD11") + "J 0x10000\r\r\n")


class TestCombined:
    BANNERS = BANNER_T.format("00000000") + "J 0x10000\r\r\n"

    def test_dots_image_key_and_chip_key_are_one_finding(self):
        diagnosis = diagnose_bytes(b"." * 200, OtherEvidence(image_key="zero", chip_key="tuya"))
        assert diagnosis.ids() == ("wrong-key",)
        finding = diagnosis.findings[0]
        assert finding.confidence is Confidence.HIGH
        assert len(finding.because) == 3
        assert "'zero'" in finding.text
        assert "'tuya'" in finding.text

    def test_equal_keys_join_nothing(self):
        assert ids("." * 200, image_key="tuya", chip_key="tuya") == ("dots-endless",)

    def test_a_running_application_is_not_called_wrong(self):
        text = self.BANNERS + APP_T + "Info:MAIN:Boot complete time reached (5 seconds)\n"
        assert ids(text, image_key="zero", chip_key="tuya") == ("healthy",)

    def test_application_at_zero_and_silence_are_one_finding(self):
        diagnosis = diagnose_bytes(b"", OtherEvidence(image_form=ImageForm.APP, image_address=0))
        assert len(diagnosis.findings) == 1
        assert "at 0x0" in diagnosis.findings[0].text

    def test_whole_image_at_11000_and_a_loop_are_one_finding(self):
        text = self.BANNERS + BANNER_T.format("BEDEAD03") + "J 0x10000\r\r\n"
        diagnosis = diagnose_bytes(
            text.encode(), OtherEvidence(image_form=ImageForm.WHOLE, image_address=0x11000)
        )
        assert diagnosis.ids() == ("app-missing-t",)
        assert "0x11000" in diagnosis.findings[0].text

    def test_an_unproven_write_explains_a_hang(self):
        diagnosis = diagnose_bytes(self.BANNERS.encode(), OtherEvidence(unproven=8192))
        assert diagnosis.ids() == ("write-unfinished",)
        assert "8192 bytes unproven" in " ".join(diagnosis.findings[0].because)

    def test_the_adapters_pin_makes_a_brownout_sure(self):
        boot = self.BANNERS + APP_T
        diagnosis = diagnose_bytes(
            (boot + "[bk]tx_txd" + boot).encode(), OtherEvidence(powered_by_adapter=True)
        )
        assert diagnosis.findings[0].confidence is Confidence.HIGH
        assert "adapter's 3.3 V pin" in " ".join(diagnosis.findings[0].because)

    def test_the_wrong_chip_by_names_is_one_finding(self):
        assert ids("", image_chip="BK7231T", chip="BK7231N") == ("wrong-chip-checked",)


def test_where_nothing_fits_it_says_so_and_names_tests():
    diagnosis = diagnose_bytes(b"hello world\nthis is some other device\n")
    assert not diagnosis.known
    assert diagnosis.sentence.startswith("I don't know")
    assert {
        "longer-capture",
        "boots-by-radio",
        "power-off",
        "first-byte",
        "loopback",
        "read-bootloader",
    } <= {test.name for test in diagnosis.tests}


def test_a_diagnosis_is_plain_values_for_json():
    document = json.loads(json.dumps(diagnose_bytes(b"DPLL Unlock\n").as_members()))
    assert document["findings"][0]["id"] == "dpll-unlock"
    assert document["findings"][0]["evidence"] == [{"line": 1, "at_s": None, "text": "DPLL Unlock"}]
    assert document["facts"]["banners"] == 0


def test_a_hostile_name_is_escaped_in_the_finding():
    text = TestCombined.BANNERS + APP_T + "Info:MAIN:Boot complete time reached (5 seconds)\n"
    text += "Info:MAIN:ssid:Open\u202eBeken\x1b[2J key: mode:0\n"
    finding = diagnose_bytes(text.encode()).findings[0]
    assert finding.id == "healthy"
    assert "access point Open\\u202eBeken" in finding.text
    assert "\x1b" not in finding.text


def test_evidence_shows_no_password():
    text = "Info:MAIN:Using Pass [hunter22]\nInfo:MAIN:Connecting to SSID [Home]\n" * 2
    text += "wpa_driver_scan_timeout sts_status=1,rl_status=2\nmac c8:47:8c: 0: 0: 1\n"
    shown = repr(diagnose_bytes(text.encode()).findings)
    assert "hunter22" not in shown
    assert "Home" not in shown


@given(st.binary(max_size=800))
def test_any_bytes_get_a_diagnosis(data):
    diagnosis = diagnose_bytes(data)
    assert diagnosis.sentence
    assert len(set(diagnosis.ids())) == len(diagnosis.findings)


FRAGMENTS = [
    "V:BK7231S_1.0.5", "BK7238_1.0.15", "ST:BEDEAD03", "ST:00000000", "J 0x10000", "go os_addr(0x10000)..........",
    "prvHeapInit-start addr:0x41f390, size:1", "txd", "Info:MAIN:Main_Init_Before_Delay", "data abort", "Current regs:",
    "No TLV header found in flash", "try:9600/3/1/0", "Started TuyaMCU", "shutdown...", "[ARM ANOMALY][2]",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(FRAGMENTS), max_size=40),
    st.booleans(),
    st.sampled_from([None, True, False]),
)
def test_any_order_of_known_lines_gets_a_diagnosis(lines, adapter, link):
    other = OtherEvidence(
        powered_by_adapter=adapter, link_works=link, unproven=4096, chip_key="a", image_key="b"
    )
    diagnosis = diagnose_bytes("\r\n".join(lines).encode(), other)
    assert all(finding.text and finding.next_step for finding in diagnosis.findings)
