"""Takes out of text what names a person, a network, a computer or one module."""

from __future__ import annotations

import re
from typing import Final

from groundwire.bootlog.lines import escape
from groundwire.bootlog.redact import redact, secrets_in
from groundwire.jobs.boot_watch import POINT, POINT_MASK
from groundwire.jobs.report import MARKUP, mask_text

LINE_CHARS: Final = 300
LEARNED_MOST: Final = 64
BARE_MAC: Final = re.compile(r"(?<![0-9A-Fa-f])([0-9A-Fa-f]{6})[0-9A-Fa-f]{6}(?![0-9A-Fa-f])")
SPACED_MAC: Final = re.compile(
    r"\b([0-9A-Fa-f]{2}[:-] ?[0-9A-Fa-f]{1,2}[:-] ?[0-9A-Fa-f]{1,2})"
    r"(?:[:-] ?[0-9A-Fa-f]{1,2}){3}(?![0-9A-Fa-f])"
)
ADDRESS: Final = re.compile(
    r"\b(?!0\.0\.0\.0|255\.|192\.168\.4\.1\b)(?:\d{1,3}\.){3}\d{1,3}\b(?!\.)"
)
LONG_HEX: Final = re.compile(
    r"(?<![0-9A-Za-z])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{24,}\b", re.IGNORECASE
)


class Mask:
    """Takes out of a text what names a person, a network, a computer or one module."""

    def __init__(self, *, show_mac: bool) -> None:
        self._show_mac = show_mac
        self._learned: set[str] = set()

    def learn(self, text: str) -> None:
        """Remember the names and passwords that a line gives away; they may stand elsewhere too."""
        if len(self._learned) < LEARNED_MOST:
            self._learned.update(secrets_in(text))

    def __call__(self, text: str) -> str:
        for secret in self._learned:
            text = text.replace(secret, "***")
        text = redact(text) if not self._show_mac else _redact_but_mac(text)
        text = LONG_HEX.sub("(masked)", text)
        text = ADDRESS.sub("(address)", text)
        if not self._show_mac:
            text = SPACED_MAC.sub(r"\1:**:**:**", mask_text(text))
            text = BARE_MAC.sub(r"\1xxxxxx", text)
            text = POINT.sub(POINT_MASK, text)
        return text


def _redact_but_mac(text: str) -> str:
    """All that `redact` masks but MAC addresses, which the user wants to show."""
    macs = SPACED_MAC.findall(text)
    if not macs:
        return redact(text)
    parts, at = [], 0
    for found in SPACED_MAC.finditer(text):
        parts += [redact(text[at : found.start()]), found[0]]
        at = found.end()
    return "".join([*parts, redact(text[at:])])


def _on_one_line(text: str, mask: Mask) -> str:
    return escape(mask(text).replace("\n", " ").replace("\r", " "), LINE_CHARS)


def plain(text: str, mask: Mask) -> str:
    """Outside text on one line of Markdown that cannot form markup."""
    shown = MARKUP.sub(r"\\\1", _on_one_line(text, mask))
    return shown.replace("<", "&lt;").replace(">", "&gt;")


def fenced(text: str, mask: Mask) -> str:
    """Outside text as a line inside a fence, which it cannot end."""
    shown = _on_one_line(text, mask)
    return f" {shown}" if shown.startswith(("~", "`")) else shown
