from __future__ import annotations

import pickle
from dataclasses import dataclass

from groundwire.secret import MASK, Secret


@dataclass
class Holder:
    password: Secret[str]


def test_a_secret_never_shows_by_itself():
    secret = Secret("correct horse")
    assert str(secret) == f"{secret}" == MASK
    assert "horse" not in repr(Holder(secret))
    assert secret.reveal() == "correct horse"


def test_an_empty_secret_shows_as_nothing():
    assert str(Secret("")) == ""
    assert not Secret(b"")


def test_secrets_compare_by_value_and_travel_between_processes():
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret(b"a"), Secret(b"a")}) == 1
    assert pickle.loads(pickle.dumps(Secret("a"))) == Secret("a")


def test_the_hash_of_the_value():
    assert Secret("abc").sha256() == Secret(b"abc").sha256()
    assert Secret("abc").sha256().startswith("ba7816bf")
