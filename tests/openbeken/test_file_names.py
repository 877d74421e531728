from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.openbeken.file_names import extraction_plan, safe_path
from groundwire.openbeken.littlefs import StoredFile


@pytest.mark.parametrize(
    ("stored", "safe"),
    [
        ("/autoexec.bat", "autoexec.bat"),
        ("/../../etc/passwd", "%2E%2E/%2E%2E/etc/passwd"),
        ("/a/./b", "a/%2E/b"),
        ("/C:\\Windows\\x", "C%3A%5CWindows%5Cx"),
        ("/con.txt", "_con.txt"),
        ("/na\nme\0", "na%0Ame%00"),
        ("/trailing. ", "trailing"),
        ("//", "unnamed"),
        ("", "unnamed"),
        ("/\u00e9", "%C3%A9"),
    ],
)
def test_strange_names(stored, safe):
    assert safe_path(stored) == safe


@given(st.lists(st.text(st.sampled_from("aA./\\:~\0.. c"), max_size=12), max_size=12))
def test_no_file_leaves_its_folder_or_hides_another(paths):
    plan = extraction_plan(StoredFile(path, 1, b"x") for path in paths)
    assert len(plan) == len(paths)
    lowered = [PurePosixPath(path.lower()) for path in plan]
    assert len(set(lowered)) == len(lowered)
    for path in plan:
        for kind in (PurePosixPath, PureWindowsPath):
            parsed = kind(path)
            assert not parsed.is_absolute()
            assert not parsed.drive
            assert ".." not in parsed.parts
    for path in lowered:
        assert not set(path.parents) & set(lowered)


def test_names_that_one_system_takes_for_the_same():
    stored = ("/a", "/A", "/a/b", "/d/e", "/d", "/~2")
    plan = extraction_plan(StoredFile(path, 1, path.encode()) for path in stored)
    assert plan == {
        "a": b"/a", "~2/A": b"/A", "~3/a/b": b"/a/b", "d/e": b"/d/e", "~2/d": b"/d", "%7E2": b"/~2",
    }  # fmt: skip


def test_as_many_names_as_a_file_system_may_hold():
    assert len(extraction_plan(StoredFile("/same", 1, b"x") for _ in range(2048))) == 2048


def test_files_that_cannot_be_read_are_left_out():
    assert extraction_plan([StoredFile("/a", 5, None), StoredFile("/b", 1, b"x")]) == {"b": b"x"}
