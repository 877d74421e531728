from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwire.tuya.cipher import PLATFORMS, data_key, encipher
from groundwire.tuya.sectors import SHARED_DEVICE_KEYS, Generation
from groundwire.tuya.storage import ValueState, find_store
from store_builder import (
    DEVICE_KEY,
    PINS,
    TUYAOS3,
    Block,
    flash,
    key_sector,
    protected_sector,
    store,
)

VECTORS = dict(
    zip(
        [platform.prefix for platform in PLATFORMS],
        [
            "808085858d9eb09cadafa1adb8bdb3a5", "808086868d9eb19dadafa2aeb8bdb4a6",
            "808085868d9eb09dadafa1aeb8bdb3a6", "9a8d958aa7abc0a1c7bcb1b2d2cac3aa",
            "4849545555677f6c7578707d80868275", "9091a6a7a6c9f8d1e2e7d6eff4fff6db",
        ],
        strict=True,
    )
)  # fmt: skip


@pytest.mark.parametrize("prefix", VECTORS)
def test_data_keys_of_the_published_vectors(prefix):
    assert data_key(prefix, bytes(range(16))).hex() == VECTORS[prefix]


def test_a_known_ciphertext_of_the_key_sector():
    # From: openssl enc -aes-128-ecb -nopad -K 71776572747975696f70617364666768
    assert key_sector(bytes(16))[:16].hex() == "833daa3b134e9ecf732a3ccc32bb129f"


def only(built: bytes):
    found = find_store(built)
    assert found is not None
    return found


@pytest.mark.parametrize("prefix", VECTORS)
@pytest.mark.parametrize("at", [0, 0x1000, 0x1EE000])
def test_a_store_is_found_anywhere_under_every_key(prefix, at):
    found = only(flash(Block(0, {"a": b"value\0"}), at=at, prefix=prefix))
    assert found.key_sector is not None
    assert found.key_sector.offset == at
    assert found.device_key.reveal() == DEVICE_KEY
    assert found.prefix == prefix
    value = found.get("a")
    assert value is not None
    assert value.text() == "value"


@pytest.mark.parametrize("shift", [16, 0x230, 5])
def test_a_dump_that_begins_in_the_middle_of_a_sector(shift):
    found = only(b"\xff" * shift + store(Block(0, {"a": b"value"})))
    assert [value.name for value in found.values] == ["a"]


def test_the_newest_generation_wins_whatever_the_order():
    blocks = [Block(3, {"a": bytes([48 + n])}, generation=n, magic=TUYAOS3) for n in (4, 9, 7)]
    found = only(flash(*blocks))
    assert found.generation is Generation.TUYAOS3
    (value,) = found.values
    assert (value.text(), value.generation) == ("9", 9)


def test_a_name_twice_in_current_blocks_is_taken_from_the_higher_generation():
    found = only(flash(Block(0, {"a": b"old"}, 2), Block(1, {"a": b"new"}, 5)))
    assert [value.text() for value in found.values] == ["new"]


def test_parts_in_other_blocks_are_joined():
    value = bytes(range(200)) + b"end"
    first, second = value[:128], value[128:]
    found = only(
        flash(
            Block(0, elsewhere={"big": (value, [(1, 5, 5), (2, 9, 9)])}),
            Block(1, spare={5: first}), Block(2, spare={9: second}),
        )
    )  # fmt: skip
    big = found.get("big")
    assert big is not None
    assert big.content.reveal() == value


def test_a_value_whose_part_is_missing_is_reported_and_not_joined():
    found = only(flash(Block(0, {"a": b"here"}, elsewhere={"big": (b"x" * 128, [(7, 1, 1)])})))
    damaged = next(value for value in found.values if value.name == "big")
    assert damaged.state is ValueState.DAMAGED
    assert not damaged.content
    assert found.get("big") is None
    assert "block 7, which is not in the file" in found.findings[-1]


def test_an_interrupted_write_falls_back_to_the_older_copy():
    new = bytearray(encipher(Block(0, {"a": b"new"}, 6).plain(), data_key("8710", DEVICE_KEY)))
    new[2048:] = b"\xff" * 2048
    built = store(Block(0, {"a": b"old"}, 5)) + bytes(new)
    found = only(built)
    assert [sector.sum_ok for sector in found.sectors] == [True, False]
    (value,) = found.values
    assert value.text() == "old"
    assert "has a wrong sum" in found.findings[0]


def test_a_damaged_sector_without_an_older_copy_still_gives_its_whole_values():
    data = bytearray(Block(0, {"good": b"good", "bad": b"y" * 100}).plain())
    data[4 * 128 + 3] ^= 0xFF
    found = only(key_sector() + encipher(bytes(data), data_key("8710", DEVICE_KEY)))
    assert {value.name: value.state for value in found.values} == {
        "good": ValueState.CURRENT, "bad": ValueState.DAMAGED,
    }  # fmt: skip


def test_a_value_spoilt_in_its_newest_copy_comes_from_the_older_one():
    value = b"z" * 100
    found = only(
        flash(
            Block(0, elsewhere={"a": (value, [(1, 4, 4)])}),
            Block(1, spare={4: b"?" * 100}, generation=8),
            Block(1, spare={4: value}, generation=7),
        )
    )
    (read,) = found.values
    assert (read.state, read.content.reveal()) == (ValueState.OLDER, value)
    assert read.problem == "uses generation 7 of block 1"


def test_values_that_only_an_older_copy_has_are_kept_apart():
    found = only(flash(Block(0, {"a": b"1"}, 5), Block(0, {"a": b"0", "gone": b"2"}, 4)))
    assert [value.name for value in found.values] == ["a"]
    assert [(value.name, value.state) for value in found.older_values] == [
        ("gone", ValueState.OLDER)
    ]


def test_an_entry_without_a_name_is_kept():
    found = only(flash(Block(0, {"": b"nameless"})))
    assert [(value.name, value.text()) for value in found.values] == [("", "nameless")]


def test_a_lost_key_sector_is_replaced_by_a_key_that_many_modules_share():
    built = flash(Block(0, {"a": b"value"}), device_key=SHARED_DEVICE_KEYS[1])
    erased = built[:0x1EE000] + b"\xff" * 4096 + built[0x1EF000:]
    found = only(erased)
    assert found.key_sector is None
    assert [value.text() for value in found.values] == ["value"]
    assert "the key sector is gone" in found.findings[0]


def test_a_key_sector_alone_is_an_erased_store():
    found = only(flash())
    assert found.values == ()
    assert "the store is erased" in found.findings[0]


def test_protected_sectors_are_opened():
    found = only(protected_sector({"gw_bi": b"{}", "x": b"12345"}) + store(Block(0)))
    (sector,) = found.protected
    assert sector.complete
    assert [(entry.name, entry.content.reveal()) for entry in sector.entries] == [
        ("gw_bi", b"{}"), ("x", b"12345"),
    ]  # fmt: skip
    alone = only(protected_sector({"gw_bi": b"{}"}))
    assert alone.sectors == ()
    assert "only protected sectors are left" in alone.findings[0]


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 0x200000, b"\0" * 70000, b"CFG" * 9000])
def test_where_there_is_no_store(data):
    assert find_store(data) is None


def test_contents_do_not_show():
    found = only(flash(Block(0, {"gw_bi": b"topsecret"})))
    assert "topsecret" not in repr(found)
    assert DEVICE_KEY.hex() not in repr(found)


BASE = store(Block(0, {"user_param_key": PINS.encode()}), Block(1, {"a": b"x" * 300}))


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 8191), st.binary(min_size=1, max_size=40)), max_size=6))
def test_any_damage_to_the_plain_sectors_is_read_in_bounds(patches):
    key = data_key("8710", DEVICE_KEY)
    plain = bytearray(Block(0, {"a": b"x" * 300}).plain() + Block(1, {"b": b"y"}).plain())
    for start, data in patches:
        plain[start : start + len(data)] = data
    built = key_sector() + encipher(bytes(plain[:8192]), key)
    found = find_store(built)
    for value in found.values if found else ():
        assert len(value.content.reveal()) in {0, value.length}


@given(st.integers(0, len(BASE)))
def test_a_store_cut_anywhere_is_read_in_bounds(size):
    found = find_store(BASE[:size])
    assert found is None or len(found.sectors) <= size // 4096


@given(st.binary(max_size=4000))
def test_any_entries_of_a_protected_sector_are_read_in_bounds(inner):
    built = protected_sector({"a": inner[:3000]})
    found = only(built)
    assert found.protected[0].entries[0].content.reveal() == inner[:3000]
