"""Compare everything that `inspect` reads from a file with what reference tools said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundwire.images.agreement import Comparison, compare_image
from groundwire.images.beken.content import read_content
from groundwire.images.kinds import ImageKind
from groundwire.jobs.inspect import inspect_bytes
from groundwire.openbeken.agreement import compare_openbeken
from groundwire.openbeken.easyflash import find_areas
from groundwire.quantities import Span
from groundwire.tuya.agreement import compare_settings

__all__ = ["Comparison", "compare_dump"]


def compare_dump(data: bytes, document: Mapping[str, Any]) -> list[Comparison]:
    """All values of one file that the reference document also has.

    The file is read first and by itself: the document is only compared with.
    """
    seen = inspect_bytes(data)
    content = read_content(data)
    app = content.app if content is not None else None
    areas = find_areas(content.flash if content is not None else data)
    out = compare_image(data, document)
    own = document.get("own") or {}
    if own.get("chip_guess") and seen.recognition.kind is ImageKind.SETTINGS_ONLY:
        out.append(Comparison("chip", seen.chip or None, own["chip_guess"]))

    def file_offset(address: int) -> int:
        return content.file_span(Span(address, 0)).start if content is not None else address

    base = app.logical if app is not None else 0
    out += compare_settings(seen.device, base, file_offset, document)
    out += compare_openbeken(seen.configs, seen.file_systems, areas, seen.wiring, document)
    return out
