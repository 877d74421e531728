"""The frames of frames.toml, by name."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

COUNTING = bytes(range(256))


@dataclass(frozen=True)
class Vector:
    name: str
    kind: str
    data: bytes
    heard: str
    source: str


def _vector(row):
    if "hex" in row:
        data = bytes.fromhex(row["hex"])
    else:
        unit = COUNTING if row["unit"] == "counting" else bytes.fromhex(row["unit"])
        data = bytes.fromhex(row["prefix"]) + unit * row["repeat"]
        assert hashlib.sha256(data).hexdigest() == row["sha256"], row["name"]
    return Vector(row["name"], row["kind"], data, row["heard"], row["source"])


def load_vectors():
    text = Path(__file__).with_name("frames.toml").read_text("utf-8")
    return {row["name"]: _vector(row) for row in tomllib.loads(text)["frame"]}


FRAMES = load_vectors()
