import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.bootlog.linerate import (
    RECEIVERS,
    LineKind,
    judge_line,
    nearest_rate,
    read_through,
    readable,
    uninvert,
)

TEXT = b"".join(
    b"\r\r\nV:BK7231N_1.0.1\r\r\nREG:cpsr     spsr     r13      r14\r\r\n"
    b"SVC:000000D3          00401C1C 000033AC\r\r\nST:00000000\r\r\nJ 0x10000\r\r\n"
    b"bk_misc_init_start_type 0 0\r\nInfo:GEN:step %d of the start\r\n"
    b"thread_create name:wq_system,stackDepth:%d,priority:3\r\nidle %d/s, free 97624\r\n" % (n, n * 997, n * 31)
    for n in range(9)
)  # fmt: skip


@pytest.mark.parametrize("receiver", RECEIVERS)
@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (115_200, 57_600), (115_200, 74_880), (115_200, 128_000), (115_200, 230_400),
        (115_200, 256_000), (115_200, 460_800), (115_200, 921_600), (921_600, 460_800),
        (2_000_000, 1_500_000), (9_600, 19_200),
    ],
)  # fmt: skip
def test_the_true_rate_is_found_in_both_directions(sent, read, receiver):
    verdict = judge_line(read_through(TEXT, read / sent, receiver=receiver), read)
    assert verdict.kind is LineKind.WRONG_RATE
    assert verdict.true_rate == pytest.approx(sent, rel=0.06)


def test_the_closed_sets_are_those_of_the_model():
    doubled = set(read_through(TEXT, 2))
    assert doubled <= set(bytes.fromhex("0006181e6066787e8086989ee0e6f8fe"))
    assert set(read_through(TEXT, 4)) == {0x00, 0x78, 0x80, 0xF8}
    assert set(read_through(TEXT, 8)) == {0x00, 0x80}
    assert set(read_through(TEXT, 20)) == {0x00}


def test_the_right_rate_reads_the_text():
    assert read_through(TEXT, 1) == TEXT
    assert judge_line(TEXT, 115_200).kind is LineKind.TEXT


def test_a_much_slower_sender_or_a_held_line_gives_zeros():
    assert judge_line(read_through(TEXT[:80], 12), 115_200).kind is LineKind.ZEROS
    assert judge_line(bytes(40), 115_200).kind is LineKind.ZEROS


def test_zeros_at_a_very_high_rate_are_a_wrong_rate():
    verdict = judge_line(bytes(400), 2_000_000)
    assert (verdict.kind, verdict.true_rate) == (LineKind.WRONG_RATE, 115_200)


def test_a_much_faster_sender_gives_few_bytes_that_form_nothing():
    verdict = judge_line(read_through(TEXT, 115_200 / 2_000_000), 115_200)
    assert (verdict.kind, verdict.true_rate) == (LineKind.SPARSE_NOISE, 2_000_000)


def test_wrong_polarity_is_found_and_can_be_turned_round():
    inverted = read_through(TEXT, 1, inverted=True)
    assert judge_line(inverted, 115_200).kind is LineKind.INVERTED
    assert b"V:BK7231N_1.0.1" in uninvert(inverted)


def test_silence_and_block_characters():
    assert judge_line(b"").kind is LineKind.SILENT
    assert judge_line("██████╗ ██╗      ██████╗\r\n".encode()).kind is LineKind.TEXT


def test_the_console_score_prefers_the_rate_with_known_words():
    right = readable(TEXT)
    assert right > 3
    assert all(readable(read_through(TEXT, ratio)) < 0.8 for ratio in (0.5, 1.11, 2, 4, 8))
    assert readable(b"") == 0.0


@given(st.binary(max_size=700), st.sampled_from([0, 9_600, 115_200, 2_000_000]))
def test_any_bytes_get_one_verdict(data, rate):
    verdict = judge_line(data, rate)
    assert verdict.kind in LineKind
    assert 0 <= verdict.fit <= 1.0001


@given(st.binary(max_size=60), st.floats(0.05, 20), st.booleans())
def test_the_model_takes_any_bytes_and_rate(data, ratio, inverted):
    out = read_through(data, ratio, inverted=inverted)
    assert len(out) <= 10 * len(data) + 8


def test_rates_are_named_by_their_usual_value():
    assert nearest_rate(115_044) == 115_200
    assert nearest_rate(30_000) == 30_000
