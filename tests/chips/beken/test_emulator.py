"""The emulated modules against what real loader code answered, and against the documented rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chips.beken.beken_frames import COUNTING, FRAMES
from groundwire.chips.beken.application import Application
from groundwire.chips.beken.codec import ReplyBuffer, decode_reply, encode_command
from groundwire.chips.beken.emulator import BekenEmulator, State
from groundwire.chips.beken.facts import all_chips
from groundwire.chips.beken.messages import (
    CheckCrc,
    Crc,
    Erase,
    Erase4K,
    FlashWrite,
    LinkCheck,
    Programmed,
    Read4K,
    ReadReg,
    ReadStatus,
    Reboot,
    Register,
    RomReset,
    SectorData,
    SetBaud,
    SpiExchange,
    StayRom,
    Write4K,
    WriteReg,
    WriteStatus,
)
from groundwire.chips.beken.options import BekenOptions, Start
from groundwire.chips.nor_flash import FlashQuirks, NorFlash

ROM_CHIPS = ["BK7231N", "BK7231M", "BK7238", "BK7252N"]
LOADER_CHIPS = ["BK7231T", "BK7231U", "BK7252"]
SIZE = 2 << 20
BYTE_S = 10 / 115_200
LINK = encode_command(LinkCheck())
LINKED = FRAMES["link_check_reply"].data
SECTOR = COUNTING * 16
BLANK = b"\xff" * 4096


def device_of_the_runs(jedec_id="1c7015", size=SIZE, status=0, marker=b""):
    """The flash on which the real loaders were executed."""
    content = bytearray(b"\xff" * size)
    content[0x110 : 0x110 + len(marker)] = marker
    content[0x11000:0x12000] = SECTOR
    content[0x20000:0x20100] = COUNTING
    return NorFlash(content, jedec_id, status=status)


class Talk:
    """A host with its hands on a module: sends, lets time pass, keeps what came and when."""

    def __init__(self, chip, flash=None, now=1.0, **options):
        options.setdefault("start", Start.LINKED)
        self.module = BekenEmulator(chip, flash, BekenOptions(**options))
        self.flash = self.module.flash
        self.now = now
        self.emissions = []

    def send(self, data, byte_s=BYTE_S, at=None):
        self.now = self.now if at is None else at
        self.module.advance(self.now)
        if data:
            self.module.on_bytes(data, self.now + byte_s, byte_s)
        self.now += byte_s * len(data)
        return self

    def wait(self, seconds):
        """Let time pass event by event, as a host does."""
        until = self.now + seconds
        while True:
            event = self.module.next_event_s()
            if event is None or event > until:
                break
            self.module.advance(event)
            self._collect()
            later = self.module.next_event_s()
            assert later is None or later > event
        self.module.advance(until)
        self._collect()
        self.now = until
        return self

    def _collect(self):
        self.emissions += self.module.take_output()

    def heard(self):
        data = b"".join(emission.data for emission in self.emissions)
        self.emissions = []
        return data

    def ask(self, command, within_s=0.09):
        """The bytes that come back for one command; a loader stays linked meanwhile."""
        self.heard()
        data = command if isinstance(command, bytes) else encode_command(command)
        self.send(data)
        deadline = self.now + within_s
        while not self.emissions:
            event = self.module.next_event_s()
            if event is None or event > deadline:
                self.wait(deadline - self.now)
                break
            self.wait(max(event - self.now, 0.0))
        if self.emissions:
            last = self.emissions[-1]
            left = last.start_s + len(last.data) * 10 / last.baudrate - self.now
            self.wait(max(left, 0))
        return self.heard()

    def reply(self, command, within_s=0.09):
        buffer = ReplyBuffer()
        buffer.feed(self.ask(command, within_s))
        frame = buffer.next_frame()
        assert buffer.waiting == 0
        return None if frame is None else decode_reply(frame)


# --- replays -------------------------------------------------------------------------------------


def pairs(*labels):
    """Commands and replies of the frame table that belong together by their names."""
    for name, reply in FRAMES.items():
        if not name.endswith("_reply") or not any(label in reply.source for label in labels):
            continue
        command = FRAMES.get(name.removesuffix("_reply"))
        if command is not None and command.kind == "command":
            yield command.name, name


LOADER_PAIRS = [
    *pairs("device-code"),
    ("check_crc_4_bytes", "check_crc_4_bytes_reply_flash_resident"),
    ("write4k_0x3000_blank", "write4k_0x3000_reply"),
    ("erase_4k_0x1000", "erase_4k_refused_reply"),
    ("read4k_0x0", "read4k_refused_reply"),
    ("flash_write_protected", "flash_write_refused_reply"),
]
# silent (executed): everything that only boot ROMs know
LOADER_SILENT = [
    "stay_rom", "read_reg_chip_id_n", "efuse_start_byte0", "reset_sean", "get_mid", "read_sr_05",
    "write_sr_1byte", "write_sr_2byte", "erase4k_old_0x12000", "erase_all", "flash_read_8_bytes",
    "bl2_link_check", "reset_fe", "reboot_wrong_parameter",
]  # fmt: skip
ROM_PAIRS = [
    ("link_check", "link_check_reply"),
    ("stay_rom", "stay_rom_reply"),
    ("read_reg_chip_id_n", "read_reg_chip_id_n_reply"),
    ("read_reg_device_id", "read_reg_device_id_reply"),
    ("efuse_start_byte0", "write_reg_reply"),
    ("set_baud_921600_delay20", "set_baud_921600_delay20_reply"),
    ("read_boot_version", "read_boot_version_rom_reply"),
    ("check_crc_0x11000_4k_inclusive", "check_crc_0x11000_4k_inclusive_reply"),
    ("check_crc_blank_256", "check_crc_blank_256_reply"),
    ("check_crc_blank_64k", "check_crc_blank_64k_reply"),
    ("check_crc_4_bytes", "check_crc_4_bytes_reply_rom"),
    ("reboot_wrong_parameter", "reboot_wrong_parameter_rom_reply"),
    ("reset_wrong_magic", "reset_wrong_magic_reply"),
    ("read4k_0x11000", "read4k_0x11000_reply"),
    ("read4k_wrap_0x211000", "read4k_wrap_0x211000_reply"),
    ("flash_read_8_bytes", "flash_read_8_bytes_reply"),
    ("erase_4k_0x12000", "erase_4k_0x12000_reply"),
    ("erase_64k_0x20000", "erase_64k_0x20000_reply"),
    ("erase_32k_0x30000", "erase_32k_0x30000_reply"),
    ("erase4k_old_0x12000", "erase4k_old_0x12000_reply"),
    ("erase_all", "erase_all_reply"),
    ("write4k_0x12000", "write4k_0x12000_reply"),
    ("flash_write_16", "flash_write_16_reply"),
    ("flash_write_256", "flash_write_256_reply"),
    ("read_sr_15", "read_sr_15_reply"),
    ("write_sr_1byte", "write_sr_1byte_reply"),
    ("write_sr_2byte", "write_sr_2byte_reply"),
    ("get_mid", "get_mid_en25qh16b_reply"),
    ("bl2_link_check", "rom_unknown_short"),
    ("rom_bad_length_request", "rom_bad_length_reply"),
]


@pytest.mark.parametrize("chip", ["BK7231T", "BK7252"])
@pytest.mark.parametrize(("command", "reply"), LOADER_PAIRS)
def test_loaders_answer_as_the_executed_code_did(chip, command, reply):
    here = FRAMES[reply]
    if here.heard not in ("all", "loader", chip):
        pytest.skip(f"{reply} is not an answer of {chip}")
    size = SIZE  # the runs were made on 2 MiB, whatever the chip
    module = Talk(chip, device_of_the_runs(size=size))
    if command.startswith("set_baud"):
        module.send(FRAMES[command].data).wait(0.5)
        assert module.heard() == here.data
    else:
        assert module.ask(FRAMES[command].data, within_s=1.0) == here.data


def test_the_replays_leave_no_executed_reply_out():
    executed = {name for name, frame in FRAMES.items() if "device-code" in frame.source}
    covered = {reply for _command, reply in LOADER_PAIRS}
    # these are checked by name further down, they need another chip or another loader version
    elsewhere = {
        "read_boot_version_1.0.1_reply", "read_boot_version_1.0.5_reply",
        "read_boot_version_1.0.6_reply", "write4k_refused_t_reply", "write4k_refused_u_reply",
        "read4k_0xf000_refused_reply",
    }  # fmt: skip
    assert executed - covered <= elsewhere


def test_replies_that_differ_between_the_loaders():
    old = Talk("BK7231T", device_of_the_runs())
    assert old.ask(FRAMES["read_boot_version"].data) == FRAMES["read_boot_version_1.0.5_reply"].data
    assert old.ask(FRAMES["write4k_0x1000"].data) == FRAMES["write4k_refused_t_reply"].data
    assert old.ask(Read4K(0xF000)) == FRAMES["read4k_0xf000_refused_reply"].data
    new = Talk("BK7231U", device_of_the_runs())
    assert new.ask(FRAMES["read_boot_version"].data) == b""
    assert new.ask(LINK) == LINKED
    assert new.ask(FRAMES["write4k_0x1000"].data) == FRAMES["write4k_refused_u_reply"].data
    assert new.reply(Read4K(0xF000)) == SectorData(0, 0xF000, BLANK)


@pytest.mark.parametrize("chip", LOADER_CHIPS)
@pytest.mark.parametrize("command", LOADER_SILENT)
def test_loaders_swallow_what_they_do_not_know(chip, command):
    module = Talk(chip, device_of_the_runs())
    before = bytes(module.flash.data)
    module.send(FRAMES[command].data).wait(0.04)
    assert module.heard() == b""
    assert module.ask(LINK) == LINKED
    assert module.flash.data == before


@pytest.mark.parametrize(("command", "reply"), ROM_PAIRS)
def test_boot_rom_replies(command, reply):
    module = Talk("BK7231N", device_of_the_runs(marker=b"BK7231\0\0"))
    assert module.ask(FRAMES[command].data, within_s=5.0) == FRAMES[reply].data


@pytest.mark.parametrize(
    ("chip", "jedec_id", "reply"),
    [
        ("BK7231N", "eb6015", "get_mid_th25q16hb_reply"),
        ("BK7238", "854215", "get_mid_p25q16hb_capture_reply"),
        ("BK7238", "852015", "get_mid_p25q16hbk_reply"),
        ("BK7252N", "c86515", "get_mid_gd25wq16e_reply"),
    ],
)
def test_flash_ids(chip, jedec_id, reply):
    module = Talk(chip, NorFlash(SIZE, jedec_id))
    assert module.ask(FRAMES["get_mid"].data) == FRAMES[reply].data


@pytest.mark.parametrize("chip", ["BK7231N", "BK7238", "BK7252N"])
def test_chip_ids(chip):
    reply = {"BK7231N": "n", "BK7238": "7238", "BK7252N": "7252n"}[chip]
    command = FRAMES["read_reg_chip_id_n"].data
    assert Talk(chip).ask(command) == FRAMES[f"read_reg_chip_id_{reply}_reply"].data


def test_captured_session_on_854215_where_a_two_byte_status_write_is_ignored():
    module = Talk("BK7238", NorFlash(SIZE, "854215", status=0x04))
    assert module.ask(FRAMES["read_sr_05"].data) == FRAMES["read_sr_05_capture_7238"].data
    assert (
        module.ask(FRAMES["write_sr_2byte_zero"].data) == FRAMES["write_sr_2byte_zero_reply"].data
    )
    module.wait(0.02)
    assert module.ask(FRAMES["read_sr_05"].data) == FRAMES["read_sr_05_capture_7238"].data
    assert module.ask(FRAMES["write_sr_1byte"].data) == FRAMES["write_sr_1byte_reply"].data
    module.wait(0.02)
    assert module.reply(ReadStatus(0x05)).value == 0


def test_status_replies_of_the_frame_table():
    module = Talk("BK7231N", NorFlash(SIZE, "eb6015", status=0x407C))
    assert module.ask(FRAMES["read_sr_05"].data) == FRAMES["read_sr_05_reply"].data
    assert module.ask(FRAMES["read_sr_35"].data) == FRAMES["read_sr_35_reply"].data


def test_a_flash_that_does_not_answer():
    module = Talk("BK7231N", NorFlash(SIZE, quirks=FlashQuirks(silent=True)))
    assert module.ask(FRAMES["get_mid"].data) == FRAMES["get_mid_failed_reply"].data
    assert module.reply(CheckCrc(0, 0x100)) == Crc(0xB7BFA0CE ^ 0xFFFFFFFF)
    assert module.reply(Read4K(0)) == SectorData(0, 0, bytes(4096))


def test_flash_id_with_length_field_5():
    module = Talk("BK7231N", device_of_the_runs(), mid_length_field_5=True)
    assert module.ask(FRAMES["get_mid"].data) == FRAMES["get_mid_len5_reply"].data


# --- loader: the tables --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chip", "below", "writes_below"),
    [("BK7231T", 0x10000, 0x20E0), ("BK7231U", 0x2000, 0x2000), ("BK7252", 0x2000, 0x2000)],
)
def test_guards(chip, below, writes_below):
    module = Talk(chip, NorFlash(bytes(4 << 20 if chip == "BK7252" else SIZE)))
    for command in (Read4K, lambda at: Erase(0x20, at), lambda at: FlashWrite(at, b"\0")):
        assert module.reply(command(below - 1), 0.5).status == 6
        assert module.reply(command(below), 0.5).status == 0
    assert module.reply(Write4K(writes_below - 1, SECTOR), 0.5) == Programmed(6, writes_below)
    assert module.reply(Write4K(writes_below, SECTOR), 0.5) == Programmed(0, writes_below)
    assert module.reply(Erase(0x20, 0x80000000), 0.5).status == 6


@pytest.mark.parametrize("chip", LOADER_CHIPS)
def test_beyond_the_size(chip):
    size = 4 << 20 if chip == "BK7252" else SIZE
    flash = NorFlash(size, "ef4016" if chip == "BK7252" else "1c7015")
    flash.program(0x3000, COUNTING)
    module = Talk(chip, flash)
    assert module.reply(Read4K(size + 0x3000)).data[:256] == COUNTING
    assert module.reply(CheckCrc(size + 0x3000, size + 0x30FF)) == module.reply(
        CheckCrc(0x3000, 0x30FF)
    )
    module.ask(LINK)
    assert module.reply(Erase(0x20, size + 0x3000), 0.5).status == 0
    wraps = chip == "BK7231T"
    assert (flash.read(0x3000, 256) != COUNTING) == wraps
    assert module.reply(Write4K(size + 0x5000, SECTOR), 0.5) == Programmed(0, size + 0x5000)
    assert (flash.read(0x5000, 4096) == SECTOR) == wraps


def run_sequence(chip, sequence, jedec_id="1c7015"):
    """Erase and write 0x12000 in some order; whether the sector was erased, then written."""
    flash = NorFlash(bytes(SIZE), jedec_id, status=0x3C if jedec_id == "1c7015" else 0x7C)
    module = Talk(chip, flash)
    steps = {
        "L": LinkCheck(),
        "E": Erase(0x20, 0x12000),
        "C": CheckCrc(0x12000, 0x12FFF),
        "W": Write4K(0x12000, SECTOR),
    }
    for step in sequence:
        assert module.ask(steps[step], 1.0)
    return flash.read(0x12000, 4096)


@pytest.mark.parametrize("chip", LOADER_CHIPS)
@pytest.mark.parametrize(
    ("sequence", "left"),
    [
        ("LEW", SECTOR),
        ("LECW", BLANK),
        ("CE", bytes(4096)),
        ("LECE", BLANK),
        ("LECLW", BLANK),
        ("LECLEW", SECTOR),
        ("LW", bytes(4096)),
        ("EW", bytes(4096)),
    ],
)
def test_unprotecting_and_locking(chip, sequence, left):
    """Which orders reach the flash (executed); what does not is answered with success as well."""
    assert run_sequence(chip, sequence) == left


def test_the_old_loader_does_not_lock_a_flash_that_it_does_not_know():
    assert run_sequence("BK7231T", "LECW", "eb6015") == SECTOR
    assert run_sequence("BK7231U", "LECW", "eb6015") == BLANK


def test_loader_checksums_count_whole_pages():
    module = Talk("BK7231T", device_of_the_runs())
    exact = module.reply(CheckCrc(0x11000, 0x110FF))
    assert module.reply(CheckCrc(0x11000, 0x111FE)) == exact
    assert module.reply(CheckCrc(0x11000, 0x11100)) == exact
    assert module.reply(CheckCrc(0x11000, 0x110FE)) == Crc(0xFFFFFFFF)


@pytest.mark.parametrize("chip", ["BK7231T", "BK7252", "BK7231N"])
@pytest.mark.parametrize("command", [CheckCrc(0x2000, 0x1000), CheckCrc(0, 0x7FFFFFFF)])
def test_an_absurd_checksum_keeps_the_chip_busy_until_reset(chip, command):
    module = Talk(chip, now=0.0, start=Start.OFF)
    module.module.power(on=True, at_s=0.0)
    module.now = 0.003
    assert module.ask(LINK) == LINKED
    module.wait(0.001)
    assert module.ask(command, within_s=1.0) == b""
    assert module.ask(LINK * 200, within_s=60.0) == b""
    module.module.hold_reset(held=True, at_s=module.now)
    module.wait(0.25)
    module.module.hold_reset(held=False, at_s=module.now)
    module.wait(0.003)
    assert module.ask(LINK) == LINKED


def test_other_erase_sizes_succeed_and_do_nothing_on_a_loader():
    flash = NorFlash(bytes(SIZE), "1c7015")
    module = Talk("BK7231T", flash)
    assert module.reply(Erase(0x52, 0x30000)).status == 0
    assert module.reply(Erase(0x21, 0x30000)).status == 0
    assert flash.data.count(0) == SIZE
    assert module.reply(Erase(0xD8, 0x31234), 0.5).status == 0
    assert flash.data.count(0xFF) == 0x10000
    assert module.reply(Erase(0x20, 0x51234), 0.5).status == 0
    assert flash.read(0x51000, 4096) == BLANK


# --- loader: the parser and the ring -------------------------------------------------------------


def test_a_loader_does_not_look_again_at_the_byte_that_broke_a_header():
    for noise, answers in (
        (b"\x00\xff\x55", 1), (b"\x01", 0), (b"\x01\xe0", 0), (b"\x01\xe0\xfc\x00", 1),
        (b"\x01\xe0\x00", 1), (b"\x02\x01\x02", 1),
    ):  # fmt: skip
        module = Talk("BK7231T")
        assert module.ask(noise + LINK) == LINKED * answers, noise
        assert module.ask(LINK) == LINKED


def test_a_boot_rom_accepts_a_repeated_01():
    module = Talk("BK7231N")
    assert module.ask(b"\x01\x01\x01" + LINK[1:]) == LINKED
    assert module.ask(b"\x01\xe0" + LINK) == LINKED


def test_frames_of_length_zero_are_nothing():
    for chip in ("BK7231T", "BK7231N"):
        module = Talk(chip)
        assert module.ask(bytes.fromhex("01e0fc00") + LINK) == LINKED
        assert module.ask(bytes.fromhex("01e0fcfff40000") + LINK) == LINKED


def test_three_links_in_a_row_get_three_answers_from_a_loader_and_fewer_from_a_rom():
    assert Talk("BK7231T").send(LINK * 3).wait(0.05).heard() == LINKED * 3
    assert Talk("BK7231N").send(LINK * 3).wait(0.05).heard() in (LINKED, LINKED * 2)


def test_a_link_split_over_a_pause():
    module = Talk("BK7231T")
    module.send(LINK[:2]).wait(0.02)
    assert module.ask(LINK[2:]) == LINKED


def test_a_link_with_surplus_payload():
    longer = bytes.fromhex("01e0fc0300aabb")
    assert Talk("BK7231T").ask(longer) == LINKED
    assert Talk("BK7231N").ask(longer) == bytes.fromhex("040e0701e0fc0100")


@pytest.mark.parametrize("chip", ["BK7231T", "BK7252"])
def test_commands_in_flight_are_answered_in_order(chip):
    module = Talk(chip, device_of_the_runs(), now=1.0)
    eight = [encode_command(Read4K(0x11000 + 0x1000 * at)) for at in range(8)]
    got = module.send(b"".join(eight), byte_s=10 / 921_600).wait(4.0).heard()
    buffer = ReplyBuffer()
    buffer.feed(got)
    addresses = []
    while (frame := buffer.next_frame()) is not None:
        addresses.append(decode_reply(frame).address)
    assert addresses == [0x11000 + 0x1000 * at for at in range(8)]


def test_a_checksum_then_link_then_erase_in_one_go():
    module = Talk("BK7231T", NorFlash(bytes(SIZE), "1c7015"))
    data = b"".join(
        encode_command(command)
        for command in (CheckCrc(0x11000, 0x11FFF), LinkCheck(), Erase(0x20, 0x12000))
    )
    module.send(data).wait(0.3)
    assert module.heard().endswith(FRAMES["erase_4k_0x12000_reply"].data)
    assert module.flash.read(0x12000, 4096) == BLANK


def test_the_ring_of_a_busy_loader_loses_what_it_cannot_hold():
    module = Talk("BK7231T", NorFlash(bytes(SIZE), "1c7015"))
    fast = 10 / 2_000_000
    erase = encode_command(Erase(0xD8, 0x20000))
    assert module.send(erase + LINK * 100, byte_s=fast).wait(0.7).heard().count(LINKED) == 100
    module.ask(LINK)
    got = module.send(erase + LINK * 110, byte_s=fast).wait(0.7).heard()
    assert got.count(LINKED) < 10


def test_a_boot_rom_loses_what_comes_while_it_works():
    module = Talk("BK7231N", NorFlash(bytes(SIZE)))
    got = module.send(encode_command(Erase4K(0x12000)) + LINK * 3).wait(0.2).heard()
    assert got == FRAMES["erase4k_old_0x12000_reply"].data
    assert module.ask(LINK) == LINKED


# --- partial and overlong frames -----------------------------------------------------------------


def test_a_write_that_stops_swallows_what_follows_as_data_on_a_loader():
    module = Talk("BK7231T", NorFlash(SIZE, "1c7015"))
    frame = FRAMES["write4k_0x12000"].data
    module.send(frame[:112]).wait(30.0)
    assert module.ask(LINK, within_s=1.0) == b""
    assert module.module.state is State.LINKED
    filler = b"\xff" * (4096 - 100 - len(LINK))
    assert module.ask(filler) == FRAMES["write4k_0x12000_reply"].data
    assert module.flash.read(0x12000, 105) == COUNTING[:100] + LINK
    assert module.ask(LINK) == LINKED


def test_pages_are_programmed_while_they_arrive_on_a_loader_and_not_on_a_rom():
    frame = FRAMES["write4k_0x12000"].data
    for chip, left in (("BK7231T", COUNTING), ("BK7231N", b"\xff" * 256)):
        module = Talk(chip, NorFlash(SIZE, "1c7015"))
        module.send(frame[: 12 + 300]).wait(0.05)
        assert module.flash.read(0x12000, 256) == left
        assert module.flash.read(0x12100, 256) == b"\xff" * 256


@pytest.mark.parametrize("declared", [5000, 5 + 100, 5])
def test_a_write_of_a_wrong_size_never_ends_on_a_loader(declared):
    module = Talk("BK7231T", NorFlash(SIZE, "1c7015"))
    head = (
        bytes.fromhex("01e0fcfff4") + declared.to_bytes(2, "little") + bytes.fromhex("0700200100")
    )
    module.send(head + bytes(declared)).wait(5.0)
    assert module.ask(LINK * 300, within_s=1.0) == b""
    assert module.flash.read(0x12000 + declared // 256 * 256, 256) != b"\xff" * 256


def test_a_write_of_two_pages_works_on_a_loader_and_is_refused_by_a_rom():
    frame = encode_command(Write4K(0x12000, COUNTING * 2))
    module = Talk("BK7231T", NorFlash(SIZE, "1c7015"))
    assert module.ask(frame) == FRAMES["write4k_0x12000_reply"].data
    assert module.flash.read(0x12000, 513) == COUNTING * 2 + b"\xff"
    module = Talk("BK7231N", NorFlash(SIZE))
    assert module.reply(frame) == Programmed(4, 0x12000)
    assert module.flash.read(0x12000, 512) == b"\xff" * 512


def test_a_flash_write_of_any_size_works_on_a_loader():
    module = Talk("BK7231T", NorFlash(SIZE, "1c7015"))
    reply = module.reply(FlashWrite(0x12080, COUNTING + COUNTING[:44]), 0.5)
    assert (reply.status, reply.count) == (0, 300 & 0xFF)
    assert module.flash.read(0x12080, 301) == COUNTING + COUNTING[:44] + b"\xff"


def test_a_boot_rom_gives_up_a_frame_that_stops():
    module = Talk("BK7231N")
    module.send(FRAMES["write4k_0x12000"].data[:1000]).wait(0.09)
    assert module.heard() == b""
    assert module.wait(0.02).heard() == FRAMES["write4k_rom_short_reply"].data
    assert module.ask(LINK) == LINKED
    module.send(b"\x01\xe0").wait(0.2)
    assert module.ask(LINK) == LINKED


def test_a_boot_rom_refuses_a_read_of_the_wrong_size():
    longer = bytes.fromhex("01e0fcfff4060009") + bytes.fromhex("0010010000")
    assert Talk("BK7231N").ask(longer) == FRAMES["read4k_rom_error_reply"].data


def test_a_filler_of_ff_brings_a_loader_back_in_step_and_changes_nothing():
    """Except behind a cut in the length field, which then reads FFFF."""
    for command in (Erase(0x20, 0x12000), Write4K(0x13000, SECTOR), Read4K(0x12000)):
        frame = encode_command(command)
        for cut in (1, 2, 3, 4, 7, 8, 9, 11, 12, 13, 200, 4000):
            if cut >= len(frame):
                continue
            flash = NorFlash(bytes(0x12000) + SECTOR + BLANK + bytes(SIZE - 0x14000), "1c7015")
            module = Talk("BK7231T", flash)
            before = bytes(flash.data)
            module.send(frame[:cut]).wait(0.01)
            module.send(b"\xff" * 4200).wait(0.06)
            module.ask(LINK)
            assert module.ask(LINK) == LINKED, (command, cut)
            written = max(cut - 12, 0) if isinstance(command, Write4K) else 0
            assert flash.data[:0x13000] == before[:0x13000]
            assert flash.read(0x13000, 4096) == SECTOR[:written].ljust(4096, b"\xff")


# --- one damaged bit -----------------------------------------------------------------------------


def test_a_damaged_read_can_erase_on_a_boot_rom():
    module = Talk("BK7231N", device_of_the_runs())
    frame = bytearray(FRAMES["read4k_0x11000"].data)
    frame[7] ^= 0x02
    assert module.reply(bytes(frame)).address == 0x11000
    assert module.flash.read(0x11000, 4096) == BLANK


def test_a_damaged_erase_goes_to_the_flash_as_raw_bytes_on_a_boot_rom():
    module = Talk("BK7231N", NorFlash(bytes(SIZE)))
    frame = bytearray(FRAMES["erase_4k_0x12000"].data)
    frame[7] ^= 0x02
    assert module.ask(bytes(frame)) == bytes.fromhex("040eff01e0fcf407000d002000200100")
    assert module.flash.data == bytes(SIZE)


def test_a_damaged_address_erases_elsewhere():
    module = Talk("BK7231N", NorFlash(bytes(SIZE)))
    frame = bytearray(FRAMES["erase_4k_0x12000"].data)
    frame[11] ^= 0x04
    module.ask(bytes(frame))
    assert module.flash.wear.sectors_erased == (0x52000,)


@given(st.sampled_from(["BK7231T", "BK7231U", "BK7231N"]), st.data())
@settings(max_examples=40, deadline=None)
def test_no_single_flipped_bit_makes_a_module_raise(chip, data):
    name = data.draw(st.sampled_from([n for n, f in FRAMES.items() if f.kind == "command"]))
    frame = bytearray(FRAMES[name].data)
    bit = data.draw(st.integers(0, min(len(frame), 40) * 8 - 1))
    frame[bit // 8] ^= 1 << bit % 8
    module = Talk(chip, NorFlash(0x20000))
    module.send(bytes(frame)).wait(0.5)
    module.send(LINK * 3).wait(0.5)
    assert all(emission.data for emission in module.emissions)


# --- window, reset, idle -------------------------------------------------------------------------


def powered(chip, flash=None, **options):
    module = Talk(chip, flash, now=0.0, start=Start.OFF, **options)
    module.module.power(on=True, at_s=0.0)
    return module


@pytest.mark.parametrize("chip", ROM_CHIPS + LOADER_CHIPS)
def test_silence_in_the_window_starts_the_firmware(chip):
    module = powered(chip)
    module.wait(0.0069)
    assert module.module.state is State.WINDOW
    module.wait(0.0002)
    assert module.module.state is State.RUNNING
    assert module.send(LINK * 5).wait(1.0).heard() == b""


@pytest.mark.parametrize("chip", ROM_CHIPS + LOADER_CHIPS)
def test_a_link_in_the_window(chip):
    module = powered(chip)
    assert module.send(LINK, at=0.003).wait(0.01).heard() == LINKED
    assert module.module.state is State.LINKED


@pytest.mark.parametrize("chip", ["BK7231T", "BK7252"])
def test_any_byte_stretches_the_window_of_a_loader(chip):
    module = powered(chip)
    module.send(b"\x55", at=0.003)
    assert module.send(LINK, at=0.6).wait(0.02).heard() == LINKED
    module = powered(chip)
    module.send(b"\x55", at=0.003).send(b"\x55", at=0.7)
    module.wait(0.79 - module.now)
    assert module.module.state is State.WINDOW
    module.wait(0.02)
    assert module.module.state is State.RUNNING


def test_bytes_before_the_receiver_is_ready_are_lost():
    module = powered("BK7231T")
    module.send(b"\x55" * 4, at=0.0).wait(0.0075)
    assert module.module.state is State.RUNNING


def test_a_byte_does_not_stretch_the_window_of_a_rom_and_a_late_frame_is_too_late():
    module = powered("BK7231N")
    assert module.send(b"\x55", at=0.003).send(LINK, at=0.0068).wait(1.0).heard() == b""
    assert module.module.state is State.RUNNING


def test_a_rom_takes_nothing_but_a_link_in_the_window():
    module = powered("BK7231N")
    module.send(encode_command(ReadReg(0x800000)), at=0.003).wait(0.001)
    assert module.heard() == b""
    assert module.ask(StayRom()) == FRAMES["stay_rom_reply"].data
    assert module.module.state is State.LINKED


@pytest.mark.parametrize(
    ("byte", "window_s"),
    [(0x00, 0.005), (0x04, 0.005), (0x05, 0.005), (0x32, 0.05), (0xFF, 0.005), (0xE1, 0.0)],
)
def test_byte_0x116_is_the_window_of_a_rom(byte, window_s):
    module = powered("BK7231N", device_of_the_runs(marker=b"BK7231" + bytes([byte])))
    module.wait(0.002 + window_s - 0.0001)
    assert module.module.state is (State.WINDOW if window_s else State.STARTING)
    module.wait(0.0003)
    assert module.module.state is State.RUNNING


@pytest.mark.parametrize("content", [b"", b"BK7238", b"BK723\0"])
def test_without_its_marker_a_rom_stays(content):
    module = powered("BK7231N", device_of_the_runs(marker=content))
    module.wait(3600)
    assert module.module.state is State.WINDOW
    assert module.ask(LINK) == LINKED


def test_a_linked_loader_restarts_when_left_alone_and_a_rom_does_not():
    module = powered("BK7231T")
    module.send(LINK, at=0.003).wait(0.09)
    assert module.ask(LINK) == LINKED * 1
    for _ in range(20):
        module.wait(0.05)
        assert module.ask(LINK) == LINKED
    module.wait(0.11)
    assert module.module.resets == 2
    assert module.wait(0.02).module.state is State.RUNNING
    module = powered("BK7231N")
    module.send(LINK, at=0.003).wait(86_400)
    assert module.module.state is State.LINKED


def test_the_wait_of_a_speed_change_and_a_long_checksum_are_no_idleness():
    module = Talk("BK7231T")
    module.send(LINK).wait(0.01)
    assert module.send(encode_command(SetBaud(921_600, 200))).wait(0.45).heard()
    module = Talk("BK7231T")
    assert module.reply(CheckCrc(0x0, SIZE - 1), 5.0) is not None


def test_reboot_opens_a_new_window_on_a_loader_and_starts_the_flash_from_a_rom():
    module = Talk("BK7231T")
    module.send(encode_command(Reboot())).wait(0.003)
    assert module.module.state is State.WINDOW
    assert module.ask(LINK) == LINKED
    module = Talk("BK7231N")
    assert module.ask(Reboot()) == b""
    assert module.module.state is State.RUNNING
    module = Talk("BK7231N")
    module.send(encode_command(RomReset())).wait(0.003)
    assert module.ask(LINK) == LINKED


def test_reset_cuts_off_a_reply_and_power_off_silences():
    module = Talk("BK7231N", device_of_the_runs())
    module.send(FRAMES["read4k_0x11000"].data)
    start = module.now
    module.module.advance(start)
    module.module.hold_reset(held=True, at_s=start + 0.1)
    module.module.advance(start + 1)
    (emission,) = module.module.take_output()
    assert 1000 < len(emission.data) < 1200
    module.module.hold_reset(held=False, at_s=start + 1)
    module.module.power(on=False, at_s=start + 1.001)
    module.now = start + 1.01
    assert module.ask(LINK * 3, 1.0) == b""
    assert module.module.next_event_s() is None


def test_power_that_comes_while_reset_is_held():
    module = Talk("BK7231N", start=Start.OFF, now=0.0)
    module.module.hold_reset(held=True, at_s=0.0)
    module.module.power(on=True, at_s=0.1)
    assert module.wait(1.0).module.state is State.HELD
    module.module.hold_reset(held=False, at_s=1.5)
    module.now = 1.5
    module.wait(0.003)
    assert module.ask(LINK) == LINKED


# --- what lives in flash -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chip", "command", "lives"),
    [
        ("BK7231T", Erase(0x20, SIZE + 0xA000), False),
        ("BK7231T", Write4K(0x3000, bytes(4096)), False),
        ("BK7231T", Erase(0x20, 0x11000), True),
        ("BK7231U", Erase(0x20, 0x2000), False),
        ("BK7231U", Erase(0x20, 0x3000), True),
        ("BK7231U", Erase(0x20, SIZE + 0x2000), True),
        ("BK7231N", Erase(0x20, 0x0), True),
    ],
)
def test_a_loader_that_lost_its_code_is_dead_after_the_next_reset(chip, command, lives):
    module = Talk(chip)
    assert module.reply(command, 0.5).status == 0
    assert module.ask(LINK) == LINKED
    module.module.power(on=False, at_s=module.now)
    module.module.power(on=True, at_s=module.now + 1)
    module.now += 1.003
    assert (module.ask(LINK) == LINKED) == lives


def test_an_erased_flash_is_dead_on_a_loader_chip_and_always_linked_on_a_rom_chip():
    assert powered("BK7231T", NorFlash(SIZE)).wait(0.003).ask(LINK) == b""
    assert powered("BK7231N", NorFlash(SIZE)).wait(60).ask(LINK) == LINKED


# --- speed ---------------------------------------------------------------------------------------

LOADER_RATES = {
    115_200: 115_044, 230_400: 230_088, 460_800: 464_286, 921_600: 928_571, 1_000_000: 1_000_000,
    1_152_000: 1_130_435, 1_500_000: 1_529_412, 2_000_000: 2_000_000, 2_600_000: 2_600_000,
    3_000_000: 2_888_889, 5_200_000: 5_200_000,
}  # fmt: skip
ROM_RATES = LOADER_RATES | {
    115_200: 115_556, 230_400: 232_143, 1_152_000: 1_181_818, 3_000_000: 3_250_000,
}  # fmt: skip


@pytest.mark.parametrize(("chip", "rates"), [("BK7231T", LOADER_RATES), ("BK7231N", ROM_RATES)])
def test_divisors(chip, rates):
    for asked, real in rates.items():
        module = Talk(chip)
        assert module.module.baudrate == pytest.approx(rates[115_200], abs=1)
        module.send(encode_command(SetBaud(asked, 20)))
        module.module.advance(module.now + 1e-9)
        assert module.module.baudrate == pytest.approx(real, abs=1), asked
        module.wait(0.045)
        (emission,) = module.emissions
        wait_s = 21 * 0.002 if chip == "BK7231T" else 0.020
        assert emission.start_s - module.now + 0.045 == pytest.approx(wait_s, abs=1e-6)
        assert emission.baudrate == pytest.approx(real, abs=1)


@pytest.mark.parametrize("rate", [0, 1, 4_000_000_000])
def test_absurd_rates_are_limited(rate):
    module = Talk("BK7231T")
    module.send(encode_command(SetBaud(rate, 0)))
    module.module.advance(module.now + 0.001)
    assert 3000 < module.module.baudrate <= 5_200_000


def test_a_reset_brings_the_link_rate_back():
    module = Talk("BK7231T")
    module.ask(SetBaud(921_600, 20))
    module.send(encode_command(Reboot())).wait(0.003)
    assert module.module.baudrate == pytest.approx(115_044, abs=1)


def test_how_long_things_take():
    module = Talk("BK7231N", NorFlash(bytes(SIZE)))

    def took(command):
        module.wait(0.01)
        module.send(encode_command(command))
        ended = module.now
        module.wait(15.0)
        (emission,) = module.emissions
        module.heard()
        return emission.start_s - ended

    assert took(LinkCheck()) == pytest.approx(0)
    assert took(Read4K(0)) == pytest.approx(0.001)
    assert took(Erase4K(0x12000)) == pytest.approx(0.045)
    assert took(Erase(0x52, 0x20000)) == pytest.approx(0.2)
    assert took(Erase(0xD8, 0x20000)) == pytest.approx(0.35)
    assert took(Write4K(0x12000, SECTOR)) == pytest.approx(16 * 0.0006)
    assert took(CheckCrc(0, SIZE - 1)) == pytest.approx(SIZE / 600_000)


def test_an_erase_that_takes_too_long_is_reported_busy_by_a_rom():
    module = Talk("BK7231N", NorFlash(bytes(SIZE)))
    assert module.ask(bytes.fromhex("01e0fcfff402000a01"), 3.0) == bytes.fromhex(
        "040eff01e0fcf403000a0101"
    )
    assert module.reply(ReadStatus(0x05)).value == 0x01
    assert module.reply(Read4K(0x1000), 5.0).data == BLANK
    assert module.reply(ReadStatus(0x05)).value == 0x00


# --- registers, eFuse, raw SPI -------------------------------------------------------------------


def read_efuse(module, count=16):
    out = bytearray()
    for index in range(count):
        old = module.reply(ReadReg(0x800074)).value
        module.reply(WriteReg(0x800074, old & ~0x1F02 | index << 8 | 1))
        assert module.reply(ReadReg(0x800074)).value & 1 == 0
        value = module.reply(ReadReg(0x800078)).value
        assert value & 0x100
        out.append(value & 0xFF)
    return bytes(out)


def test_efuse_key_by_chip():
    tuya = "93b00f51dceacba37ea1935903ebadc7"
    assert read_efuse(Talk("BK7231N")).hex() == tuya
    assert read_efuse(Talk("BK7231M")) == bytes(16)
    same = read_efuse(Talk("BK7238"))
    assert same == same[:4] * 4 != bytes(16)
    chosen = Talk("BK7231N", efuse_key=(1, 2, 3, 4))
    assert read_efuse(chosen)[:5] == b"\x01\0\0\0\x02"
    first = Talk("BK7231N")
    first.ask(FRAMES["efuse_start_byte0"].data)
    assert first.ask(FRAMES["efuse_data_read"].data) == FRAMES["efuse_data_reply"].data


def test_registers_keep_what_is_written():
    module = Talk("BK7231N")
    module.reply(WriteReg(0x802000, 0x1234))
    assert module.reply(ReadReg(0x802000)) == Register(3, 0x802000, 0x1234)


def test_status_writes_are_seen_busy_when_read_at_once():
    module = Talk("BK7231N", NorFlash(SIZE, "eb6015", status=0x4004))
    module.ask(WriteStatus(0x01, b"\0\0"))
    assert module.reply(ReadStatus(0x05)).value == 0x01
    module.wait(0.01)
    assert module.reply(ReadStatus(0x05)).value == 0
    assert module.reply(ReadStatus(0x35)).value == 0


def test_raw_spi_reaches_the_flash():
    module = Talk("BK7231N", NorFlash(SIZE))
    unique = module.reply(SpiExchange(b"\x4b" + bytes(12))).data
    assert unique[5:] == module.flash.unique_id
    module.reply(SpiExchange(b"\xb9"))
    assert module.reply(SpiExchange(b"\x9f\0\0\0")).data == b"\xff" * 4
    module.reply(SpiExchange(b"\xab\0\0\0"))
    assert module.reply(SpiExchange(b"\x9f\0\0\0")).data[1:].hex() == "eb6015"


def test_protected_flash_is_answered_with_success_by_a_rom():
    module = Talk("BK7231N", NorFlash(bytes(SIZE), status=0x7C))
    assert module.reply(Erase(0x20, 0x12000)).status == 0
    assert module.flash.data == bytes(SIZE)


# --- power cuts and weak supplies ----------------------------------------------------------------


@pytest.mark.parametrize("chip", ["BK7231T", "BK7231N"])
def test_a_power_cut_in_an_erase_silences_the_module_until_power_comes_back(chip):
    module = Talk(chip)
    module.flash.program(0x12000, SECTOR)
    module.flash.cut_at_operation = module.flash.wear.operations + 1
    module.ask(LINK)
    assert module.ask(Erase(0x20, 0x12000), 0.5) == b""
    assert module.module.state is State.OFF
    assert module.flash.read(0x12000, 4096) == bytes(4096)  # nobody reads a dead flash
    module.module.power(on=True, at_s=module.now)
    module.wait(0.003)
    assert module.ask(LINK) == LINKED
    assert module.flash.read(0x12000, 4096) not in (SECTOR, BLANK)


def test_a_power_cut_in_a_write_leaves_the_pages_before_it():
    module = Talk("BK7231T")
    module.flash.cut_at_operation = 3
    assert module.ask(Write4K(0x12000, bytes(4096)), 0.5) == b""
    assert module.flash.data[0x12000:0x12200] == bytes(512)
    assert module.flash.data[0x12300:0x13000] == b"\xff" * 0xD00


def test_the_firmware_prints_its_boot_text():
    text = b"V:BK7231S_1.0.5\r\n"
    module = powered("BK7231T", application=Application(boot_text=text, baudrate=9600.0))
    assert module.wait(1.0).heard() == text
    assert module.module.baudrate == 9600.0


def test_a_weak_supply_restarts_the_module_with_a_cut_banner_for_ever():
    text = b"firmware of nobody, version 1\r\n" * 20
    module = powered("BK7231N", application=Application(boot_text=text), brownout_after_s=0.06)
    module.wait(0.7)
    parts = [emission.data for emission in module.emissions]
    assert len(parts) >= 10
    assert all(text.startswith(part) and 0 < len(part) < len(text) for part in parts)
    before = module.module.resets
    module.heard()
    for _ in range(100):  # the window after each restart is there all the same
        module.send(LINK).wait(0.001)
    assert LINKED in module.heard()
    assert module.module.resets <= before + 2


@pytest.mark.parametrize("line", [b"reboot\n", b"reboot\r\n", b"junk\r\nreboot\r\n"])
def test_a_console_that_knows_reboot(line):
    module = Talk("BK7231N", start=Start.RUNNING, application=Application(console_reboot=True))
    module.send(line[:3]).wait(0.5)
    module.send(line[3:]).wait(0.003)
    assert module.ask(LINK) == LINKED


def test_a_console_line_is_nothing_to_a_silent_firmware():
    module = Talk("BK7231N", start=Start.RUNNING)
    module.send(b"reboot\r\n").send(LINK * 20).wait(0.1)
    assert module.heard() == b""
    assert module.module.state is State.RUNNING


def test_a_firmware_that_restarts_on_a_link_check():
    application = Application(restarts_on_link_check=True)
    module = Talk("BK7231T", start=Start.RUNNING, application=application)
    for _ in range(10):
        module.send(LINK).wait(0.001)
    assert LINKED in module.wait(0.01).heard()


def test_bytes_that_arrive_all_at_once():
    """As from a pty, where nothing paces them."""
    module = Talk("BK7231T", device_of_the_runs())
    module.send(FRAMES["write4k_0x12000"].data, byte_s=0.0)
    assert module.wait(0.05).heard() == FRAMES["write4k_0x12000_reply"].data
    assert module.send(FRAMES["read4k_0x11000"].data, byte_s=0.0).wait(0.5).heard() == (
        FRAMES["read4k_0x11000_reply"].data
    )


# --- any bytes at any time -----------------------------------------------------------------------

FRAGMENTS = [frame.data for frame in FRAMES.values() if len(frame.data) < 300]


@given(
    st.sampled_from([chip.name for chip in all_chips()]),
    st.lists(
        st.tuples(
            st.one_of(st.binary(max_size=30), st.sampled_from(FRAGMENTS)),
            st.sampled_from([0.0, 0.0003, 0.004, 0.12]),
        ),
        max_size=12,
    ),
)
@settings(max_examples=40, deadline=None)
def test_garbage_never_raises_and_time_never_stands_still(chip, pieces):
    module = Talk(chip, NorFlash(0x20000))
    for data, pause in pieces:
        module.send(data).wait(pause)
    module.wait(1.0)
    for before, after in zip(module.emissions, module.emissions[1:], strict=False):
        end = before.start_s + len(before.data) * 10 / before.baudrate
        assert after.start_s >= end - 1e-9  # one transmitter, one byte at a time


@given(st.lists(st.integers(1, 2000), max_size=12))
@settings(max_examples=12, deadline=None)
def test_chunking_and_polling_change_nothing(cuts):
    stream = LINK + FRAMES["write4k_0x12000"].data + FRAMES["flash_write_16"].data
    for chip in ("BK7231T", "BK7231N"):
        whole = Talk(chip, NorFlash(0x40000, "1c7015")).send(stream).wait(0.5)
        parts = Talk(chip, NorFlash(0x40000, "1c7015"))
        at = 0
        for cut in [*cuts, len(stream)]:
            parts.send(stream[at : at + cut])
            parts.module.advance(parts.now)
            at += cut
        parts.wait(0.5)
        assert parts.heard() == whole.heard()
        assert parts.flash.data == whole.flash.data
