"""Masks what must not leave the machine from text that a module printed.

Source: boot-logs, section 7.
"""

from __future__ import annotations

import re

_BRACKETED = re.compile(r"((?:Using|Connecting to) (?:SSID|Pass\w*) ?[\[(])[^\])]*")
_MAC = re.compile(
    r"\b([0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2})(?:[:-] ?[0-9A-Fa-f]{1,2}){3}\b"
)
_KEY_BYTES = re.compile(r"\b(?:(?:0x)?[0-9A-Fa-f]{1,2} ){12,}(?:0x)?[0-9A-Fa-f]{0,2}")
_NAMED_SECRET = re.compile(
    r"((?:auth_?key|uuid|pid|psk|passw(?:or)?d|pwd|token|secret|local_?key)\"?\s*[:=]\s*\"?)"
    r"[^\s\",;]{4,}",
    re.IGNORECASE,
)
_WIFI_NAME = re.compile(r"((?:\bb?ssid)[=:]\s?)(?!OpenB|tuya)[^\s,]+", re.IGNORECASE)


def redact(text: str) -> str:
    """`text` with network names, passwords, keys and the second half of MAC addresses masked."""
    text = _BRACKETED.sub(r"\1***", text)
    text = _KEY_BYTES.sub("(bytes masked) ", text)
    text = _NAMED_SECRET.sub(r"\1***", text)
    text = _WIFI_NAME.sub(r"\1***", text)
    return _MAC.sub(r"\1:**:**:**", text)
