"""Manifests and backups on disk, from us and from anybody."""

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwire.backup import manifest as manifest_room
from groundwire.backup.manifest import (
    Manifest,
    load_backup,
    manifest_path,
    parse_manifest,
    save_backup,
)
from groundwire.errors import DamagedImage, InputUnreadable, OutputUnwritable

DATA = bytes(range(256)) * 16
GOOD = Manifest(
    chip="BK7231N",
    family="beken",
    mac="02:00:5E:10:00:01",
    flash_id="eb6015",
    flash_size=len(DATA),
    key_class="tuya",
    bootloader="N 1.0.1",
    sha256=hashlib.sha256(DATA).hexdigest(),
    digest_name="crc32",
    digests=("00112233",),
    baudrate=2_000_000,
    tool="groundwire 0",
    made_at="2026-11-20T11:00:00+00:00",
)
NAMES = [field.name for field in dataclasses.fields(Manifest)]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def test_a_manifest_is_read_back():
    assert parse_manifest(GOOD.to_json(), "m") == GOOD


def test_what_a_later_version_adds_is_ignored():
    values = json.loads(GOOD.to_json()) | {"added": 1}
    assert parse_manifest(json.dumps(values).encode(), "m") == GOOD


def test_a_backup_and_its_manifest_are_read_back(tmp_path: Path):
    path = tmp_path / "backup.bin"
    save_backup(path, DATA, GOOD)
    assert manifest_path(path) == tmp_path / "backup.bin.json"
    assert load_backup(path) == (DATA, GOOD)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.bin", "backup.bin.json"]


def test_a_dump_without_a_manifest_is_a_backup_too(tmp_path: Path):
    (tmp_path / "dump.bin").write_bytes(DATA)
    assert load_backup(tmp_path / "dump.bin") == (DATA, None)


def test_a_dump_whose_name_leaves_no_room_for_a_manifest_is_a_backup_too(tmp_path: Path):
    path = tmp_path / ("n" * 255)
    path.write_bytes(DATA)
    assert load_backup(path) == (DATA, None)


def test_bytes_that_are_not_those_of_the_manifest_are_refused(tmp_path: Path):
    path = tmp_path / "backup.bin"
    save_backup(path, DATA, GOOD)
    path.write_bytes(DATA[:-1] + b"\0")
    with pytest.raises(DamagedImage, match="its bytes are not those of its manifest"):
        load_backup(path)


def test_a_manifest_that_is_a_folder_is_unreadable_input(tmp_path: Path):
    (tmp_path / "dump.bin").write_bytes(DATA)
    (tmp_path / "dump.bin.json").mkdir()
    with pytest.raises(InputUnreadable):
        load_backup(tmp_path / "dump.bin")


def test_a_backup_that_cannot_be_saved_leaves_nothing_with_a_final_name(tmp_path, monkeypatch):
    real = manifest_room.write_atomically
    calls = []

    def second_fails(path: Path, data: bytes) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise OutputUnwritable(path=str(path), reason="No space left on device")
        real(path, data)

    monkeypatch.setattr(manifest_room, "write_atomically", second_fails)
    with pytest.raises(OutputUnwritable):
        save_backup(tmp_path / "backup.bin", DATA, GOOD)
    assert calls == [tmp_path / "backup.bin.json", tmp_path / "backup.bin"]
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"{}",
        b"\xff\xfe",
        b"{" * 100_000,
        b"[" * 100_000,
        b'{"digests": 5}',
        b'{"digests": null}',
        b"1" * 10_000,
    ],
)
def test_what_is_no_manifest_is_called_damaged(raw: bytes):
    with pytest.raises(DamagedImage, match="it is no manifest of a backup"):
        parse_manifest(raw, "m")


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_needed(name: str):
    values = json.loads(GOOD.to_json())
    del values[name]
    with pytest.raises(DamagedImage):
        parse_manifest(json.dumps(values).encode(), "m")


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(NAMES), value=anything)
def test_a_field_of_another_type_never_gets_through(name: str, value: object):
    values = json.loads(GOOD.to_json()) | {name: value}
    raw = json.dumps(values).encode()
    try:
        parsed = parse_manifest(raw, "m")
    except DamagedImage:
        return
    for field in dataclasses.fields(Manifest):
        assert type(getattr(parsed, field.name)) is type(getattr(GOOD, field.name)), field.name


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=100) | anything.map(lambda value: json.dumps(value).encode()))
def test_hostile_manifests_are_called_damaged(raw: bytes):
    with pytest.raises(DamagedImage):
        parse_manifest(raw, "m")
