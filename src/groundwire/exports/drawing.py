"""A drawing of a module with its contacts labelled, as SVG."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from groundwire.exports.pin_table import describe
from groundwire.pins import Confidence, PinRole, Wiring
from groundwire.tables.modules import Module, Pad, Shape, module_named

STEP = 26
LETTER = 8
LABEL_WIDTH = 250
MARGIN = 24
LABEL_LIMIT = 90
STYLE = (
    "text{font:13px sans-serif;fill:#222}.pad{fill:#d9a520;stroke:#6b4f00}"
    ".board{fill:#1f5fa8;stroke:#0d2f57}.name{fill:#fff;font-size:17px;font-weight:bold}"
    ".used{font-weight:bold;fill:#0a5d1a}.guess{fill:#a14a00}.plain{fill:#777}.note{fill:#555}.number{fill:#cfe0f5;font-size:10px}"
)


@dataclass(frozen=True, slots=True)
class Spot:
    """One contact in the drawing: its middle, and where its number and its label go."""

    pad: Pad
    x: float
    y: float
    number_at: tuple[float, float]
    label_at: tuple[float, float]
    anchor: str
    turned: bool = False


def draw(wiring: Wiring) -> str:
    """The module seen from above, every contact with what hangs on it.

    A module whose contacts are not known gives a board with its pins as a list.
    """
    module = module_named(wiring.module)
    roles: dict[int, list[PinRole]] = {}
    for pin in wiring.pins:
        roles.setdefault(pin.pin, []).append(pin)
    left, bottom, right = sides(module, roles)
    width = (max(len(bottom), 6) + 1) * STEP
    height = (max(len(left), len(right), 4) + 1) * STEP
    x, y = MARGIN + LABEL_WIDTH, MARGIN
    middle = (x + width / 2, y + height / 2)
    parts = [
        f'<rect class="board" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>',
        text((middle[0], middle[1]), wiring.module or "module", "name", "middle"),
        text((middle[0], middle[1] + 20), wiring.chip, "name", "middle"),
    ]
    for spot in spots(left, bottom, right, Box(x, y, width, height)):
        parts += contact(spot, roles)
    longest = max((len(label_of(pad, roles)) for pad in bottom), default=0)
    top = y + height + longest * LETTER + 2 * MARGIN
    notes = note_lines(module, wiring, roles)
    parts += [text((MARGIN, top + number * 18), note, "note") for number, note in enumerate(notes)]
    size = (width + 2 * (MARGIN + LABEL_WIDTH), top + len(notes) * 18 + MARGIN)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" '
        f'width="{size[0]}" height="{size[1]}">'
    )
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class Box:
    """The outline of the board."""

    x: int
    y: int
    width: int
    height: int


def spots(
    left: tuple[Pad, ...], bottom: tuple[Pad, ...], right: tuple[Pad, ...], box: Box
) -> list[Spot]:
    """Where every contact goes."""
    found = []
    for number, pad in enumerate(left, 1):
        x, y = box.x, box.y + STEP * number
        found.append(Spot(pad, x, y, (x + 12, y + 4), (x - 14, y + 4), "end"))
    for number, pad in enumerate(right, 1):
        x, y = box.x + box.width, box.y + STEP * number
        found.append(Spot(pad, x, y, (x - 26, y + 4), (x + 14, y + 4), "start"))
    for number, pad in enumerate(bottom, 1):
        x, y = box.x + STEP * number, box.y + box.height
        found.append(Spot(pad, x, y, (x - 5, y - 12), (x - 4, y + 14), "start", turned=True))
    return found


def sides(
    module: Module | None, roles: dict[int, list[PinRole]]
) -> tuple[tuple[Pad, ...], tuple[Pad, ...], tuple[Pad, ...]]:
    """The contacts on the left (downwards), at the bottom (to the right), on the right."""
    if module is None:
        pads = tuple(Pad("", f"P{pin}") for pin in sorted(roles))
        half = (len(pads) + 1) // 2
        return pads[:half], (), pads[half:]
    pads = module.pads
    if module.shape is Shape.EDGE:
        return (), pads, ()
    if module.shape is Shape.ESP12:
        return pads[:8], pads[16:], tuple(reversed(pads[8:16]))
    if module.shape is Shape.THREE_SIDES:
        return pads[:7], pads[7:14], tuple(reversed(pads[14:]))
    half = (len(pads) + 1) // 2
    return pads[:half], (), tuple(reversed(pads[half:]))


def contact(spot: Spot, roles: dict[int, list[PinRole]]) -> list[str]:
    """One contact, its number, and what hangs on it."""
    pad = spot.pad
    pins = roles.get(pad.gpio, []) if pad.gpio is not None else []
    kind = "plain"
    if pins:
        kind = "guess" if pins[0].confidence is Confidence.GUESS else "used"
    return [
        f'<rect class="pad" x="{spot.x - 6:g}" y="{spot.y - 6:g}" width="12" height="12"/>',
        text(spot.number_at, pad.number, "number"),
        text(spot.label_at, label_of(pad, roles), kind, spot.anchor, turned=spot.turned),
    ]


def label_of(pad: Pad, roles: dict[int, list[PinRole]]) -> str:
    """The name of a contact and what hangs on it."""
    pins = roles.get(pad.gpio, []) if pad.gpio is not None else []
    words = " / ".join(describe(pin) + (" (low)" if pin.inverted else "") for pin in pins)
    return (f"{pad.label}  {words}" if words else pad.label)[:LABEL_LIMIT]


def text(
    at: tuple[float, float], words: str, kind: str, anchor: str = "start", *, turned: bool = False
) -> str:
    """One escaped line of text, control signs removed, cut to a sane length."""
    clean = "".join(sign for sign in words if sign.isprintable())[:LABEL_LIMIT]
    turn = f' transform="rotate(90 {at[0]:g} {at[1]:g})"' if turned else ""
    return (
        f'<text class="{kind}" x="{at[0]:g}" y="{at[1]:g}" text-anchor="{anchor}"{turn}>'
        f"{escape(clean)}</text>"
    )


def note_lines(module: Module | None, wiring: Wiring, roles: dict[int, list[PinRole]]) -> list[str]:
    """What the drawing cannot show."""
    notes = []
    if module is None:
        notes.append(
            f"the contacts of {wiring.module or 'this module'} are not known: pins by number only"
        )
    else:
        on_pads = {pad.gpio for pad in module.pads}
        points = {pad.gpio: pad.number for pad in module.points}
        for pin in sorted(set(roles) - on_pads):
            place = f"test pad {points[pin]}" if pin in points else "no contact known"
            notes.append(f"P{pin} ({describe(roles[pin][0])}): {place}")
        if module.shape in {Shape.EDGE, Shape.ROWS}:
            notes.append("contacts in the order of their numbers, not to scale")
    if wiring.meter is not None:
        notes.append(f"energy meter {wiring.meter.chip.value}")
    if wiring.serial_mcu is not None:
        notes.append("the pins belong to a second processor (TuyaMCU)")
    return notes
