"""Files that say themselves what they are: wrappers, update files, UF2, Bouffalo images."""

from __future__ import annotations

from groundwire.errors import GroundwireError
from groundwire.evidence import Evidence
from groundwire.images import uf2
from groundwire.images.beken import chips, content, identify, package, rbl, ug
from groundwire.images.beken.app_text import read_app_text
from groundwire.images.beken.cipher import known_stream, vector_score
from groundwire.images.beken.code_area import APP_LOGICAL, marker_of
from groundwire.images.bouffalo import identify as bouffalo
from groundwire.images.kinds import ImageKind, Problem, Recognition, Weight
from groundwire.quantities import Span, hex_address

_VECTOR_MIN = 7
_CODE_MIN = 0x200  # an application reaches past its chip marker at 0x100


def recognise_container(data: bytes) -> Recognition | None:
    """A file with a magic number of its own at the start, or None."""
    if data.startswith(ug.MAGIC):
        return _ug(data)
    if data.startswith(rbl.MAGIC):
        return _rbl(data)
    if data.startswith(uf2.MAGIC):
        return _uf2(data)
    return bouffalo.recognise(data)


# --- UF2 ------------------------------------------------------------------------------------------


def _uf2(data: bytes) -> Recognition:
    whole = Span(0, len(data))
    try:
        opened = uf2.parse(data)
        parts = opened.extract(uf2.Scheme.FLASHER_SINGLE)
    except GroundwireError as error:
        return Recognition(ImageKind.UF2, problems=(Problem(whole, error.what),))
    family, chip = uf2.CHIP_BY_FAMILY.get(opened.family, ("", ""))
    evidence = [Evidence("UF2 family", f"0x{opened.family:08X}", chip or "not in the table")]
    board = opened.text(uf2.Tag.BOARD)
    if board:
        evidence.append(Evidence("board", board, "UF2 tag"))
    evidence += [
        Evidence(f"partition {part.name}", f"{len(part.data)} bytes", "for a cable")
        for part in parts
    ]
    problems = [Problem(span, text) for span, text in opened.problems]
    key_class = ""
    for part in parts:
        if part.name == "app" and family == "beken":
            key_class, inner = _uf2_app(part, whole)
            problems += inner
    if not parts:
        problems.append(Problem(whole, "nothing in it is meant to be written by a cable"))
    name = (opened.text(uf2.Tag.FIRMWARE), opened.text(uf2.Tag.VERSION))
    return Recognition(
        ImageKind.UF2,
        family=family,
        chips=(chip,) if chip else (),
        key_class=key_class,
        app=whole,
        app_valid=bool(parts) and not problems,
        version=" ".join(part for part in name if part),
        evidence=tuple(evidence),
        problems=tuple(problems),
    )


def _uf2_app(part: uf2.Part, whole: Span) -> tuple[str, list[Problem]]:
    """Key set and problems of the application inside, which is a partition ready to be written."""
    inner = content.read_content(part.data)
    if inner is None or inner.app is None:
        return "", [Problem(whole, "its application partition holds no code in checksum packets")]
    texts = [problem.text for problem in identify.code_problems(inner, inner.app, "application")]
    return inner.app.key_class, [Problem(whole, f"inside: {text}") for text in texts]


# --- Beken update files ---------------------------------------------------------------------------


def _plain_code(kind: ImageKind, plain: bytes, span: Span) -> Recognition:
    """What plain application code says; its key set is chosen when it is installed."""
    marker = marker_of(plain)
    guess = chips.from_code(marker, "", "application")
    text = read_app_text(plain)
    if text.chip:
        guess = guess.narrowed(
            chips.chips_of_app_text(text.chip),
            Evidence("application names", text.found, "text in the application"),
        )
    return Recognition(
        kind=kind,
        family="beken",
        chips=guess.chips,
        app=span,
        version=text.version,
        evidence=guess.evidence,
        problems=tuple(
            Problem(span, f"parts of two chips: {clash.fact} {clash.value}", Weight.FOREIGN)
            for clash in guess.contradictions
        ),
    )


def _with(
    found: Recognition, *, valid: bool, evidence: list[Evidence], problems: list[Problem]
) -> Recognition:
    return Recognition(
        kind=found.kind,
        family=found.family,
        chips=found.chips,
        app=found.app,
        app_valid=valid and not problems,
        version=found.version,
        evidence=(*evidence, *found.evidence),
        problems=(*problems, *found.problems),
    )


def _package_problems(opened: package.Package, at: int) -> list[Problem]:
    body = Span(at + rbl.HEADER_SIZE, opened.header.package_size)
    found = []
    if not opened.body_ok:
        found.append(Problem(body, "the container's checksum does not fit its body"))
    if not opened.size_ok:
        found.append(Problem(body, "the body unpacks to another size than the header says"))
    if not opened.hash_ok:
        found.append(Problem(body, "the container's hash does not fit the unpacked payload"))
    return found


def _rbl(data: bytes, at: int = 0, kind: ImageKind = ImageKind.RBL) -> Recognition:
    span = Span(at, len(data))
    try:
        opened = package.unpack(data)
    except GroundwireError as error:
        return Recognition(kind, family="beken", problems=(Problem(span, error.what),))
    header = opened.header
    evidence = [Evidence("container", f"{header.name} {header.version}", "RBL header")]
    body = Span(at + rbl.HEADER_SIZE, header.package_size)
    problems = _package_problems(opened, at)
    if len(data) > rbl.HEADER_SIZE + header.package_size:
        extra = len(data) - rbl.HEADER_SIZE - header.package_size
        problems.append(Problem(Span(body.end, extra), "more bytes than the container has"))
    found = _plain_code(kind, opened.payload, body)
    return _with(found, valid=opened.ok, evidence=evidence, problems=problems)


def _ug(data: bytes) -> Recognition:
    try:
        opened = ug.parse(data)
    except GroundwireError as error:
        problem = Problem(Span(0, len(data)), error.what)
        return Recognition(ImageKind.UG, problems=(problem,))
    inner = _rbl(opened.payload, ug.HEADER_SIZE, ImageKind.UG)
    whole = Span(ug.HEADER_SIZE, len(opened.payload))
    problems = []
    if not opened.header_sum_ok:
        problems.append(Problem(Span(0, ug.HEADER_SIZE), "the wrapper's header sum is wrong"))
    if not opened.size_ok:
        text = f"the wrapper claims {opened.declared_size} bytes, {len(opened.payload)} are there"
        problems.append(Problem(whole, text))
    if not opened.payload_sum_ok:
        problems.append(Problem(whole, "the wrapper's sum does not fit its content"))
    evidence = [Evidence("wrapper", opened.version, "UG header")]
    return _with(inner, valid=inner.app_valid, evidence=evidence, problems=problems)


# --- code without packets -------------------------------------------------------------------------


def recognise_plain(data: bytes) -> Recognition | None:
    """Linker output, or code enciphered but without checksum packets; None for anything else."""
    head = data[:32]
    if len(data) < _CODE_MIN:
        return None
    whole = Span(0, len(data))
    if vector_score(head) >= _VECTOR_MIN:
        note = Evidence("vector table", hex_address(0), "plain code without checksum packets")
        found = _plain_code(ImageKind.PLAIN_APP, data, whole)
        return _with(found, valid=True, evidence=[note], problems=[])
    for name in ("tuya", "uascent"):
        stream = known_stream(name)
        if vector_score(stream.apply(head, APP_LOGICAL)) >= _VECTOR_MIN:
            note = Evidence("key set", name, "vector table, no checksum packets")
            plain = stream.apply(data[: package.PAYLOAD_MAX], APP_LOGICAL)
            found = _plain_code(ImageKind.PLAIN_APP, plain, whole)
            problem = Problem(whole, "enciphered, but without checksums: it cannot boot like this")
            return _with(found, valid=False, evidence=[note], problems=[problem])
    return bouffalo.recognise_raw(data)
