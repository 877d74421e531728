import dataclasses

import pytest

from groundwire.bootlog.diagnose import PREDICATES, diagnose_bytes
from groundwire.bootlog.signatures import (
    Confidence,
    GuidedTest,
    Kind,
    Knowledge,
    Mark,
    Signature,
    build_table,
    signature_table,
)
from groundwire.tables.load import BadTable

TABLE = signature_table()
SAMPLED = sorted(name for name, row in TABLE.signatures.items() if row.sample)
# What a sample may show besides its own signature, because one causes or accompanies the other.
TOGETHER = {
    "dots-ten": set(),
    "line-noisy": set(),
    "crash-loop-t": set(),
    "host-reset": {"jump-then-hang"},
    "config-crc": {"healthy"},
    "boot-count-climbing": {"healthy"},
    "watchdog": {"healthy"},
}
ROW = Signature(
    id="a", number="S1", kind=Kind.FAULT, rank=1, confidence=Confidence.LOW, means="m",
    tells_apart="t", next_step="n", evidence=Knowledge.ASSUMED, source="s", all_of=("m",),
)  # fmt: skip
MARK = Mark("m", phrases=("some phrase",))


@pytest.mark.parametrize("name", SAMPLED)
def test_each_sample_yields_its_signature_and_no_other(name):
    found = set(diagnose_bytes(TABLE.signatures[name].sample.encode()).ids())
    assert name in found
    assert found - {name} <= TOGETHER.get(name, set())


def test_every_signature_without_a_sample_needs_what_no_text_shows():
    bare = {name for name in TABLE.signatures if name not in SAMPLED}
    assert bare == {
        "silence-wiring", "silence-not-bootable", "silence-wrong-uart", "silence-bl602-address",
        "wrong-key", "baud-mismatch", "baud-bl602", "line-stuck-or-slow", "line-inverted",
        "uart1-noise-delays-boot", "ap-not-visible", "script-missing", "bl602-psm-small",
        "tuya-store-empty", "tuya-restored-no-boot", "tuya-locked-down", "healthy",
    }  # fmt: skip


def test_the_catalogue_is_whole():
    numbers = {row.number for row in TABLE.signatures.values()}
    wanted = {"S00", "S01a", "S01b", "S01c", "S01d", "S02a", "S02b", "S18a", "S18b", "S18c", "S18d",
              "S28", "S28b", "S28c", "S28d", "S29a", "S29b", "S32b"}  # fmt: skip
    wanted |= {f"S{n:02}" for n in range(3, 50) if n not in (18, 29)}
    assert wanted <= numbers
    assert len(TABLE.signatures) >= 63


def test_every_predicate_named_in_the_table_exists_and_is_used():
    named = {
        name[1:].split()[0]
        for row in TABLE.signatures.values()
        for name in (*row.all_of, *row.any_of, *row.none_of)
        if name.startswith("@")
    }
    assert named <= set(PREDICATES)
    assert set(PREDICATES) - named <= {"link-works", "listens-on-flashing-pins"}


def test_every_row_is_complete_prose():
    for row in TABLE.signatures.values():
        for text in (row.means, row.tells_apart, row.next_step, row.source):
            assert text.strip(), row.id
            assert not text.endswith("."), row.id
        assert "--" not in row.next_step, row.id


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([ROW, ROW], "stands there twice"),
        ([dataclasses.replace(ROW, all_of=("nowhere",))], "unknown nowhere"),
        ([dataclasses.replace(ROW, tests=("nothing",))], "unknown nothing"),
        ([dataclasses.replace(ROW, hidden_by=("b",))], "unknown b"),
        ([dataclasses.replace(ROW, all_of=())], "has no rule"),
        ([dataclasses.replace(ROW, source=" ")], "has no source"),
    ],
)
def test_a_bad_row_is_refused(rows, reason):
    with pytest.raises(BadTable, match=reason):
        build_table([MARK], [GuidedTest("t", "ask", "tells")], rows)


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (Mark("m"), "either phrases or a pattern"),
        (Mark("m", phrases=("x",), pattern="y"), "either phrases or a pattern"),
        (Mark("m", pattern="("), "mark m"),
    ],
)
def test_a_bad_mark_is_refused(mark, reason):
    with pytest.raises(BadTable, match=reason):
        build_table([mark], [], [ROW])
