"""Every note that a fact cites by a short name is defined in docs/sources.md, section by section."""

import re
from pathlib import Path

import pytest

import groundwire

ROOT = Path(groundwire.__file__).parents[2]
SOURCE = ROOT / "src" / "groundwire"
PAGE = ROOT / "docs" / "sources.md"
# A name of words joined by hyphens where a source is named. What is cited by its own title, a file
# or a repository has spaces, dots or slashes and is not meant.
FIELD = re.compile(
    r'(?:^source = "|# Ref: |\bSource: )(.*(?:\n(?:\s*#\s|\s{4,}).*)*)', re.MULTILINE
)
NAME = r"[a-z0-9]+(?:-[a-z0-9]+)+"
NUMBERS = r"\d+(?:\.\d+)*(?:(?:, | and | to )\d+(?:\.\d+)*)*"
CITATION = re.compile(rf"(?<![\w./:-])(?<!PyPI )({NAME}|bl0942)(?:, sections?)? ({NUMBERS})")
HEADING = re.compile(rf"^## ({NAME}|bl0942)$", re.MULTILINE)


def defined():
    """The names that the page defines, each with its text."""
    text = PAGE.read_text(encoding="utf-8")
    found = list(HEADING.finditer(text))
    ends = [*(one.start() for one in found[1:]), len(text)]
    return {one[1]: text[one.end() : end] for one, end in zip(found, ends, strict=True)}


def sections_of(text):
    """The numbers in the first column of the table of sections: `4 to 7`, `5, 6, 7`, `12`."""
    numbers = set()
    for cell in re.findall(r"^\| (\d[\d, to]*) \|", text, re.MULTILINE):
        for part in cell.split(", "):
            first, _, last = part.partition(" to ")
            numbers |= set(range(int(first), int(last or first) + 1))
    return numbers


def files():
    kinds = (".py", ".toml", ".md")
    return sorted(path for path in SOURCE.rglob("*") if path.suffix in kinds)


def cited():
    """Where each short name is cited, and which sections of it."""
    found = {}
    for path in files():
        for field in FIELD.finditer(path.read_text(encoding="utf-8")):
            for name, numbers in CITATION.findall(field[1]):
                tops = {int(number) for number in re.findall(r"(?<![\d.])\d+", numbers)}
                found.setdefault(name, {}).setdefault(path.relative_to(SOURCE), set()).update(tops)
    return found


def test_every_short_name_that_is_cited_is_defined():
    unknown = {name: sorted(map(str, places)) for name, places in cited().items()}
    for name in defined():
        unknown.pop(name, None)
    assert unknown == {}


def test_every_section_that_is_cited_is_described():
    pages = defined()
    missing = [
        f"{name} {number} in {path}"
        for name, places in cited().items()
        for path, numbers in places.items()
        for number in sorted(numbers)
        if name in pages and number not in sections_of(pages[name])
    ]
    assert missing == []


def test_no_note_is_mentioned_elsewhere_without_being_defined():
    """A name in another form than a citation: it is one of the page's, or the test above sees it."""
    names = defined().keys()
    mentioned = set()
    for path in files():
        text = path.read_text(encoding="utf-8")
        mentioned |= {name for name in names if re.search(rf"(?<![\w./-]){name}(?![\w-])", text)}
    assert {"beken-uart", "beken-images", "bouffalo-isp", "obk-config", "tuya-storage"} <= mentioned


@pytest.mark.parametrize("name", sorted(defined()))
def test_every_definition_names_public_sources_and_how_sure_they_are(name):
    text = defined()[name]
    assert re.search(r"`[\w-]+/[\w.-]+|PyPI `|\]\(#", text)
    assert re.search(r"executed|captured|measured|read\b|reported|simulated", text, re.IGNORECASE)


def test_the_page_names_no_place_but_public_ones():
    text = PAGE.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.`:])/(work|home|tmp|root|usr)/", text)
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (PAGE.parent / link).resolve().is_file(), link


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('source = "beken-uart 12.2 (computed)"', [("beken-uart", "12.2")]),
        ("# Ref: bouffalo-isp, sections 10 and 11; beken-images, section 12.2",
         [("bouffalo-isp", "10 and 11"), ("beken-images", "12.2")]),
        ('source = "obk-config 1, 2, 3 and 7 (OpenBK7231T_App at"', [("obk-config", "1, 2, 3 and 7")]),
        ("# Ref: BL0942 data sheet V1.10 (English)", []),
        ('source = "openshwprojects/OpenBL602"', []),
    ],
)  # fmt: skip
def test_citations_are_seen(line, wanted):
    field = FIELD.search(line)
    assert field is not None
    assert CITATION.findall(field[1]) == wanted
