"""Every message against bytes that this codec did not make, and hostile bytes against the codec."""

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chips.beken.beken_frames import COUNTING, FRAMES
from groundwire.chips.beken import messages as m
from groundwire.chips.beken.codec import (
    MAX_LONG_REPLY,
    ReplyBuffer,
    ReplyFrame,
    decode_command,
    decode_reply,
    encode_command,
    encode_reply,
)
from groundwire.chips.beken.receiver import Receiver
from groundwire.errors import CorruptFrame

SECTOR = COUNTING * 16
VERSION = b"BK7231S_1.0.%c\0\0\0"

COMMANDS = {
    "link_check": m.LinkCheck(),
    "bl2_link_check": m.UnknownCommand(0x02, b"", is_long=False),
    "stay_rom": m.StayRom(0x55),
    "read_reg_chip_id_n": m.ReadReg(0x800000),
    "read_reg_device_id": m.ReadReg(0x800004),
    "efuse_start_byte0": m.WriteReg(0x800074, 1),
    "efuse_start_byte15": m.WriteReg(0x800074, 0xF01),
    "efuse_data_read": m.ReadReg(0x800078),
    "set_baud_921600_delay15_capture": m.SetBaud(921_600, 15),
    "set_baud_921600_delay20": m.SetBaud(921_600, 20),
    "set_baud_921600_delay200": m.SetBaud(921_600, 200),
    "set_baud_460800_delay20": m.SetBaud(460_800, 20),
    "set_baud_1500000_delay20": m.SetBaud(1_500_000, 20),
    "set_baud_2000000_delay20": m.SetBaud(2_000_000, 20),
    "set_baud_115200_delay20": m.SetBaud(115_200, 20),
    "read_boot_version": m.ReadBootVersion(),
    "check_crc_0x11000_4k_inclusive": m.CheckCrc(0x11000, 0x11FFF),
    "check_crc_0x11000_4k_exclusive": m.CheckCrc(0x11000, 0x12000),
    "check_crc_blank_256": m.CheckCrc(0x30000, 0x300FF),
    "check_crc_blank_4k": m.CheckCrc(0x30000, 0x30FFF),
    "check_crc_blank_64k": m.CheckCrc(0x30000, 0x3FFFF),
    "check_crc_4_bytes": m.CheckCrc(0x11000, 0x11003),
    "check_crc_fingerprint": m.CheckCrc(0, 0x100),
    "reboot": m.Reboot(0xA5),
    "reboot_wrong_parameter": m.Reboot(0),
    "reset_sean": m.RomReset(b"SEAN"),
    "reset_wrong_magic": m.RomReset(b"XXXX"),
    "reset_fe": m.UnknownCommand(0xFE, bytes.fromhex("95279527"), is_long=False),
    "read4k_0x11000": m.Read4K(0x11000),
    "read4k_wrap_0x211000": m.Read4K(0x211000),
    "read4k_0x0": m.Read4K(0),
    "flash_read_8_bytes": m.FlashRead(0x110, 8),
    "flash_read_malformed_hid": m.Write4K(0x110, b"\x08\0"),
    "erase_4k_0x12000": m.Erase(0x20, 0x12000),
    "erase_64k_0x20000": m.Erase(0xD8, 0x20000),
    "erase_4k_0x11000_capture": m.Erase(0x20, 0x11000),
    "erase_32k_0x30000": m.Erase(0x52, 0x30000),
    "erase_4k_0x1000": m.Erase(0x20, 0x1000),
    "erase_4k_wrap_0x20a000": m.Erase(0x20, 0x20A000),
    "erase4k_old_0x12000": m.Erase4K(0x12000),
    "erase_all": m.EraseAll(4),
    "write4k_0x12000": m.Write4K(0x12000, SECTOR),
    "write4k_0x1000": m.Write4K(0x1000, SECTOR),
    "write4k_0x3000_blank": m.Write4K(0x3000, b"\xff" * 4096),
    "flash_write_16": m.FlashWrite(0x20400, COUNTING[:16]),
    "flash_write_256": m.FlashWrite(0x20500, COUNTING),
    "flash_write_protected": m.FlashWrite(0x1000, COUNTING[:16]),
    "read_sr_05": m.ReadStatus(0x05),
    "read_sr_35": m.ReadStatus(0x35),
    "read_sr_15": m.ReadStatus(0x15),
    "write_sr_1byte": m.WriteStatus(0x01, b"\0"),
    "write_sr_2byte": m.WriteStatus(0x01, b"\0\x02"),
    "write_sr_2byte_zero": m.WriteStatus(0x01, b"\0\0"),
    "write_sr2_separate": m.WriteStatus(0x31, b"\0"),
    "get_mid": m.SpiExchange(b"\x9f\0\0\0"),
    "spi_release_power_down": m.SpiExchange(b"\xab\0\0\0"),
    "spi_unique_id": m.SpiExchange(b"\x4b" + bytes(12)),
}
REPLIES = {
    "link_check_reply": m.Linked(),
    "bl2_link_check_reply": m.ShortRefused(0x03, 0),
    "stay_rom_reply": m.Echo(0xAA, b"\x55"),
    "read_reg_chip_id_n_reply": m.Register(3, 0x800000, 0x7231C),
    "read_reg_chip_id_7238_reply": m.Register(3, 0x800000, 0x7238),
    "read_reg_chip_id_7252n_reply": m.Register(3, 0x800000, 0x7252A),
    "read_reg_device_id_reply": m.Register(3, 0x800004, 0x20521010),
    "write_reg_reply": m.Register(1, 0x800074, 1),
    "efuse_done_reply": m.Register(3, 0x800074, 0),
    "efuse_data_reply": m.Register(3, 0x800078, 0x193),
    "set_baud_921600_delay20_reply": m.BaudSet(921_600, 20),
    "set_baud_921600_delay200_reply": m.BaudSet(921_600, 200),
    "set_baud_460800_delay20_reply": m.BaudSet(460_800, 20),
    "set_baud_1500000_delay20_reply": m.BaudSet(1_500_000, 20),
    "set_baud_2000000_delay20_reply": m.BaudSet(2_000_000, 20),
    "set_baud_115200_delay20_reply": m.BaudSet(115_200, 20),
    "read_boot_version_1.0.1_reply": m.BootVersion(VERSION % b"1"),
    "read_boot_version_1.0.5_reply": m.BootVersion(VERSION % b"5"),
    "read_boot_version_1.0.6_reply": m.BootVersion(VERSION % b"6"),
    "read_boot_version_rom_reply": m.ShortRefused(0x11, 7),
    "check_crc_0x11000_4k_inclusive_reply": m.Crc(0x5D6EDF7D),
    "check_crc_0x11000_4k_exclusive_reply": m.Crc(0x5D6EDF7D),
    "check_crc_blank_256_reply": m.Crc(0x015757DE),
    "check_crc_blank_4k_reply": m.Crc(0x0EAB98F5),
    "check_crc_blank_64k_reply": m.Crc(0x215481B1),
    "check_crc_4_bytes_reply_flash_resident": m.Crc(0xFFFFFFFF),
    "check_crc_4_bytes_reply_rom": m.Crc(0x744679EC),
    "check_crc_fingerprint_n_reply": m.Crc(0xE14191BA ^ 0xFFFFFFFF),
    "check_crc_fingerprint_t105_reply": m.Crc(0xBA54C1B8 ^ 0xFFFFFFFF),
    "check_crc_fingerprint_7238_reply": m.Crc(0x9414F6DB),
    "reboot_wrong_parameter_rom_reply": m.Echo(0x0E, b"\0"),
    "reset_wrong_magic_reply": m.Echo(0x70, b"XXXX"),
    "read4k_0x11000_reply": m.SectorData(0, 0x11000, SECTOR),
    "read4k_wrap_0x211000_reply": m.SectorData(0, 0x211000, SECTOR),
    "read4k_refused_reply": m.SectorData(6, 0, b"\0"),
    "read4k_0xf000_refused_reply": m.SectorData(6, 0xF000, b"\0"),
    "read4k_rom_error_reply": m.SectorData(4, 0x11000, b""),
    "flash_read_8_bytes_reply": m.FlashData(0, 0x110, b"BK7231\0\0"),
    "erase_4k_0x12000_reply": m.Erased(0, 0x20, 0x12000),
    "erase_64k_0x20000_reply": m.Erased(0, 0xD8, 0x20000),
    "erase_32k_0x30000_reply": m.Erased(0, 0x52, 0x30000),
    "erase_4k_refused_reply": m.Erased(6, 0x20, 0x1000),
    "erase_4k_wrap_0x20a000_reply": m.Erased(0, 0x20, 0x20A000),
    "erase4k_old_0x12000_reply": m.SectorErased(0, 0x12000),
    "erase_all_reply": m.AllErased(0, 4),
    "write4k_0x12000_reply": m.Programmed(0, 0x12000),
    "write4k_refused_t_reply": m.Programmed(6, 0x20E0),
    "write4k_refused_u_reply": m.Programmed(6, 0x2000),
    "write4k_0x3000_reply": m.Programmed(0, 0x3000),
    "write4k_rom_short_reply": m.Programmed(5, 0x12000),
    "flash_write_16_reply": m.Written(0, 0x20400, 16),
    "flash_write_256_reply": m.Written(0, 0x20500, 0),
    "flash_write_refused_reply": m.Written(6, 0x1000, 16),
    "read_sr_05_reply": m.StatusRegister(0, 0x05, 0x7C),
    "read_sr_35_reply": m.StatusRegister(0, 0x35, 0x40),
    "read_sr_15_reply": m.StatusRegister(0, 0x15, 0x00),
    "read_sr_05_capture_7238": m.StatusRegister(0, 0x05, 0x04),
    "write_sr_1byte_reply": m.StatusWritten(0, 0x01, b"\0"),
    "write_sr_2byte_reply": m.StatusWritten(0, 0x01, b"\0\x02"),
    "write_sr_2byte_zero_reply": m.StatusWritten(0, 0x01, b"\0\0"),
    "get_mid_p25q16hb_capture_reply": m.SpiData(0, bytes.fromhex("00854215")),
    "get_mid_en25qh16b_reply": m.SpiData(0, bytes.fromhex("001c7015")),
    "get_mid_th25q16hb_reply": m.SpiData(0, bytes.fromhex("00eb6015")),
    "get_mid_p25q16hbk_reply": m.SpiData(0, bytes.fromhex("00852015")),
    "get_mid_gd25wq16e_reply": m.SpiData(0, bytes.fromhex("00c86515")),
    "get_mid_failed_reply": m.SpiData(0, bytes(4)),
    "rom_unknown_short": m.ShortRefused(0x02, 7),
    "rom_unknown_long": m.LongRefused(0x54, 7),
    "rom_bad_length_reply": m.ShortIncomplete(bytes.fromhex("030011")),
}
NO_MESSAGE = {  # what is no frame, or not one by its own length: tests of its own below
    "ascii_reboot",
    "rom_bad_length_request",
    "system_error_event",
    "get_mid_len5_reply",
}
# a loader adds one count byte to a refused Read4K; reading it back, only the refusal counts
REFUSED_WITH_COUNT = {"read4k_refused_reply", "read4k_0xf000_refused_reply"}


def cut_command(data, chunk=None):
    """The command in a frame, as a chip's receiver would cut it out."""
    receiver = Receiver(takes_repeated_01=False, streams_writes=False)
    heard = None
    for at in range(0, len(data), chunk or len(data)):
        part = data[at : at + (chunk or len(data))]
        used, heard = receiver.take(part)
        assert used == len(part)
    return decode_command(heard.code, heard.payload, is_long=heard.is_long)


def cut_replies(*chunks):
    buffer = ReplyBuffer()
    replies = []
    for chunk in chunks:
        buffer.feed(chunk)
        while (frame := buffer.next_frame()) is not None:
            replies.append(decode_reply(frame))
    return replies, buffer


def test_every_frame_has_a_message():
    named = {**COMMANDS, **REPLIES}
    assert named.keys() | NO_MESSAGE == FRAMES.keys()
    assert {FRAMES[name].kind for name in COMMANDS} == {"command"}
    assert {FRAMES[name].kind for name in REPLIES} == {"reply"}


def test_every_message_class_has_a_vector():
    with_vectors = {type(message) for message in (*COMMANDS.values(), *REPLIES.values())}
    assert with_vectors == set(typing.get_args(m.Command)) | set(typing.get_args(m.Reply))


@pytest.mark.parametrize("name", COMMANDS)
def test_command_vectors_both_ways(name):
    data, command = FRAMES[name].data, COMMANDS[name]
    assert encode_command(command) == data
    assert cut_command(data) == command
    if len(data) < 100:
        assert cut_command(data, chunk=1) == command


@pytest.mark.parametrize("name", REPLIES)
def test_reply_vectors_both_ways(name):
    data, reply = FRAMES[name].data, REPLIES[name]
    assert encode_reply(reply) == data
    replies, buffer = cut_replies(data)
    if name in REFUSED_WITH_COUNT:
        reply = m.SectorData(reply.status, reply.address, b"")
    assert replies == [reply]
    assert (buffer.waiting, buffer.discarded) == (0, 0)


def test_a_flash_id_with_length_field_5_is_cut_by_its_length():
    replies, buffer = cut_replies(FRAMES["get_mid_len5_reply"].data)
    assert replies == [m.SpiData(0, bytes.fromhex("001c70"))]
    assert buffer.waiting == 0
    assert buffer.discarded == 1


def test_a_crash_report_is_no_reply():
    frame = ReplyBuffer()
    frame.feed(FRAMES["system_error_event"].data)
    with pytest.raises(CorruptFrame):
        decode_reply(frame.next_frame())


def test_replies_are_found_between_noise_and_the_noise_is_counted():
    link = FRAMES["link_check_reply"].data
    replies, buffer = cut_replies(b"\x00\x04" + link + b"\x04\x0e\xfe" + link + b"\x04\x0e")
    assert replies == [m.Linked()] * 2
    assert (buffer.discarded, buffer.waiting) == (5, 2)


def test_a_declared_size_beyond_the_protocol_is_noise():
    too_long = bytes.fromhex("040eff01e0fcf4") + (MAX_LONG_REPLY + 1).to_bytes(2, "little")
    replies, _ = cut_replies(too_long + FRAMES["link_check_reply"].data)
    assert replies == [m.Linked()]


@pytest.mark.parametrize(
    ("code", "payload", "is_long"),
    [
        (0x00, b"\0", False),
        (0x03, b"\0\0\0", False),
        (0x10, bytes(7), False),
        (0x09, bytes(5), True),
        (0x07, bytes(3), True),
        (0x0D, b"\x01", True),
        (0x0E, b"", True),
    ],
)
def test_a_command_of_the_wrong_size_is_a_corrupt_frame(code, payload, is_long):
    with pytest.raises(CorruptFrame):
        decode_command(code, payload, is_long=is_long)


def test_status_codes_in_words():
    assert m.status_meaning(6) == "the address is protected"
    assert m.status_meaning(99) == "unknown status"


# --- properties ----------------------------------------------------------------------------------

u8, u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFFFFFF)
some = st.binary(min_size=1, max_size=64)
commands = st.one_of(
    st.just(m.LinkCheck()),
    st.just(m.ReadBootVersion()),
    st.builds(m.StayRom, u8),
    st.builds(m.ReadReg, u32),
    st.builds(m.WriteReg, u32, u32),
    st.builds(m.Reboot, u8),
    st.builds(m.RomReset, st.binary(min_size=4, max_size=4)),
    st.builds(m.SetBaud, u32, u8),
    st.builds(m.CheckCrc, u32, u32),
    st.builds(m.FlashWrite, u32, some),
    st.builds(m.Write4K, u32, some),
    st.builds(m.FlashRead, u32, u8),
    st.builds(m.Read4K, u32),
    st.builds(m.EraseAll, u8),
    st.builds(m.Erase4K, u32),
    st.builds(m.Erase, u8, u32),
    st.builds(m.ReadStatus, u8),
    st.builds(m.WriteStatus, u8, some),
    st.builds(m.SpiExchange, some),
)
sector = st.sampled_from([SECTOR, b"\xff" * 4096])
replies_made = st.one_of(
    st.just(m.Linked()),
    st.builds(m.Echo, st.sampled_from([0xAA, 0x0E]), st.binary(min_size=1, max_size=1)),
    st.builds(m.Echo, st.just(0x70), st.binary(min_size=4, max_size=4)),
    st.builds(m.Register, st.sampled_from([1, 3]), u32, u32),
    st.builds(m.BaudSet, u32, u8),
    st.builds(m.Crc, u32),
    st.builds(m.BootVersion, st.binary(min_size=2, max_size=16)),
    st.builds(m.SectorData, u8, u32, sector),
    st.builds(m.FlashData, u8, u32, st.binary(max_size=255)),
    st.builds(m.Programmed, u8, u32),
    st.builds(m.Written, u8, u32, u8),
    st.builds(m.Erased, u8, u8, u32),
    st.builds(m.SectorErased, u8, u32),
    st.builds(m.AllErased, u8, u8),
    st.builds(m.StatusRegister, u8, u8, u8),
    st.builds(m.StatusWritten, u8, u8, some),
    st.builds(m.SpiData, u8, some),
    st.builds(m.LongRefused, u8, u8),
    st.builds(m.ShortIncomplete, st.binary(min_size=1, max_size=20)),
)


@given(commands)
def test_commands_come_back(command):
    assert cut_command(encode_command(command)) == command


@given(replies_made)
def test_replies_come_back(reply):
    assert cut_replies(encode_reply(reply))[0] == [reply]


@given(
    st.lists(
        st.one_of(replies_made.map(encode_reply), st.binary(max_size=12)), min_size=1, max_size=5
    ),
    st.lists(st.integers(1, 5000), max_size=6),
)
def test_chunking_changes_nothing(parts, cuts):
    stream = b"".join(parts)
    whole = ReplyBuffer()
    whole.feed(stream)
    frames = []
    while (frame := whole.next_frame()) is not None:
        frames.append(frame)
    pieces = ReplyBuffer()
    seen, at = [], 0
    for cut in [*cuts, len(stream)]:
        pieces.feed(stream[at : at + cut])
        at = min(at + cut, len(stream))
        while (frame := pieces.next_frame()) is not None:
            seen.append(frame)
    assert seen == frames
    assert pieces.waiting == whole.waiting


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_garbage_is_a_frame_more_or_a_corrupt_frame(chunks):
    buffer = ReplyBuffer()
    for chunk in chunks:
        buffer.feed(chunk)
        while (frame := buffer.next_frame()) is not None:
            try:
                decode_reply(frame)
            except CorruptFrame:
                continue
    assert buffer.waiting <= MAX_LONG_REPLY + 9


@given(u8, st.one_of(st.none(), u8), st.binary(max_size=64))
def test_any_cut_out_reply_decodes_or_is_corrupt(code, status, payload):
    try:
        reply = decode_reply(ReplyFrame(code, status, payload))
    except CorruptFrame:
        return
    assert encode_reply(reply)


@given(u8, st.binary(max_size=64), st.booleans())
def test_any_cut_out_command_decodes_or_is_corrupt(code, payload, is_long):
    try:
        command = decode_command(code, payload, is_long=is_long)
    except CorruptFrame:
        return
    assert cut_command(encode_command(command)) == command
