"""The instruction cipher: literal stream words, recognition of the key set, recovery without it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beken_images import plain_code
from groundwire.images.beken import cipher
from groundwire.images.beken.cipher import known_stream, parse_key, stream_from_words

ADDRESSES = (0, 4, 0x10000, 0x10004, 0x1FFFC, 0x123454)
# From beken-images, section 2.3: computed by another implementation.
VECTORS = {
    "510FB093 A3CBEADC 5993A17E C7ADEB03": (
        "7CB50721 7CB50F21 7EB50721 7EB50F21 9A535BD0 9DC42BF0"
    ),
    "4862379A 8612784B 85C5E258 75754528": (
        "2E388101 2F298018 2C388123 2D29803A AA51EC95 4E38B67A"
    ),
    "01234567 89ABCDEF 0F1E2D3C 31415920": (
        "128BFE45 1A83FF4D 108BFC65 1883FD6D 740334DC F732E923"
    ),
    "01234567 89ABCDEF 0F1E2D3C 55555555": (
        "0F1EFC92 0F1EFD9A 0F1EFCB2 0F1EFDBA 0F1E35F4 0F1ECF9C"
    ),
}
key_words = st.tuples(*[st.integers(0, 0xFFFFFFFF)] * 4)


@pytest.mark.parametrize("key", VECTORS)
def test_stream_words_by_vector(key):
    stream = stream_from_words("x", parse_key(key))
    assert " ".join(f"{stream.word(address):08X}" for address in ADDRESSES) == VECTORS[key]


def test_the_first_bytes_of_a_tuya_application():
    plain = bytes.fromhex("0e0000ea14f09fe5")
    assert known_stream("tuya").apply(plain, 0x10000).hex() == "2f07b59435ff2a9b"


@pytest.mark.parametrize("control", [0x00ADEB03, 0xFFADEB03, 0xC7ADEB0F])
def test_a_switched_off_cipher_changes_nothing(control):
    stream = stream_from_words("off", (0x510FB093, 0xA3CBEADC, 0x5993A17E, control))
    assert stream.is_off
    assert stream.apply(b"plain", 0x10000) == b"plain"


@given(key_words, st.integers(0, 0x3FFFF), st.integers(0, 300))
def test_the_bulk_stream_equals_the_words_one_by_one(words, first, count):
    stream = stream_from_words("x", words)
    made = stream.words(first + count)[first:].tolist()
    assert made == [cipher._word(words, 4 * index) for index in range(first, first + count)]


@given(key_words, st.binary(max_size=100), st.integers(0, 0xFFFF))
def test_applying_twice_gives_the_data_back(words, data, word):
    stream = stream_from_words("x", words)
    assert stream.apply(stream.apply(data, 4 * word), 4 * word) == data


def test_an_address_that_is_no_word_address_is_refused():
    with pytest.raises(ValueError, match="no word address"):
        known_stream("tuya").apply(b"1234", 2)


@pytest.mark.parametrize("name", ["tuya", "zero", "uascent"])
@pytest.mark.parametrize("address", [0, 0x10000])
def test_known_key_sets_are_recognised_and_also_recovered(name, address):
    code = known_stream(name).apply(plain_code(0x10000), address)
    found = cipher.find_stream(code, address)
    assert found is not None
    assert found.name == name
    recovered = cipher.recover_stream(code, address)
    assert recovered is not None
    assert recovered.apply(code, address) == plain_code(0x10000)


def test_a_damaged_vector_table_is_still_recognised():
    code = bytearray(known_stream("tuya").apply(plain_code(0x1000), 0x10000))
    code[8:16] = b"\xff" * 8
    found = cipher.find_stream(code, 0x10000)
    assert found is not None
    assert found.name == "tuya"


@pytest.mark.parametrize("seed", range(12))
def test_unknown_keys_are_recovered_from_the_vector_table(seed):
    noise = random.Random(seed)
    words = tuple(noise.getrandbits(32) for _ in range(4))
    stream = stream_from_words("secret", (*words[:3], words[3] & 0x7FFFFFFF | 0x01000000))
    plain = plain_code(0x20000, seed=seed)
    found = cipher.find_stream(stream.apply(plain, 0x10000), 0x10000)
    assert found is not None
    assert found.name in {"other", "zero"}
    assert found.apply(stream.apply(plain, 0x10000), 0x10000) == plain


@pytest.mark.parametrize("data", [b"", b"\xff" * 64, bytes(64), b"ab" * 64, bytes(range(64))])
def test_no_stream_is_found_where_there_is_no_program(data):
    assert cipher.find_stream(data, 0x10000) is None


@given(st.binary(min_size=32, max_size=200))
def test_random_bytes_are_not_taken_for_a_program(data):
    assert cipher.find_stream(data, 0x10000) is None


@pytest.mark.parametrize("text", ["", "12", "0" * 31, "0" * 33, "g" * 32])
def test_a_key_that_is_no_key(text):
    with pytest.raises(ValueError):
        parse_key(text)
