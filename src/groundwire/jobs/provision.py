"""An OpenBeken configuration put into a write, so that the module joins at its first start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from groundwire.chips.family import Identity, Layout, Piece, Placement
from groundwire.errors import UnknownImage, UnsupportedHere
from groundwire.events import Notice, Severity, Tell, tell_nobody
from groundwire.exports.openbeken_template import Template
from groundwire.images.recognise import recognise
from groundwire.jobs.inspect import inspect_bytes
from groundwire.jobs.write import WriteRequest
from groundwire.openbeken.config import Config, check_credentials, config_sector
from groundwire.openbeken.facts import Placement as ConfigPlace
from groundwire.openbeken.facts import placement_of
from groundwire.openbeken.provision import Networks, provisioned
from groundwire.openbeken.search import find_configs
from groundwire.openbeken.wiring import ObkSettings, to_openbeken
from groundwire.pins import Confidence, Wiring
from groundwire.quantities import Span

WHY = "OpenBeken configuration"


@dataclass(frozen=True, slots=True)
class Provision:
    """What the module is to know at its first start.

    `template` names its pins; with `pins_from_backup` they are taken from what the module held
    before. With neither it keeps those of an OpenBeken configuration that it has already.
    """

    networks: Networks
    template: Template | None = None
    pins_from_backup: bool = False


def provisioned_request(
    request: WriteRequest, provision: Provision, image: bytes, tell: Tell = tell_nobody
) -> WriteRequest:
    """A request to write OpenBeken that also writes its configuration.

    Raises:
        UnknownImage, BadArgument: as `check_provision`.
    """
    check_provision(provision, image, request.name)

    def place(identity: Identity, layout: Layout) -> Placement:
        config_place(identity)  # refuse a platform without such a sector before anything is read
        return request.place(identity, layout)

    def add(placement: Placement, before: bytes, identity: Identity) -> Placement:
        address, sector = configuration(provision, before, identity, tell)
        return with_piece(placement, Piece(address, sector, WHY))

    return replace(request, place=place, add=add)


def check_provision(provision: Provision, image: bytes, name: str) -> None:
    """Refuse what cannot work, before any module is asked.

    Raises:
        UnknownImage: the image is no OpenBeken, which alone reads such a configuration.
        BadArgument: no network can have that name or password.
    """
    version = recognise(image).version
    if not version.startswith("OpenB"):
        finding = f"it is {version or 'no build of OpenBeken'}, and only OpenBeken reads the "
        finding += "configuration that was asked for"
        raise UnknownImage(name=name, size=len(image), finding=finding)
    wifi = provision.networks.wifi_ssid, provision.networks.wifi_password
    check_credentials(Config(wifi_ssid=wifi[0], wifi_password=wifi[1]))


def config_place(identity: Identity) -> ConfigPlace:
    """Where this chip's OpenBeken keeps its configuration.

    Raises:
        UnsupportedHere: not in a sector of its own.
    """
    found = placement_of(identity.chip)
    if found is None or found.config_address is None:
        raise UnsupportedHere(
            asked=f"writing a configuration for a {identity.chip}",
            reason="its firmware keeps it in a store, not in a flash sector of its own",
            advice="write the image without it, join the module's access point, configure it there",
        )
    return found


def configuration(
    provision: Provision, before: bytes, identity: Identity, tell: Tell
) -> tuple[int, bytes]:
    """Address and content of the configuration's sector.

    Raises:
        UnsupportedHere: the pins were to come from what the module held, which does not tell them.
        BadArgument: a value does not fit.
    """
    where = config_place(identity)
    known = [item for item in find_configs(before, identity.chip) if item.expected_here]
    template = provision.template
    settings = template.settings if template is not None else None
    if provision.pins_from_backup:
        settings = settings_of(inspect_bytes(before).wiring)
    config = provisioned(
        where,
        provision.networks,
        settings,
        before=known[0].config if known else None,
        mac=bytes.fromhex(identity.mac.replace(":", "")) or bytes(6),
        flags=template.flags if template is not None else 0,
    )
    for text in told(config, settings.left_out if settings is not None else ()):
        tell(Notice(text))
    if template is not None and template.chip not in ("", "unknown", identity.chip):
        text = f"the template is for a {template.chip}, this module is a {identity.chip}"
        tell(Notice(text, Severity.WARNING))
    return config_sector(config, where)


def settings_of(wiring: Wiring) -> ObkSettings:
    """The pins that a backup tells surely enough to switch relays by them.

    Raises:
        UnsupportedHere: it does not tell them, or only what may be another device's.
    """
    asked = "taking the pins from the backup"
    advice = "inspect the backup, and give a template file instead"
    if wiring.empty:
        reason = str(wiring.reason or "nothing is known of the pins")
        raise UnsupportedHere(asked=asked, reason=reason, advice=advice)
    if wiring.pins and all(pin.confidence is Confidence.GUESS for pin in wiring.pins):
        reason = f"its pins are only a guess: {wiring.source}"
        raise UnsupportedHere(asked=asked, reason=reason, advice=advice)
    return to_openbeken(wiring)


def told(config: Config, left_out: Sequence[str]) -> list[str]:
    """What the configuration will make the module do, without a password."""
    network = f"joins {config.wifi_ssid!r}" if config.wifi_ssid else "opens its access point"
    broker = f", MQTT at {config.mqtt_host}:{config.mqtt_port}" if config.mqtt_host else ""
    text = f"at its first start the module {network}{broker}, with {len(config.pins)} pins set"
    return [text, *(f"left out of the configuration: {one}" for one in left_out)]


# --- one more piece of a placement ----------------------------------------------------------------


def with_piece(placement: Placement, piece: Piece) -> Placement:
    """A placement in which one piece takes the place of whatever the image has there."""
    pieces: list[Piece] = []
    for other in placement.pieces:
        for part in without(other.span, piece.span):
            start = part.start - other.address
            pieces.append(Piece(part.start, other.data[start : start + part.size], other.why))
    left_out = tuple(
        (part, why) for span, why in placement.left_out for part in without(span, piece.span)
    )
    ordered = sorted([*pieces, piece], key=lambda one: one.address)
    return replace(placement, pieces=tuple(ordered), left_out=left_out)


def without(span: Span, hole: Span) -> list[Span]:
    """What is left of a span when another is taken out of it."""
    if not span.overlaps(hole):
        return [span]
    parts = ((span.start, min(span.end, hole.start)), (max(span.start, hole.end), span.end))
    return [Span.between(start, end) for start, end in parts if start < end]
