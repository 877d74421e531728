"""Everything that a dump tells about the Tuya device it came from."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.pins import Wiring
from groundwire.tuya.parameters import CodeDefault, Parameters, find_in_code, parse_parameters
from groundwire.tuya.roles import SETTINGS, read_wiring
from groundwire.tuya.secrecy import is_open_value, shown_fields
from groundwire.tuya.storage import StoredValue, TuyaStore, ValueState, find_store
from groundwire.tuya.user_files import find_copies

VERSION_FIELDS = {
    "swv": "application",
    "bv": "baseline",
    "pv": "protocol",
    "lpv": "local protocol",
    "cadv": "cloud access",
    "cdv": "data",
    "dev_swv": "device",
}


@dataclass(frozen=True, slots=True)
class ShownValue:
    """One value as it may be printed: whole, its open fields only, or nothing but its size."""

    name: str
    state: ValueState
    size: int
    text: str
    fields: dict[str, object]
    masked: bool


@dataclass(frozen=True, slots=True)
class TuyaDevice:
    """What the settings say, without any secret outside `store`.

    `parameters` are the device's own settings; `code_defaults` are the firmware's and may belong
    to another device.
    """

    store: TuyaStore | None
    parameters: Parameters | None
    copies: tuple[CodeDefault, ...]
    code_defaults: tuple[CodeDefault, ...]
    wiring: Wiring
    platform: str
    product_key: str
    firmware_key: str
    versions: dict[str, str]
    values: tuple[ShownValue, ...]


def read_device(flash: bytes, code: bytes = b"") -> TuyaDevice:
    """Read all that a dump holds; `code` is its deciphered application, if there is one."""
    store = find_store(flash)
    copies = find_copies(flash)
    code_defaults = find_in_code(code) if code else ()
    wiring = read_wiring(store, code_defaults, copies, flash=flash, code=code)
    own = store.get(SETTINGS) if store is not None else None
    parameters = parse_parameters(own.text()) if own is not None else None
    if parameters is None and copies:
        parameters = copies[0].parameters
    info = fields_of(store, "gw_di")
    return TuyaDevice(
        store=store,
        parameters=parameters,
        copies=copies,
        code_defaults=code_defaults,
        wiring=wiring,
        platform=plain(store, "em_sys_env"),
        product_key=str(info.get("pk", "")),
        firmware_key=str(info.get("firmk", "")),
        versions={
            name: str(info[field]) for field, name in VERSION_FIELDS.items() if field in info
        },
        values=tuple(shown(value) for value in store.values) if store is not None else (),
    )


def plain(store: TuyaStore | None, name: str) -> str:
    """A value that may be shown, as text."""
    value = store.get(name) if store is not None else None
    return value.text() if value is not None else ""


def fields_of(store: TuyaStore | None, name: str) -> dict[str, object]:
    """The fields of a JSON value that may be shown."""
    value = store.get(name) if store is not None else None
    return shown_fields(value.text()) if value is not None else {}


def shown(value: StoredValue) -> ShownValue:
    """A value as it may be printed."""
    text = value.text()
    is_open = is_open_value(value.name, text)
    return ShownValue(
        name=value.name,
        state=value.state,
        size=value.length,
        text=text if is_open else "",
        fields={} if is_open else shown_fields(text),
        masked=not is_open and bool(value.content),
    )
