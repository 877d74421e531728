"""The convert job: one file made of another, of a part of it, or of several."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from groundwire.images.convert import Converted, ConvertOptions, Form, convert, cut, join
from groundwire.images.recognise import recognise

__all__ = ["Conversion", "ConvertOptions", "Form", "convert_file", "cut_part", "join_files"]


@dataclass(frozen=True, slots=True)
class Conversion:
    """A result that has been recognised anew, and what a person should know of it."""

    data: bytes
    kind: str
    notes: tuple[str, ...]


def convert_file(data: bytes, form: Form, options: ConvertOptions, name: str) -> Conversion:
    """A file in another form; containers made anew carry the time of packing.

    Raises:
        ConversionRefused: the result would not boot.
        DamagedImage, UnsupportedHere: the file cannot be opened.
    """
    dated = options if options.packed_at else replace(options, packed_at=int(time.time()))
    return _recognised(convert(data, form, dated, name))


def cut_part(data: bytes, part: str, name: str) -> Conversion:
    """One named part of an image.

    Raises:
        ConversionRefused: it has no such part.
    """
    made = cut(data, part, name)
    return Conversion(made, str(recognise(made).kind), (f"the part {part!r} of {name}",))


def join_files(pieces: Sequence[tuple[int, bytes]], name: str) -> Conversion:
    """One image of files and their flash addresses.

    Raises:
        ConversionRefused: they overlap or do not boot together.
    """
    return _recognised(join(pieces, name))


def _recognised(made: Converted) -> Conversion:
    return Conversion(made.data, str(recognise(made.data).kind), made.notes)
