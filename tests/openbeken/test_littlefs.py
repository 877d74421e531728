from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from littlefs import LittleFS

from corpus import corpus_folder, dump
from groundwire.openbeken.littlefs import find_file_systems

FILES = {
    "autoexec.bat": b"startDriver NTP\n" * 3,
    "long.bin": bytes(range(256)) * 120,
    "exact.bin": b"x" * 4096,
    "empty": b"",
    "sub/deep/inner.txt": b"hello",
}


def image(files: dict[str, bytes], blocks: int = 32, version: int = 0x20000) -> bytes:
    fs = LittleFS(block_size=4096, block_count=blocks, read_size=1, prog_size=1, cache_size=16,
                  lookahead_size=16, block_cycles=500, disk_version=version)  # fmt: skip
    for path, content in files.items():
        if "/" in path:
            fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        with fs.open(path, "wb") as file:
            file.write(content)
    return bytes(fs.context.buffer)


@pytest.mark.parametrize("version", [0x20000, 0x20001])
def test_what_the_library_wrote_is_read(version):
    flash = b"\xff" * 8192 + image(FILES, version=version) + b"\xff" * 4096
    (system,) = find_file_systems(flash)
    assert system.span.start == 8192
    assert system.block_count == 32
    assert system.disk_version == (2, version & 0xFFFF)
    assert {file.path.lstrip("/"): file.content for file in system.files} == FILES
    assert system.findings == ()
    assert system.get("autoexec.bat") == FILES["autoexec.bat"]


def test_rewritten_and_removed_files():
    fs = LittleFS(block_size=4096, block_count=16, prog_size=1, read_size=1, cache_size=16)
    for round_number in range(40):
        for name in ("a", "b", "c"):
            with fs.open(name, "wb") as file:
                file.write(f"{name}{round_number}".encode() * 20)
        if round_number % 3 == 0:
            fs.remove("b")
    (system,) = find_file_systems(bytes(fs.context.buffer))
    assert {file.path: file.content for file in system.files} == {
        "/a": b"a39" * 20, "/c": b"c39" * 20,
    }  # fmt: skip


def test_many_files_in_one_folder():
    files = {f"file{number:03}": b"%d" % number for number in range(120)}
    (system,) = find_file_systems(image(files, blocks=64))
    assert {file.path.lstrip("/"): file.content for file in system.files} == files


def test_with_one_superblock_lost_the_other_is_used():
    contents = []
    for lost in (0, 1):
        flash = bytearray(b"\xff" * 4096 + image(FILES))
        flash[4096 * (1 + lost) : 4096 * (2 + lost)] = b"\xff" * 4096
        (system,) = find_file_systems(bytes(flash))
        assert system.span.start == 4096
        contents.append(system.get("long.bin"))
    # Commits go to one of the two blocks; the other holds an older state, here an empty one.
    assert sorted(content is None for content in contents) == [False, True]
    assert FILES["long.bin"] in contents


def test_a_file_system_cut_short_says_so():
    (system,) = find_file_systems(image(FILES)[: 4096 * 6])
    assert any("declared" in finding for finding in system.findings)


GOOD = image(FILES, blocks=16)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 4096 * 9), st.binary(min_size=1, max_size=12)), max_size=8)
)
def test_any_damage_is_read_in_bounds(patches):
    flash = bytearray(GOOD)
    for start, data in patches:
        flash[start : start + len(data)] = data
    for system in find_file_systems(bytes(flash)):
        assert sum(len(file.content or b"") for file in system.files) <= 16 * 1024 * 1024


@pytest.mark.corpus
def test_files_of_every_dump_agree_with_the_reference():
    checked = 0
    for path in sorted((corpus_folder() / "dumps").glob("*.expected.json")):
        want = json.loads(path.read_text())["own"].get("littlefs")
        if not want:
            continue
        systems = find_file_systems(dump(path.name.removesuffix(".expected.json")))
        assert len(systems) == len(want)
        for system, wanted in zip(systems, want, strict=True):
            assert system.span.start == int(wanted["offset"], 16)
            assert system.block_count == wanted["block_count"]
            assert system.name_max == wanted["name_max"]
            assert ".".join(map(str, system.disk_version)) == wanted["disk_version"]
            assert {
                file.path: (file.size, hashlib.sha256(file.content or b"").hexdigest())
                for file in system.files
            } == {name: (f["size"], f["sha256"]) for name, f in wanted["files"].items()}
            checked += 1
    assert checked
