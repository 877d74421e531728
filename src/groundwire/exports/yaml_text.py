"""Just enough YAML to write configuration files: maps, lists, texts, numbers and tags."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

# A separator must stand between the words, or the search for a match takes exponential time.
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[ .:/-][A-Za-z0-9_]+)*\Z")
RESERVED = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "none"}


class Tag(str):
    """A text that is written as it is, such as `!secret name`."""

    __slots__ = ()


def to_yaml(tree: Mapping[str, object], indent: int = 0) -> str:
    """The tree as block-style YAML. None is an empty value; strings are quoted where needed."""
    return "\n".join(map_lines(tree, indent)) + "\n"


def map_lines(tree: Mapping[str, object], indent: int) -> list[str]:
    """The lines of a map."""
    lines = []
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            lines += [f"{' ' * indent}{key}:", *map_lines(value, indent + 2)]
        elif is_list(value) and value:
            lines += [f"{' ' * indent}{key}:", *list_lines(value, indent + 2)]
        else:
            text = scalar(value)
            lines.append(f"{' ' * indent}{key}:{' ' if text else ''}{text}")
    return lines


def is_list(value: object) -> bool:
    """Whether a value is written as a list."""
    return isinstance(value, list | tuple)


def list_lines(items: object, indent: int) -> list[str]:
    """The lines of a list."""
    lines = []
    for item in items if isinstance(items, list | tuple) else ():
        if isinstance(item, Mapping) and item:
            inner = map_lines(item, indent + 2)
            lines += [f"{' ' * indent}- {inner[0].lstrip()}", *inner[1:]]
        else:
            lines.append(f"{' ' * indent}- {scalar(item)}")
    return lines


def scalar(value: object) -> str:
    """One value on its line."""
    if value is None or (isinstance(value, Mapping | list | tuple) and not value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Tag | int | float):
        return str(value)
    text = str(value)
    if PLAIN.match(text) and text.lower() not in RESERVED:
        return text
    return json.dumps(text)
