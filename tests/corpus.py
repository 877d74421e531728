"""The folder of real dumps and logs; tests that need it skip where it is not there."""

from __future__ import annotations

import json
import lzma
import os
from pathlib import Path
from typing import Any

import pytest


def corpus_folder() -> Path:
    """The folder, from GROUNDWIRE_CORPUS or beside the repository; skips if there is none."""
    named = os.environ.get("GROUNDWIRE_CORPUS")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no folder of real dumps: set GROUNDWIRE_CORPUS")
    return folder


def dump(name: str) -> bytes:
    """The bytes of the dump `name` (without its suffix)."""
    return lzma.decompress((corpus_folder() / "dumps" / f"{name}.bin.xz").read_bytes())


def expected(name: str) -> dict[str, Any]:
    """What reference tools found in the dump `name`."""
    found: dict[str, Any] = json.loads(
        (corpus_folder() / "dumps" / f"{name}.expected.json").read_text()
    )
    return found
