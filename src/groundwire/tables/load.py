"""Strict loading of TOML fact tables into typed rows.

Every row becomes a frozen dataclass. A key the class does not have, a key it needs and the row
lacks, a value of another type, or a row without `evidence` and `source` is an error: a fact whose
origin nobody knows cannot be corrected.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Row = TypeVar("Row")


class EvidenceKind(StrEnum):
    """How surely a fact is known."""

    MEASURED = "measured"
    DATASHEET = "datasheet"
    REPORTED = "reported"


class BadTable(Exception):
    """A fact table is malformed: a defect of the package, found by its tests."""


@cache
def _document(package: str, file: str) -> dict[str, Any]:
    text = resources.files(package).joinpath(file).read_text("utf-8")
    return tomllib.loads(text)


def _convert(value: object, wanted: Any, where: str) -> object:
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(item, arguments[0], where) for item in value)
    if isinstance(wanted, types.UnionType):
        inner = next(part for part in arguments if part is not type(None))
        return _convert(value, inner, where)
    if dataclasses.is_dataclass(wanted) and isinstance(value, dict):
        return _row(value, wanted, where)
    if isinstance(wanted, type) and issubclass(wanted, StrEnum) and isinstance(value, str):
        if value not in set(wanted):
            raise BadTable(f"{where}: {value!r} is none of {[str(word) for word in wanted]}")
        return wanted(value)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(wanted, type) and type(value) is wanted:
        return value
    raise BadTable(f"{where}: {value!r} is not {wanted}")


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


def _row(raw: dict[str, Any], cls: Any, where: str) -> Any:
    hints = _hints(cls)  # worked out once for a class: a table has hundreds of rows
    known = {field.name: field for field in dataclasses.fields(cls)}
    if unknown := raw.keys() - known.keys():
        raise BadTable(f"{where}: unknown keys {sorted(unknown)}")
    values: dict[str, object] = {}
    for name, field in known.items():
        if name in raw:
            values[name] = _convert(raw[name], hints[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise BadTable(f"{where}: {name} is missing")
    return cls(**values)


@cache
def _rows(package: str, file: str, table: str, cls: Any) -> tuple[Any, ...]:
    rows = _document(package, file).get(table)
    if not isinstance(rows, list):
        raise BadTable(f"{file}: no rows [[{table}]]")
    return tuple(_row(raw, cls, f"{file}: {table}[{at}]") for at, raw in enumerate(rows))


def load_rows(package: str, file: str, table: str, cls: type[Row]) -> tuple[Row, ...]:
    """All rows `[[table]]` of a TOML file inside a package, each as a `cls`; read once.

    Raises:
        BadTable: the file does not fit the class; a defect of the package.
    """
    key: Any = cls
    found: tuple[Row, ...] = _rows(package, file, table, key)
    return found
