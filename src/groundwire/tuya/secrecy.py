"""Which values of a Tuya store may be shown, and which identify an owner, a network or a device."""

# Ref: tuya-storage 4.4: the listed names are secret; unknown names are treated as secret too.

from __future__ import annotations

import json

# Values that describe the product or the firmware, not the owner.
OPEN_VALUES = frozenset(
    {
        "user_param_key", "em_sys_env", "baud_cfg", "uart_adapt_params", "wf_start_md",
        "mf_test_close", "tls_ca_cnt", "is_stride", "fsw_cnt_key", "gamma_cfg", "oem_cfg",
    }
)  # fmt: skip

# Fields that may be shown inside JSON values of any name.
OPEN_FIELDS = frozenset(
    {
        "abi", "swv", "bv", "pv", "lpv", "pk", "firmk", "cadv", "cdv", "dev_swv", "s_id", "dtp",
        "attr_num", "country_code", "prod_test", "fac_pin", "bt_hid", "md", "stat", "nc_tp",
        "wfb64", "region", "dns_prio", "sync", "baud", "cnt", "lastFetchTime", "time_z",
        "s_time_z", "dy_tls_m", "cloud_cap",
    }
)  # fmt: skip
SCHEMA_FIELDS = frozenset(
    {
        "mode", "property", "id", "type", "trigger", "passive", "min", "max", "scale", "step",
        "range", "maxlen", "label", "unit", "name", "code", "desc", "extContent", "iconname",
    }
)  # fmt: skip


def is_open_value(name: str, text: str) -> bool:
    """Whether a whole value may be shown: a known name, or a definition of data points."""
    return name in OPEN_VALUES or is_schema(text)


def is_open_field(name: str) -> bool:
    """Whether one field of a JSON value may be shown."""
    return name in OPEN_FIELDS or name.startswith(("mst_tp_", "mst_ver_", "mst_md5_"))


def is_schema(text: str) -> bool:
    """Whether a value is a list of data-point definitions: the product's, not the owner's."""
    content = parse_json(text)
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(item, dict) and set(item) <= SCHEMA_FIELDS for item in content)
    )


def parse_json(text: str) -> object:
    """JSON, or None for anything else."""
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed


def shown_fields(text: str) -> dict[str, object]:
    """The fields of a JSON value that may be shown, by name; nested fields are left out."""
    content = parse_json(text)
    if not isinstance(content, dict):
        return {}
    return {
        str(name): value
        for name, value in content.items()
        if is_open_field(str(name)) and isinstance(value, str | int | float | bool)
    }
