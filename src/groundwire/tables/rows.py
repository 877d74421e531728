"""Strict reading of fact tables: TOML rows into frozen dataclasses, nothing unknown let through."""

from __future__ import annotations

import dataclasses
import tomllib
from enum import Enum
from importlib import resources
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from groundwire.errors import InternalError

Row = TypeVar("Row")
EVIDENCE = ("measured", "datasheet", "reported")


def load_rows(package: str, file: str, table: str, row_type: type[Row]) -> tuple[Row, ...]:
    """The rows of one table of a TOML file of the package, as `row_type`.

    Enum fields are written by member name. A defect in the file is a defect of groundwire:
    it raises `InternalError`, and a test loads every table.
    """
    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    rows = tomllib.loads(text).get(table)
    if not isinstance(rows, list) or not rows:
        raise InternalError(detail=f"{file}: no table [[{table}]]")
    hints = get_type_hints(row_type)
    return tuple(
        build_row(row, row_type, hints, f"{file} [[{table}]] row {number}")
        for number, row in enumerate(rows, 1)
    )


def build_row(row: dict[str, Any], row_type: type[Row], hints: dict[str, Any], at: str) -> Row:
    """One row, every key known, every required key there, `evidence` one of the three words."""
    unknown = set(row) - set(hints)
    if unknown:
        raise InternalError(detail=f"{at}: unknown keys {sorted(unknown)}")
    if not row.get("source") or row.get("evidence") not in EVIDENCE:
        raise InternalError(detail=f"{at}: needs a source and evidence of {EVIDENCE}")
    if not dataclasses.is_dataclass(row_type):
        raise InternalError(detail=f"{at}: {row_type} is no row type")
    values = {name: convert(value, hints[name], f"{at}, {name}") for name, value in row.items()}
    try:
        return row_type(**values)
    except TypeError as error:
        raise InternalError(detail=f"{at}: {error}") from error


def convert(value: object, hint: Any, at: str) -> object:
    """A TOML value as the type that the row declares."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        (hint,) = (argument for argument in arguments if argument is not NoneType)
        return convert(value, hint, at)
    if origin is tuple and isinstance(value, list):
        return tuple(convert(item, arguments[0], at) for item in value)
    if isinstance(hint, type) and issubclass(hint, Enum) and isinstance(value, str):
        if value not in hint.__members__:
            raise InternalError(detail=f"{at}: no {hint.__name__} {value!r}")
        return hint[value]
    if hint is float and type(value) is int:
        return float(value)
    if not isinstance(hint, type) or type(value) is not hint:
        raise InternalError(detail=f"{at}: {value!r} is not {hint}")
    return value
