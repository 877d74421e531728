"""Names for files that come out of a module: none may leave the folder they are written to."""

from __future__ import annotations

from collections.abc import Iterable

from groundwire.openbeken.littlefs import StoredFile

NAME_LIMIT = 100
RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in
                                  range(10))}
)  # fmt: skip
SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+ ()")


def safe_name(stored: str) -> str:
    """One path component as a name that every system can hold; strange signs become %XX."""
    name = "".join(
        sign
        if sign in SAFE
        else "".join(f"%{byte:02X}" for byte in sign.encode("utf-8", "replace"))
        for sign in stored
    ).rstrip(". ")
    if not name.strip(". "):
        name = "".join(f"%{ord(sign):02X}" for sign in stored[:8] if ord(sign) < 256) or "unnamed"
    if name.split(".")[0].lower() in RESERVED:
        name = f"_{name}"
    return name[:NAME_LIMIT]


def safe_path(stored: str) -> str:
    """A stored path as a relative path with safe components, `/` between them."""
    parts = [part for part in stored.split("/") if part]
    return "/".join(safe_name(part) for part in parts[:32]) or "unnamed"


def extraction_plan(files: Iterable[StoredFile]) -> dict[str, bytes]:
    """Relative path to content for every file that can be read.

    Two names that one file system would take for the same get different ones, and no file takes
    the place of another's folder.
    """
    plan: dict[str, bytes] = {}
    taken: set[str] = set()
    for file in files:
        if file.content is None:
            continue
        path = base = safe_path(file.path)
        number = 1
        while clashes(path.lower(), taken):
            number += 1
            path = f"{base}~{number}"
        taken.add(path.lower())
        plan[path] = file.content
    return plan


def clashes(path: str, taken: set[str]) -> bool:
    """Whether a path is used, or would be both a file and a folder."""
    return any(
        path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")
        for other in taken
    )
