"""groundwire inspect: what it shows, writes, hides, and how it ends."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from littlefs import LittleFS

from cli_desk import Runner
from corpus import dump, dump_names
from groundwire.jobs.inspect_outputs import extract_files
from groundwire.openbeken.config import config_sector, fresh_config
from groundwire.openbeken.facts import placement_of
from groundwire.openbeken.littlefs import FileSystem, StoredFile
from groundwire.quantities import Span
from groundwire.sim.modules import firmware_image
from groundwire.tuya.secrecy import is_open_value, shown_fields
from groundwire.tuya.storage import find_store
from stock_dump import SECRETS, stock_dump
from store_builder import DEVICE_KEY


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of a stock module."""
    path = tmp_path / "backup.bin"
    path.write_bytes(stock_dump())
    return path


def test_a_person_sees_everything_in_one_page(groundwire: Runner, backup: Path) -> None:
    ran = groundwire("inspect", backup)
    assert (ran.code, ran.err) == (0, "")
    for text in (
        "dump, 2 MiB", "BK7231N", "key class", "tuya", "02:00:5E:10:00:01", "how it is known",
        "0x1D0000..0x1D1000", "vendor's settings", "pins, CB2S", "P26", "relay 1", "health: sound",
        "BL0937", "device key",
    ):  # fmt: skip
        assert text in ran.out


def test_a_program_gets_one_object_and_a_result(groundwire: Runner, backup: Path) -> None:
    ran = groundwire("inspect", backup, "--json")
    assert ran.err == ""
    first, last = ran.lines
    assert (first["type"], last["type"]) == ("inspection", "result")
    assert first["health"]["verdict"] == last["verdict"] == "sound"
    assert first["chips"] == ["BK7231N"]
    assert first["radio"][0]["mac"] == "02:00:5E:10:00:01"
    pins = {pin["pin"]: pin for pin in first["wirings"][0]["pins"]}
    assert pins[26]["role"] == "relay"
    assert {pin["confidence"] for pin in pins.values()} <= {"certain", "likely", "guess"}


def test_secrets_are_masked_unless_asked_for(groundwire: Runner, backup: Path) -> None:
    for flags in ((), ("--json",), ("-v",)):
        ran = groundwire("inspect", backup, *flags)
        for secret in (*SECRETS, DEVICE_KEY.hex().encode()):
            assert secret.decode() not in ran.out + ran.err
    shown = groundwire("inspect", backup, "--show-secrets", "--json").out
    for secret in (*SECRETS, DEVICE_KEY.hex().encode()):
        assert secret.decode() in shown


@pytest.mark.corpus
@pytest.mark.slow
@pytest.mark.parametrize("name", dump_names())
def test_no_secret_of_a_real_store_is_in_any_output(
    name: str, groundwire: Runner, tmp_path: Path
) -> None:
    data = dump(name)
    secrets = real_secrets(data)
    path = tmp_path / "dump.bin"
    path.write_bytes(data)
    outputs = ["--template", "t.json", "--commands", "c.txt", "--esphome", "e.yaml",
               "--drawing", "d.svg"]  # fmt: skip
    named = [word if word.startswith("--") else str(tmp_path / word) for word in outputs]
    ran = groundwire("inspect", path, "--json", *named)
    said = ran.out + ran.err + groundwire("inspect", path, "-v").out
    said += "".join(
        file.read_text() for file in tmp_path.iterdir() if file.suffix != ".bin" and file.is_file()
    )
    assert "Traceback" not in said
    assert [index for index, secret in enumerate(secrets) if secret in said] == []


def real_secrets(data: bytes) -> list[str]:
    """Every value of a store that may not be shown, whole and field by field."""
    store = find_store(data)
    if store is None:
        return []
    found = [store.device_key.reveal().hex()]
    for value in (*store.values, *store.older_values):
        text = value.text()
        if is_open_value(value.name, text):
            continue
        try:
            content = json.loads(text)
        except ValueError:
            content = text
        if not isinstance(content, dict):
            found.append(str(content))
            continue
        shown = shown_fields(text)
        found += [str(one) for field, one in content.items() if field not in shown]
    common = {"unknown", "default"}
    return [one for one in found if len(one) >= 8 and not one.isdigit() and one not in common]


def test_everything_that_can_be_written(groundwire: Runner, backup: Path, tmp_path: Path) -> None:
    names = {"template": "t.json", "commands": "c.txt", "esphome": "e.yaml", "drawing": "d.svg"}
    flags = [str(part) for kind, name in names.items() for part in (f"--{kind}", tmp_path / name)]
    ran = groundwire("inspect", backup, *flags)
    assert ran.code == 0
    for name in names.values():
        path = tmp_path / name
        assert f"written: {path}" in ran.out
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    template = json.loads((tmp_path / "t.json").read_text())
    assert template["pins"]["26"] == "Rel;1"
    assert "setPinRole 26 Rel" in (tmp_path / "c.txt").read_text()
    assert "bk72xx:" in (tmp_path / "e.yaml").read_text()
    assert (tmp_path / "d.svg").read_text().startswith("<svg")


def test_one_output_that_is_not_possible_does_not_take_the_others(
    groundwire: Runner, backup: Path, tmp_path: Path
) -> None:
    ran = groundwire(
        "inspect", backup, "--tasmota", tmp_path / "ta", "--drawing", tmp_path / "d", "--json"
    )
    assert (ran.code, ran.result["error"]["code"]) == (7, "unsupported.here")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["backup.bin", "d"]


def test_an_output_that_exists_is_refused_first(groundwire: Runner, backup: Path) -> None:
    ran = groundwire("inspect", backup, "--template", backup)
    assert (ran.code, ran.out) == (2, "")
    assert "exists already" in ran.err


def with_files(names: list[str]) -> bytes:
    """A dump of settings with a file system that holds files of these names."""
    fs = LittleFS(block_size=4096, block_count=8, read_size=1, prog_size=1, cache_size=16,
                  lookahead_size=16, block_cycles=500, disk_version=0x20000)  # fmt: skip
    for name in names:
        with fs.open(name, "wb") as file:
            file.write(name.encode())
    place = placement_of("BK7231N")
    assert place is not None
    _, sector = config_sector(fresh_config(place), place)
    return sector + bytes(fs.context.buffer)


def test_files_are_extracted_into_a_new_folder_only(groundwire: Runner, tmp_path: Path) -> None:
    dump_file, out = tmp_path / "config.bin", tmp_path / "deep" / "out"
    dump_file.write_bytes(with_files(["autoexec.bat", "notes.txt"]))
    ran = groundwire("inspect", dump_file, "--extract", out)
    assert ran.code == 0, ran
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        "autoexec.bat": "autoexec.bat", "notes.txt": "notes.txt",
    }  # fmt: skip
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in out.iterdir())
    again = groundwire("inspect", dump_file, "--extract", out)
    assert (again.code, "not empty" in again.err) == (2, True)


HOSTILE = ("/../../escaped", "//etc/passwd", "/a/../../../b", "/..", "/.", "/", "", "/x\0y",
           "/con", "/a", "/A", "/a/b", "/\u202egpj.exe", "/" + "n" * 300)  # fmt: skip


def test_no_name_in_a_dump_leads_out_of_the_folder(tmp_path: Path) -> None:
    files = tuple(StoredFile(name, 1, b"x") for name in HOSTILE)
    system = FileSystem(Span(0, 4096), 4096, 1, (2, 0), 255, files, ())
    out = tmp_path / "deep" / "out"
    written = extract_files((system,), out)
    assert len(written) == len(HOSTILE)
    found = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert found == set(written)
    assert all(path.resolve().is_relative_to(out) for path in found)


def test_a_link_in_the_folder_is_no_way_out(groundwire: Runner, tmp_path: Path) -> None:
    dump_file = tmp_path / "config.bin"
    dump_file.write_bytes(with_files(["link"]))
    out = tmp_path / "out"
    out.mkdir()
    (out / "link").symlink_to(tmp_path / "target")
    assert groundwire("inspect", dump_file, "--extract", out).code == 2
    assert not (tmp_path / "target").exists()


def test_a_damaged_file_is_shown_and_fails(groundwire: Runner, tmp_path: Path) -> None:
    data = bytearray(stock_dump())
    data[0x30000] ^= 1
    path = tmp_path / "bad.bin"
    path.write_bytes(data)
    ran = groundwire("inspect", path)
    assert ran.code == 6
    assert "health: damaged at 0x2FFEC..0x3000E" in ran.out
    assert "pins, CB2S" in ran.out
    assert "error: 'bad.bin' is damaged: at 0x2FFEC..0x3000E" in ran.err
    ran = groundwire("inspect", path, "--json")
    assert ran.lines[0]["health"]["damaged"] == [{"start": 0x2FFEC, "size": 34}]
    assert ran.result["error"]["code"] == "image.damaged"


def bad_inputs(folder: Path) -> dict[str, tuple[Path, int]]:
    """Files that no verb can use, and the exit status that each must have."""
    good = firmware_image("BK7231N")
    made = {
        "empty": (b"", 6),
        "one": (b"x", 6),
        "ff": (b"\xff" * (2 << 20), 6),
        "zero": (bytes(2 << 20), 6),
        "text": (b"<html>\x1b[31m404</html>\n" * 400, 6),
        "half": (good[: len(good) // 2], 6),
        "head": (good[:0x200], 6),
    }
    found: dict[str, tuple[Path, int]] = {}
    for name, (data, code) in made.items():
        path = folder / f"{name}.bad"
        path.write_bytes(data)
        found[name] = (path, code)
    sparse = folder / "sparse.bad"
    with sparse.open("wb") as file:
        file.truncate(1 << 30)
    missing = folder / "missing"
    return found | {"sparse": (sparse, 2), "folder": (folder, 2), "missing": (missing, 2)}


@pytest.mark.parametrize(
    "verb",
    [
        ("inspect", "{}"),
        ("redact", "{}", "{out}"),
        ("convert", "{}", "{out}", "--to", "qio"),
        ("convert", "{}", "{out}", "--to", "ua"),
        ("convert", "{}", "{out}", "--cut", "app"),
        ("convert", "{}", "{out}", "--join", "0x11000={}"),
    ],
)
def test_bad_files_end_every_verb_with_one_message(
    verb: tuple[str, ...], groundwire: Runner, tmp_path: Path
) -> None:
    out = tmp_path / "result"
    for name, (path, code) in bad_inputs(tmp_path).items():
        arguments = [word.replace("{out}", str(out)).replace("{}", str(path)) for word in verb]
        ran = groundwire(*arguments)
        # half an image still has a bootloader to convert, and an application to cut
        assert ran.code == code or (name == "half" and verb[0] != "inspect"), (name, ran)
        assert ran.err.count("error:") == (1 if ran.code else 0), (name, ran.err)
        assert "\x1b[31m" not in ran.out + ran.err
        if ran.code:
            assert not out.exists(), name
        out.unlink(missing_ok=True)
