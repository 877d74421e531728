"""Text fields of file formats: cut at the first NUL, and safe to show."""

from __future__ import annotations


def field_text(raw: bytes) -> str:
    """The text of a NUL-padded field; what cannot be shown becomes a replacement character.

    Names and versions come from files of strangers and end up on terminals and pages, where an
    escape sequence would be carried out.
    """
    text = raw.split(b"\0", 1)[0].decode("utf-8", errors="replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
