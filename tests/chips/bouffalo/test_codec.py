"""The codec against frames that it did not make, both ways, and against noise."""

import hashlib
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.chips.bouffalo import codec, messages, replies
from groundwire.chips.bouffalo.messages import Op
from groundwire.errors import CorruptFrame
from groundwire.framing.crc import crc32

TABLE = tomllib.loads((Path(__file__).parent / "frames.toml").read_text("utf-8"))
FRAMES = {frame["name"]: frame for frame in TABLE["frame"]}
ARTEFACTS = {row["name"]: row for row in TABLE["artefact"]}
COMMANDS = [
    name
    for name, frame in FRAMES.items()
    if frame["from"] == "host"
    and "hex" in frame
    and frame["stage"] in ("rom", "loader")
    and frame["chip"] in ("bl602", "bl702")
    and not name.startswith("usb.")
]
# frames that a chip refuses for their length, and one that is three frames in a row
MISFITS = {
    "rom.err_boot_header_length",
    "rom.err_segment_header_length",
    "rom.err_change_rate_length",
    "rom.err_memory_write_length",
    "loader.err_erase_length",
    "loader.err_program_length",
    "loader.err_set_para_length",
    "loader.err_efuse_length",
}
SEVERAL = {"loader.send_ahead"}


def frame_of(raw):
    op, check, length = codec.HEAD.unpack_from(raw)
    assert len(raw) == codec.HEAD.size + length
    return codec.CommandFrame(op, check, raw[codec.HEAD.size :])


def raw_of(name):
    frame = FRAMES[name]
    if "unit" in frame:
        return bytes.fromhex(frame["unit"]) * frame["repeat"]
    return bytes.fromhex(frame["hex"])


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - MISFITS - SEVERAL))
def test_commands_both_ways(name):
    raw = raw_of(name)
    frame = frame_of(raw)
    command = codec.decode_command(frame)
    assert codec.encode_frame(frame) == raw
    # the vendor's hosts leave the checksum out towards the boot ROM; everything else is ours
    mine = codec.encode_command(command)
    assert mine[:1] + mine[2:] == raw[:1] + raw[2:]
    if frame.check and frame.check_fits:
        assert mine == raw
    assert codec.op_of(command) == frame.op


@pytest.mark.parametrize("name", sorted(MISFITS))
def test_commands_of_a_wrong_length_do_not_decode(name):
    with pytest.raises(CorruptFrame):
        codec.decode_command(frame_of(raw_of(name)))


def test_every_frame_of_this_family_is_covered():
    left = {
        name
        for name, frame in FRAMES.items()
        if frame["from"] == "host" and "hex" in frame and name not in COMMANDS
    }
    assert left == {
        "beken.link_check",
        "bl616.set_timeout",
        "bl616.set_timeout_a0",
        "bl616.clk_set",
        "bl808.second_handshake",
        "usb.reset_string",
        "boot2.console_reboot",
        "boot2.start",
    }


def test_the_commands_mean_what_their_names_say():
    def decoded(name):
        return codec.decode_command(frame_of(raw_of(name)))

    assert decoded("rom.get_boot_info") == messages.GetBootInfo()
    assert decoded("loader.vendor_erase_image") == messages.Erase(0x2000, 0x6E1F)
    assert decoded("loader.sha256_16") == messages.Sha256(0x10000, 16)
    assert decoded("loader.program_16") == messages.Program(0x10000, bytes(range(16)))
    assert decoded("rom.change_rate") == messages.ChangeRate(115_200, 500_000)
    assert decoded("rom.memory_write") == messages.WriteMemory(((0x42010000, 0x12345678),))
    assert decoded("loader.write_status_register") == messages.WriteStatus(1, 1, 0)
    assert decoded("loader.set_flash_para_4") == messages.SetFlash(0xFF, 1, 1, 0)
    assert len(decoded("loader.set_flash_para_88").block) == 84
    assert decoded("rom.load_signature.form").signature == bytes(range(64))
    assert decoded("rom.load_aes_iv.form").iv == bytes(range(16))
    key = decoded("rom.load_public_key.form")
    assert key.x + key.y == bytes(range(64))
    assert crc32(bytes(range(64))) == key.crc
    segment = decoded("rom.load_segment_header").segment
    assert (segment.destination, segment.size) == (0x22010000, 16)
    assert codec.segment_fits(segment)
    assert codec.seal_segment(0x22010000, 16, 0) == segment
    assert not codec.segment_fits(decoded("rom.err_segment_header_crc").segment)
    assert decoded("bl702.run_errata_4") == messages.WriteMemory(((0x40000018, 2),))


@pytest.mark.parametrize("name", ["rom.sync_115200", "rom.sync_500000", "loader.sync_2000000"])
def test_bursts(name):
    assert codec.burst(FRAMES[name]["baud"]) == raw_of(name)


def test_checksum_rule_of_the_loader():
    assert not frame_of(raw_of("loader.err_checksum")).check_fits
    assert not frame_of(raw_of("loader.err_byte1_is_01")).check_fits
    assert frame_of(raw_of("loader.program_16")).check_fits
    assert codec.checksum(raw_of("loader.program_16")[4:]) == 0x8D


def test_long_frames_by_their_digest():
    frame = FRAMES["rom.err_payload_4093"]
    raw = codec.encode_frame(codec.CommandFrame(Op.LOAD_SEGMENT_DATA, 0, bytes(4093)))
    assert (len(raw), hashlib.sha256(raw).hexdigest()) == (frame["total"], frame["sha256"])
    reply = FRAMES["loader.read_clamped.reply"]
    raw = replies.encode_reply(replies.Data(b"\xff" * codec.MAX_LOADER_PAYLOAD))
    assert (len(raw), hashlib.sha256(raw).hexdigest()) == (reply["total"], reply["sha256"])


# --- replies -------------------------------------------------------------------------------------

PAIRS = [
    (name, FRAMES[name]["reply"])
    for name in COMMANDS
    if "reply" in FRAMES[name] and "hex" in FRAMES[FRAMES[name]["reply"]]
]
CAPTURES = [("rom.get_boot_info", name) for name in FRAMES if name.startswith("capture.")]


def cut(op, raw, chunk=7):
    buffer = replies.ReplyBuffer(op)
    found = []
    for at in range(0, len(raw), chunk):
        buffer.feed(raw[at : at + chunk])
        while (frame := buffer.next_frame()) is not None:
            found.append(frame)
    assert buffer.waiting == 0
    return found, buffer.discarded


@pytest.mark.parametrize(("asked", "answered"), PAIRS + CAPTURES)
def test_replies_both_ways(asked, answered):
    op = raw_of(asked)[0]
    raw = raw_of(answered)
    found, skipped = cut(op, raw)
    assert skipped == 0
    again = b"".join(replies.encode_reply(replies.decode_reply(op, frame)) for frame in found)
    assert again == raw


def test_the_replies_mean_what_their_names_say():
    def decoded(asked, answered):
        op = raw_of(asked)[0]
        found, _ = cut(op, raw_of(answered))
        return [replies.decode_reply(op, frame) for frame in found]

    (info,) = decoded("rom.get_boot_info", "capture.microsin.get_boot_info.reply")
    assert replies.mac_text(info.mac) == "24:94:94:47:88:DD"
    assert info.mac_fits
    assert (info.version, info.sw_usage, info.mac_zero_bits) == (1, 0x00030003, 28)
    (info,) = decoded("loader.get_boot_info", "loader.get_boot_info.reply")
    assert info.version == 0xFFFFFFFF
    (jedec,) = decoded("loader.read_jedec_id", "loader.read_jedec_id.reply")
    assert jedec == replies.JedecId(bytes.fromhex("ef4015"), 0x80)
    (mac,) = decoded("loader.read_mac", "loader.read_mac.reply")
    assert mac.crc_fits
    busy = decoded("loader.erase_60k", "loader.erase_60k.reply")
    assert busy == [replies.Busy()] * 8 + [replies.Done()]
    (failed,) = decoded("loader.err_checksum", "loader.err_checksum.reply")
    assert failed == replies.Failed(0x0103)
    (digest,) = decoded("loader.sha256_16", "loader.sha256_16.reply")
    assert digest.digest == hashlib.sha256(bytes(range(16))).digest()


def test_a_doubled_ok_before_a_length_is_swallowed():
    raw = b"OK" + raw_of("loader.read_jedec_id.reply")
    found, skipped = cut(Op.READ_JEDEC_ID, raw)
    assert len(found) == 1
    assert skipped == 2


def test_noise_before_a_reply_is_counted():
    found, skipped = cut(Op.PROGRAM, b"\x00\x7fPOK")
    assert [frame.kind for frame in found] == [replies.Kind.OK]
    assert skipped == 3


@given(st.integers(0, 255), st.binary(max_size=200), st.integers(1, 9))
def test_any_bytes_give_frames_or_patience(op, data, chunk):
    buffer = replies.ReplyBuffer(op)
    taken = 0
    for at in range(0, len(data), chunk):
        buffer.feed(data[at : at + chunk])
        assert buffer.wanted >= 1
        while (frame := buffer.next_frame()) is not None:
            try:
                reply = replies.decode_reply(op, frame)
            except CorruptFrame:
                taken += 2 + (0 if frame.data is None else 2 + len(frame.data))
                continue
            taken += len(replies.encode_reply(reply))
    assert taken + buffer.discarded + buffer.waiting <= len(data) + 4


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=300))
def test_any_command_frame_decodes_or_is_corrupt(op, check, payload):
    frame = codec.CommandFrame(op, check, payload)
    try:
        command = codec.decode_command(frame)
    except CorruptFrame:
        return
    assert codec.encode_command(command)[4:] == payload
    assert codec.op_of(command) == op
