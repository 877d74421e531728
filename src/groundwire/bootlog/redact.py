"""Masks what must not leave the machine from text that a module printed.

Source: boot-logs, section 7.
"""

from __future__ import annotations

import re

from groundwire.bootlog.approx import Phrase, PhraseBook

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
_MQTT = re.compile(r"(mqtt_(?:user ?name|pass\w*|client ?id|host)[ :=]+)[^\s,]+", re.IGNORECASE)
_WIFI_NAME = re.compile(r"((?:\bb?ssid)[=:]\s?)(?!OpenB|tuya)[^\s,]+", re.IGNORECASE)


_NAMING = PhraseBook(
    Phrase(words, words, 3) for words in ("Using SSID [", "Using Pass [", "Connecting to SSID [")
)
_AFTER_BRACKET = re.compile(r"(?<=[\[({]).*")
_SECRET = re.compile(r"(?:Using|Connecting to) (?:SSID|Pass\w*) ?[\[(]([^\])]{4,64})")
KEPT_CHARS = 12


def secrets_in(text: str) -> tuple[str, ...]:
    """Names and passwords of networks in a line, so that they can be masked wherever they stand."""
    return tuple(_SECRET.findall(text))


def redact(text: str) -> str:
    """`text` with network names, passwords, keys and the second half of MAC addresses masked."""
    masked = _BRACKETED.sub(r"\1***", text)
    if masked == text and _NAMING.find(text):
        # the line is damaged: what would have been masked may stand anywhere behind its beginning
        masked, count = _AFTER_BRACKET.subn("***", text)
        masked = masked if count else f"{text[:KEPT_CHARS]}***"
    text = masked
    text = _KEY_BYTES.sub("(bytes masked) ", text)
    text = _MQTT.sub(r"\1***", text)
    text = _NAMED_SECRET.sub(r"\1***", text)
    text = _WIFI_NAME.sub(r"\1***", text)
    return _MAC.sub(r"\1:**:**:**", text)
