"""Guided tests: where a log cannot decide, safe acts that can, each asked for before it is done.

None of them writes to the module. After each the diagnosis is made anew, and the first that is sure
ends the series.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from groundwire.bootlog.diagnose import diagnose
from groundwire.bootlog.facts import LogFacts
from groundwire.bootlog.finding import Diagnosis
from groundwire.bootlog.signatures import GuidedTest
from groundwire.bootlog.watch import Watched, WatchOptions, never_enough, watch
from groundwire.chips.family import BootloaderPolicy, RegionKind, RfHealth
from groundwire.chips.ladder import LadderOptions
from groundwire.chips.registry import families
from groundwire.errors import GroundwireError, LinkError, VerifyMismatch
from groundwire.events import Phase, Tell
from groundwire.images.recognise import ImageKind, recognise
from groundwire.jobs.boot_watch import Decider
from groundwire.jobs.diagnose import Known
from groundwire.jobs.ports import OpenedPort
from groundwire.jobs.read import read_proven
from groundwire.jobs.session import Session, SessionOptions
from groundwire.jobs.verify import verify_image
from groundwire.link.runner import Stop, run

LINK_S: Final = 30.0
COUNT_S: Final = 60.0
SILENT_S: Final = 30.0
FIRST_BYTE_S: Final = 15.0
FIRST_BYTES: Final = 3
VARIES_S: Final = 0.5
VARIES_SHARE: Final = 0.3
LOOPED: Final = bytes(range(0x20, 0x60))
LOOP_WITHIN_S: Final = 1.0
Ask = Callable[[str], bool]
Open = Callable[[], OpenedPort]


@dataclass(frozen=True)
class Setup:
    """What the tests may use. A port that is None is not there; `ask` asks yes or no."""

    ask: Ask
    tell: Tell
    stop: Stop
    log: Open | None = None
    flashing: Open | None = None
    image: bytes = b""
    image_name: str = ""
    backup: bytes = b""


@dataclass(frozen=True, slots=True)
class Learned:
    """What a test told: more evidence, and a newer log where it recorded one."""

    known: Known
    facts: LogFacts | None = None


@dataclass(frozen=True, slots=True)
class Guided:
    """The last diagnosis, everything that is known, and the tests that were done."""

    diagnosis: Diagnosis
    known: Known
    done: tuple[str, ...]


def guide(setup: Setup, facts: LogFacts, known: Known) -> Guided:
    """Offer one test after the other until the diagnosis is sure or nothing is left to offer."""
    diagnosis = diagnose(facts, known.other)
    offered: set[str] = set()
    done: list[str] = []
    while not setup.stop() and (test := _next_test(diagnosis, offered, setup)) is not None:
        offered.add(test.name)
        if not setup.ask(f"{test.ask} ({test.tells})"):
            continue
        setup.tell(Phase(test.name, test.ask))
        try:
            learned = TESTS[test.name](setup, known)
        except GroundwireError as error:
            learned = Learned(known.with_(f"{test.name}: {error.what}"))
        known, facts = learned.known, learned.facts or facts
        done.append(test.name)
        diagnosis = diagnose(facts, known.other)
    return Guided(diagnosis, known, tuple(done))


def _next_test(diagnosis: Diagnosis, offered: set[str], setup: Setup) -> GuidedTest | None:
    return next(
        (one for one in diagnosis.tests if one.name not in offered and _possible(one.name, setup)),
        None,
    )


def _possible(name: str, setup: Setup) -> bool:
    if name == "verify-app":
        return setup.flashing is not None and bool(setup.image)
    if name in NEEDS_FLASHING:
        return setup.flashing is not None
    return name in TESTS and (setup.log is not None or setup.flashing is not None)


# --- listening ------------------------------------------------------------------------------------


def _listen(setup: Setup, seconds: float, *, whole: bool = False) -> Watched:
    """Watch the log; `whole` for the whole time, otherwise until enough is known."""
    opener = setup.log or setup.flashing
    assert opener is not None
    opened = opener()
    try:
        enough = never_enough if whole else Decider(SILENT_S)
        options = WatchOptions(for_s=seconds, enough=enough)
        return run(watch(options), opened.port, setup.tell, setup.stop)
    finally:
        opened.port.close()


def _heard(known: Known, watched: Watched, said: str) -> Learned:
    facts = watched.facts
    text = f"{said}: {facts.lines_total} lines and {facts.boots_total} boots in "
    text += f"{watched.watched_s:.0f} s"
    more = known.with_(text, read_rate=watched.rate, watched_s=watched.watched_s)
    return Learned(more, facts)


def _longer(setup: Setup, known: Known) -> Learned:
    return _heard(known, _listen(setup, COUNT_S, whole=True), "a minute was recorded")


def _power_off(setup: Setup, known: Known) -> Learned:
    if not setup.ask("is all power off, every other wire included, and are ten seconds over"):
        return Learned(known.with_("the power was not taken away"))
    return _heard(known, _listen(setup, COUNT_S), "after ten seconds without power")


def _other_uart(setup: Setup, known: Known) -> Learned:
    if not setup.ask("is the adapter's RX on the other pin now"):
        return Learned(known.with_("the other pin was not listened to"))
    return _heard(known, _listen(setup, COUNT_S), "on the other pin")


def _other_rates(setup: Setup, known: Known) -> Learned:
    watched = _listen(setup, COUNT_S)
    how = f"at {watched.rate} baud" if watched.settled else "at no speed was it text"
    return _heard(known, watched, how)


def _strong_supply(setup: Setup, known: Known) -> Learned:
    if not setup.ask("is the module fed from a strong supply of its own now"):
        return Learned(known.with_("the supply is as it was"))
    watched = _listen(setup, COUNT_S, whole=True)
    restarts = max(watched.facts.boots_total - 1, 0)
    said = f"with a strong supply: {restarts} restarts in {watched.watched_s:.0f} s"
    return Learned(known.with_(said, restarts_strong_supply=restarts))


def _boots_by_radio(setup: Setup, known: Known) -> Learned:
    counts = []
    for how, ask in (
        ("with Wi-Fi", "is the module running with Wi-Fi configured, as it fails"),
        ("without Wi-Fi", "is it in safe mode or its Wi-Fi off now (five short power cycles)"),
    ):
        if not setup.ask(ask):
            return Learned(known.with_("the restarts were not counted"))
        watched = _listen(setup, COUNT_S, whole=True)
        counts.append(max(watched.facts.boots_total - 1, 0))
        known = known.with_(f"{how}: {counts[-1]} restarts in {watched.watched_s:.0f} s")
    return Learned(known.with_("", restarts_radio=counts[0], restarts_no_radio=counts[1]))


def _first_byte(setup: Setup, known: Known) -> Learned:
    times: list[float] = []
    opener = setup.log or setup.flashing
    assert opener is not None
    opened = opener()
    try:
        for number in range(1, FIRST_BYTES + 1):
            if not setup.ask(f"take the power away; answer yes as you give it back ({number})"):
                break
            started = opened.port.now()
            if opened.port.receive(FIRST_BYTE_S):
                times.append(opened.port.now() - started)
    finally:
        opened.port.close()
    if len(times) < 2:
        return Learned(known.with_(f"the first byte came {len(times)} times of {FIRST_BYTES}"))
    spread = max(times) - min(times)
    varies = spread > VARIES_S and spread > VARIES_SHARE * max(times)
    listed = ", ".join(f"{one:.2f} s" for one in times)
    said = f"from power to the first byte: {listed}; it {'varies' if varies else 'is constant'}"
    return Learned(known.with_(said, start_varies=varies))


def _loopback(setup: Setup, known: Known) -> Learned:
    if not setup.ask("is the module off, and are the adapter's TX and RX joined"):
        return Learned(known.with_("the adapter was not tested"))
    opener = setup.log or setup.flashing
    assert opener is not None
    opened = opener()
    try:
        opened.port.send(LOOPED)
        back = opened.port.receive(LOOP_WITHIN_S, len(LOOPED))
    finally:
        opened.port.close()
    works = back == LOOPED
    if works:
        said = "the adapter gives back what it is sent"
    elif back:
        said = f"the adapter gives back {len(back)} bytes, and not those that were sent"
    else:
        said = "the adapter gives nothing back"
    return Learned(known.with_(said, adapter_works=works))


# --- asking the module ---------------------------------------------------------------------------


def _with_link(setup: Setup, act: Callable[[Session, Known], Known], known: Known) -> Learned:
    """Link, learn who it is, and let `act` read more. Nothing is written."""
    assert setup.flashing is not None
    opened = setup.flashing()
    options = SessionOptions(ladder=LadderOptions(hands_s=LINK_S), loader=opened.loader)
    session = Session(
        opened.port, families(), options, tell=opened.listener(setup.tell), stop=setup.stop
    )
    try:
        identity = session.link(climb=False)
        known = known.with_(
            f"the module answers: it is a {identity.chip}",
            link_works=True,
            chip=identity.chip,
            family=identity.family,
            chip_key=identity.key_class or known.other.chip_key,
        )
        if identity.rf is not RfHealth.UNKNOWN:
            known = known.with_("", rf_erased=identity.rf is RfHealth.ERASED)
        return Learned(act(session, known))
    except LinkError as error:
        if known.other.link_works:
            raise
        return Learned(known.with_(f"the module does not answer: {error.what}", link_works=False))
    finally:
        opened.port.close()


def _link_check(setup: Setup, known: Known) -> Learned:
    return _with_link(setup, lambda _session, more: more, known)


def _read_bootloader(setup: Setup, known: Known) -> Learned:
    def compare(session: Session, more: Known) -> Known:
        regions = session.layout.of_kind(RegionKind.BOOTLOADER)
        if not regions:
            return more.with_("this chip keeps no bootloader in a place of its own")
        span = regions[0].span
        held = read_proven(session, span)
        if setup.backup:
            same = held == setup.backup[span.start : span.end]
            said = f"the bootloader is {'that' if same else 'not that'} of the backup"
            return more.with_(said, flash_differs=not same)
        seen = recognise(held)
        if seen.kind is ImageKind.ERASED:
            return more.with_("the bootloader is erased", image_damage="the bootloader is erased")
        if not seen.bootloader_valid:
            text = "what stands in the bootloader's place is damaged or none"
            return more.with_(text, image_damage=text)
        said = f"the bootloader is whole: {seen.bootloader_version or 'version unknown'}"
        return more.with_(said, image_key=seen.key_class or more.other.image_key)

    return _with_link(setup, compare, known)


def _verify_app(setup: Setup, known: Known) -> Learned:
    def verify(session: Session, more: Known) -> Known:
        try:
            verify_image(session, setup.image, setup.image_name, BootloaderPolicy.KEEP)
        except VerifyMismatch as error:
            return more.with_(error.what, flash_differs=True)
        return more.with_("the flash holds the image, byte for byte", flash_differs=False)

    return _with_link(setup, verify, known)


NEEDS_FLASHING: Final = ("link-check", "read-bootloader", "verify-app")
TESTS: Final[Mapping[str, Callable[[Setup, Known], Learned]]] = {
    "link-check": _link_check,
    "loopback": _loopback,
    "power-off": _power_off,
    "boots-by-radio": _boots_by_radio,
    "strong-supply": _strong_supply,
    "first-byte": _first_byte,
    "other-uart": _other_uart,
    "other-rates": _other_rates,
    "read-bootloader": _read_bootloader,
    "verify-app": _verify_app,
    "longer-capture": _longer,
}
