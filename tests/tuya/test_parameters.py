from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import corpus_folder, dump, expected
from groundwire.tuya.parameters import crc7, find_in_code, parse_parameters
from groundwire.tuya.storage import find_store

TEXT = "{module:CB2S,rl1_pin:26,rl1_lv:1,jv:1.0.0,crc:72,}"


def test_check_value_of_the_published_vector():
    assert crc7(b"{module:CB2S,rl1_pin:26,rl1_lv:1,jv:1.0.0}") == 72
    parameters = parse_parameters(TEXT)
    assert parameters is not None
    assert parameters.check_ok
    assert parameters.findings == ()
    assert parameters.values == {
        "module": "CB2S", "rl1_pin": 26, "rl1_lv": 1, "jv": "1.0.0", "crc": 72,
    }  # fmt: skip


def test_leading_zeros_stay_text_and_lists_nest():
    parameters = parse_parameters("{category:0502,irfunset:[[6,02],[21,19]],0err:-1,crc:1}")
    assert parameters is not None
    assert parameters.values["category"] == "0502"
    assert parameters.values["irfunset"] == [[6, "02"], [21, 19]]
    assert parameters.values["0err"] == -1


def test_an_edited_text_keeps_its_values_and_says_so():
    parameters = parse_parameters(TEXT.replace("26", "24"))
    assert parameters is not None
    assert not parameters.check_ok
    assert parameters.values["rl1_pin"] == 24
    assert len(parameters.findings) == 1


def test_a_text_cut_short_gives_what_is_there():
    parameters = parse_parameters(TEXT[:30])
    assert parameters is not None
    assert parameters.values["rl1_pin"] == 26
    assert parameters.check_stored is None
    assert "the text ends before its closing bracket" in parameters.findings


def test_strict_json_is_read_as_well():
    parameters = parse_parameters('{"module":"WB3S","rl1_pin":6,"bt1_pin":"14,2"}')
    assert parameters is not None
    assert parameters.values == {"module": "WB3S", "rl1_pin": 6, "bt1_pin": "14,2"}


@pytest.mark.parametrize("text", ["", "{}", "{,,}", "[1]", "module:CB2S", "{" * 70000])
def test_what_is_no_settings_text_gives_none(text):
    assert parse_parameters(text) is None


@given(st.text(alphabet='{}[],:"0129abz_- \0', max_size=300))
def test_any_text_is_read_in_bounds(text):
    parameters = parse_parameters("{" + text)
    assert parameters is None or 0 <= parameters.check_computed < 128


NAMES = st.from_regex(r"[a-z0-9_]{1,12}", fullmatch=True)
VALUES = st.integers(0, 99999) | st.from_regex(r"[a-z][a-z0-9.]{0,8}", fullmatch=True)


@given(st.dictionaries(NAMES.filter(lambda name: name != "crc"), VALUES, min_size=1))
def test_what_is_written_is_read_back(values):
    body = ",".join(f"{name}:{value}" for name, value in values.items())
    check = crc7(f"{{{body}}}".encode())
    parameters = parse_parameters(f"{{{body},crc:{check},}}")
    assert parameters is not None
    assert parameters.check_ok
    assert parameters.values == {**values, "crc": check}


def test_defaults_in_code_are_found_once_each():
    code = b"\x01\xffabc\0" + TEXT.encode() + b"\0pad{not:this}\0" + TEXT.encode() + b"\0"
    (default,) = find_in_code(code)
    assert default.offset == 6
    assert default.parameters.values["module"] == "CB2S"


@given(st.binary(max_size=500))
def test_any_code_is_searched_without_an_error(code):
    assert isinstance(find_in_code(b"{module:" + code), tuple)


@pytest.mark.corpus
def test_settings_of_every_dump_agree_with_the_reference():
    folder = corpus_folder() / "dumps"
    checked = 0
    for path in sorted(folder.glob("*.expected.json")):
        want = json.loads(path.read_text())["own"].get("user_param_key")
        if not want:
            continue
        name = path.name.removesuffix(".expected.json")
        store = find_store(dump(name))
        assert store is not None
        value = store.get("user_param_key")
        assert value is not None
        parameters = parse_parameters(value.text())
        assert parameters is not None
        assert parameters.text == want["text"]
        assert parameters.values == want["parsed"]
        assert parameters.check_stored == want["crc_stored"]
        assert parameters.check_computed == want["crc_computed"]
        assert parameters.check_ok == want["crc_ok"]
        checked += 1
    assert checked


@pytest.mark.corpus
def test_reference_defaults_in_code_parse():
    for path in sorted((corpus_folder() / "dumps").glob("*.expected.json")):
        app = expected(path.name.removesuffix(".expected.json"))["own"].get("app") or {}
        for default in app.get("user_param_in_code", []):
            found = find_in_code(b"\0" + default["text"].encode() + b"\0")
            assert [item.parameters.text for item in found] == [default["text"]]
