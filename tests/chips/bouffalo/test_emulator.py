"""The emulated module answers the recorded frames with the recorded bytes, and behaves in time."""

import hashlib
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwire.chips.bouffalo import codec, loader
from groundwire.chips.bouffalo.emulated_chip import ChipOptions
from groundwire.chips.bouffalo.emulated_loader import erase_steps
from groundwire.chips.bouffalo.emulator import BouffaloEmulator, Mode
from groundwire.chips.bouffalo.messages import (
    CheckImage,
    GetBootInfo,
    LoadBootHeader,
    LoadSegmentData,
    LoadSegmentHeader,
    Op,
    ReadJedecId,
    RunImage,
)
from groundwire.chips.nor_flash import NorFlash

TABLE = tomllib.loads((Path(__file__).parent / "frames.toml").read_text("utf-8"))
FRAMES = {frame["name"]: frame for frame in TABLE["frame"]}
ARTEFACTS = {row["name"]: row for row in TABLE["artefact"]}
MAC = bytes.fromhex("7CB94CA8A985")  # of the modelled chip of the recorded runs


def raw_of(name):
    frame = FRAMES[name]
    if "unit" in frame:
        return bytes.fromhex(frame["unit"]) * frame["repeat"]
    return bytes.fromhex(frame["hex"])


class Wire:
    """Talks to the emulator in bytes and seconds, at the right speed."""

    def __init__(self, emulator, rate=500_000):
        self.emulator, self.rate, self.now = emulator, rate, 0.0

    def send(self, data, wait_s=60.0):
        """Send, then let time pass until nothing was said for a while; what was said."""
        byte_s = 10 / self.rate
        self.emulator.on_bytes(data, self.now + byte_s, byte_s)
        self.now += byte_s * len(data)
        return self.listen(wait_s)

    def listen(self, wait_s=60.0):
        out = b""
        end = self.now + wait_s
        while True:
            self.emulator.advance(self.now)
            out += b"".join(piece.data for piece in self.emulator.take_output())
            due = self.emulator.next_event_s()
            # the end of a conversation is an event too: stay well inside it
            if due is None or due > min(end, self.now + 1.5):
                self.now += 0.001
                return out
            self.now = due

    def quiet(self, seconds):
        self.now += seconds
        self.emulator.advance(self.now)
        return b"".join(piece.data for piece in self.emulator.take_output())


def powered(chip="BL602", flash=None, **options):
    emulator = BouffaloEmulator(
        chip, flash or NorFlash(0x200000, "ef4015"), ChipOptions(mac=MAC, **options)
    )
    emulator.power(on=True, at_s=0.0)
    return Wire(emulator)


def in_rom(**kwargs):
    wire = powered(**kwargs)
    assert wire.send(codec.burst(wire.rate)) == b"OK"
    return wire


def tiny():
    row = ARTEFACTS["ram_image_tiny"]
    return [bytes.fromhex(row[key]) for key in ("header", "segment_header", "segment_data")]


def upload(wire, header, segment_header, data):
    for frame in (
        codec.CommandFrame(Op.LOAD_BOOT_HEADER, 0, header),
        codec.CommandFrame(Op.LOAD_SEGMENT_HEADER, 0, segment_header),
        *(
            codec.CommandFrame(Op.LOAD_SEGMENT_DATA, 0, data[at : at + 4080])
            for at in range(0, len(data), 4080)
        ),
        codec.CommandFrame(Op.CHECK_IMAGE, 0, b""),
    ):
        assert wire.send(codec.encode_frame(frame), 1.0)[:2] == b"OK"


def in_loader(rate=2_000_000, **kwargs):
    wire = in_rom(**kwargs)
    upload(wire, *tiny())
    assert wire.send(codec.encode_command(RunImage()), 1.0) == b"OK"
    wire.quiet(0.3)
    wire.rate = rate
    assert wire.send(codec.burst(rate)) == b"OK"
    return wire


def expect(wire, name):
    asked = raw_of(name)
    reply = FRAMES[name].get("reply")
    assert wire.send(asked) == (raw_of(reply) if reply else b""), name


ROM_RUN = """get_boot_info get_boot_info_checksum_ignored err_segment_header_first
err_segment_data_first err_check_first err_run_first err_public_key_first err_signature_first
err_aes_iv_first err_boot_header_length err_boot_header_crc err_boot_header_magic
err_boot_header_not_load err_boot_header_segment_count err_boot_header_sign
err_boot_header_encrypt load_boot_header_badhash err_segment_header_crc err_segment_header_dest
err_segment_header_length load_segment_header err_segment_data_overflow load_segment_data
err_check_hash load_boot_header load_segment_header load_segment_data check_image
err_memory_read_rom err_memory_write_length flash_erase flash_program read_efuse_16
vendor_load_boot_header vendor_load_segment_header err_change_rate_length
burst_inside_conversation"""


def test_the_boot_rom_answers_as_recorded():
    wire = in_rom()
    for name in ROM_RUN.split():
        expect(wire, f"rom.{name}")
    assert wire.emulator.flash.data[:16] == b"\x11" * 16


def test_an_overlong_frame_is_refused_and_the_conversation_goes_on():
    wire = in_rom()
    long_frame = codec.encode_frame(codec.CommandFrame(Op.LOAD_SEGMENT_DATA, 0, bytes(4093)))
    assert wire.send(long_frame) == raw_of("rom.err_payload_4093.reply")
    expect(wire, "rom.get_boot_info_after_overlong")


def test_memory_shows_the_loaded_image_under_another_address():
    wire = in_rom()
    upload(wire, *tiny())
    expect(wire, "rom.memory_write")
    expect(wire, "rom.memory_read")


def test_changing_the_rate_answers_at_the_new_one():
    wire = powered()
    wire.rate = 115_200
    assert wire.send(raw_of("rom.sync_115200")) == b"OK"
    byte_s = 10 / wire.rate
    wire.emulator.on_bytes(raw_of("rom.change_rate"), wire.now + byte_s, byte_s)
    wire.emulator.advance(wire.now + 0.1)
    (said,) = wire.emulator.take_output()
    assert said.data == b"OK"
    assert abs(said.baudrate / 500_000 - 1) < 0.01


def test_a_scanning_chip_is_silent_to_everything_but_a_burst():
    wire = powered()
    assert wire.emulator.baudrate == 0
    for junk in (raw_of("rom.get_boot_info"), raw_of("beken.link_check") * 20, b"\x55" * 15):
        assert wire.send(junk) == b""
    assert wire.emulator.mode is Mode.ROM_SCAN
    assert wire.send(raw_of("rom.sync_500000")) == b"OK"


def test_an_unknown_command_runs_the_one_before_again():
    wire = in_rom()
    expect(wire, "rom.get_boot_info")
    assert wire.send(bytes.fromhex("99000000")) == raw_of("rom.get_boot_info.reply")
    wire = in_rom(rerun_unknown=False)
    expect(wire, "rom.get_boot_info")
    assert wire.send(bytes.fromhex("99000000")) == b""


def test_a_rom_conversation_dies_of_two_idle_seconds():
    wire = in_rom()
    wire.quiet(1.9)
    expect(wire, "rom.get_boot_info")
    wire.quiet(2.1)
    assert wire.emulator.mode is Mode.ROM_SCAN
    assert wire.send(raw_of("rom.get_boot_info")) == b""
    assert wire.send(codec.burst(wire.rate)) == b"OK"


LOADER_RUN = """get_boot_info read_jedec_id read_mac erase_blank_sector program_16
program_check read_16 sha256_16 xip_start xip_read_16 xip_sha256_16 xip_finish erase_blank_64k
erase_one_sector write_status_register set_flash_para_4 set_flash_para_88 memory_write
memory_read read_log err_checksum err_unknown err_change_rate erase_first_after_last"""


def test_the_ram_loader_answers_as_recorded():
    wire = in_loader()
    wire.emulator.inside.write_word(0x4201427C, 0x12345678)  # left over from an earlier frame
    for name in LOADER_RUN.split():
        expect(wire, f"loader.{name}")


def test_the_third_failure_ends_a_loader_conversation():
    wire = in_loader()
    expect(wire, "loader.err_checksum")
    expect(wire, "loader.err_erase_length")
    expect(wire, "loader.err_program_length")
    expect(wire, "loader.err_set_para_length")
    expect(wire, "loader.after_third_failure")
    assert wire.send(codec.burst(wire.rate)) == b"OK"
    expect(wire, "loader.err_program_address")
    expect(wire, "loader.err_efuse_length")
    expect(wire, "loader.get_boot_info")


VENDOR_RUN = """vendor_erase_header vendor_program_boot_header vendor_xip_sha_header
vendor_program_check vendor_erase_partition_table vendor_program_partition_table
vendor_erase_device_tree erase_60k erase_11000_40fff erase_128k erase_end_exclusive_mistake
vendor_set_flash_para_88"""


def test_the_vendors_session_is_answered_as_recorded():
    flash = NorFlash(0x200000, "ef4015")
    wire = in_loader(flash=flash)
    expect(wire, "loader.vendor_erase_header")
    flash.data[::0x1000] = bytes(len(flash.data) // 0x1000)  # nothing is blank from here on
    flash.data[0] = 0xFF
    for name in VENDOR_RUN.split():
        if name == "vendor_erase_partition_table":
            flash.data[0x2000:0x2001] = b"\0"
        if name.startswith("erase"):
            flash.data[::0x1000] = bytes(len(flash.data) // 0x1000)
        expect(wire, f"loader.{name}")


def test_frames_sent_ahead_are_lost():
    wire = in_loader()
    expect(wire, "loader.send_ahead")
    assert wire.emulator.flash.data[0x1000:0x1020] == b"\x11" * 32
    assert wire.emulator.flash.data.count(0xFF) == len(wire.emulator.flash.data) - 32


def test_a_burst_blocks_a_loader_conversation_for_four_seconds():
    wire = in_loader()
    expect(wire, "loader.burst_inside_conversation")
    assert wire.send(codec.encode_command(ReadJedecId()), 0.1) == b""
    wire.quiet(3.5)
    assert wire.send(codec.encode_command(ReadJedecId()), 0.1) == b""
    wire.quiet(1.0)
    assert wire.send(codec.burst(wire.rate)) == b"OK"
    expect(wire, "loader.get_boot_info")


def test_reads_are_cut_and_too_long_frames_swallowed():
    wire = in_loader()
    said = wire.send(raw_of("loader.read_clamped"))
    assert hashlib.sha256(said).hexdigest() == FRAMES["loader.read_clamped.reply"]["sha256"]
    too_long = codec.CommandFrame(Op.PROGRAM, 0, bytes(codec.MAX_LOADER_PAYLOAD + 1))
    assert wire.send(codec.encode_frame(too_long)) == b""
    assert wire.send(codec.encode_command(GetBootInfo()), 0.1) == b""


def test_chip_erase_does_not_look_at_its_length():
    """Read in the loader's code: one flipped bit in SHA-256 (3D) erases the chip."""
    flash = NorFlash(bytes(0x100000), "ef4014")
    wire = in_loader(flash=flash)
    asked = bytearray(raw_of("loader.sha256_16"))
    asked[0] ^= 1
    assert wire.send(bytes(asked)).endswith(b"PDOK")
    assert flash.data == b"\xff" * 0x100000


def test_erase_steps_follow_the_loaders_rule():
    assert [size for _at, size in erase_steps(0, 0xEFFF)] == [0x8000] + [0x1000] * 7
    assert erase_steps(0, 0xFFFF) == [(0, 0x10000)]
    sizes = [size for _at, size in erase_steps(0x11000, 0x40FFF)]
    assert sizes == [0x1000] * 7 + [0x8000, 0x10000, 0x10000, 0x1000]
    assert erase_steps(0x3000, 0x2000) == []


def test_a_failed_program_says_so_late_and_to_the_check():
    wire = in_loader(program_fails=True)
    assert wire.send(raw_of("loader.program_16")) == b"OKFL\x06\x00"
    assert wire.send(raw_of("loader.program_check")) == b"FL\x06\x00"


def test_a_signed_chip_refuses_an_unsigned_image():
    wire = in_rom(signed=True)
    info = wire.send(raw_of("rom.get_boot_info"))
    assert info[8] == 1
    frame = codec.encode_command(LoadBootHeader(tiny()[0]))
    assert wire.send(frame) == bytes.fromhex("464c0602")


def test_reset_goes_to_the_firmware_and_its_banner_at_two_megabaud():
    flash = NorFlash(0x200000, "ef4015")
    flash.data[:4] = b"BFNP"
    wire = in_rom(flash=flash)
    byte_s = 10 / wire.rate
    wire.emulator.on_bytes(raw_of("rom.reset"), wire.now + byte_s, byte_s)
    wire.emulator.advance(wire.now + 1.0)
    said = wire.emulator.take_output()
    assert [piece.baudrate for piece in said][1:] == [2_000_000]
    assert said[1].data.startswith(b"Starting bl602 now")
    wire = in_rom(boot_strapped=True)
    wire.send(raw_of("rom.reset"))
    wire.quiet(1.0)
    assert wire.emulator.mode is Mode.ROM_SCAN


def test_efuse_can_only_be_set():
    wire = in_rom()
    wire.send(bytes.fromhex("400008000c00000001000000"))
    assert wire.emulator.inside.efuse[12] == 1
    wire.send(bytes.fromhex("400008000c00000002000000"))
    assert wire.emulator.inside.efuse[12] == 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.binary(max_size=80), st.floats(0, 3)), max_size=8),
    st.booleans(),
)
def test_garbage_never_raises_and_never_touches_the_flash_unasked(chunks, with_loader):
    wire = in_loader() if with_loader else in_rom()
    for data, pause in chunks:
        wire.send(data, 0.05)
        wire.quiet(pause)
    assert wire.emulator.mode in Mode


@given(st.binary(max_size=400))
def test_any_file_is_a_loader_or_a_named_error(data):
    with pytest.raises(loader.NotALoader):
        loader.parse_loader(data)


def test_upload_of_segments_in_frames_uses_our_own_messages():
    wire = in_rom()
    header, segment_header, data = tiny()
    image = loader.make_provable(loader.parse_loader(header + segment_header + data))
    for command in (
        LoadBootHeader(image.header),
        LoadSegmentHeader(image.segment),
        LoadSegmentData(image.data),
        CheckImage(),
    ):
        assert wire.send(codec.encode_command(command))[:2] == b"OK"
