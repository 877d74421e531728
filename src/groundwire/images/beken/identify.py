"""From the content of a Beken file to what it is: kind, chips, key set, versions and problems."""

from __future__ import annotations

from groundwire.evidence import Evidence
from groundwire.images.beken import chips, rbl, rf
from groundwire.images.beken.app_text import AppText, read_app_text
from groundwire.images.beken.bootloader import Bootloader
from groundwire.images.beken.chips import ChipGuess
from groundwire.images.beken.cipher import could_be_one_key
from groundwire.images.beken.code_area import APP_START, CodeArea
from groundwire.images.beken.content import Arrangement, BekenContent
from groundwire.images.beken.crc_blocks import DATA_SIZE, PACKET_SIZE
from groundwire.images.kinds import ImageKind, Problem, Recognition, Weight
from groundwire.quantities import MIB, Span, size_text

_SHOWN = 8


def kind_of(content: BekenContent) -> ImageKind:
    """What kind of file the content is."""
    if content.arrangement is Arrangement.ROTATED:
        return ImageKind.ROTATED_DUMP
    if content.arrangement is Arrangement.APP_ONLY:
        return ImageKind.UA
    if content.is_flash_sized or _rf_sectors(content):
        return ImageKind.DUMP
    return ImageKind.QIO if content.app is not None else ImageKind.BOOTLOADER


def _rf_sectors(content: BekenContent) -> tuple[rf.RfSector, ...]:
    looked = (rf.look_at(content.flash, address) for address in rf.KNOWN_ADDRESSES)
    return tuple(found for found in looked if found and found.state is rf.RfState.PRESENT)


# --- which chip -----------------------------------------------------------------------------------


def _loader_guess(loader: Bootloader) -> ChipGuess:
    guess = chips.from_code(loader.code.marker, loader.code.key_class, "bootloader")
    download = loader.partition("download")
    if download is not None:
        allowed = chips.chips_of_download(download.span.start, download.span.size)
        if allowed:
            guess = guess.narrowed(
                allowed, Evidence("download partition", str(download.span), "partition table")
            )
    named = chips.chips_of_loader_text(loader.version)
    if named:
        guess = guess.narrowed(
            named, Evidence("bootloader", loader.version, "text in the deciphered bootloader")
        )
    if loader.known is not None and loader.known.chips:
        shown = f"0x{loader.known.crc32:08X} = {loader.known.loader}"
        guess = guess.narrowed(
            loader.known.chips,
            Evidence("bootloader fingerprint", shown, f"CRC-32 of {loader.known.size} bytes"),
        )
    return guess


def _app_guess(app: CodeArea, text: AppText) -> ChipGuess:
    guess = chips.from_code(app.marker, app.key_class, "application")
    if text.chip:
        guess = guess.narrowed(
            chips.chips_of_app_text(text.chip),
            Evidence("application names", text.found, "text in the deciphered application"),
        )
    return guess


def guess_chips(content: BekenContent, text: AppText) -> ChipGuess:
    """The chips that bootloader and application together allow."""
    loader = _loader_guess(content.bootloader) if content.bootloader is not None else None
    app = _app_guess(content.app, text) if content.app is not None else None
    if loader is None or app is None:
        return loader or app or ChipGuess(())
    both = tuple(chip for chip in loader.chips if chip in app.chips)
    evidence = loader.evidence + app.evidence
    contradictions = loader.contradictions + app.contradictions
    if both:
        return ChipGuess(both, evidence, contradictions)
    clash = Evidence(
        "bootloader and application",
        f"{' or '.join(loader.chips)} against {' or '.join(app.chips)}",
        "chip markers and key sets",
    )
    return ChipGuess(app.chips, evidence, (*contradictions, clash))


# --- what is wrong --------------------------------------------------------------------------------


def code_problems(content: BekenContent, area: CodeArea, name: str) -> list[Problem]:
    """Where the packets of one code area do not hold."""
    found = [
        Problem(content.file_span(span), f"checksum of the {name} wrong or packets missing")
        for span in area.damaged[:_SHOWN]
    ]
    if len(area.damaged) > _SHOWN:
        rest = area.damaged[_SHOWN:]
        span = content.file_span(Span.between(rest[0].start, rest[-1].end))
        found.append(Problem(span, f"{len(rest)} more damaged ranges of the {name}"))
    # Where packets are damaged the container cannot fit, and its place is not where the damage is.
    if area.container_ok is False and area.container is not None and not area.damaged:
        span = content.file_span(
            Span.between(area.container.offset, area.container.offset + rbl.INTERLEAVED_SIZE)
        )
        size = area.container.header.payload_size
        older = -(-size // DATA_SIZE) * PACKET_SIZE < area.used.size
        if older:
            text = f"this container is left from something shorter than the {name}"
            found.append(Problem(span, text, Weight.NOTE))
        else:
            text = f"this container does not fit the {name}: checksum wrong"
            found.append(Problem(span, text))
    if area.stream is None:
        found.append(Problem(content.file_span(area.used), f"no known way to decipher the {name}"))
    return found


def _cut_off(content: BekenContent) -> list[Problem]:
    """Code that reaches the very end of a file without its container: the file was cut."""
    app = content.app
    size = content.base + len(content.flash)
    if app is None or app.container is not None or size - app.used.end >= 34:
        return []
    span = content.file_span(Span.between(app.used.start, size))
    return [Problem(span, "the application reaches the end of the file: the file is cut off")]


def _app_obstacles(content: BekenContent, app: CodeArea) -> list[Problem]:
    """What keeps the application from booting; a container left from an older one does not."""
    found = code_problems(content, app, "application") + _cut_off(content)
    return [problem for problem in found if problem.weight is Weight.DAMAGE]


def _structure_problems(content: BekenContent, kind: ImageKind) -> list[Problem]:
    found: list[Problem] = []
    whole = Span(0, len(content.flash))
    if kind is ImageKind.ROTATED_DUMP:
        text = "the dump was read from 0x11000 on and wrapped around at the end"
        found.append(Problem(whole, text, Weight.NOTE))
        if content.bootloader is None:
            found.append(Problem(whole, "no bootloader where the wrapped dump should have it"))
    if kind is ImageKind.DUMP and not content.is_flash_sized and whole.size != MIB:
        found.append(
            Problem(whole, f"{size_text(whole.size)} is not the size of a flash: cut or joined")
        )
    if kind in {ImageKind.DUMP, ImageKind.QIO} and content.bootloader is None:
        found.append(Problem(Span(0, min(0x11000, whole.size)), "no bootloader at the start"))
    behind = whole.size - APP_START
    if kind is ImageKind.BOOTLOADER and content.flash.count(0xFF, APP_START) < behind:
        span = Span(APP_START, behind)
        found.append(Problem(span, "what follows the bootloader is no application"))
    if kind in {ImageKind.DUMP, ImageKind.ROTATED_DUMP} and content.app is None:
        found.append(Problem(whole, "no application behind the bootloader"))
    return found


def _problems(content: BekenContent, kind: ImageKind, guess: ChipGuess) -> tuple[Problem, ...]:
    found = _structure_problems(content, kind)
    loader = content.bootloader
    if loader is not None:
        found += code_problems(content, loader.code, "bootloader")
        span = content.file_span(loader.code.used)
        if loader.code.container is None:
            found.append(Problem(span, "the bootloader has no container header: it is cut off"))
        elif loader.payload is not None and not loader.payload.ok and not loader.code.damaged:
            found.append(Problem(span, "the bootloader does not match its container's hash"))
        if loader.partition("app") is None:
            found.append(Problem(span, "the bootloader has no usable partition table"))
    if content.app is not None:
        found += code_problems(content, content.app, "application")
        found += _cut_off(content)
    whole = Span(0, len(content.flash))
    found += [
        Problem(whole, f"parts of two chips: {clash.fact} {clash.value}", Weight.FOREIGN)
        for clash in guess.contradictions
    ]
    if loader is not None and content.app is not None and not _same_key(loader, content.app):
        keys = f"{loader.code.key_class} and {content.app.key_class}"
        text = f"bootloader and application have different keys: {keys}"
        found.append(Problem(whole, text, Weight.FOREIGN))
    return tuple(found)


def _same_key(loader: Bootloader, app: CodeArea) -> bool:
    first, second = loader.code.stream, app.stream
    return first is None or second is None or could_be_one_key(first, second, app.logical)


# --- all together ---------------------------------------------------------------------------------


def identify(content: BekenContent) -> Recognition:
    """What a Beken file is."""
    kind = kind_of(content)
    app, loader = content.app, content.bootloader
    text = read_app_text(app.plain()) if app is not None else AppText()
    guess = guess_chips(content, text)
    rf_seen = tuple(
        Evidence("radio calibration", str(sector.span), "TLV block")
        for sector in _rf_sectors(content)
    )
    code = app or (loader.code if loader is not None else None)
    return Recognition(
        kind=kind,
        family="beken",
        chips=guess.chips,
        key_class=code.key_class if code is not None else "",
        bootloader=_span_in_file(content, loader.code) if loader is not None else None,
        bootloader_version=_loader_name(loader),
        bootloader_valid=loader is not None and loader.valid,
        app=_span_in_file(content, app) if app is not None else None,
        app_valid=app is not None and not _app_obstacles(content, app),
        version=text.version,
        evidence=guess.evidence + rf_seen,
        problems=_problems(content, kind, guess),
    )


def _span_in_file(content: BekenContent, area: CodeArea) -> Span:
    end = min(area.end, content.base + len(content.flash))
    return content.file_span(Span.between(area.start, max(end, area.start)))


def _loader_name(loader: Bootloader | None) -> str:
    if loader is None:
        return ""
    return loader.version or (loader.known.loader if loader.known is not None else "")
