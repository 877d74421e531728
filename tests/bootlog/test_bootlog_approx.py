import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.bootlog.approx import Phrase, PhraseBook, default_slack, errors_in


def by_table(phrase, text):
    """Sellers' table, the slow and obvious way."""
    row = [0] * (len(text) + 1)
    for i, char in enumerate(phrase, 1):
        new = [i]
        for j, other in enumerate(text, 1):
            new.append(min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (char != other)))
        row = new
    return min(row)


@given(st.text("abc", min_size=1, max_size=8), st.text("abcd", max_size=14), st.integers(0, 4))
def test_agrees_with_the_slow_way(phrase, text, slack):
    slack = min(slack, len(phrase) - 1)
    expected = by_table(phrase, text)
    assert errors_in(phrase, text, slack) == (expected if expected <= slack else None)


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("xx No TLV header found in flash", 0),
        ("No TLV hexder found in flash", 1),
        ("No TLVheader fund in flash", 2),
        ("No TLV header found in f", 4),
        ("No header at all", None),
    ],
)
def test_damage_is_counted(text, errors):
    phrase = "No TLV header found in flash"
    assert Phrase("m", phrase, default_slack(phrase)).errors(text) == errors


def test_short_phrases_bear_no_damage():
    assert default_slack("cal_bias!") == 0
    assert default_slack("x" * 100) == 4


@given(st.integers(0, 10_000))
def test_parts_never_hide_a_bearable_error(seed):
    rng = random.Random(seed)
    phrase = "Main_Init_Before_Delay done"
    slack = default_slack(phrase)
    text = list(phrase)
    for _ in range(slack):
        text[rng.randrange(len(text))] = rng.choice("xyz#")
    assert Phrase("m", phrase, slack).errors("".join(text)) is not None


def test_a_book_gives_the_least_damaged_phrase_of_a_mark():
    book = PhraseBook(
        [Phrase("a", "header found", 1), Phrase("a", "heads found!", 1), Phrase("b", "zzz", 0)]
    )
    assert book.find("a header found here") == {"a": 0}
    assert book.find("nothing") == {}
