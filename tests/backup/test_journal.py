"""The journal: a pointer to an unfinished job that survives whatever tears it."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwire.backup import journal as journal_room
from groundwire.backup.journal import Journal, JournalHead, read_journal
from groundwire.errors import GroundwireError, OutputUnwritable
from groundwire.quantities import Span

HEAD = JournalHead("aa" * 32, "bb" * 32, "BK7231N", "02:00:5E:10:00:01", "eb6015", "backup.bin", 9)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = (
    "job",
    "image_sha256",
    "after_sha256",
    "chip",
    "mac",
    "flash_id",
    "backup",
    "total_sectors",
    "done",
)


def write_journal(path: Path, *, done: bool) -> bytes:
    journal = Journal(path)
    journal.note_head(HEAD)
    journal.note_erase(Span(0x10000, 0x10000))
    journal.note_program((0x10000, 0x11000))
    if done:
        journal.note_done()
    journal.close()
    return path.read_bytes()


def test_a_journal_is_read_back(tmp_path: Path):
    path = tmp_path / "journal.jsonl"
    write_journal(path, done=False)
    assert read_journal(path) == (HEAD, False)
    assert path.stat().st_mode & 0o777 == 0o600
    write_journal(path, done=True)
    assert read_journal(path) == (HEAD, True)


def test_every_line_is_on_the_disk_before_the_note_returns(tmp_path: Path, monkeypatch):
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(
        journal_room.os,
        "fsync",
        lambda handle: (synced.append(os.fstat(handle).st_size), real(handle)),
    )
    journal = Journal(tmp_path / "journal.jsonl")
    sizes = []
    for note in (
        lambda: journal.note_head(HEAD),
        lambda: journal.note_erase(Span(0, 4096)),
        lambda: journal.note_program((0,)),
        journal.note_done,
    ):
        note()
        sizes.append((tmp_path / "journal.jsonl").stat().st_size)
    assert synced == sizes
    journal.close()


def test_a_journal_torn_at_every_byte_is_never_taken_for_done(tmp_path: Path):
    whole = write_journal(tmp_path / "journal.jsonl", done=True)
    head_ends = whole.index(b"\n")
    for cut in range(len(whole)):
        torn = tmp_path / "torn.jsonl"
        torn.write_bytes(whole[:cut])
        head, done = read_journal(torn)
        assert head == (HEAD if cut >= head_ends else None)
        assert done is (cut >= len(whole) - 1)


def test_a_journal_torn_anywhere_takes_further_lines(tmp_path: Path):
    whole = write_journal(tmp_path / "journal.jsonl", done=False)
    ends = [at for at, byte in enumerate(whole) if byte == ord("\n")]
    for cut in sorted({*range(0, len(whole), 23), *ends, *(at + 1 for at in ends[:-1])}):
        torn = tmp_path / "torn.jsonl"
        torn.write_bytes(whole[:cut])
        journal = Journal(torn)
        journal.note_head(HEAD)
        journal.note_done()
        journal.close()
        assert read_journal(torn) == (HEAD, True)


def test_a_disk_that_takes_half_a_line_is_asked_again(tmp_path: Path, monkeypatch):
    real = os.write
    monkeypatch.setattr(journal_room.os, "write", lambda handle, data: real(handle, data[:7]))
    write_journal(tmp_path / "journal.jsonl", done=True)
    monkeypatch.undo()
    assert read_journal(tmp_path / "journal.jsonl") == (HEAD, True)


def test_a_full_disk_is_an_error_of_the_house(tmp_path: Path):
    journal = Journal(Path("/dev/full"))
    with pytest.raises(OutputUnwritable, match="No space left on device"):
        journal.note_done()
    journal.close()
    with pytest.raises(OutputUnwritable):
        Journal(tmp_path / "missing" / "journal.jsonl")
    with pytest.raises(OutputUnwritable):
        Journal(tmp_path)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from(FIELDS), anything | st.just("write")) | anything, max_size=4
    )
)
def test_hostile_rows_give_a_head_of_the_right_types_or_none(tmp_path: Path, rows):
    path = tmp_path / "hostile.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    head, done = read_journal(path)
    assert isinstance(done, bool)
    if head is not None:
        assert all(isinstance(getattr(head, name), str) for name in FIELDS[1:7])
        assert isinstance(head.total_sectors, int)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(raw=st.binary(max_size=200))
def test_hostile_bytes_are_read_without_a_crash(tmp_path: Path, raw: bytes):
    path = tmp_path / "hostile.jsonl"
    path.write_bytes(raw)
    read_journal(path)


def test_nesting_beyond_all_measure_is_no_head(tmp_path: Path):
    path = tmp_path / "hostile.jsonl"
    path.write_bytes(b'{"job":' * 100_000 + b"\n" + b"[" * 100_000)
    assert read_journal(path) == (None, False)


def test_a_journal_beyond_all_size_is_refused(tmp_path: Path):
    path = tmp_path / "hostile.jsonl"
    path.write_bytes(b"x" * ((8 << 20) + 1))
    with pytest.raises(GroundwireError, match="larger than"):
        read_journal(path)
