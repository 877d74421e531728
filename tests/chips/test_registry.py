"""The families: all load, names are unique, a broken one stops nobody."""

import pytest

from groundwire.chips import registry
from groundwire.chips.registry import BUILT_IN, Unavailable, families, family_of, load_families


class Entry:
    """An entry point of another package."""

    name = "strange"

    def __init__(self, result):
        self._result = result

    def load(self):
        if isinstance(self._result, Exception):
            raise self._result
        return self._result


@pytest.fixture
def entries(monkeypatch):
    def offer(*results):
        monkeypatch.setattr(registry, "entry_points", lambda group: [Entry(one) for one in results])
        load_families.cache_clear()

    yield offer
    monkeypatch.undo()
    load_families.cache_clear()


def test_all_built_in_families_load():
    assert len(families()) >= len(BUILT_IN)
    names = [family.name for family in families()]
    assert names[:2] == ["beken", "bouffalo"]
    parts = [part.upper() for family in families() for part in family.parts]
    assert len(parts) == len(set(parts))
    for family in families():
        assert family.title
        assert family.link_baudrate > 0


@pytest.mark.parametrize(
    ("chip", "name"), [("BK7231N", "beken"), ("bk7231t", "beken"), ("bl602", "bouffalo")]
)
def test_a_chip_leads_to_its_family(chip, name):
    assert family_of(chip).name == name


@pytest.mark.parametrize("chip", ["", "BK", "ESP8266", "BK7231N "])
def test_an_unknown_chip_leads_nowhere(chip):
    assert family_of(chip) is None


def test_a_family_of_another_package_joins(entries):
    mine = families()[0]
    entries(mine)
    assert load_families()[0][-1] is mine


def test_a_broken_family_is_listed_with_its_reason_and_stops_nobody(entries):
    entries(ImportError("no module named strange"), "not a family")
    loaded, broken = load_families()
    assert [family.name for family in loaded[:2]] == ["beken", "bouffalo"]
    assert broken == (
        Unavailable("strange", "ImportError: no module named strange"),
        Unavailable("strange", "it offers no ChipFamily"),
    )
