"""Every real log yields its known answer, and keeps it when it is damaged as logs are damaged."""

import functools
import json
import random
import re

import pytest

from corpus import corpus_folder
from groundwire.bootlog.agreement import LogAnswer, compare, score, table
from groundwire.bootlog.diagnose import diagnose_bytes

pytestmark = pytest.mark.corpus


@functools.cache
def logs():
    return tuple(read_logs())


@functools.cache
def undamaged(data):
    return diagnose_bytes(data).ids()


def read_logs():
    folder = corpus_folder() / "logs"
    for path in sorted(folder.glob("*.expected.json")):
        name = path.name.removesuffix(".expected.json")
        document = json.loads(path.read_text(encoding="utf-8"))
        yield name, (folder / f"{name}.log").read_bytes(), LogAnswer.of(document)


@pytest.fixture(scope="module")
def agreements():
    return [compare(*log) for log in logs()]


def test_no_log_is_diagnosed_wrongly(agreements):
    assert [agreement.name for agreement in agreements if agreement.wrong] == []
    assert len(agreements) >= 62


def test_every_fact_of_every_log_is_extracted(agreements):
    assert {a.name: a.fact_differences for a in agreements if a.fact_differences} == {}


def test_every_first_diagnosis_is_found(agreements):
    # Two logs are the same bytes with different histories; no log can tell them apart.
    twins = {"obk-t-first-boot", "obk-t-config-corrupt"}
    assert [
        a.name for a in agreements if a.found[:1] != a.expected[:1] and a.name not in twins
    ] == []


def test_precision_and_recall(agreements):
    scores = score(agreements)
    assert sum(row.extra for row in scores) <= 1
    assert sum(row.missed for row in scores) <= 3


def test_nothing_but_sound_is_found_in_sound_boots(agreements):
    sound = [a for a in agreements if a.expected == ("healthy",)]
    assert len(sound) >= 5
    assert {a.found for a in sound} == {("healthy",)}


def test_the_table_names_every_log_and_every_id(agreements):
    text = "\n".join(table(agreements))
    assert all(agreement.name in text for agreement in agreements)
    assert "precision" in text
    assert "0 wrong" in text


# --- damage ---------------------------------------------------------------------------------------------


def plain(data):
    return data.replace(b"\r", b"").split(b"\n")


def stamped(form):
    def stamp(data, _rng):
        out = []
        for number, line in enumerate(plain(data)):
            seconds = 36_000 + number * 0.013
            clock = (
                f"{int(seconds // 3600):02}:{int(seconds % 3600 // 60):02}:{int(seconds % 60):02}"
            )
            out.append(form.replace("CLOCK", clock).encode() + line)
        return b"\r\n".join(out)

    return stamp


def garbled(data, rng):
    return bytes(
        rng.randrange(33, 127) if byte >= 32 and rng.random() < 0.01 else byte for byte in data
    )


DAMAGE = {
    "line feeds": lambda data, _: b"\n".join(plain(data)),
    "returns": lambda data, _: b"\r".join(plain(data)),
    "doubled returns": lambda data, _: b"\r\r\n".join(plain(data)),
    "blank lines": lambda data, _: b"\n\n".join(plain(data)),
    "utf-16": lambda data, _: b"\xff\xfe" + data.decode("utf-8", "replace").encode("utf-16le"),
    "quoted": lambda data, _: b"\n".join(
        b"> " + re.sub(rb" +", b" ", line) for line in plain(data)
    ),
    "entities": lambda data, _: (
        data.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
    ),
    "ellipsis": lambda data, _: data.replace(b"...", "…".encode()),
    "indented": lambda data, _: b"\n".join(b"    " + line for line in plain(data)),
    "coloured": lambda data, _: b"\n".join(
        b"\x1b[0;32m" + line + b"\x1b[0m" for line in plain(data)
    ),
    "bracket clock": stamped("[CLOCK.707]"),
    "arrow clock": stamped("CLOCK.707 -> "),
    "iso clock": stamped("2024-01-02T CLOCK ".replace("T ", "T")),
    "german clock": stamped("Mo 12. Jan 2024 CLOCK | "),
    "dotted date": stamped("12.03.2024 CLOCK: "),
    "russian clock": stamped("пт, 12 янв. 2024 \u0433., CLOCK "),
    "tool prefix": stamped("[2024/01/02 CLOCK] RX: "),
}
TEXTUAL = ("line-", "bad-m-image")  # the line cases are about bytes, not lines


@pytest.mark.parametrize("name", DAMAGE)
def test_harmless_damage_changes_no_diagnosis(name):
    changed = {}
    for log, data, _ in logs():
        if not log.startswith(TEXTUAL):
            before = undamaged(data)
            after = diagnose_bytes(DAMAGE[name](data, None)).ids()
            if before != after:
                changed[log] = (before, after)
    assert changed == {}


@pytest.mark.parametrize("seed", range(4))
def test_one_wrong_character_in_a_hundred_keeps_the_first_diagnosis(seed):
    rng = random.Random(seed)
    changed, total = {}, 0
    for log, data, answer in logs():
        if not log.startswith(TEXTUAL):
            total += 1
            found = [id_ for id_ in diagnose_bytes(garbled(data, rng)).ids() if id_ != "line-noisy"]
            assert not answer.must_not.intersection(found), log
            if not found or found[0] not in answer.ids:
                changed[log] = found
    assert len(changed) <= total // 25, changed


@pytest.mark.parametrize("seed", range(4))
def test_lost_lines_never_turn_into_a_forbidden_diagnosis(seed):
    rng = random.Random(seed)
    changed, total = {}, 0
    for log, data, answer in logs():
        if not log.startswith(TEXTUAL):
            total += 1
            kept = b"\n".join(line for line in data.split(b"\n") if rng.random() > 0.03)
            found = diagnose_bytes(kept).ids()
            assert not answer.must_not.intersection(found), log
            if not found or found[0] not in answer.ids:
                changed[log] = found
    assert len(changed) <= total // 15, changed
