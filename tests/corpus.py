"""The folder of real dumps and logs, for tests marked `corpus`.

It is not part of the repository: it is found through GROUNDWIRE_CORPUS, or beside the checkout in
`shared/data`. Where it is missing, the tests that need it are skipped and say so.
"""

from __future__ import annotations

import functools
import json
import lzma
import os
from pathlib import Path
from typing import Any

import pytest


def _candidates() -> list[Path]:
    named = os.environ.get("GROUNDWIRE_CORPUS")
    if named:
        return [Path(named)]
    return [Path(__file__).resolve().parents[2] / "shared" / "data"]


def corpus_folder() -> Path:
    """The folder that holds `dumps/` and `logs/`; skips the test where there is none."""
    for folder in _candidates():
        if (folder / "dumps").is_dir():
            return folder
    pytest.skip("no corpus: set GROUNDWIRE_CORPUS to the folder that holds dumps/ and logs/")


def dump_names() -> list[str]:
    """The names of all dumps, sorted; empty where there is no corpus, for parametrising."""
    for folder in _candidates():
        if (folder / "dumps").is_dir():
            found = (folder / "dumps").glob("*.bin.xz")
            return sorted(path.name.removesuffix(".bin.xz") for path in found)
    return []


@functools.lru_cache(maxsize=4)
def dump(name: str) -> bytes:
    """The bytes of one dump, unpacked."""
    return lzma.decompress((corpus_folder() / "dumps" / f"{name}.bin.xz").read_bytes())


def expected(name: str) -> dict[str, Any]:
    """What the reference tools extracted from one dump; only to compare with, never to read from."""
    path = corpus_folder() / "dumps" / f"{name}.expected.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
