"""Agreement with the reference values of every real dump, and the verdict on each."""

from __future__ import annotations

import pytest

from corpus import dump, dump_names, expected
from groundwire.images.agreement import ALWAYS_TUYA, Comparison, compare_image
from groundwire.images.beken import rbl
from groundwire.images.beken.content import read_content
from groundwire.images.health import Verdict, check_health
from groundwire.images.kinds import ImageKind
from groundwire.images.recognise import recognise


@pytest.mark.corpus
@pytest.mark.parametrize("name", dump_names())
def test_every_value_agrees_and_every_file_is_sound(name):
    data = dump(name)
    compared = compare_image(data, expected(name))
    assert [entry for entry in compared if entry.failed] == []
    assert {entry.reason for entry in compared} <= {"", ALWAYS_TUYA}
    found = recognise(data)
    no_code = found.kind is ImageKind.SETTINGS_ONLY
    assert no_code or len(compared) >= 8
    health = check_health(data)
    assert health.verdict is (Verdict.NO_IMAGE if no_code else Verdict.SOUND)
    assert all(check.ok for check in health.checks)


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["n-lspa9-clone1", "t-woox-r5111", "obk-t-qio", "obk-7238-qio"])
def test_containers_described_anew_are_the_containers_of_the_packers(name):
    content = read_content(dump(name))
    assert content is not None
    assert content.bootloader is not None
    assert content.app is not None
    for area in (content.bootloader.code, content.app):
        header = area.container.header
        stored = area.stored[: header.raw_size]
        made = rbl.describe(stored, header.name, header.version, header.packed_at)
        assert made == header
        assert rbl.parse_header(made.build()) == header


@pytest.mark.parametrize(
    ("entry", "agrees", "failed"),
    [
        (Comparison("size", 1, 1), True, False),
        (Comparison("size", 1, 2), False, True),
        (Comparison("size", 1, 2, "argued"), False, False),
    ],
)
def test_a_difference_fails_unless_it_is_argued(entry, agrees, failed):
    assert (entry.agrees, entry.failed) == (agrees, failed)
