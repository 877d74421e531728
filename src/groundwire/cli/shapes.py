"""Values of the library as JSON: the shape of every object that `--json` prints.

One object a line. `type` says what it is; the last line is always a `result`, and its `exit_code`
is the exit status of the command.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from groundwire.errors import ExitCode, GroundwireError
from groundwire.events import (
    Attempt,
    Event,
    Heard,
    Listening,
    NeedHands,
    Notice,
    Phase,
    Printed,
    Progress,
    Restarted,
)
from groundwire.quantities import Span

if TYPE_CHECKING:
    from groundwire.chips.family import Identity, Layout
    from groundwire.planning.plan import WritePlan

Shape = dict[str, object]

EVENT_TYPES: Final[dict[type[Event], str]] = {
    Phase: "phase",
    Progress: "progress",
    Notice: "notice",
    Attempt: "attempt",
    Heard: "heard",
    NeedHands: "need-hands",
    Listening: "listening",
    Restarted: "restarted",
    Printed: "line",
}


def json_line(shape: Mapping[str, object]) -> str:
    """One object on one line, in ASCII: nothing from outside can break the line or the terminal."""
    return json.dumps(shape, default=plain)


def plain(value: object) -> object:
    """A value of the library in JSON's own types."""
    if isinstance(value, Span):
        return {"start": value.start, "size": value.size}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return str(value)


def event_shape(event: Event) -> Shape:
    """An event of a job: its type and its fields."""
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    return {"type": EVENT_TYPES[type(event)], **fields}


def identity_shape(identity: Identity) -> Shape:
    """All that is known of a module."""
    return {field.name: getattr(identity, field.name) for field in dataclasses.fields(identity)}


def layout_shape(layout: Layout) -> Shape:
    """The regions of a flash, and the span that answers on the serial line, if it is in flash."""
    return {
        "regions": [
            {"name": one.name, "kind": one.kind, "span": one.span} for one in layout.regions
        ],
        "serves_protocol": layout.serves_protocol,
    }


def plan_shape(plan: WritePlan) -> Shape:
    """What a plan erases, writes and keeps, and why."""
    return {
        "type": "plan",
        "kind": plan.kind,
        "flash_size": plan.flash_size,
        "sectors": len(plan.tasks),
        "intended": plan.intended,
        "changed": plan.changed,
        "erased": plan.erased,
        "programmed": plan.programmed,
        "keeps": [{"span": keep.span, "why": keep.why} for keep in plan.keeps],
        **layout_shape(plan.layout),
    }


def done_result(verb: str, values: Mapping[str, object]) -> Shape:
    """The last line of a command that did what it was asked."""
    return {"type": "result", "ok": True, "exit_code": int(ExitCode.DONE), "verb": verb, **values}


def error_shape(error: GroundwireError, step: str) -> Shape:
    """An error: its code, its three parts, and the values it was raised with."""
    return {
        "code": error.code,
        "what": error.what,
        "means": error.means,
        "next_step": step,
        "fields": error.fields(),
    }


def failed_result(verb: str, error: GroundwireError, step: str) -> Shape:
    """The last line of a command that did not."""
    return {
        "type": "result",
        "ok": False,
        "exit_code": int(error.exit_code),
        "verb": verb,
        "error": error_shape(error, step),
    }
