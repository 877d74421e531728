"""groundwire: bring cloud-only Wi-Fi modules to proven local operation.

    from groundwire import open_module, take_backup

    with open_module("/dev/ttyUSB0", tell=print) as session:  # or "sim:bk7231n"
        take_backup(session, Path("mine.bin"))

Names are loaded when they are first used: importing the package opens, reads and starts nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from groundwire._version import __version__

if TYPE_CHECKING:
    from groundwire.chips.family import BootloaderPolicy, Identity
    from groundwire.chips.registry import families
    from groundwire.errors import ExitCode, GroundwireError
    from groundwire.events import Event
    from groundwire.images.recognise import recognise
    from groundwire.jobs.backup import take_backup
    from groundwire.jobs.open import open_module
    from groundwire.jobs.plan import plan_on_module, plan_over_dump
    from groundwire.jobs.ports import open_port
    from groundwire.jobs.read import read_proven
    from groundwire.jobs.restore import RestoreRequest, restore_backup
    from groundwire.jobs.session import Session, SessionOptions
    from groundwire.jobs.verify import verify_image
    from groundwire.jobs.write import change_flash, image_request
    from groundwire.quantities import Span

_HOMES = {
    "BootloaderPolicy": "chips.family",
    "Event": "events",
    "ExitCode": "errors",
    "GroundwireError": "errors",
    "Identity": "chips.family",
    "RestoreRequest": "jobs.restore",
    "Session": "jobs.session",
    "SessionOptions": "jobs.session",
    "Span": "quantities",
    "change_flash": "jobs.write",
    "families": "chips.registry",
    "image_request": "jobs.write",
    "open_module": "jobs.open",
    "open_port": "jobs.ports",
    "plan_on_module": "jobs.plan",
    "plan_over_dump": "jobs.plan",
    "read_proven": "jobs.read",
    "recognise": "images.recognise",
    "restore_backup": "jobs.restore",
    "take_backup": "jobs.backup",
    "verify_image": "jobs.verify",
}

__all__ = [
    "BootloaderPolicy",
    "Event",
    "ExitCode",
    "GroundwireError",
    "Identity",
    "RestoreRequest",
    "Session",
    "SessionOptions",
    "Span",
    "__version__",
    "change_flash",
    "families",
    "image_request",
    "open_module",
    "open_port",
    "plan_on_module",
    "plan_over_dump",
    "read_proven",
    "recognise",
    "restore_backup",
    "take_backup",
    "verify_image",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"groundwire has no {name!r}")
    return getattr(import_module(f"groundwire.{home}"), name)
