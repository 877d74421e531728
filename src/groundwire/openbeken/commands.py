"""Passwords inside OpenBeken commands."""

from __future__ import annotations

import re

from groundwire.secret import MASK

# Bounded repetitions: the text comes from a module and may be made to keep the search busy.
PASSWORD = re.compile(r"(?i)\b(\w{0,20}pass\w{0,20}|psk\w{0,20}|token\w{0,20})([ \t]+)([^;\r\n]+)")
CREDENTIALS_IN_ADDRESS = re.compile(r"(?i)(\w{1,12}://)[^\s/@;\"']{1,200}@")


def without_passwords(text: str) -> str:
    """The commands as they may be shown: arguments of password commands masked."""
    masked = PASSWORD.sub(lambda match: f"{match[1]}{match[2]}{MASK}", text)
    return CREDENTIALS_IN_ADDRESS.sub(lambda match: f"{match[1]}{MASK}@", masked)
