"""Agreement with the reference values of every real dump: codes, containers, calibration, chips."""

from __future__ import annotations

import hashlib

import pytest

from corpus import dump, dump_names, expected
from groundwire.images import uf2
from groundwire.images.beken import package, rbl, rf, ug
from groundwire.images.beken.content import read_content
from groundwire.images.bouffalo import boot_header, partition_table
from groundwire.images.health import Verdict, check_health
from groundwire.images.recognise import ImageKind, recognise

pytestmark = pytest.mark.corpus

NAMES = dump_names()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def number(text):
    return int(text, 16)


@pytest.mark.parametrize("name", NAMES)
def test_chip_key_kind_and_health(name):
    reference = expected(name)
    own = reference["own"]
    found = recognise(dump(name))
    code = own.get("app") or {}
    if code.get("coefficients"):
        assert found.key_class == code["coefficients"]
        assert found.app_valid
    guess = own.get("chip_guess")
    if guess and found.kind is not ImageKind.SETTINGS_ONLY:
        assert found.chips[0] == guess
    if "bootloader" in own:
        assert found.bootloader_valid
        for version in own["bootloader"]["version_strings"]:
            assert version.strip("_") in found.bootloader_version
        assert (found.kind is ImageKind.ROTATED_DUMP) is bool(own["rotated_by"])
    if code.get("obk_version"):
        assert found.version.endswith(code["obk_version"])
    assert [p for p in found.problems if found.kind is not ImageKind.ROTATED_DUMP] == []
    health = check_health(dump(name))
    no_code = found.kind is ImageKind.SETTINGS_ONLY
    assert health.verdict is (Verdict.NO_IMAGE if no_code else Verdict.SOUND)
    assert all(check.ok for check in health.checks)


BEKEN = [name for name in NAMES if "bootloader" in expected(name)["own"]]


@pytest.fixture(scope="module", params=BEKEN)
def beken(request):
    """Reference and content of one file; of module scope, so that each file is unpacked once."""
    content = read_content(dump(request.param))
    assert content is not None
    return expected(request.param)["own"], content


def compare_container(found, reference):
    header = found.header
    assert header.name == reference["name"]
    assert header.version == reference["version"]
    assert header.packed_at == reference["timestamp"]
    assert header.package_crc == number(reference["body_crc32"])
    assert header.payload_hash == number(reference["hash"])
    assert header.raw_size == reference["size_raw"]
    assert header.package_size == reference["size_package"]
    assert found.offset == number(reference["header_phys"])


def test_the_bootloader(beken):
    own, content = beken[0]["bootloader"], beken[1]
    loader = content.bootloader
    assert loader is not None
    assert loader.fingerprint_256 == number(own["crc32_first256"])
    assert loader.fingerprint_257 == number(own["crc32_first257"])
    assert loader.code.check.valid_from_start() == own["valid_packets_from_start"]
    assert loader.code.key_class == own["coefficients"]
    assert loader.code.marker == (own["marker_0x100"] or "")
    assert sha256(loader.code.plain()) == own["plain_sha256"]
    compare_container(loader.code.container, own["rbl"])
    assert loader.payload is not None
    assert loader.payload.body_ok == own["rbl"]["body_crc_ok"]
    assert loader.payload.hash_ok == own["rbl"]["fnv1a_ok_raw"]
    assert [
        (f"0x{loader.table[0].table_offset:X}", entry.name, entry.device, entry.offset, entry.size)
        for entry in loader.table
    ] == [
        (own["fal"][0]["table_logical"], e["name"], e["device"], number(e["offset"]), number(e["length"]))
        for e in own["fal"]
    ]  # fmt: skip
    assert [entry.check for entry in loader.table] == [e["crc"] for e in own["fal"]]


def test_the_application(beken):
    own, content = beken[0]["app"], beken[1]
    app = content.app
    assert app is not None
    assert app.start == number(own["phys_offset"])
    assert app.check.valid_from_start() == own["valid_packets_from_start"]
    assert app.code_size == number(own["plain_len"])
    assert app.plain_head(8).hex() == own["plain_first8"]
    assert app.stored[:8].hex() == own["encrypted_first8"]
    assert sha256(app.plain()) == own["plain_sha256"]
    assert sha256(app.stored[: app.code_size]) == own["cipher_sha256"]
    assert app.marker == (own["marker_0x100"] or "")
    if not own["rbl"]:
        assert app.container is None
        return
    (reference,) = own["rbl"]
    compare_container(app.container, reference)
    check = rbl.check_payload(app.container.header, app.stored, app.stream, app.logical)
    assert check.ok
    assert check.update_copy == reference["trailing_is_ota_header"]
    assert check.body_ok == reference.get("body_crc_ok")


def test_containers_described_anew_are_the_containers_of_the_packers(beken):
    content = beken[1]
    assert content.bootloader is not None
    for area in (content.bootloader.code, content.app):
        if area is None or area.container is None:
            continue
        header = area.container.header
        if header.is_stored_plainly:
            stored = area.stored[: header.raw_size]
            made = rbl.describe(stored, header.name, header.version, header.packed_at)
            assert made == header
            assert rbl.parse_header(made.build()) == header


def test_the_calibration_sector(beken):
    own, content = beken[0]["rf"], beken[1]
    found = [sector for sector in rf.find(content.flash) if sector.block is not None]
    assert [sector.span.start for sector in found] == [number(entry["offset"]) for entry in own]
    for sector, reference in zip(found, own, strict=True):
        assert sector.state is rf.RfState.PRESENT
        assert sha256(sector.span.of(content.flash)) == reference["sector_sha256"]
        assert sector.block.size == number(reference["payload_len"])
        assert sector.block.mac_offset == number(reference["mac_offset_in_sector"])
        assert sector.block.mac[:3].hex() == reference["mac_oui"]
        assert reference["mac_sha256"] in {
            sha256(sector.block.mac),
            sha256(sector.block.mac_text.encode()),
            sha256(sector.block.mac_text.lower().encode()),
            sha256(sector.block.mac.hex().encode()),
        }
        assert [(group.tag, group.size, len(group.items)) for group in sector.block.groups] == [
            (number(group["tag"]), group["length"], len(group["items"])) for group in reference["groups"]
        ]  # fmt: skip


def test_update_files_left_in_the_download_partition(beken):
    own, content = beken[0]["download"], beken[1]
    found = [entry for entry in content.headers if not entry.interleaved]
    assert [entry.offset for entry in found] == [number(entry["phys"]) for entry in own]
    for entry, reference in zip(found, own, strict=True):
        opened = package.unpack(content.flash[entry.offset :])
        assert opened.body_ok == reference["body_crc_ok"]
        assert opened.hash_ok == reference["hash_ok"]
        assert sha256(opened.payload) == reference["plain_sha256"]


@pytest.mark.parametrize("name", [name for name in NAMES if "ug" in expected(name)["own"]])
def test_wrapped_update_files(name):
    own = expected(name)["own"]
    opened = ug.parse(dump(name))
    assert (opened.version, opened.declared_size) == (own["ug"]["version"], own["ug"]["size"])
    assert (opened.header_sum_ok, opened.payload_sum_ok, opened.size_ok) == (
        own["ug"]["header_sum_ok"], own["ug"]["sum_ok"], own["ug"]["length_ok"]
    )  # fmt: skip
    inner = package.unpack(opened.payload)
    reference = own["ota"]
    assert inner.ok == (reference["body_crc_ok"] and reference["hash_ok"])
    assert sha256(inner.payload) == reference["plain_sha256"]
    assert inner.payload[:8].hex() == reference["plain_first8"]


@pytest.mark.parametrize("name", [name for name in NAMES if "uf2" in expected(name)["own"]])
def test_uf2_packages(name):
    own = expected(name)["own"]["uf2"]
    opened = uf2.parse(dump(name))
    assert len(opened.blocks) == own["blocks"]
    assert opened.family == number(own["family"])
    assert {part.name: (part.span.start, part.span.size) for part in opened.partitions} == {
        key: (number(offset), number(size)) for key, (offset, size) in own["partitions"].items()
    }
    for who, scheme in (
        ("device", uf2.Scheme.DEVICE_SINGLE),
        ("flasher", uf2.Scheme.FLASHER_SINGLE),
    ):
        parts = {part.name: part for part in opened.extract(scheme)}
        assert set(parts) == set(own["images"][who])
        for key, reference in own["images"][who].items():
            assert parts[key].address == number(reference["flash_offset"])
            assert len(parts[key].data) == reference["length"]
            assert sha256(parts[key].data) == reference["sha256"]


@pytest.mark.parametrize("name", [name for name in NAMES if "bl602" in expected(name)["own"]])
def test_bouffalo_flashes(name):
    own = expected(name)["own"]["bl602"]
    data = dump(name)
    for reference in own["headers"]:
        at = number(reference["offset"])
        header = boot_header.parse(data[at:])
        gap = boot_header.image_start_of(data) if at == 0 else boot_header.IMAGE_GAP
        assert header.image_size == reference["img_len"]
        assert header.boot_word == number(reference["bootcfg"])
        assert (header.flash_ok, header.clock_ok) == (reference["fc_ok"], reference["clk_ok"])
        assert header.header_ok == reference["crc_ok"]
        assert header.hash_fits(data[at + gap :]) == reference["hash_ok"]
        assert header.image_hash.hex() == reference["hash"]
    found = partition_table.find(data)
    assert [address for address, _ in found] == [
        number(t["offset"]) for t in own["partition_tables"]
    ]
    for (_, table), reference in zip(found, own["partition_tables"], strict=True):
        assert (table.head_ok, table.rows_ok) == (
            reference["header_crc_ok"],
            reference["entries_crc_ok"],
        )
        assert [(row.name, row.kind, *row.address, *row.size) for row in table.rows] == [
            (e["name"], e["type"], number(e["addr0"]), number(e["addr1"]), number(e["len0"]), number(e["len1"]))
            for e in reference["entries"]
        ]  # fmt: skip
