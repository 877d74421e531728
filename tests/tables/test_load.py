"""The strict loader of fact tables: what it takes, and everything it must not let pass."""

import importlib
import itertools
import sys
from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.chips.beken import facts
from groundwire.tables.load import BadTable, EvidenceKind, load_rows

FILES = itertools.count()  # documents are kept by name once read


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    at: int


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    size: int
    weight: float
    fits: bool
    colour: Colour
    places: tuple[int, ...]
    parts: tuple[Inner, ...]
    evidence: EvidenceKind
    source: str
    limit: int | None = None
    note: str = ""


GOOD = """
[[thing]]
name = "box"
size = 0x10
weight = 2
fits = true
colour = "red"
places = [1, 2]
parts = [{ at = 3 }]
evidence = "measured"
source = "here"
"""


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Loads rows from a text, as from a file inside a package."""
    folder = tmp_path / "tables_of_the_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()

    def load(text, name="thing", cls=Thing):
        file = f"rows{next(FILES)}.toml"
        (folder / file).write_text(text)
        return load_rows("tables_of_the_test", file, name, cls)

    yield load
    sys.modules.pop("tables_of_the_test", None)


def test_a_good_row(table):
    (row,) = table(GOOD)
    assert row == Thing(
        "box", 16, 2.0, True, Colour.RED, (1, 2), (Inner(3),), EvidenceKind.MEASURED, "here"
    )
    assert isinstance(row.weight, float)
    (row,) = table(GOOD + "limit = 7\nnote = 'so'\n")
    assert (row.limit, row.note) == (7, "so")


@pytest.mark.parametrize("key", ["name", "size", "places", "evidence", "source"])
def test_a_missing_key(table, key):
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(f"{key} ="))
    with pytest.raises(BadTable, match=f"{key} is missing"):
        table(text)


def test_an_unknown_key(table):
    with pytest.raises(BadTable, match=r"unknown keys \['colr'\]"):
        table(GOOD + "colr = 1\n")
    with pytest.raises(BadTable, match=r"unknown keys \['to'\]"):
        table(GOOD.replace("{ at = 3 }", "{ at = 3, to = 4 }"))


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ('name = "box"', "name = 5"),
        ("size = 0x10", 'size = "16"'),
        ("size = 0x10", "size = true"),
        ("size = 0x10", "size = 1.5"),
        ("weight = 2", "weight = false"),
        ("fits = true", "fits = 1"),
        ("places = [1, 2]", "places = 1"),
        ("places = [1, 2]", 'places = [1, "2"]'),
        ("parts = [{ at = 3 }]", "parts = [3]"),
    ],
)
def test_a_value_of_another_type(table, good, bad):
    assert good in GOOD
    with pytest.raises(BadTable):
        table(GOOD.replace(good, bad))


@pytest.mark.parametrize(
    ("good", "bad"),
    [('colour = "red"', 'colour = "blue"'), ('evidence = "measured"', 'evidence = "believed"')],
)
def test_a_word_that_the_list_does_not_have(table, good, bad):
    with pytest.raises(BadTable):
        table(GOOD.replace(good, bad))


def test_no_rows_of_that_name(table):
    with pytest.raises(BadTable, match=r"no rows \[\[other\]\]"):
        table(GOOD, name="other")


@given(st.text(alphabet="abcdefghij", min_size=1, max_size=6))
def test_rows_of_the_real_tables_are_what_their_classes_say(name):
    with pytest.raises(BadTable):
        load_rows(facts.PACKAGE, facts.FILE, "no" + name, facts.ChipFacts)


def test_facts_of_the_family_load_and_hang_together():
    chips = facts.all_chips()
    names = [chip.name for chip in chips]
    assert len(names) == len(set(names)) == 7
    for chip in chips:
        layout = facts.layout_facts(chip.layout)
        assert layout.bootloader < layout.app_end < chip.flash_size
        assert chip.source
        is_loader = chip.group is facts.Group.LOADER
        assert is_loader == (chip.chip_id == 0) == (chip.marker == "") == (chip.guard > 0)
        assert is_loader == (chip.idle_restart_s > 0) == chip.crc_pages == (chip.code_end > 0)
    with pytest.raises(KeyError):
        facts.chip_facts("BK9999")
    with pytest.raises(KeyError):
        facts.layout_facts("z")


def test_fingerprints_are_unique():
    rows = load_rows(facts.PACKAGE, facts.FILE, "loader", facts.LoaderFacts)
    keys = [(row.crc, row.size) for row in rows]
    assert len(keys) == len(set(keys))
    assert {row.size for row in rows} == {256, 257}
    assert facts.loader_version(0xBA54C1B8, 256) == "BK7231T 1.0.5"
    assert facts.loader_version(0, 256) == ""
