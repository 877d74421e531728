"""Beken images from one form into another, each refused when the result would not boot."""

from __future__ import annotations

from dataclasses import dataclass, replace

from groundwire.errors import ConversionRefused, ImageError
from groundwire.images import uf2
from groundwire.images.beken import package, ug
from groundwire.images.beken.build import SDK_APP, TUYA_APP, PartitionRecipe, code_partition
from groundwire.images.beken.cipher import (
    KNOWN_KEYS,
    OTHER,
    KeyStream,
    known_stream,
    parse_key,
    stream_from_words,
)
from groundwire.images.beken.code_area import APP_LOGICAL, APP_START, CodeArea
from groundwire.images.beken.content import BekenContent, read_content
from groundwire.images.beken.identify import identify
from groundwire.images.kinds import Form, ImageKind, Recognition
from groundwire.images.recognise import recognise
from groundwire.quantities import hex_address, size_text

# The key sets that are known to be in chips. N and M are the same chip apart from it.
# Source: beken-images, section 2.5.
_KEYS_OF_CHIPS: dict[str, tuple[str, ...]] = {
    "BK7231T": ("tuya",),
    "BK7231U": ("zero",),
    "BK7231Q": ("zero",),
    "BK7231N": ("tuya", "uascent"),
    "BK7231M": ("zero",),
    "BL2028N": ("zero", "tuya"),
    "BK7238": ("zero",),
    "BK7252": ("zero", "tuya"),
    "BK7252N": ("zero",),
}
_SAME_CODE = ({"BK7231N", "BK7231M", "BL2028N"},)
_TUYA_LAYOUT = {"BK7231T", "BK7231N", "BK7231M"}
_UPDATE_ROOM = {"BK7231Q": 0xCC000, "BK7231T": 0xA6000, "BK7231N": 0xA6000, "BK7231M": 0xA6000}
_UPDATE_ROOM_SDK = 0xAE000
_SECTOR = 4096


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """What a conversion may need that the file does not say.

    `key` is a known key set or 32 hex digits, "" for the file's own; `bootloader` is a file that
    holds one; `chip` chooses where the file fits several; `version` and `packed_at` go into a new
    container's header.
    """

    key: str = ""
    bootloader: bytes = b""
    chip: str = ""
    version: str = ""
    packed_at: int = 0


@dataclass(frozen=True, slots=True)
class Converted:
    """A converted file, and what a person should know of it."""

    data: bytes
    form: Form
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """What a Beken file offers to a conversion; the application is plain."""

    name: str
    recognition: Recognition
    content: BekenContent | None
    plain: bytes
    stream: KeyStream | None
    version: str
    packed_at: int

    def refuse(self, form: Form, reason: str, advice: str = "") -> ConversionRefused:
        return ConversionRefused(name=self.name, form=str(form), reason=reason, advice=advice)


def convert(data: bytes, form: Form, options: ConvertOptions, name: str) -> Converted:
    """Convert a Beken file; `name` is what errors call it.

    Raises ConversionRefused, and DamagedImage where the file cannot be opened at all.
    """
    source = _read(data, form, name)
    if form is Form.QIO:
        return _to_qio(source, options)
    if form is Form.UA:
        return _to_ua(source, options)
    if form is Form.DUMP:
        return _to_dump(source)
    if form in {Form.PLAIN, Form.ENCIPHERED}:
        return _to_code(source, form, options)
    if form in {Form.RBL, Form.UG}:
        return _to_update(source, form, options)
    raise source.refuse(form, "this is a Beken file")


# --- reading --------------------------------------------------------------------------------------


def _read(data: bytes, form: Form, name: str) -> _Source:
    found = recognise(data)
    if found.family != "beken":
        raise ConversionRefused(name=name, form=str(form), reason=f"it is {found.kind}")
    if found.kind is ImageKind.UG:
        data = ug.parse(data).payload
    if found.kind in {ImageKind.UG, ImageKind.RBL}:
        opened = package.unpack(data)
        _refuse_damaged(found, form, name)
        header = opened.header
        return _Source(name, found, None, opened.payload, None, header.version, header.packed_at)
    if found.kind is ImageKind.PLAIN_APP:
        stream = known_stream(found.key_class) if found.key_class else known_stream("zero")
        return _Source(name, found, None, stream.apply(data, APP_LOGICAL), None, "", 0)
    if found.kind is ImageKind.UF2:
        _refuse_damaged(found, form, name)
        parts = uf2.parse(data).extract(uf2.Scheme.FLASHER_SINGLE)
        data = next((part.data for part in parts if part.name == "app"), b"")
    content = read_content(data)
    if content is None:
        raise ConversionRefused(name=name, form=str(form), reason="it holds no code")
    return _from_content(content, identify(content), name)


def _refuse_damaged(found: Recognition, form: Form, name: str) -> None:
    if found.obstacles:
        reason = f"it is damaged: {found.obstacles[0]}"
        raise ConversionRefused(name=name, form=str(form), reason=reason)


def _from_content(content: BekenContent, found: Recognition, name: str) -> _Source:
    app = content.app
    if app is None or app.stream is None:
        return _Source(name, found, content, b"", None, "", 0)
    size = app.code_size
    version, packed_at = "", 0
    if app.container is not None and app.container_ok is not False:
        header = app.container.header
        size, version, packed_at = header.payload_size, header.version, header.packed_at
    plain = app.stream.apply(app.stored[:size], app.logical)
    return _Source(name, found, content, plain, app.stream, version, packed_at)


def _sound_app(source: _Source, form: Form) -> None:
    """Refuse an application that is missing or damaged."""
    content = source.content
    if content is None:
        return
    if content.app is None or content.app.stream is None:
        raise source.refuse(form, "it holds no application that can be deciphered")
    if content.app.damaged:
        first = content.file_span(content.app.damaged[0])
        raise source.refuse(
            form,
            f"its application is damaged at {first}",
            "read the dump again at a lower speed, or take the release file",
        )


# --- application, with checksums ------------------------------------------------------------------


def _chip(source: _Source, options: ConvertOptions, form: Form) -> str:
    chips = source.recognition.chips
    if not options.chip:
        return chips[0] if chips else ""
    same = next((group for group in _SAME_CODE if options.chip in group), {options.chip})
    if chips and not same & set(chips):
        reason = f"it is for {' or '.join(chips)}, not for {options.chip}"
        raise source.refuse(form, reason, "choose the release file for that chip")
    return options.chip


def _stream(source: _Source, options: ConvertOptions, form: Form) -> KeyStream:
    """The stream of the result: the asked one, the file's own, or the chip's only one."""
    if options.key in KNOWN_KEYS:
        return known_stream(options.key)
    if options.key:
        try:
            return stream_from_words(OTHER, parse_key(options.key))
        except ValueError as error:
            known = ", ".join(KNOWN_KEYS)
            advice = f"choose of {known}, or give 32 hex digits"
            raise source.refuse(form, f"{options.key!r} is no key", advice) from error
    if source.stream is not None and not options.chip:
        return source.stream
    keys = _KEYS_OF_CHIPS.get(_chip(source, options, form), ())
    if source.stream is not None and source.stream.name in keys:
        return source.stream
    if not keys or (not options.chip and len(source.recognition.chips) > 1):
        chips = " or ".join(source.recognition.chips)
        raise source.refuse(
            form, f"it does not say which key set it is for ({chips})", "name the chip or the key"
        )
    return known_stream(keys[0])


def _check_key(source: _Source, chip: str, key: str, form: Form) -> str:
    """The chip that the result is for, given its key set; refuses where there is no such chip."""
    if key not in KNOWN_KEYS:
        return chip
    group = next((same for same in _SAME_CODE if chip in same), {chip})
    fitting = [one for one in sorted(group) if key in _KEYS_OF_CHIPS.get(one, ())]
    if chip in fitting or not chip:
        return chip
    if not fitting:
        keys = " or ".join(_KEYS_OF_CHIPS.get(chip, ()))
        raise source.refuse(
            form,
            f"no {chip} with the key set {key!r} is known, it would not start",
            f"use the key set {keys}",
        )
    return "BK7231M" if "BK7231M" in fitting else fitting[0]


def _recipe(chip: str, source: _Source, options: ConvertOptions) -> PartitionRecipe:
    recipe = TUYA_APP if chip in _TUYA_LAYOUT else SDK_APP
    return replace(
        recipe,
        version=options.version or source.version or recipe.version,
        packed_at=options.packed_at or source.packed_at,
    )


def _end_of(app: CodeArea) -> int:
    """The end of what is copied: without a container, erased bytes behind show the code's end."""
    if app.container is not None:
        return app.end
    return (app.used.end // _SECTOR + 2) * _SECTOR


def _app_partition(source: _Source, form: Form, options: ConvertOptions) -> tuple[bytes, str]:
    """The application as it goes to 0x11000, and the chip it is for."""
    _sound_app(source, form)
    stream = _stream(source, options, form)
    chip = _check_key(source, _chip(source, options, form), stream.name, form)
    content = source.content
    app = content.app if content is not None else None
    own = source.stream
    if content is not None and app is not None and own is not None and stream.same_stream(own):
        return content.flash[app.start - content.base : _end_of(app) - content.base], chip
    try:
        return code_partition(source.plain, stream, _recipe(chip, source, options)), chip
    except ImageError as error:
        raise source.refuse(form, error.what) from error


def _to_ua(source: _Source, options: ConvertOptions) -> Converted:
    data, chip = _app_partition(source, Form.UA, options)
    where = f"for {chip or 'this chip'}: goes to {hex_address(APP_START)}"
    return _proven(source, Converted(data, Form.UA, (where,)))


def _proven(source: _Source, made: Converted) -> Converted:
    """The result, after it has been recognised as what it should be."""
    found = recognise(made.data)
    if found.obstacles:
        raise source.refuse(made.form, f"the result would not boot: {found.obstacles[0]}")
    return made


# --- with a bootloader ----------------------------------------------------------------------------


def _loader_bytes(source: _Source, options: ConvertOptions) -> tuple[bytes, BekenContent]:
    content = source.content
    if options.bootloader:
        content = read_content(options.bootloader)
    loader = content.bootloader if content is not None else None
    if content is None or loader is None:
        raise source.refuse(
            Form.QIO, "there is no bootloader in it", "give a file that holds one for this chip"
        )
    if not loader.valid:
        where = f" at {loader.code.damaged[0]}" if loader.code.damaged else ""
        raise source.refuse(Form.QIO, f"its bootloader is damaged or incomplete{where}")
    return content.flash[:APP_START], content


def _to_qio(source: _Source, options: ConvertOptions) -> Converted:
    loader, content = _loader_bytes(source, options)
    known = content.bootloader
    if known is not None and not options.key and not options.chip and source.stream is None:
        # A plain application takes the key that the bootloader has.
        options = replace(options, key=known.code.key_class)
    app, chip = _app_partition(source, Form.QIO, options)
    entry = known.partition("app") if known is not None else None
    if entry is not None and APP_START + len(app) > entry.span.end:
        reason = (
            f"the application needs {size_text(len(app))}, the bootloader's table has {entry.span}"
        )
        raise source.refuse(Form.QIO, reason)
    padded = loader.ljust(APP_START, b"\xff")
    return _proven(source, Converted(padded + app, Form.QIO, (f"for {chip}: goes to 0x00000",)))


def _to_dump(source: _Source) -> Converted:
    kind, content = source.recognition.kind, source.content
    if content is None or kind not in {ImageKind.DUMP, ImageKind.ROTATED_DUMP}:
        raise source.refuse(
            Form.DUMP,
            f"a {kind} does not hold the radio calibration and settings of a module",
            "a whole flash can only come from a module",
        )
    if not content.is_flash_sized:
        raise source.refuse(Form.DUMP, f"it is cut: {size_text(len(content.flash))}")
    return _proven(source, Converted(content.flash, Form.DUMP, ("from address 0 to the end",)))


# --- code for study, and update files -------------------------------------------------------------


def _to_code(source: _Source, form: Form, options: ConvertOptions) -> Converted:
    _sound_app(source, form)
    if not source.plain:
        raise source.refuse(form, "it holds no application")
    note = "for study or packing only: nothing boots without checksums"
    if form is Form.PLAIN:
        return Converted(source.plain, form, (note,))
    stream = _stream(source, options, form)
    return Converted(stream.apply(source.plain, APP_LOGICAL), form, (note,))


def _to_update(source: _Source, form: Form, options: ConvertOptions) -> Converted:
    _sound_app(source, form)
    if not source.plain:
        raise source.refuse(form, "it holds no application")
    chip = _chip(source, options, form)
    version = options.version or source.version or "1.0"
    made = package.pack(source.plain, version, options.packed_at or source.packed_at)
    room = ug.PAYLOAD_MAX if form is Form.UG else _UPDATE_ROOM.get(chip, _UPDATE_ROOM_SDK)
    if len(made) > room:
        reason = f"packed it takes {size_text(len(made))}, an update has room for {size_text(room)}"
        raise source.refuse(form, reason, "write it over a cable instead")
    if form is Form.UG:
        made = ug.build(made, version)
    return _proven(source, Converted(made, form, (f"for {chip or 'this chip'}, over the air",)))
