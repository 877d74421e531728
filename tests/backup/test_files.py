"""Files that are whole or absent, and what is said where they cannot be."""

import stat
from pathlib import Path

import pytest

from groundwire.backup import files
from groundwire.backup.files import check_writable, make_folder, read_input, write_atomically
from groundwire.errors import InputUnreadable, OutputUnwritable

LONGEST_NAME = "n" * 255


@pytest.fixture
def small_disk(monkeypatch):
    """A disk on which a write fails at its end, as a full one does."""

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)


def test_a_file_is_written_whole_and_for_its_owner_only(tmp_path: Path):
    path = tmp_path / "backup.bin"
    write_atomically(path, b"content")
    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["backup.bin"]


def test_a_name_that_is_taken_stays_as_it_is(tmp_path: Path):
    path = tmp_path / "backup.bin"
    path.write_bytes(b"precious")
    for act in (lambda: write_atomically(path, b"new"), lambda: check_writable(path, 1)):
        with pytest.raises(OutputUnwritable, match="a file of that name exists already"):
            act()
    assert path.read_bytes() == b"precious"
    write_atomically(path, b"new", replace=True)
    assert path.read_bytes() == b"new"


def test_a_link_that_leads_nowhere_counts_as_taken(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputUnwritable, match="exists already"):
        write_atomically(tmp_path / "link", b"")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, small_disk):
    with pytest.raises(OutputUnwritable, match="No space left on device"):
        write_atomically(tmp_path / "backup.bin", b"content")
    assert [path.name for path in tmp_path.iterdir()] == []


def test_too_little_room_is_found_out_before_the_job(tmp_path: Path):
    with pytest.raises(OutputUnwritable):
        check_writable(tmp_path / "backup.bin", 1 << 60)
    assert [path.name for path in tmp_path.iterdir()] == []
    check_writable(tmp_path / "backup.bin", 1 << 20)
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "name",
    ["missing/backup.bin", "file/backup.bin", "x" * 256, "zero\0byte", "half a \ud800 pair"],
)
def test_every_impossible_name_is_an_error_of_the_house(tmp_path: Path, name: str):
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / name
    for act in (lambda: write_atomically(path, b"x"), lambda: check_writable(path, 1)):
        with pytest.raises(OutputUnwritable) as caught:
            act()
        assert caught.value.reason
    with pytest.raises(InputUnreadable) as caught_input:
        read_input(path)
    assert caught_input.value.reason
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_longest_name_that_a_disk_takes_can_be_written(tmp_path: Path):
    path = tmp_path / LONGEST_NAME
    check_writable(path, 1)
    write_atomically(path, b"x")
    assert path.read_bytes() == b"x"


def test_a_folder_is_for_its_owner_only_and_may_exist(tmp_path: Path):
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    (tmp_path / "file").write_bytes(b"")
    for name in ("file", "file/below", "x" * 256, "zero\0byte"):
        with pytest.raises(OutputUnwritable):
            make_folder(tmp_path / name)


def test_input_is_bounded_and_a_folder_is_none(tmp_path: Path):
    path = tmp_path / "image"
    path.write_bytes(bytes(100))
    assert read_input(path) == bytes(100)
    assert read_input(path, 100) == bytes(100)
    with pytest.raises(InputUnreadable, match="larger than any flash image"):
        read_input(path, 99)
    with pytest.raises(InputUnreadable, match="Is a directory"):
        read_input(tmp_path)
    with pytest.raises(InputUnreadable, match="No such file or directory"):
        read_input(tmp_path / "missing")
    with pytest.raises(InputUnreadable, match="larger than any"):
        read_input(Path("/dev/zero"), 1 << 16)
