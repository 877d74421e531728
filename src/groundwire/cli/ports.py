"""groundwire ports."""

from __future__ import annotations

import click

from groundwire.cli.options import Settings, screen_options
from groundwire.cli.portless import Shown, without_module
from groundwire.cli.render import table
from groundwire.cli.shapes import Shape
from groundwire.link.discover import Adapter, find_adapters, meddlers, usb_hints


@click.command("ports")
@screen_options
def command(settings: Settings) -> None:
    """List serial adapters: name, serial number, driver, whether you may open them, who holds them.

    For one that is denied, taken away or without its driver it says what to do. Nothing is
    opened, and no line moves.
    """
    ports(settings)


def ports(settings: Settings) -> None:
    """Look, show."""

    def act(_screen: object) -> Shown:
        adapters, hints, running = find_adapters(), usb_hints(), meddlers()
        lines: list[str] = []
        for adapter in adapters:
            lines += adapter_lines(adapter)
        if not adapters:
            lines.append("no serial adapter is present; plug one in and look again")
        lines += [f"warning: {text}" for text in (*hints, *running)]
        values = {
            "adapters": [adapter_shape(adapter) for adapter in adapters],
            "without_port": hints,
            "meddlers": running,
        }
        return Shown(lines, values)

    without_module(settings, "ports", act)


def adapter_lines(adapter: Adapter) -> list[str]:
    """One adapter as a small table."""
    known = adapter.known
    name = known.name if known else adapter.description or "unknown adapter"
    ids = f"{adapter.vid}:{adapter.pid}" if adapter.vid else ""
    access = adapter.access
    may = "yes" if access.allowed else f"no; {access.remedy}" if access.remedy else "no"
    return [
        f"{adapter.device}  {name}",
        *table(
            [
                (
                    "described as",
                    " ".join(one for one in (adapter.maker, adapter.description) if one),
                ),
                ("USB id", ids),
                ("serial number", adapter.serial),
                ("driver", adapter.driver),
                ("stable name", adapter.stable_name),
                ("top speed", f"{known.top_rate} baud ({known.evidence.value})" if known else ""),
                ("you may open it", may),
                ("held by", ", ".join(str(holder) for holder in adapter.holders)),
            ],
            indent="    ",
        ),
        *(f"    note: {text}" for text in adapter.advice),
    ]


def adapter_shape(adapter: Adapter) -> Shape:
    """One adapter for programs."""
    known = adapter.known
    return {
        "device": adapter.device,
        "name": known.name if known else "",
        "description": adapter.description,
        "maker": adapter.maker,
        "serial": adapter.serial,
        "vid": adapter.vid,
        "pid": adapter.pid,
        "driver": adapter.driver,
        "stable_name": adapter.stable_name,
        "latency_ms": adapter.latency_ms,
        "top_rate": known.top_rate if known else None,
        "access": adapter.access,
        "holders": adapter.holders,
        "advice": adapter.advice,
    }
