"""convert, redact and corpus: what they write, what they refuse, and how they end."""

from __future__ import annotations

import csv
import json
import lzma
import os
import stat
from pathlib import Path

import pytest

from cli_desk import Runner
from groundwire.cli.convert import FORMS
from groundwire.errors import RedactionUnproven
from groundwire.exports.redact import Leftover, redact
from groundwire.images.kinds import Form
from groundwire.jobs import corpus
from groundwire.jobs import redact as redact_job
from groundwire.jobs.corpus import COLUMNS, find_files, local_runner, make_corpus
from groundwire.jobs.corpus_row import row_of
from groundwire.jobs.inspect import inspect_bytes
from groundwire.sim.modules import application, bootloader, firmware_image
from stock_dump import SECRETS, stock_dump

QIO = firmware_image("BK7231N")


@pytest.fixture
def qio(tmp_path: Path) -> Path:
    """A release image."""
    path = tmp_path / "release.qio"
    path.write_bytes(QIO)
    return path


# --- convert --------------------------------------------------------------------------------------


def test_every_form_can_be_asked_for() -> None:
    assert set(FORMS) == {form.value for form in Form}


def test_there_and_back_again(groundwire: Runner, qio: Path, tmp_path: Path) -> None:
    ran = groundwire("convert", qio, tmp_path / "a.ua", "--to", "ua", "--json")
    assert (ran.code, ran.result["kind"]) == (0, "ua")
    assert stat.S_IMODE((tmp_path / "a.ua").stat().st_mode) == 0o600
    ran = groundwire("convert", tmp_path / "a.ua", tmp_path / "b", "--to", "qio")
    assert (ran.code, "no bootloader" in ran.err) == (6, True)
    assert not (tmp_path / "b").exists()
    flags = ("--to", "qio", "--bootloader", qio)
    assert groundwire("convert", tmp_path / "a.ua", tmp_path / "b", *flags).code == 0
    assert (tmp_path / "b").read_bytes() == QIO[: (tmp_path / "b").stat().st_size]


def test_cut_and_join(groundwire: Runner, qio: Path, tmp_path: Path) -> None:
    boot, app, out = (tmp_path / name for name in ("boot", "app", "out"))
    assert groundwire("convert", qio, boot, "--cut", "bootloader").code == 0
    assert groundwire("convert", qio, app, "--cut", "app").code == 0
    assert groundwire("convert", boot, out, "--join", f"0x11000={app}").code == 0
    assert out.read_bytes()[:0x11000] == bootloader("BK7231N")
    ran = groundwire("convert", qio, tmp_path / "no", "--cut", "attic")
    assert (ran.code, "its parts are: app" in ran.err) == (6, True)
    ran = groundwire("convert", boot, tmp_path / "no", "--join", f"0x1000={app}")
    assert (ran.code, "overlap" in ran.err) == (6, True)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ((), "one of --to, --cut and --join"),
        (("--to", "ua", "--cut", "app"), "one of --to, --cut and --join"),
        (("--join", "app"), "ADDRESS=FILE"),
        (("--join", "x=app"), "ADDRESS=FILE"),
        (("--to", "elf"), "elf"),
    ],
)
def test_requests_to_convert_that_make_no_sense(
    flags: tuple[str, ...], text: str, groundwire: Runner, qio: Path, tmp_path: Path
) -> None:
    ran = groundwire("convert", qio, tmp_path / "out", *flags)
    assert (ran.code, text in ran.err) == (2, True), ran


def test_no_file_is_overwritten(groundwire: Runner, qio: Path) -> None:
    assert groundwire("convert", qio, qio, "--to", "ua").code == 2
    assert groundwire("redact", qio, qio).code == 2
    assert qio.read_bytes() == QIO


# --- redact ---------------------------------------------------------------------------------------


def test_a_redacted_dump_is_proven_and_shows_the_same(groundwire: Runner, tmp_path: Path) -> None:
    data, path, out = stock_dump(), tmp_path / "dump", tmp_path / "public"
    path.write_bytes(data)
    ran = groundwire("redact", path, out, "--json")
    assert ran.code == 0, ran
    assert ran.result["patterns"] > 10
    made = out.read_bytes()
    assert not [secret for secret in SECRETS if secret in made or secret.decode() in ran.out]
    before, after = inspect_bytes(data), inspect_bytes(made)
    assert after.wiring.pins == before.wiring.pins
    assert after.health.verdict == before.health.verdict
    assert after.macs == ("02:00:5E:00:00:00",)
    assert "redacted, and proven" in groundwire("redact", path, tmp_path / "again").out


def test_a_rotated_dump_comes_out_in_order(groundwire: Runner, tmp_path: Path) -> None:
    data, path, out = stock_dump(), tmp_path / "dump", tmp_path / "public"
    path.write_bytes(data[0x11000:] + data[:0x11000])
    ran = groundwire("redact", path, out)
    assert ran.code == 0, ran
    assert "put in order" in ran.out
    assert out.read_bytes()[:0x11000] == data[:0x11000]


def test_a_secret_in_the_code_is_left_told_and_not_written(
    groundwire: Runner, tmp_path: Path
) -> None:
    data = bytearray(stock_dump())
    at = 0x11000 + data[0x11000:].find(b"\xff" * 64)
    assert at < 0x12A000
    path, out = tmp_path / "dump", tmp_path / "public"
    # a password in the program, in packets whose checksums hold
    code = bytearray(application("BK7231N", SECRETS[0], seed=3))
    data[0x11000 : 0x11000 + len(code)] = code
    path.write_bytes(data)
    clean = groundwire("redact", path, out)
    assert clean.code == 0  # enciphered code does not show it
    out.unlink()
    made = redact(bytes(data))
    leaky = type(made)(made.data, made.changed, made.removed, (Leftover("x", "plain", 16),), ())
    with pytest.raises(RedactionUnproven, match=r"x \(plain\) at 0x00010") as failed:
        redact_job.check_proven(leaky, inspect_bytes(bytes(data)))
    assert failed.value.exit_code == 5


def test_a_release_file_holds_nothing_to_redact(groundwire: Runner, tmp_path: Path) -> None:
    path = tmp_path / "app.ua"
    path.write_bytes(application("BK7231N", b"x"))
    ran = groundwire("redact", path, tmp_path / "out")
    assert (ran.code, "only what was read from a module" in ran.err) == (6, True)


# --- corpus ---------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Dumps of two modules, a duplicate, a packed one, a damaged one, and what is none."""
    place = tmp_path / "dumps"
    (place / "deep").mkdir(parents=True)
    first = stock_dump()
    later = stock_dump(more={"lamp": b"on\0"})
    other = stock_dump().replace(bytes.fromhex("02005e100001"), bytes.fromhex("02005e100002"))
    damaged = bytearray(first)
    damaged[0x40000] ^= 1
    (place / "a.bin").write_bytes(first)
    (place / "deep" / "copy.bin").write_bytes(first)
    (place / "later.bin.xz").write_bytes(lzma.compress(later, preset=0))
    (place / "other.bin").write_bytes(other)
    (place / "damaged.bin").write_bytes(damaged)
    (place / "notes.txt").write_text("nothing")
    (place / "broken.bin.xz").write_bytes(b"this is no packed file at all")
    (place / "loop").symlink_to(place)
    os.mkfifo(place / "pipe")
    return place


def test_a_table_tells_duplicates_and_dumps_of_one_module(
    groundwire: Runner, folder: Path, tmp_path: Path
) -> None:
    table = tmp_path / "t.jsonl"
    ran = groundwire("corpus", folder, "-o", table, "--json", "--workers", "1")
    assert ran.code == 0, ran
    rows = {Path(row["path"]).name: row for row in map(json.loads, table.read_text().splitlines())}
    assert set(rows) == {
        "a.bin", "copy.bin", "later.bin.xz", "other.bin", "damaged.bin", "broken.bin.xz",
    }  # fmt: skip
    assert (ran.result["rows"], ran.result["others"]) == (6, 1)
    assert rows["copy.bin"]["duplicate_of"].endswith("a.bin")
    assert rows["a.bin"]["device"] == rows["later.bin.xz"]["device"] != 0
    assert rows["a.bin"]["device"] != rows["other.bin"]["device"]
    assert rows["damaged.bin"]["verdict"] == "damaged"
    assert rows["damaged.bin"]["first_finding"].startswith("0x")
    assert "not an xz file" in rows["broken.bin.xz"]["error"]
    assert "P26 relay 1" in rows["a.bin"]["pins"]
    assert ran.result["duplicates"] == 1
    text = table.read_text()
    assert not [secret for secret in SECRETS if secret.decode() in text]
    assert "5E:10:00:01" not in text
    progress = [line["done"] for line in ran.lines if line["type"] == "progress"]
    assert progress == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.slow
def test_processes_give_the_same_table(folder: Path) -> None:
    paths = find_files([folder])
    alone = make_corpus(paths, local_runner(1))
    together = make_corpus(paths, local_runner(2))
    assert [row.path for row in together.rows] == [row.path for row in alone.rows]
    assert [row.device for row in together.rows] == [row.device for row in alone.rows]
    assert [row.pins for row in together.rows] == [row.pins for row in alone.rows]


def test_comma_separated_values_cannot_become_formulas(
    groundwire: Runner, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "deep" / "copy.bin").rename(folder / "=cmd.bin")
    monkeypatch.chdir(folder)
    table = tmp_path / "t.csv"
    assert groundwire("corpus", "=cmd.bin", "a.bin", "-o", table).code == 0
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["path"] == "'=cmd.bin"


def test_a_packed_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xz"
    path.write_bytes(lzma.compress(bytes(80 << 20), preset=0))
    row = row_of(str(path))
    assert "larger than any flash image" in row.error


def test_parquet(groundwire: Runner, folder: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = tmp_path / "t.parquet"
    assert groundwire("corpus", folder / "a.bin", "-o", table).code == 0
    read = parquet.read_table(table)
    assert tuple(read.column_names) == COLUMNS
    assert read.num_rows == 1


def test_tables_that_cannot_be_written(
    groundwire: Runner, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert groundwire("corpus", folder, "-o", tmp_path / "t.xls").code == 2
    assert groundwire("corpus", folder, "-o", tmp_path / "no" / "t.csv").code == 2
    assert groundwire("corpus", tmp_path / "none", "-o", tmp_path / "t.csv").code == 2

    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(corpus, "import_module", missing)
    for flags in (("-o", tmp_path / "t.parquet"), ("-o", tmp_path / "t.csv", "--dask", "tcp://x")):
        ran = groundwire("corpus", folder, *flags)
        assert (ran.code, "is not installed" in ran.err) == (7, True)
    assert not list(tmp_path.glob("t.*"))


@pytest.mark.slow
def test_a_dask_cluster(groundwire: Runner, folder: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
    ):
        table = tmp_path / "t.jsonl"
        ran = groundwire("corpus", folder, "-o", table, "--dask", cluster.scheduler_address)
    assert ran.code == 0, ran
    assert len(table.read_text().splitlines()) == 6
