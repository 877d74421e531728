from __future__ import annotations

import hashlib
import json

import pytest

from corpus import corpus_folder, dump, expected
from groundwire.tuya.storage import TuyaStore, ValueState, find_store

pytestmark = pytest.mark.corpus


def names_with_storage() -> list[str]:
    try:
        folder = corpus_folder() / "dumps"
    except pytest.skip.Exception:
        return []
    return sorted(
        path.name.removesuffix(".expected.json")
        for path in folder.glob("*.expected.json")
        if "tuya_storage" in json.loads(path.read_text())["own"]
    )


def check_values(store: TuyaStore, wanted: dict) -> None:
    found = {value.name: value for value in store.values}
    assert set(found) == set(wanted)
    for name, want in wanted.items():
        got = found[name]
        assert got.state is ValueState.CURRENT
        data = got.content.reveal()
        assert hashlib.sha256(data).hexdigest() == want["sha256"], name
        assert (got.length, got.block, got.page, got.generation) == (
            want["length"], want["block"], want["page"], want["generation"],
        ), name  # fmt: skip
        if "text" in want:
            assert got.text() == want["text"]


@pytest.mark.parametrize("name", names_with_storage())
def test_every_value_of_every_store_is_what_the_reference_found(name):
    want = expected(name)["own"]["tuya_storage"]
    store = find_store(dump(name))
    if want is None:
        assert store is None
        return
    assert store is not None
    assert store.key_sector is not None
    assert store.key_sector.offset == int(want["key_sector"], 16)
    assert store.device_key.reveal().hex() == want["device_key"]
    assert (store.prefix, store.generation) == (want["prefix"], want["generation_style"])
    assert [
        (s.offset, s.magic, s.sum_ok, s.block, s.generation) for s in store.sectors
    ] == [
        (int(s["offset"], 16), int(s["magic"], 16), s["sum_ok"], s["id"], s["generation"])
        for s in want["sectors"]
    ]  # fmt: skip
    check_values(store, want["values"])
    assert [
        (p.offset, p.size, p.key.sha256(), {e.name: e.content.sha256() for e in p.entries})
        for p in store.protected
    ] == [
        (int(p["offset"], 16), p["length"], p["key_sha256"],
         {name: entry["sha256"] for name, entry in p["entries"].items()})
        for p in want["protected"]
    ]  # fmt: skip
