from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.tuya.rewrite import mask_json, masked_value, secret_parts
from groundwire.tuya.secrecy import is_open_value, shown_fields


@pytest.mark.parametrize(
    ("name", "text", "is_open"),
    [
        ("user_param_key", "{rl1_pin:1}", True),
        ("em_sys_env", "bk7231n", True),
        ("gw_bi", "{}", False),
        ("e1kcg9c4", '[{"mode":"rw","property":{"type":"bool"},"id":1,"type":"obj"}]', True),
        ("e1kcg9c4", '[{"id":1,"owner":"me"}]', False),
        ("anything", "else", False),
    ],
)
def test_what_may_be_shown_whole(name, text, is_open):
    assert is_open_value(name, text) is is_open


def test_fields_that_may_be_shown():
    assert shown_fields('{"pk":"p","swv":"1","id":"x","mst_ver_0":"2","sync":[1]}') == {
        "pk": "p", "swv": "1", "mst_ver_0": "2",
    }  # fmt: skip
    assert shown_fields("no json") == {}


@pytest.mark.parametrize(
    ("name", "data", "masked"),
    [
        ("gw_bi", b'{"uuid":"ab\\"c","n":12.5,"pk":"p","ok":true}\0',
         b'{"uuid":"xxxxx","n":1000,"pk":"p","ok":true}\0'),
        ("wf_pt", b'{"ap":[["s1","p2"],-7]}', b'{"ap":[["xx","xx"],10]}'),
        ("ble", b"plain text\0\0", b"xxxxxxxxxx\0\0"),
        ("ble", b"text\0residue", b"\0" * 12),
        ("tuya_seed", bytes(range(1, 9)), bytes(8)),
        ("em_sys_env", b"bk7231n\0", b"bk7231n\0"),
    ],
)  # fmt: skip
def test_masked_values_keep_their_form_and_length(name, data, masked):
    assert masked_value(name, data) == masked


def test_all_texts_of_a_value_are_its_secrets():
    data = b'{"a":"one","pk":"open","b":[{"c":"two"}],"d":""}\0'
    assert {(what, secret.reveal()) for what, secret in secret_parts("v", data)} == {
        ("v.a", b"one"), ("v.c", b"two"),
    }  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_masked_json_is_json_of_the_same_length_without_the_texts(value):
    body = json.dumps(value).encode()
    masked = mask_json(body)
    assert len(masked) == len(body)
    after = json.loads(masked)
    assert set(after) == set(value)


@given(st.text(max_size=8), st.binary(max_size=200))
def test_any_value_keeps_its_length(name, data):
    assert len(masked_value(name, data)) == len(data)
