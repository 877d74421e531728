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
    taken, folders = set[str](), set[str]()
    numbers: dict[str, int] = {}
    for file in files:
        if file.content is None:
            continue
        path = base = safe_path(file.path)
        lowered = base.lower()
        while clashes(path.lower(), taken, folders):
            # In front, because a number behind "a/b" does not help where "a" is a file. No stored
            # name begins so: "~" is written %7E.
            numbers[lowered] = numbers.get(lowered, 1) + 1
            path = f"~{numbers[lowered]}/{base}"
        taken.add(path.lower())
        folders.update(ancestors(path.lower()))
        plan[path] = file.content
    return plan


def clashes(path: str, taken: set[str], folders: set[str]) -> bool:
    """Whether a path is used, or would be both a file and a folder."""
    return path in taken or path in folders or any(name in taken for name in ancestors(path))


def ancestors(path: str) -> list[str]:
    """The folders above a path."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
