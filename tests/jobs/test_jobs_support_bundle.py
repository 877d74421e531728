"""The support text: what is in it, and what must never be."""

from __future__ import annotations

import json
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwire.errors import InputUnreadable
from groundwire.jobs.masking import Mask, fenced, plain
from groundwire.jobs.support_bundle import make_bundle, write_bundle
from groundwire.sim.modules import stock_flash
from talking import APP_N, BOOT_N, LATER_N

SECRETS = (
    b"Info:MAIN:Using SSID [Our Home 5]\r\n"
    b"Info:MAIN:Using Pass [correct horse]\r\n"
    b"Info:MAIN:Connecting to SSID [Our Home 5]\r\n"
    b"Info:MQTT:mqtt_userName bobby, mqtt_pass topsecret1, mqtt_clientID lamp, mqtt_host 10.9.8.7:1883\r\n"
    b"mac c8:47:8c:12:34:56\r\n"
    b"ble mac:c8-47-8c-12-34-57\r\n"
    b"get key:\r\n0x11 0x22 0x33 0x44 0x55 0x66 0x77 0x88 0x99 0xaa 0xbb 0xcc 0xdd 0xee 0xff 0x10\r\n"
    b'{"auth_key":"abcdefgh12345678","uuid":"f00dfeedf00dfeed","local_key":"0123abcd"}\r\n'
    b"token=deadbeefdeadbeefdeadbeefdeadbeef\r\n"
    b"roaming to Our Home 5 with correct horse\r\n"
    b"Info:MAIM:Usimg Pass [correct horse 2\r\n"
    b"ip 192.168.77.12\r\n"
    b"STA C8478C123456 joined\r\n"
)
NEVER = (
    "Our Home", "correct horse", "bobby", "topsecret1", "10.9.8.7", "12:34:56", "12-34-57",
    "0x44 0x55", "abcdefgh", "f00dfeed", "0123abcd", "deadbeef", "192.168.77.12", "123456",
)  # fmt: skip


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "module.log"
    path.write_bytes(BOOT_N + APP_N + SECRETS + LATER_N)
    return path


def test_nothing_secret_leaves(log):
    text = make_bundle([log]).text
    assert [secret for secret in NEVER if secret in text] == []
    assert "OpenBK7231N\\_xxxxxxxx" in text
    assert "OpenBK7231N, version 1.18.300" in text


def test_macs_are_shown_where_asked_for_and_secrets_still_not(log):
    text = make_bundle([log], show_mac=True).text
    assert "c8:47:8c:12:34:56" in text
    assert "OpenBK7231N\\_5E100001" in text
    assert [secret for secret in NEVER[:4] if secret in text] == []


def test_a_folder_of_a_job(tmp_path, log):
    (tmp_path / "report.json").write_text(
        json.dumps({
            "verb": "free", "proven": True, "tool": "groundwire 0.1.0",
            "module": {"chip": "BK7231N", "mac": "c8:47:8c:xx:xx:xx", "key_class": "tuya"},
            "plan": {"kind": "qio", "erased": [{"start": 4096, "size": 4096}]},
            "boot": {"came_up": False, "sentence": "| it *hangs*"},
        })
    )  # fmt: skip
    (tmp_path / "journal.jsonl").write_text('{"job": "write"}\n{"erase": [0, 4096]}\n{"to')
    (tmp_path / "backup.bin").write_bytes(stock_flash("BK7231N"))
    (tmp_path / "trace.jsonl").write_text('{"hex": "00ff"}')
    text = make_bundle([tmp_path]).text
    for part in (
        "## Job: free", "| plan: erases | 0x1000..0x2000 |", "1 erase, 1 job, 1 torn",
        "### backup.bin: sound", "## Log module.log", "- groundwire ", "\\| it \\*hangs\\*",
        "the chip is a BK7231N",
    ):  # fmt: skip
        assert part in text, part
    assert "00ff" not in text
    assert str(tmp_path) not in text


def test_the_backup_of_a_job_is_what_was_there_before(tmp_path):
    (tmp_path / "report.json").write_text(json.dumps({"module": {"chip": "BK7231M"}}))
    (tmp_path / "backup.bin").write_bytes(stock_flash("BK7231N"))
    bundle = make_bundle([tmp_path])
    assert "before the job the flash held" in bundle.text
    assert all(not diagnosis.known for diagnosis in bundle.diagnoses)


def test_the_file_is_for_its_owner_only_and_replaced(tmp_path, log):
    path = tmp_path / "support.md"
    for _ in range(2):
        write_bundle(path, make_bundle([log]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_long_log_keeps_its_beginning_and_end(tmp_path):
    path = tmp_path / "l.log"
    path.write_bytes(b"first\n" + b"middle line\n" * 5000 + b"the last\n")
    text = make_bundle([path]).text
    assert "\nfirst\n" in text
    assert "\nthe last\n" in text
    assert "... 4642 lines left out ..." in text
    assert len(text) < 60_000


def test_a_trace_is_refused(tmp_path):
    path = tmp_path / "mine.log"
    path.write_text('{"trace": "groundwire", "port": "x"}\n{"dir": "in", "hex": "00ff"}\n')
    with pytest.raises(InputUnreadable, match="trace"):
        make_bundle([path])


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(InputUnreadable):
        make_bundle([tmp_path / "none"])


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_outside_text_forms_no_markup_and_ends_no_fence(text):
    mask = Mask(show_mac=False)
    inline, inside = plain(text, mask), fenced(text, mask)
    for shown in (inline, inside):
        assert "\n" not in shown
        assert "\r" not in shown
        assert "\x1b" not in shown
    assert not inside.startswith(("~", "`"))
    assert "<" not in inline
    assert not any(
        char in "`*_{}[]#|!" and (at == 0 or inline[at - 1] != "\\")
        for at, char in enumerate(inline)
    )


@settings(max_examples=80, deadline=None)
@given(
    st.binary(min_size=6, max_size=6),
    st.sampled_from([":", "-", ""]),
    st.booleans(),
    st.sampled_from(["mac {}", "x={} y", "[{}]", "STA {} joined"]),
)
def test_the_modules_part_of_a_mac_is_never_shown(mac, separator, upper, form):
    written = separator.join(f"{byte:02x}" for byte in mac)
    own = separator.join(f"{byte:02x}" for byte in mac[3:])
    written, own = (written.upper(), own.upper()) if upper else (written, own)
    shown = Mask(show_mac=False)(form.format(written))
    assert written not in shown
    if own not in shown.replace(own, "", 1):
        assert not shown.rstrip("] yjoined").endswith(own)


@settings(max_examples=80, deadline=None)
@given(
    st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="])"),
        min_size=4,
        max_size=30,
    ),
    st.sampled_from(["Using SSID [{}]", "Info:MAIN:Using Pass [{}]", "Connecting to SSID [{}]"]),
)
def test_names_and_passwords_are_masked_wherever_they_stand(secret, form):
    mask = Mask(show_mac=False)
    line = form.format(secret)
    mask.learn(line)
    assert secret not in mask(line).replace("***", "")
    assert secret not in mask(f"again {secret} here").replace("***", "") or secret in "again  here"
