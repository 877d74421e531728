"""Every value of every real file is what the references found; and a wrong one is noticed."""

from __future__ import annotations

import copy

import pytest

from corpus import dump, dump_names, expected
from groundwire.jobs.agreement import compare_dump
from groundwire.openbeken.agreement import DISPUTED, FROM_ZERO, IGNORES_LEVEL, UNKNOWN_PART, _argued

pytestmark = pytest.mark.corpus

LEAST = 8


@pytest.mark.slow
@pytest.mark.parametrize("name", dump_names())
def test_every_value_of_every_file_agrees(name):
    found = compare_dump(dump(name), expected(name))
    assert [entry for entry in found if entry.failed] == []
    assert sum(entry.agrees for entry in found) >= LEAST


def changed(document, *path):
    """The document with the value at a path made wrong."""
    wrong = copy.deepcopy(document)
    inner = wrong
    for key in path[:-1]:
        inner = inner[key]
    value = inner[path[-1]]
    inner[path[-1]] = value + 1 if isinstance(value, int) else f"{value}0"
    return wrong


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("n-lspa9-clone1", ("own", "tuya_storage", "device_key")),
        ("n-lspa9-clone1", ("own", "tuya_storage", "values", "gw_bi", "sha256")),
        ("n-lspa9-clone1", ("own", "tuya_storage", "values", "gw_di", "generation")),
        ("n-lspa9-clone1", ("own", "tuya_storage", "values", "gw_di", "json_plain", "swv")),
        ("n-lspa9-clone1", ("own", "tuya_storage", "protected", 0, "key_sha256")),
        ("n-lspa9-clone1", ("own", "user_param_key", "text")),
        ("n-lspa9-clone1", ("own", "user_param_key", "parsed", "rl1_pin")),
        ("n-lspa9-clone1", ("own", "user_param_key", "crc_stored")),
        ("n-lspa9-clone1", ("own", "app", "plain_sha256")),
        ("n-lspa9-clone1", ("own", "app", "rbl", 0, "body_crc32")),
        ("n-lspa9-clone1", ("own", "rf", 0, "mac_sha256")),
        ("n-arlec-razer-rgb", ("own", "app", "user_param_in_code", 0, "text")),
        ("obksim-script-button", ("own", "obk_config", 0, "mqtt_client_id")),
        ("obksim-script-button", ("own", "obk_config", 0, "mqtt_pass")),
        ("obksim-script-button", ("own", "obk_config", 0, "cal_hex")),
        ("obksim-script-button", ("own", "littlefs", 0, "files", "/autoexec.bat", "sha256")),
        ("bl602-obk-full", ("own", "bl602", "easyflash", 0, "entries", 0, "sha256")),
        ("n-lspa9-clone1", ("reference", "gui_tool_code_mono", "key_sector")),
    ],
)
def test_a_wrong_value_on_the_other_side_is_a_failure(name, path):
    found = compare_dump(dump(name), changed(expected(name), *path))
    assert len([entry for entry in found if entry.failed]) == 1


def test_a_pin_fails_where_other_tools_agree_against_us_and_is_argued_where_they_do_not():
    name = "n-lspa9-clone1"
    gui = ("reference", "gui_tool_code_mono", "conversion", "obk_pins", "26", "channel")
    one = changed(expected(name), *gui)
    (argued,) = [entry for entry in compare_dump(dump(name), one) if entry.reason == DISPUTED]
    assert (argued.field, argued.failed) == ("GUI tool P26", False)
    both = copy.deepcopy(one)
    both["reference"]["gui_tool_code_mono"]["conversion"]["obk_pins"]["26"]["role"] = "Btn"
    both["reference"]["webapp_templateParser_node"]["tmpl"]["pins"]["26"] = "Btn;2"
    failed = [entry.field for entry in compare_dump(dump(name), both) if entry.failed]
    assert failed == ["web app P26", "GUI tool P26"]


def test_a_value_missing_on_our_side_is_a_failure():
    blank = b"\xff" * len(dump("n-lspa9-clone1"))
    failed = [
        entry.field for entry in compare_dump(blank, expected("n-lspa9-clone1")) if entry.failed
    ]
    assert {"settings store present", "pin settings present"} <= set(failed)


@pytest.mark.parametrize(
    ("one", "other", "first", "reason"),
    [
        (("Rel", 1), ("Rel", 1), 1, ""),
        (("Btn_n", 1), ("Btn", 1), 1, IGNORES_LEVEL),
        (("PWM", 3), ("PWM", 2), 0, FROM_ZERO),
        (("PWM", 3), ("PWM", 2), 1, ""),
        (("Rel", 1), ("Rel", 2), 0, ""),
        (("Rel", 1), None, 1, UNKNOWN_PART),
        (None, ("Rel", 1), 1, ""),
        (("Rel", 1), ("Btn", 1), 1, ""),
    ],
)
def test_what_is_argued_about_pins(one, other, first, reason):
    assert _argued(one, other, first) == reason
