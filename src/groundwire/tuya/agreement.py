"""Compare what is read from a vendor's settings with what reference tools said of them.

Nothing is ever read from the reference side but to compare with it. The reference is the block
`own` of an `.expected.json` file, from another implementation of the same description, and what
bk7231tools and the GUI flash tool made of the file. Where such a tool differs from both, it is
argued against: the description explains the sums that prove the value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from groundwire.images.agreement import Comparison
from groundwire.tuya.device import TuyaDevice
from groundwire.tuya.secrecy import parse_json
from groundwire.tuya.storage import StoredValue, TuyaStore, ValueState

Reference = Mapping[str, Any]
FileOffset = Callable[[int], int]

JOINED = (
    "the sums of the values prove ours; the tool leaves such values out or joins them otherwise"
)
DEFAULTS = "the tool takes the firmware's default for the device's own settings"
MORE_DEFAULTS = "another tool reports this default in the code, too"


def compare_settings(
    device: TuyaDevice, code_base: int, file_offset: FileOffset, document: Reference
) -> list[Comparison]:
    """All values of the settings that the reference document also has.

    `code_base` is the address at which the application's code is linked; `file_offset` tells where
    in the file a flash address lies, for the reference counts from the start of the file.
    """
    own: Reference = document.get("own") or {}
    tools: Reference = document.get("reference") or {}
    out: list[Comparison] = []
    if "tuya_storage" in own:
        out += _store(device.store, own["tuya_storage"], file_offset)
    if own.get("user_param_key"):
        out += _parameters(device, own["user_param_key"])
    bk7231tools: Reference = tools.get("bk7231tools") or {}
    if own.get("app") is not None:
        seen_elsewhere = bool(bk7231tools.get("app_code_upk"))
        out += _defaults(device, code_base, own["app"], seen_elsewhere=seen_elsewhere)
    out += _bk7231tools(device, bk7231tools, own)
    out += _gui_tool(device, tools.get("gui_tool_code_mono") or {}, own, file_offset)
    return out


def _store(
    store: TuyaStore | None, theirs: Reference | None, file_offset: FileOffset
) -> Iterator[Comparison]:
    yield Comparison("settings store present", store is not None, theirs is not None)
    if store is None or theirs is None:
        return
    yield Comparison("key sector", _key_at(store, file_offset), theirs.get("key_sector"))
    if "device_key" in theirs:
        same = _digest(store.device_key.reveal().hex()) == _digest(str(theirs["device_key"]))
        yield Comparison("device key is the same", same, True)  # noqa: FBT003
    yield Comparison("store prefix", store.prefix, theirs.get("prefix"))
    style = str(store.generation) if store.generation is not None else None
    yield Comparison("store generation", style, theirs.get("generation_style"))
    ours = [
        (file_offset(s.offset), s.magic, s.sum_ok, s.block, s.generation) for s in store.sectors
    ]
    listed = [
        (int(s["offset"], 16), int(s["magic"], 16), s["sum_ok"], s["id"], s["generation"])
        for s in theirs.get("sectors") or ()
    ]
    yield Comparison("sectors of the store", ours, listed)
    yield from _values(store, theirs.get("values") or {})
    yield from _protected(store, theirs.get("protected") or [], file_offset)


def _key_at(store: TuyaStore | None, file_offset: FileOffset) -> str | None:
    if store is None or store.key_sector is None:
        return None
    return f"0x{file_offset(store.key_sector.offset):X}"


def _values(store: TuyaStore, theirs: Reference) -> Iterator[Comparison]:
    found = {value.name: value for value in store.values}
    yield Comparison("names of the values", sorted(found), sorted(theirs))
    for name in sorted(set(found) & set(theirs)):
        yield from _value(found[name], theirs[name])


def _value(value: StoredValue, theirs: Reference) -> Iterator[Comparison]:
    name = f"value {value.name}"
    proven = value.state is ValueState.CURRENT
    yield Comparison(f"{name}: sum holds", proven, theirs.get("sum_ok", True))
    if not proven:
        return
    yield Comparison(f"{name}: SHA-256", value.content.sha256(), theirs.get("sha256"))
    place = (value.length, value.block, value.page, value.generation)
    listed = tuple(theirs.get(key) for key in ("length", "block", "page", "generation"))
    yield Comparison(f"{name}: place", place, listed)
    if "text" in theirs:
        same = value.text() == theirs["text"]
        yield Comparison(f"{name}: text is the same", same, True)  # noqa: FBT003
    fields = theirs.get("json_plain")
    content = parse_json(value.text())
    if isinstance(fields, Mapping) and isinstance(content, dict):
        ours = {key: content.get(key) for key in fields}
        yield Comparison(f"{name}: fields are the same", ours == dict(fields), True)  # noqa: FBT003


def _protected(
    store: TuyaStore, theirs: list[Reference], file_offset: FileOffset
) -> Iterator[Comparison]:
    ours = [
        (file_offset(one.offset), one.size, one.key.sha256(),
         {entry.name: entry.content.sha256() for entry in one.entries})
        for one in store.protected
    ]  # fmt: skip
    listed = [
        (int(one["offset"], 16), one["length"], one["key_sha256"],
         {name: entry["sha256"] for name, entry in one["entries"].items()})
        for one in theirs
    ]  # fmt: skip
    yield Comparison("protected sectors", ours, listed)


def _parameters(device: TuyaDevice, theirs: Reference) -> Iterator[Comparison]:
    own = device.parameters
    yield Comparison("pin settings present", own is not None, True)  # noqa: FBT003
    if own is None:
        return
    yield Comparison("pin settings: text", own.text, theirs.get("text"))
    yield Comparison("pin settings: values", own.values, theirs.get("parsed"))
    ours = (own.check_stored, own.check_computed, own.check_ok)
    listed = (theirs.get("crc_stored"), theirs.get("crc_computed"), theirs.get("crc_ok"))
    yield Comparison("pin settings: check value", ours, listed)


def _defaults(
    device: TuyaDevice, code_base: int, app: Reference, *, seen_elsewhere: bool
) -> Iterator[Comparison]:
    listed = {int(one["logical"], 16): one["text"] for one in app.get("user_param_in_code") or ()}
    ours = {one.offset + code_base: one.parameters.text for one in device.code_defaults}
    for at in sorted(listed):
        yield Comparison(f"default in code at 0x{at:X}", ours.get(at), listed[at])
    more = sorted(set(ours) - set(listed))
    reason = MORE_DEFAULTS if more and seen_elsewhere else ""
    yield Comparison("more defaults in code", more, [], reason)


# --- other tools ----------------------------------------------------------------------------------


def _names_proven(device: TuyaDevice, own: Reference) -> bool:
    """Whether the independent implementation finds the same names as we do."""
    theirs = (own.get("tuya_storage") or {}).get("values") or {}
    store = device.store
    return store is not None and {value.name for value in store.values} == set(theirs)


def _named(device: TuyaDevice) -> list[str]:
    store = device.store
    return sorted(value.name for value in store.values) if store is not None else []


def _bk7231tools(device: TuyaDevice, tool: Reference, own: Reference) -> Iterator[Comparison]:
    if "storage_keys" in tool:
        reason = JOINED if _names_proven(device, own) else ""
        yield Comparison("bk7231tools names", _named(device), sorted(tool["storage_keys"]), reason)
    theirs = tool.get("user_param_key")
    if not theirs or device.parameters is None:
        return
    values = device.parameters.values
    argued = values == (own.get("user_param_key") or {}).get("parsed")
    reason = DEFAULTS if argued else ""
    yield Comparison("bk7231tools pin settings", values, dict(theirs), reason)


def _gui_tool(
    device: TuyaDevice, tool: Reference, own: Reference, file_offset: FileOffset
) -> Iterator[Comparison]:
    if tool.get("failed") or not tool.get("keys"):
        return
    at = _key_at(device.store, file_offset)
    yield Comparison("GUI tool key sector", at, tool.get("key_sector"))
    reason = JOINED if _names_proven(device, own) else ""
    yield Comparison("GUI tool names", _named(device), sorted(tool["keys"]), reason)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
